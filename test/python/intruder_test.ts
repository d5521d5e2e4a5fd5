/**
 * Another user of the same machine tries to get into a session, and the owner works on.
 *
 * @module
 */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { DapClient } from "../support/dap.ts";
import { lineOf, programPath, startProgram } from "../support/door_program.ts";
import { canBecomeOther, intrude } from "../support/intruder.ts";

const breakpoints = { [programPath]: [lineOf("# breakpoint")] };
const needsRoot = canBecomeOther ? "" : " (skipped: only root can become another user)";

for (const subprocess of [false, true]) {
  for (const bind of ["127.0.0.1", "0.0.0.0"]) {
    Deno.test({
      name: `door keeps another user out, subprocess=${subprocess}, ${bind}${needsRoot}`,
      ignore: !canBecomeOther,
      async fn() {
        await using program = await startProgram({ subprocess, bind });
        const outcome = await intrude({
          pids: [program.pid, program.adapterPid],
          token: program.token,
        });
        deepEqual(outcome.breaches, []);
        equal(outcome.ports.length, subprocess ? 2 : 1);
        equal(outcome.tried.attach, 4 * outcome.ports.length);
        ok(outcome.tried.process === 2 && outcome.tried.signal === 6);
        await using owner = await DapClient.connect(program);
        await owner.attach({ token: program.token, breakpoints });
        await program.tell("work");
        const { body } = await owner.waitFor<{ threadId: number }>("stopped");
        equal(await owner.evaluate("number", body.threadId), "41");
      },
    });
  }
}

Deno.test({
  name: `door keeps another user out of a session that is in use${needsRoot}`,
  ignore: !canBecomeOther,
  async fn() {
    await using program = await startProgram({ subprocess: true });
    await using owner = await DapClient.connect(program);
    await owner.attach({ token: program.token, breakpoints });
    await program.tell("work");
    const { body } = await owner.waitFor<{ threadId: number }>("stopped");
    const { pid, adapterPid: adapter, token } = program;
    deepEqual((await intrude({ pids: [pid, adapter], token })).breaches, []);
    equal(await owner.evaluate("number", body.threadId), "41");
    deepEqual(owner.events.filter(({ event }) => event === "debugpyAttach"), []);
  },
});

Deno.test({
  name: `intrude() finds the way into a session without the door${needsRoot}`,
  ignore: !canBecomeOther,
  async fn() {
    await using program = await startProgram({ auth: false });
    const file = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(file, program.token);
      await Deno.chmod(file, 0o644);
      const { breaches } = await intrude({
        pids: [program.pid, program.adapterPid],
        token: program.token,
        privatePaths: [file],
      });
      match(breaches.join("\n"), /speaks to anyone/);
      match(breaches.join("\n"), /attached with/);
      match(breaches.join("\n"), /can be read\n.*the secret was there/);
    } finally {
      await Deno.remove(file);
    }
  },
});
