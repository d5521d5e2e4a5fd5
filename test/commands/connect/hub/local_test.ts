/**
 * `rdg connect --rank LIST` and `--all` on this host, without a scheduler: real programs, real debugpy,
 * and a DAP client that opens a session for each rank that it is asked for.
 */

import assert from "node:assert/strict";
import { waitUntil } from "../../../cluster/process.ts";
import { DapClient, DapFailure } from "../../../support/dap.ts";
import { evaluate, stopped } from "../../../support/debugging.ts";
import { HubEditor } from "../../../support/hub_editor.ts";
import { leave, line, Ranks, said, saidThat } from "./ranks.ts";

interface StoppedBody {
  threadId: number;
  reason: string;
  description?: string;
}

/** Presses F5 with a breakpoint in every step, and the configuration that asks nothing. */
function attach(
  ranks: Ranks,
  port: number,
  more: Partial<Parameters<typeof HubEditor.attach>[0]> = {},
) {
  return HubEditor.attach({
    port,
    breakpoints: { [ranks.script]: [line] },
    arguments: { pathMappings: [{ localRoot: ranks.sandbox.dir, remoteRoot: "." }] },
    ...more,
  });
}

/** Waits until the records of all ranks say so. */
async function states(ranks: Ranks, wanted: string): Promise<void> {
  await waitUntil(`records that say ${wanted}`, {
    ask: async () => {
      const records = await ranks.sandbox.records();
      return records.length > 0 && records.every(({ state }) => state === wanted);
    },
  });
}

async function stop(client: DapClient): Promise<StoppedBody> {
  return (await client.waitFor<StoppedBody>("stopped")).body;
}

/** Waits until a rank is at the breakpoint; one that was woken stops where the signal met it first. */
async function stopAtLine(client: DapClient): Promise<StoppedBody> {
  while (true) {
    const body = await stop(client);
    const { threadId } = body;
    const { stackFrames } = await client.request<{ stackFrames: { line: number }[] }>(
      "stackTrace",
      { threadId, levels: 1 },
    );
    if (stackFrames[0]?.line === line) return body;
    await client.request("continue", { threadId });
  }
}

Deno.test("rdg connect --all stops at a breakpoint in every rank, from one F5", async () => {
  await using ranks = await Ranks.start({ size: 4 });
  const { child, ready } = await ranks.connect("--all");
  assert.deepEqual(ready.ranks.map(({ rank, state }) => [rank, state]), [
    [0, "listening"],
    [1, "listening"],
    [2, "listening"],
    [3, "listening"],
  ]);
  assert.match(child.stderr, /Connected to \d ranks? of this host on 1 node, way: direct/);
  await using editor = await attach(ranks, ready.port);
  const sessions = await editor.until(4);
  const node = ready.ranks[0]!.node;
  const names = ready.ranks.map(({ rank, pid }) => `rank ${rank} · ${node} · ${pid}`);
  assert.deepEqual(editor.asked, names);
  for (const { breakpoints } of sessions) {
    assert.equal(breakpoints[ranks.script]?.[0]?.verified, true);
  }
  for (const rank of [0, 1, 2, 3]) {
    const { threadId, reason } = await stopAtLine(editor.rank(rank));
    assert.equal(reason, "breakpoint");
    assert.equal(await editor.rank(rank).evaluate("rank", threadId), `${rank}`);
  }
  // What is done to one rank is done to that one only.
  const { threadId } = await stopAgain(editor.rank(2));
  assert.equal(await editor.rank(2).evaluate("mine % 10", threadId), "2");
  for (const rank of [0, 1, 3]) {
    assert.equal(
      await evaluate(editor.parent, `rdg: rank ${rank} number * 10 + rank`),
      await evaluate(editor.parent, `rdg: rank ${rank} number * 10 + ${rank}`),
    );
  }
  await editor.parent.disconnect();
  await leave(child);
  assert.deepEqual(await ranks.finish(), [10, 11, 12, 13]);
});

/** Goes one line on. */
async function stopAgain(client: DapClient): Promise<StoppedBody> {
  await client.request("next", { threadId: 1 });
  return await stop(client);
}

