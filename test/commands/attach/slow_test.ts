/**
 * `rdg attach` with a squeue that answers late: the real command, in a real pseudo-terminal and without
 * one.
 */

import assert from "node:assert/strict";
import { Pty } from "../../support/pty.ts";
import { makeSandbox, rdg, runRdg, type Sandbox } from "../../support/rdg.ts";
import { squeueLine } from "../../support/squeue.ts";

/** A squeue that waits until the file "go" appears, and a srun that fails. */
async function lateSqueue(sandbox: Sandbox): Promise<Record<string, string>> {
  const bin = `${sandbox.dir}/bin`;
  await Deno.mkdir(bin);
  const program = (name: string, text: string) =>
    Deno.writeTextFile(`${bin}/${name}`, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  await program(
    "squeue",
    `until [ -e ${sandbox.dir}/go ]; do sleep 0.05; done; printf '%s' '${
      squeueLine({ nodes: "n1" })
    }'`,
  );
  await program("srun", "echo 'srun: error: hm' >&2; exit 1");
  return { PATH: `${bin}:/usr/bin:/bin`, RDG_SCHEDULER: "slurm" };
}

function inPty(words: readonly string[], env: Record<string, string>): Pty {
  const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return new Pty(["env", "-i", ...settings, ...rdg, ...words]);
}

Deno.test("rdg attach in a terminal shows that it waits for squeue, and takes it away", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const env = { ...sandbox.env, ...await lateSqueue(sandbox), TERM: "xterm" };
  await using pty = inPty(["attach", "36", "42"], env);
  await pty.waitFor(/[|/\\-] Waiting for squeue…/);
  // It moves, and begins to count.
  await pty.waitFor(/Waiting for squeue… 2 s/);
  await sandbox.write("go", "");
  await pty.waitFor(/Cannot enter job 36: "srun" exited with code 1/);
  await pty.ended();
  // Every line that moved was erased before anything else was written.
  const before = pty.raw.slice(0, pty.raw.indexOf("Cannot enter job 36"));
  assert.match(before.slice(before.lastIndexOf("Waiting")), /^Waiting for squeue… \d s/);
  assert.ok(
    before.slice(before.lastIndexOf("\n") + 1).endsWith("\r\x1b[2K"),
    JSON.stringify(before),
  );
});

Deno.test("rdg attach in a terminal shows no wait that is short", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const env = { ...sandbox.env, ...await lateSqueue(sandbox), TERM: "xterm" };
  await sandbox.write("go", "");
  await using pty = inPty(["attach", "36", "42"], env);
  await pty.waitFor(/Cannot enter job 36/);
  await pty.ended();
  assert.ok(!pty.raw.includes("\x1b[2K") && !pty.raw.includes("Waiting"), JSON.stringify(pty.raw));
});

Deno.test("rdg attach in a dumb terminal and elsewhere says that it waits in plain lines", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const late = { ...sandbox.env, ...await lateSqueue(sandbox), RDG_SCHEDULER_TIMEOUT: "4" };
  await using pty = inPty(["attach", "36"], { ...late, TERM: "dumb" });
  const elsewhere = runRdg(["attach", "36", "--json"], { sandbox, env: late });
  await pty.waitFor(/^Waiting for squeue…\n/m);
  await pty.waitFor(/has not answered within 4 s/);
  await pty.ended();
  assert.ok(!pty.raw.includes("\x1b["), JSON.stringify(pty.raw));
  const { code, stdout, stderr } = await elsewhere;
  assert.equal(code, 6);
  assert.equal(
    stderr,
    'Waiting for squeue…\nCannot list your jobs: "squeue" has not answered within 4 s\n' +
      "Try: again in a while: the scheduler is busy or down. Or give it longer: " +
      "RDG_SCHEDULER_TIMEOUT=20\n",
  );
  const { error } = JSON.parse(stdout);
  assert.deepEqual([error.code, error.exitCode], ["timeout", 6]);
});

Deno.test("rdg attach refuses a limit that is none", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  for (const text of ["soon", "0", "-1", "4000"]) {
    const env = { RDG_SCHEDULER: "slurm", RDG_SCHEDULER_TIMEOUT: text };
    const { code, stderr } = await runRdg(["attach", "36"], { sandbox, env });
    assert.equal(code, 2);
    assert.match(stderr, /want a number of seconds from 1 to 3600/);
  }
});
