/**
 * `rdg connect --merge`: all ranks in one session. With debuggers that all use the same numbers, and
 * with real ones on this host.
 */

import assert from "node:assert/strict";
import { waitUntil } from "../../../cluster/process.ts";
import { DapClient } from "../../../support/dap.ts";
import { evaluate } from "../../../support/debugging.ts";
import { FakeEditor, FakeRank } from "./fake_ranks.ts";
import { leave, line, Ranks } from "./ranks.ts";

const stop = { reason: "breakpoint", threadId: 1, allThreadsStopped: true };

Deno.test("merge: equal numbers of two ranks lead to the rank that they came from", async () => {
  const ranks = [new FakeRank(0), new FakeRank(1)];
  await using editor = new FakeEditor(ranks);
  await editor.begin();
  const { threads } = await editor.body("threads", {});
  const [zero, one] = threads as { id: number; name: string }[];
  assert.deepEqual([zero!.name, one!.name], ["rank 0: MainThread", "rank 1: MainThread"]);
  assert.notEqual(zero!.id, one!.id);
  for (const rank of ranks) await rank.tell("stopped", stop);
  const stops = [await editor.event("stopped"), await editor.event("stopped")];
  assert.deepEqual(stops.map(({ threadId }) => threadId).sort(), [zero!.id, one!.id].sort());
  assert.deepEqual(stops.map(({ allThreadsStopped }) => allThreadsStopped), [false, false]);
  assert.deepEqual(stops.map(({ preserveFocusHint }) => preserveFocusHint), [false, true]);
  for (const [rank, thread] of [zero!, one!].entries()) {
    const { stackFrames } = await editor.body("stackTrace", { threadId: thread.id });
    const [frame] = stackFrames as { id: number }[];
    assert.deepEqual(ranks[rank]!.last("stackTrace"), { threadId: 1 });
    const { scopes } = await editor.body("scopes", { frameId: frame!.id });
    const [scope] = scopes as { variablesReference: number }[];
    const { variables } = await editor.body("variables", scope!);
    assert.equal((variables as { value: string }[])[0]!.value, `${rank}`);
    const { result } = await editor.body("evaluate", { expression: "x", frameId: frame!.id });
    assert.equal(result, `${rank}:x`);
    assert.equal(ranks[rank]!.last("evaluate")!["frameId"], 9);
  }
  assert.equal(
    (await editor.body("evaluate", { expression: "rdg: all y" }))["result"],
    "rank 0: 0:y\nrank 1: 1:y",
  );
  assert.equal((await editor.body("evaluate", { expression: "rdg: rank 1 y" }))["result"], "1:y");
});