Deno.test("rdg connect --all goes on, pauses and stops all ranks by the parent session", async () => {
  await using ranks = await Ranks.start({ size: 3 });
  const { child, ready } = await ranks.connect("--all");
  await using editor = await attach(ranks, ready.port, { breakpoints: {} });
  const { parent } = editor;
  await editor.until(3);
  // Woken programs stop where the signal met them.
  for (const rank of [0, 1, 2]) await stop(editor.rank(rank));
  const all = await parent.waitFor<StoppedBody>(
    "stopped",
    ({ body }) => body.description === "3 of 3 stopped: ranks 0-2",
  );
  const { threads } = await parent.request<{ threads: { id: number; name: string }[] }>("threads");
  assert.deepEqual(threads, [{
    id: all.body.threadId,
    name: "all ranks: 3 of 3 stopped: ranks 0-2",
  }]);
  assert.equal(
    await evaluate(parent, "rdg: all rank if rank > 1 else 'low'"),
    "ranks 0-1: 'low'\nrank 2: 2",
  );
  assert.equal(await evaluate(parent, "rdg: rank 1 rank + 40"), "41");
  await assert.rejects(evaluate(parent, "rank"), /stands for all ranks: "rdg: all EXPR"/);
  await assert.rejects(evaluate(parent, "rdg: rank 7 rank"), /no session of rank 7/);
  await parent.request("continue", { threadId: all.body.threadId });
  await parent.waitFor("continued");
  for (const rank of [0, 1, 2]) await editor.rank(rank).waitFor("continued");
  assert.equal(await evaluate(parent, "rdg: all rank"), "ranks 0-2: it runs: pause it first");
  await parent.request("pause", { threadId: all.body.threadId });
  for (const rank of [0, 1, 2]) assert.equal((await stop(editor.rank(rank))).reason, "pause");
  // "Stop" of the parent lets every rank go, and none hangs.
  await parent.request("disconnect", { terminateDebuggee: false });
  for (const rank of [0, 1, 2]) {
    await editor.rank(rank).waitFor("terminated");
    await editor.rank(rank).closed;
  }
  await states(ranks, "listening");
  await leave(child);
  assert.deepEqual(await ranks.finish(), [10, 11, 12]);
});

Deno.test("rdg connect --all ends all programs where the parent session is told to", async () => {
  await using ranks = await Ranks.start({ size: 2 });
  const { child, ready } = await ranks.connect("--all");
  await using editor = await attach(ranks, ready.port);
  await editor.until(2);
  await editor.parent.request("disconnect", { terminateDebuggee: true });
  for (const process of ranks.processes) {
    const { code } = await process.status();
    assert.equal(code, 0); // debugpy's
    assert.doesNotMatch(process.stdout, /end of/);
  }
  assert.equal((await child.status()).code, 0);
  assert.match(child.stderr, /All ranks of this host have ended\./);
});

Deno.test("rdg connect --all lets every rank go when the editor is killed", async () => {
  await using ranks = await Ranks.start({ size: 2 });
  const { child, ready } = await ranks.connect("--all");
  {
    await using editor = await attach(ranks, ready.port);
    await editor.until(2);
    for (const rank of [0, 1]) await stop(editor.rank(rank));
    await editor.parent.close();
    // Without its parent no child session stays.
    for (const rank of [0, 1]) await editor.rank(rank).closed;
  }
  await states(ranks, "listening");
  await using again = await attach(ranks, ready.port);
  await again.until(2);
  for (const rank of [0, 1]) await stop(again.rank(rank));
  await again.parent.disconnect();
  await leave(child);
  assert.deepEqual(await ranks.finish(), [10, 11]);
});

Deno.test("rdg connect --rank 1,3 serves those ranks alone, and --rank 99 says which there are", async () => {
  await using ranks = await Ranks.start({ size: 4 });
  await using none = ranks.run("--rank=99-100");
  assert.equal((await none.status()).code, 3);
  assert.match(
    none.stderr,
    /nothing there has rank 99-100; of 4 ranks, 0-3 have a session\n.*--rank=0-3, or --all/,
  );
  const { child, ready } = await ranks.connect("--rank=1,3,9");
  assert.deepEqual(ready.ranks.map(({ rank }) => rank), [1, 3]);
  assert.match(child.stderr, /No session of rank 9: never armed/);
  await using editor = await attach(ranks, ready.port);
  await editor.until(2);
  for (const rank of [1, 3]) await stop(editor.rank(rank));
  const states = (await ranks.sandbox.records()).map(({ rank, state }) => `${rank} ${state}`)
    .sort();
  assert.deepEqual(states, ["0 armed", "1 attached", "2 armed", "3 attached"]);
  await editor.parent.disconnect();
  await leave(child);
});

Deno.test("rdg connect --all gives an editor without further sessions the lowest rank", async () => {
  await using ranks = await Ranks.start({ size: 3 });
  const { child, ready } = await ranks.connect("--rank=1-2");
  await using client = await DapClient.connect({ port: ready.port });
  await client.attach({
    arguments: { pathMappings: [{ localRoot: ranks.sandbox.dir, remoteRoot: "." }] },
    breakpoints: { [ranks.script]: [line] },
  });
  const { body } = await client.waitFor<{ output: string }>(
    "output",
    ({ body }) => (body as { output: string }).output.startsWith("rdg: "),
  );
  assert.match(body.output, /this is rank 1 of 2\. For all ranks in one session: .* --merge/);
  assert.match(child.stderr, /rdg-test opens no sessions of its own for further ranks/);
  const { threadId } = await stop(client);
  assert.equal(await client.evaluate("rank", threadId), "1");
  await client.disconnect();
  await leave(child);
});

