/**
 * The door in front of debugpy's adapter: whom it lets in, and what it answers. Driven by a real DAP
 * client against real debugpy.
 *
 * `RDG_TEST_PYTHON` and `RDG_TEST_DEBUGPY` choose the versions; see support/python.ts.
 *
 * @module
 */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { DapClient } from "../support/dap.ts";
import { lineOf, newToken, programPath, startProgram } from "../support/door_program.ts";

const breakpoints = { [programPath]: [lineOf("# breakpoint")] };

Deno.test("door lets the owner attach, stop, evaluate, detach and attach again", async () => {
  await using program = await startProgram();
  for (let session = 0; session < 2; session++) {
    await using client = await DapClient.connect(program);
    const attached = await client.attach({ token: program.token, breakpoints });
    equal(attached.breakpoints[programPath]?.[0]?.verified, true);
    await program.tell("work");
    const { body } = await client.waitFor<{ threadId: number }>("stopped");
    equal(await client.evaluate("number", body.threadId), "41");
    const { threads } = await client.request<{ threads: { name: string }[] }>("threads");
    deepEqual(threads.map(({ name }) => name), ["MainThread"]);
    await client.disconnect();
  }
  equal((await program.end()).code, 0);
});

Deno.test("door numbers its own messages and the adapter's as one sequence", async () => {
  await using program = await startProgram();
  await using client = await DapClient.connect(program);
  await client.initialize();
  equal((await client.send("attach", { rdgToken: "wrong" })).success, false);
  equal((await client.send("threads")).success, false);
  const attached = client.send("attach", { rdgToken: program.token });
  await client.waitFor("initialized");
  await client.request("configurationDone");
  equal((await attached).success, true);
  const numbers = client.received.map(({ seq }) => seq);
  deepEqual(numbers, numbers.map((_, index) => index + 1));
  const initialized = client.received.filter((message) =>
    message.type === "response" && "command" in message && message.command === "initialize"
  );
  equal(initialized.length, 1);
});

Deno.test("door answers initialize with what this debugpy can do", async () => {
  await using guarded = await startProgram();
  await using open = await startProgram({ auth: false });
  const answers = [];
  for (const { port } of [guarded, open]) {
    await using client = await DapClient.connect({ port });
    answers.push(await client.initialize());
  }
  deepEqual(answers[0], answers[1]);
  ok(Object.keys(answers[0] ?? {}).length > 10);
});

Deno.test("door refuses a wrong or missing token with words, and tells the program", async () => {
  await using program = await startProgram();
  await using stranger = await DapClient.connect(program);
  await stranger.initialize();
  const missing = await stranger.send("attach", {});
  equal(missing.success, false);
  match(missing.message ?? "", /no token.*"rdgToken".*rdg connect/);
  equal(missing.body.error.format, missing.message);
  equal(missing.body.error.showUser, true);
  const line = await program.hearError(/^\[rdg\]/);
  match(line, /^\[rdg\] Refused a debugger from 127\.0\.0\.1:\d+: no token$/);
  const wrong = await stranger.send("attach", { rdgToken: program.token.slice(0, -1) });
  equal(wrong.success, false);
  match(wrong.message ?? "", /"rdgToken" is not its token/);
  ok(!JSON.stringify(stranger.received).includes(program.token.slice(0, 16)));
  await using owner = await DapClient.connect(program);
  await owner.attach({ token: ` ${program.token}\n` });
});

Deno.test("door slows wrong tokens down, and the right one never", async () => {
  await using program = await startProgram();
  const strangers: DapClient[] = [];
  try {
    for (let count = 0; count < 7; count++) {
      strangers.push(await DapClient.connect(program));
      await strangers.at(-1)!.initialize();
    }
    const attempt = async (stranger: DapClient) => {
      equal((await stranger.send("attach", { rdgToken: newToken() })).success, false);
      return performance.now() - started;
    };
    const started = performance.now();
    await attempt(strangers[0]!);
    const times: number[] = [];
    const third = Promise.withResolvers<void>();
    for (const stranger of strangers.slice(1)) {
      attempt(stranger).then((time) => times.push(time) === 3 && third.resolve(), third.reject);
    }
    await using owner = await DapClient.connect(program);
    await owner.attach({ token: program.token });
    ok(times.length < 6, "the right token waited for the wrong ones");
    await third.promise;
    ok(times[2]! > 900, `it took ${times[2]} ms`);
  } finally {
    for (const stranger of strangers) await stranger.close();
  }
});

Deno.test("door answers nothing but initialize before the token", async () => {
  await using program = await startProgram();
  await using client = await DapClient.connect(program);
  const early = await client.send("attach", { rdgToken: program.token });
  equal(early.success, false);
  match(early.message ?? "", /initialize/);
  await client.initialize();
  equal((await client.send("initialize")).success, false);
  for (const command of ["launch", "evaluate", "threads", "setBreakpoints", "pydevdAuthorize"]) {
    const args = { expression: "__import__('os').getpid()", rdgToken: program.token };
    const answer = await client.send(command, args);
    equal(answer.success, false, command);
    match(answer.message ?? "", /"attach"/);
  }
  await client.request("attach", { rdgToken: program.token }, 500).catch(() => {});
  await client.waitFor("initialized");
});

Deno.test("door takes initialize and attach that come in one piece", async () => {
  await using program = await startProgram();
  await using client = await DapClient.connect(program);
  const initialized = client.initialize();
  const attached = client.send("attach", { rdgToken: program.token });
  await initialized;
  await client.waitFor("initialized");
  await client.request("configurationDone");
  equal((await attached).success, true);
});