Deno.test("merge: one rank goes on, the other stays, and old frames aren't valid any more", async () => {
  const ranks = [new FakeRank(0), new FakeRank(1)];
  await using editor = new FakeEditor(ranks);
  await editor.begin();
  for (const rank of ranks) await rank.tell("stopped", stop);
  const stops = [await editor.event("stopped"), await editor.event("stopped")];
  const frames: number[] = [];
  for (const { threadId } of stops) {
    const { stackFrames } = await editor.body("stackTrace", { threadId });
    frames.push((stackFrames as { id: number }[])[0]!.id);
  }
  const body = await editor.body("continue", { threadId: stops[0]!["threadId"] });
  assert.equal(body["allThreadsContinued"], false);
  const gone = await editor.event("continued");
  assert.deepEqual(gone, { threadId: stops[0]!["threadId"], allThreadsContinued: false });
  const late = await editor.ask("evaluate", { expression: "x", frameId: frames[0] });
  assert.equal(late["success"], false);
  assert.match(String(late["message"]), /isn't valid any more/);
  assert.ok((await editor.body("evaluate", { expression: "x", frameId: frames[1] }))["result"]);
  const mixed = await editor.ask("goto", { threadId: stops[1]!["threadId"], targetId: 3 });
  assert.equal(mixed["success"], false, "a number that nobody gave");
  assert.equal((await editor.body("evaluate", { expression: "rdg: continue" }))["result"], "done");
  await editor.event("continued");
  const running = await editor.ask("evaluate", { expression: "x" });
  assert.match(String(running["message"]), /No rank is stopped/);
});

Deno.test("merge: breakpoints go to all ranks, and to those that come later", async () => {
  const ranks = [new FakeRank(0), new FakeRank(1)];
  ranks[1]!.answers["setBreakpoints"] = () => "no such file";
  await using editor = new FakeEditor(ranks);
  const answer = await editor.begin([5, 8]);
  const { breakpoints } = answer["body"] as { breakpoints: Record<string, unknown>[] };
  assert.deepEqual(breakpoints.map(({ line, verified, message }) => [line, verified, message]), [
    [5, true, "not in rank 1: no such file"],
    [8, true, "not in rank 1: no such file"],
  ]);
  await editor.ask("setExceptionBreakpoints", { filters: ["uncaught"] });
  const late = new FakeRank(2);
  editor.add(late);
  await waitUntil("the late rank to be configured", {
    ask: () =>
      Promise.resolve(late.requests.some(({ command }) => command === "configurationDone")),
  });
  assert.deepEqual(late.requests.map(({ command }) => command), [
    "initialize",
    "attach",
    "setBreakpoints",
    "setExceptionBreakpoints",
    "configurationDone",
  ]);
  assert.deepEqual(late.last("setBreakpoints")!["breakpoints"], [{ line: 5 }, { line: 8 }]);
  assert.deepEqual(late.last("attach")!["name"], "x");
  // What a rank says of a breakpoint afterwards changes the one breakpoint.
  await late.tell("breakpoint", {
    reason: "changed",
    breakpoint: { id: 0, verified: true, line: 6 },
  });
  await late.tell("stopped", { ...stop, hitBreakpointIds: [1] });
  const hit = await editor.event("stopped");
  assert.deepEqual(hit["hitBreakpointIds"], [breakpoints[1]!["id"]]);
});

Deno.test("merge: a rank that is lost takes its threads with it, and comes back with its breakpoints", async () => {
  const ranks = [new FakeRank(0), new FakeRank(1)];
  await using editor = new FakeEditor(ranks);
  await editor.begin([5]);
  await editor.body("threads", {});
  await ranks[1]!.tell("stopped", stop);
  const { threadId } = await editor.event("stopped");
  ranks[1]!.member.turn("reaching");
  await ranks[1]!.hangUp();
  const exited = await editor.event("thread");
  assert.deepEqual(exited, { reason: "exited", threadId });
  const { threads } = await editor.body("threads", {});
  assert.deepEqual((threads as { name: string }[]).map(({ name }) => name), ["rank 0: MainThread"]);
  ranks[1]!.requests.length = 0;
  ranks[1]!.member.turn("ready");
  editor.add(new FakeRank(2)); // any change has it looked at again
  await waitUntil("rank 1 to be attached again", {
    ask: () =>
      Promise.resolve(ranks[1]!.requests.some(({ command }) => command === "configurationDone")),
  });
  assert.deepEqual(ranks[1]!.last("setBreakpoints")!["breakpoints"], [{ line: 5 }]);
});

Deno.test("merge: ends of ranks are told, and the session ends with the last one", async () => {
  const ranks = [new FakeRank(0), new FakeRank(1)];
  await using editor = new FakeEditor(ranks);
  await editor.begin();
  await ranks[0]!.tell("output", { category: "stdout", output: "no line end" });
  await ranks[0]!.tell("progressStart", { progressId: "1", title: "loading" });
  assert.equal((await editor.event("progressStart"))["progressId"], "rank 0/1");
  await ranks[0]!.tell("terminated", {});
  const texts = [await editor.event("output"), await editor.event("output")];
  assert.deepEqual(texts.map(({ output }) => output), [
    "[0] no line end",
    "rdg: rank 0 has ended\n",
  ]);
  assert.equal(editor.told.some(({ event }) => event === "terminated"), false);
  await editor.end();
  await editor.event("terminated");
  assert.equal(ranks[1]!.requests.at(-1)?.command, "disconnect", "nobody is left hanging");
});

Deno.test("merge: what an editor that leaves wants for the programs, all get", async () => {
  for (const wish of [true, false, undefined]) {
    const ranks = [new FakeRank(0), new FakeRank(1)];
    await using editor = new FakeEditor(ranks);
    await editor.begin();
    await editor.body("disconnect", wish === undefined ? {} : { terminateDebuggee: wish });
    for (const rank of ranks) {
      assert.deepEqual(
        rank.last("disconnect"),
        wish === undefined ? {} : { terminateDebuggee: wish },
      );
    }
  }
  const ranks = [new FakeRank(0)];
  {
    await using editor = new FakeEditor(ranks);
    await editor.begin();
  }
  assert.equal(ranks[0]!.requests.at(-1)?.command, "disconnect", "also when it is killed");
});

Deno.test("merge: child processes that ranks' debuggers follow are attached to as well", async () => {
  const ranks = [new FakeRank(0), new FakeRank(1)];
  await using editor = new FakeEditor(ranks);
  await editor.begin([5]);
  for (const rank of ranks) {
    // Two nodes may well give the same number.
    await rank.tell("debugpyAttach", { name: "Subprocess 99", subProcessId: 99, connect: {} });
    await waitUntil("the child to be attached to", {
      ask: () => Promise.resolve(rank.last("attach")?.["subProcessId"] === 99),
    });
    await waitUntil("the child to be configured", {
      ask: () =>
        Promise.resolve(
          rank.requests.filter(({ command }) => command === "configurationDone").length === 2,
        ),
    });
    assert.deepEqual(rank.last("setBreakpoints")!["breakpoints"], [{ line: 5 }]);
  }
});

Deno.test("rdg connect --merge shows all ranks in one session", async () => {
  await using ranks = await Ranks.start({ size: 4 });
  const { child, ready } = await ranks.connect("--merge");
  assert.equal(ready.merge, true);
  await using client = await DapClient.connect({ port: ready.port });
  const { breakpoints, capabilities } = await client.attach({
    arguments: {
      redirectOutput: true,
      pathMappings: [{ localRoot: ranks.sandbox.dir, remoteRoot: "." }],
    },
    breakpoints: { [ranks.script]: [line] },
  });
  assert.equal(capabilities.supportsConfigurationDoneRequest, true);
  assert.deepEqual(breakpoints[ranks.script]!.map(({ verified }) => verified), [true]);
  const { threads } = await client.request<{ threads: { id: number; name: string }[] }>("threads");
  assert.deepEqual(
    threads.map(({ name }) => name).filter((name) => name.endsWith("MainThread")),
    [0, 1, 2, 3].map((rank) => `rank ${rank}: MainThread`),
  );
  const at = new Map<number, number>();
  while (at.size < 4) {
    const { threadId } = (await client.waitFor<{ threadId: number }>("stopped")).body;
    const rank = Number(await client.evaluate("rank", threadId));
    assert.equal(threads.find(({ id }) => id === threadId)?.name, `rank ${rank}: MainThread`);
    const { stackFrames } = await client.request<{ stackFrames: { line: number }[] }>(
      "stackTrace",
      { threadId, levels: 1 },
    );
    if (stackFrames[0]?.line === line) at.set(rank, threadId);
    else await client.request("continue", { threadId });
  }
  assert.equal(await evaluate(client, "rdg: all rank < 3"), "ranks 0-2: True\nrank 3: False");
  // One rank alone goes a line on.
  await client.request("next", { threadId: at.get(2) });
  const { body } = await client.waitFor<{ threadId: number }>("stopped");
  assert.equal(body.threadId, at.get(2));
  assert.equal(await client.evaluate("mine % 10", body.threadId), "2");
  await client.request("setBreakpoints", { source: { path: ranks.script }, breakpoints: [] });
  assert.equal(await evaluate(client, "rdg: continue"), "done");
  assert.deepEqual(await ranks.finish(), [10, 11, 12, 13]);
  const printed: string[] = [];
  while (printed.length < 4) {
    const { body } = await client.waitFor<{ output: string }>("output");
    if (body.output.includes("end of")) printed.push(body.output);
  }
  assert.deepEqual(printed.sort(), [0, 1, 2, 3].map((rank) => `[${rank}] end of ${rank}\n`));
  await client.waitFor("terminated");
  assert.equal((await child.status()).code, 0);
});

Deno.test("rdg connect --merge pauses, detaches, and takes in a rank that starts again", async () => {
  await using ranks = await Ranks.start({ size: 2 });
  const { child, ready } = await ranks.connect("--merge");
  await using client = await DapClient.connect({ port: ready.port });
  await client.attach({});
  for (let count = 0; count < 2; count++) await client.waitFor("stopped");
  await evaluate(client, "rdg: continue");
  assert.equal(await evaluate(client, "rdg: pause"), "done");
  const paused = [0, 1].map(() => client.waitFor<{ reason: string }>("stopped"));
  for (const { body } of await Promise.all(paused)) assert.equal(body.reason, "pause");
  await ranks.sandbox.write("stop1", "");
  await evaluate(client, "rdg: continue");
  await client.waitFor<{ output: string }>(
    "output",
    ({ body }) => (body as { output: string }).output === "rdg: rank 1 has ended\n",
  );
  await Deno.remove(`${ranks.sandbox.dir}/stop1`);
  await ranks.add(1);
  const { threadId } = (await client.waitFor<{ threadId: number }>("stopped")).body;
  assert.equal(await client.evaluate("rank", threadId), "1");
  await client.disconnect();
  await leave(child);
  assert.deepEqual(await ranks.finish(), [10, 11]);
});