Deno.test("rdg connect --all asks by debugpyAttach where that is what an editor knows", async () => {
  await using ranks = await Ranks.start({ size: 2 });
  const { child, ready } = await ranks.connect("--all");
  await using editor = await attach(ranks, ready.port, { by: "debugpyAttach" });
  const sessions = await editor.until(2);
  assert.deepEqual(
    sessions.map(({ configuration }) => configuration["subProcessId"]).sort(),
    ready.ranks.map(({ pid }) => pid).sort(),
  );
  for (const rank of [0, 1]) {
    const { threadId } = await stop(editor.rank(rank));
    assert.equal(await editor.rank(rank).evaluate("rank", threadId), `${rank}`);
  }
  await editor.parent.disconnect();
  await leave(child);
});

Deno.test("rdg connect --all takes in ranks that come later, end, and start again", async () => {
  await using ranks = await Ranks.start({ size: 3, only: [0, 1] });
  const { child, ready } = await ranks.connect("--all");
  assert.deepEqual(ready.ranks.map(({ rank }) => rank), [0, 1]);
  await using editor = await attach(ranks, ready.port);
  await editor.until(2);
  for (const rank of [0, 1]) await stop(editor.rank(rank));
  await ranks.add(2);
  await editor.until(3);
  const late = await stop(editor.rank(2));
  assert.equal(await editor.rank(2).evaluate("rank", late.threadId), "2");
  // Rank 1 ends: its session does, the others stay.
  await ranks.sandbox.write("stop1", "");
  const first = editor.rank(1);
  await first.request("setBreakpoints", { source: { path: ranks.script }, breakpoints: [] });
  await first.request("continue", { threadId: 1 });
  await first.waitFor("terminated");
  await saidThat(child, ({ ranks }) => ranks.every(({ rank }) => rank !== 1));
  assert.equal(editor.rank(0).ended, false);
  assert.equal(editor.parent.ended, false);
  // A new process of rank 1 gets a session of its own.
  await Deno.remove(`${ranks.sandbox.dir}/stop1`);
  const { pid } = await ranks.add(1);
  const sessions = await editor.until(4);
  assert.match(sessions.at(-1)!.name, new RegExp(`^rank 1 · .* · ${pid}$`));
  const again = await stop(editor.rank(1));
  assert.equal(await editor.rank(1).evaluate("rank", again.threadId), "1");
  assert.match(child.stderr, /Rank 1 started on .* \(PID \d+\)\./);
  await editor.parent.disconnect();
  await leave(child);
});

Deno.test("rdg connect --all opens the rank that crashed first at the beginning", async () => {
  const source = `import os, time
rank = int(os.environ["RANK"])
while not os.path.exists("go%d" % rank):
    time.sleep(0.01)
secret = rank * 7
raise ValueError("rank %d is lost" % rank)
`;
  await using ranks = await Ranks.start({ size: 4, source, flags: ["--post-mortem"] });
  await using early = ranks.run("--all");
  assert.equal((await early.status()).code, 3);
  assert.match(early.stderr, /its 4 processes are armed for a crash only, and none has crashed/);
  for (const rank of [2, 0]) {
    await ranks.sandbox.write(`go${rank}`, "");
    await ranks.processes[rank]!.until(/waiting|waits/i);
  }
  const { child, ready } = await ranks.connect("--all");
  assert.deepEqual(ready.ranks.map(({ rank, state }) => [rank, state]), [
    [2, "crashed"],
    [0, "crashed"],
    [1, "uncrashed"],
    [3, "uncrashed"],
  ]);
  assert.match(child.stderr, /Rank 2 has crashed: ValueError: rank 2 is lost\nRank 0 has crashed/);
  await using editor = await attach(ranks, ready.port, { breakpoints: {} });
  await editor.until(2);
  assert.match(editor.asked[0]!, /^rank 2 /);
  const shown = await stopped(editor.rank(2));
  assert.equal(shown.reason, "exception");
  assert.equal(await evaluate(editor.rank(2), "secret", shown.frameIds[0]), "14");
  // One that crashes later comes by itself.
  await ranks.sandbox.write("go3", "");
  await editor.until(3);
  assert.equal((await stopped(editor.rank(3))).reason, "exception");
  assert.match(child.stderr, /Rank 3 has crashed: ValueError: rank 3 is lost/);
  await editor.parent.disconnect();
  await leave(child);
});

