/**
 * Another user of the same machine tries to get into a session, and the owner works on.
 *
 * @module
 */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { DapClient } from "../support/dap.ts";
import { lineOf, programPath, startProgram } from "../support/door_program.ts";
import { canBecomeOther, intrude } from "../support/intruder.ts";
import { TextLineStream } from "../support/lines.ts";

const floodPath = fileURLToPath(new URL("testdata/flood.py", import.meta.url));
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
  name: `door lets a slow owner in while another user floods it${needsRoot}`,
  ignore: !canBecomeOther,
  async fn() {
    await using program = await startProgram();
    await using first = await DapClient.connect(program);
    const flood = new Deno.Command("python3", {
      args: ["-I", floodPath, "65534", String(program.port)],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const said = new TextLineStream(flood.stdout);
    let count = 0;
    try {
      equal(await said.next(), "flooding");
      // One who was there before, and one who comes now; each takes its time between two requests.
      await using second = await DapClient.connect(program);
      await first.initialize();
      await second.initialize();
      await new Promise((resolve) => setTimeout(resolve, 2000)); // As a person's slow line would.
      equal((await first.send("attach", { rdgToken: "wrong" })).success, false);
      await second.attachOnly({ token: program.token, breakpoints });
      await program.tell("work");
      const { body } = await second.waitFor<{ threadId: number }>("stopped");
      equal(await second.evaluate("number", body.threadId), "41");
    } finally {
      await flood.stdin.close();
      count = Number(await said.next());
      await flood.status;
      await said.cancel();
    }
    ok(count > 500, `only ${count} connections`);
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
