/**
 * `rdg attach` without a scheduler: the real command against a real program on this host, to a
 * breakpoint; and with fake schedulers on PATH.
 */

import assert from "node:assert/strict";
import { DapClient } from "../../support/dap.ts";
import { python, root } from "../../support/python.ts";
import { makeSandbox, type Sandbox, start } from "../../support/rdg.ts";
import { squeueLine } from "../../support/squeue.ts";

const script = `import time
def step(number):
    total = number * 2
    time.sleep(0.05)
    return total
for number in range(10**6):
    step(number)
`;

/** Runs rdg to its end. */
async function rdg(words: readonly string[], sandbox: Sandbox, env: Record<string, string> = {}) {
  const child = start([
    Deno.execPath(),
    "run",
    "-A",
    "-q",
    `${root}/main.ts`,
    ...words,
  ], {
    sandbox,
    env,
  });
  const { code } = await child.status();
  return { code, stdout: child.stdout, stderr: child.stderr };
}

Deno.test("rdg attach local wakes a program on this host, to a breakpoint", async () => {
  await using sandbox = await makeSandbox();
  const file = await sandbox.write("loop.py", script);
  await using program = start([
    ...[Deno.execPath(), "run", "-A", "-q", `${root}/main.ts`],
    ...["debug", "--lite", python.path, "loop.py"],
  ], { sandbox });
  await program.until(/Armed and ready/);
  const listed = await rdg(["sessions"], sandbox, { RDG_SCHEDULER: "local" });
  assert.match(listed.stdout, /local .* armed /);

  const done = await rdg(["attach", "local", "--json"], sandbox);
  assert.equal(done.code, 0, done.stderr);
  const [woken] = JSON.parse(done.stdout).sessions;
  await using client = await DapClient.connect({ port: woken.port });
  await client.attach({
    token: woken.token,
    arguments: { connect: { host: "127.0.0.1", port: woken.port } },
    breakpoints: { [file]: [3] },
  });
  let line = 0;
  while (line !== 3) {
    const { body } = await client.waitFor<{ threadId: number }>("stopped");
    const { stackFrames } = await client.request<{ stackFrames: { line: number }[] }>(
      "stackTrace",
      { threadId: body.threadId, levels: 1 },
    );
    line = stackFrames[0]!.line;
    if (line === 3) assert.equal(await client.evaluate("number >= 0", body.threadId), "True");
    else await client.request("continue", { threadId: body.threadId });
  }
});

Deno.test("rdg attach on the node itself, which the scheduler calls otherwise", async () => {
  await using sandbox = await makeSandbox();
  await sandbox.write("loop.py", script);
  const bin = `${sandbox.dir}/bin`;
  await Deno.mkdir(bin);
  const line = squeueLine({ nodes: "rack7-n1" });
  await Deno.writeTextFile(`${bin}/squeue`, `#!/bin/sh\nprintf '%s' '${line}'\n`, { mode: 0o755 });
  const env = { PATH: `${bin}:/usr/bin:/bin` };
  await using program = start([
    ...[Deno.execPath(), "run", "-A", "-q", `${root}/main.ts`],
    ...["debug", "--lite", python.path, "loop.py"],
  ], { sandbox, env: { SLURM_JOB_ID: "36", SLURMD_NODENAME: "rack7-n1" } });
  await program.until(/Armed and ready/);

  const { code, stdout, stderr } = await rdg(["attach", "36", "--json"], sandbox, env);
  assert.equal(code, 0, stdout + stderr);
  const [woken] = JSON.parse(stdout).sessions;
  assert.equal(woken.node, "rack7-n1");
  assert.equal(woken.state, "listening");
});

Deno.test("rdg attach with fake schedulers on PATH", async (t) => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const bin = `${sandbox.dir}/bin`;
  await Deno.mkdir(bin);
  const fake = async (name: string, text: string) => {
    await Deno.writeTextFile(`${bin}/${name}`, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  };
  const env = { PATH: `${bin}:/usr/bin:/bin` };

  await t.step("finds Slurm by its squeue, shows its complaint, and ends with 5", async () => {
    await fake(
      "squeue",
      "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1",
    );
    const { code, stderr } = await rdg(["attach", "36"], sandbox, env);
    assert.match(stderr, /Unable to contact slurm controller\nTry: /);
    assert.equal(code, 5);
  });

  await t.step("passes no SQUEUE_FORMAT on", async () => {
    await fake("squeue", 'echo "format=$SQUEUE_FORMAT conf=$SLURM_CONF" >&2; exit 1');
    const { stderr } = await rdg(["attach", "36"], sandbox, {
      ...env,
      SQUEUE_FORMAT: "%i",
      SLURM_CONF: "/conf",
    });
    assert.match(stderr, /format= conf=\/conf/);
  });

  await t.step("tells a program of mine that is no job's from none", async () => {
    await fake("squeue", `printf '%s' '${squeueLine({ nodes: "n1" })}'`);
    await fake(
      "srun",
      "echo 'srun: error: Unable to create step for job 36: Access/permission denied' >&2; exit 1",
    );
    await fake("ssh", "exit 255");
    const { code, stderr } = await rdg(["attach", "36", "42"], sandbox, env);
    assert.match(
      stderr,
      /refused a helper step[^]*Access\/permission denied\nTry: .*--via=scancel/,
    );
    assert.equal(code, 4);
  });

  await t.step("goes by ssh where the scheduler refuses, and ssh does not", async () => {
    // What would run on the node runs here: no such process, said by the real helper.
    await fake("ssh", 'shift 5; exec sh -c "$*"');
    const { code, stderr } = await rdg(["attach", "36", "1073741823"], sandbox, env);
    assert.match(stderr, /Cannot wake process 1073741823.*: job 36 has no such process/);
    assert.equal(code, 3);
  });

  await t.step("says that squeue is missing", async () => {
    await Deno.remove(`${bin}/squeue`);
    const empty = { PATH: "/nowhere", RDG_SCHEDULER: "slurm" };
    const { code, stderr } = await rdg(["attach", "36"], sandbox, empty);
    assert.match(stderr, /Cannot run "squeue": it is not on PATH/);
    assert.equal(code, 3);
  });
});