Deno.test("rdg connect --all survives a rank that dies while sessions are opened", async () => {
  await using ranks = await Ranks.start({ size: 4 });
  const { child, ready } = await ranks.connect("--all");
  await using editor = await attach(ranks, ready.port, {
    onOpen: async ({ name }) => {
      if (!String(name).startsWith("rank 1 ")) return;
      await ranks.processes[1]!.kill("SIGKILL");
      await ranks.processes[1]!.status();
    },
  });
  await editor.until(3);
  for (const rank of [0, 2, 3]) await stop(editor.rank(rank));
  assert.equal(editor.failures.length, 1, `${editor.failures}`);
  assert.match(`${editor.failures}`, /rank 1|closed the DAP connection/);
  await child.until(/^Rank 1 (has ended|does not answer any more)\.$/m, { timeoutMs: 60_000 });
  assert.equal(await evaluate(editor.parent, "rdg: all 1 + 1"), "ranks 0,2-3: 2");
  await editor.parent.disconnect();
  await leave(child);
});

Deno.test("rdg connect --all lets nobody in by a key that isn't its parent's, nor a second editor", async () => {
  await using ranks = await Ranks.start({ size: 2 });
  const { child, ready } = await ranks.connect("--all");
  const refused = async (args: Record<string, unknown>, pattern: RegExp) => {
    await using client = await DapClient.connect({ port: ready.port });
    await assert.rejects(client.attach({ arguments: args }), (error) => {
      assert.ok(error instanceof DapFailure);
      assert.match(error.message, pattern);
      return true;
    });
  };
  await refused({ rdgSession: "rank-0-guess" }, /belongs to has ended/);
  let key = "";
  {
    await using editor = await attach(ranks, ready.port);
    const sessions = await editor.until(2);
    key = String(sessions[0]!.configuration["rdgSession"]);
    assert.match(key, /^rank-[01]-[\da-f-]{36}$/);
    await refused({ rdgSession: key.replace(/.$/, "x") }, /belongs to has ended/);
    await refused({ rdgSession: key }, /has a session in this editor already/);
    await refused({ name: "second" }, /Another editor is attached/);
    await editor.parent.disconnect();
  }
  await refused({ rdgSession: key }, /belongs to has ended/);
  await using client = await DapClient.connect({ port: ready.port });
  await client.initialize();
  await assert.rejects(client.request("threads"), /"attach" comes first/);
  await client.close();
  await leave(child);
});

Deno.test("rdg connect --all tells the editor when it ends itself", async () => {
  await using ranks = await Ranks.start({ size: 2 });
  const { child, ready } = await ranks.connect("--all");
  await using editor = await attach(ranks, ready.port);
  await editor.until(2);
  for (const rank of [0, 1]) await stop(editor.rank(rank));
  await leave(child);
  await editor.parent.waitFor("terminated");
  for (const rank of [0, 1]) await editor.rank(rank).waitFor("terminated");
  await states(ranks, "listening");
  assert.deepEqual(await ranks.finish(), [10, 11]);
});

Deno.test("rdg connect --all --wait starts before the program does", async () => {
  await using ranks = await Ranks.start({ size: 2, only: [] });
  await using child = ranks.run("--all", "--wait");
  await child.until(/Waiting for a session: there is no session yet/);
  await ranks.add(0);
  const { port } = await said(child);
  await using editor = await attach(ranks, port);
  await editor.until(1);
  await ranks.add(1);
  await editor.until(2);
  for (const rank of [0, 1]) await stop(editor.rank(rank));
  await editor.parent.disconnect();
  await leave(child);
});

Deno.test("rdg connect --all follows the children of a rank's program too", async () => {
  const source = `import os, subprocess, sys, time
rank = int(os.environ["RANK"])
if "child" in sys.argv:
    x = rank + 100
    print(x)
    sys.exit(0)
while not os.path.exists("stop"):
    time.sleep(0.02)
    subprocess.run([sys.executable, __file__, "child"])
`;
  await using ranks = await Ranks.start({ size: 2, source, flags: ["--subprocess"] });
  const { child, ready } = await ranks.connect("--all");
  await using editor = await attach(ranks, ready.port, { breakpoints: { [ranks.script]: [5] } });
  const sessions = await editor.until(4);
  const children = sessions.filter(({ name }) => name.startsWith("Subprocess "));
  const values = new Set<string>();
  for (const { client } of children) {
    const { threadId } = await stop(client);
    values.add(await client.evaluate("x", threadId));
  }
  assert.deepEqual([...values].sort(), ["100", "101"]);
  await ranks.sandbox.write("stop", "");
  await editor.parent.disconnect();
  await leave(child);
});
