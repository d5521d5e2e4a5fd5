/**
 * Which processes below `rdg debug` wait, are armed, or are left alone: ranks, launchers, shell scripts,
 * jobs within jobs, forked workers. Who waits is seen by its block: `--wait-timeout` lets it go on.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { DapClient } from "../../support/dap.ts";
import { outcome, withoutRdg } from "../../support/outcome.ts";
import { interpreters, newestPython, python } from "../../support/python.ts";
import { makeSandbox, rdg, type Sandbox, startRdg } from "../../support/rdg.ts";

const launch = fileURLToPath(new URL("./testdata/launch", import.meta.url));
const ends = fileURLToPath(new URL("./testdata/corpus/ends.py", import.meta.url));
const brief = "--wait-timeout=0.2";

/** A sandbox with the launchers in it, and what puts them and `python` on PATH. */
async function launchSandbox(): Promise<{ sandbox: Sandbox; env: Record<string, string> }> {
  const sandbox = await makeSandbox();
  await new Deno.Command("cp", { args: ["-r", `${launch}/.`, sandbox.dir] }).output();
  await Deno.symlink(python.path, `${sandbox.dir}/bin/python`);
  return { sandbox, env: { PATH: `${sandbox.dir}/bin:${sandbox.env["PATH"]}` } };
}

/** The ranks (or `-`) of the processes that waited, sorted. */
function waited(stderr: string): string[] {
  const blocks = stderr.split("--- Python Debugger Info ---").slice(1);
  return blocks.filter((block) => block.includes("Script is paused"))
    .map((block) => /^Rank: (.*)$/m.exec(block)?.[1] ?? "-").sort();
}

Deno.test("rdg debug torchrun: each rank waits, its children don't", async () => {
  const { sandbox, env } = await launchSandbox();
  await using _ = sandbox;
  const command = ["debug", brief, python.path, "bin/torchrun", "2", "train.py"];
  const { code, stdout, stderr } = await outcome([...rdg, ...command], { sandbox, env });
  assert.equal(code, 0, stderr);
  assert.deepEqual(waited(stderr), ["0 of 2", "1 of 2"]);
  const said = ["a child", "a child", "a child", "a child", "rank 0 [9]", "rank 1 [9]"];
  assert.deepEqual(stdout.trim().split("\n").sort(), said);
});

Deno.test("rdg debug --rank 0 torchrun: the other ranks are left untouched", async () => {
  const { sandbox, env } = await launchSandbox();
  await using _ = sandbox;
  const command = ["debug", brief, "--rank=0", python.path, "bin/torchrun", "3", "train.py"];
  const { code, stderr } = await outcome([...rdg, ...command], { sandbox, env });
  assert.equal(code, 0, stderr);
  assert.deepEqual(waited(stderr), ["0 of 3"]);
  // Unarmed: the wake signal does what it does to any process.
  const other = { ...env, RANK: "1", WORLD_SIZE: "3" };
  // Through a shell: Deno can't tell of a real-time signal.
  const wake = ["bash", "-c", `${python.path} ${ends} signal 40; exit $?`];
  const left = await outcome([...rdg, "debug", "-lp", "--rank=0,2", ...wake], {
    sandbox,
    env: other,
  });
  assert.deepEqual([left.code, left.stdout], [168, "before\n"]);
  // Not "rdg" alone: bash names the script, and the clone may lie in a folder of that name.
  assert.doesNotMatch(left.stderr, /Debugger|\[rdg\]|rdg attach/);
  const taken = await outcome([...rdg, "debug", "-l", brief, "--rank=0-1", ...wake], {
    sandbox,
    env: other,
  });
  assert.deepEqual([taken.code, withoutRdg(taken.stderr)], [0, ""]);
  assert.match(taken.stderr, /^ {2}Rank: {4}1 of 3$/m);
});

Deno.test("rdg debug srun: the tasks of the job that it starts wait", async () => {
  const { sandbox, env } = await launchSandbox();
  await using _ = sandbox;
  const command = [...rdg, "debug", brief, "srun", "python", "train.py"];
  const { code, stderr } = await outcome(command, { sandbox, env });
  assert.equal(code, 0, stderr);
  assert.deepEqual(waited(stderr), ["0 of 2", "1 of 2"]);
});

Deno.test("rdg debug bash: only programs wait, or those that --program names", async () => {
  const { sandbox, env } = await launchSandbox();
  await using _ = sandbox;
  for (
    const [flags, count] of [
      [[], 3],
      [["--program=eval*.py"], 1],
      [["--program=train", "--program", "train.py"], 2],
    ] as const
  ) {
    const command = ["debug", brief, ...flags, "bash", "run.sh", "train.py"];
    const { code, stdout, stderr } = await outcome([...rdg, ...command], { sandbox, env });
    assert.equal(code, 0, stderr);
    assert.equal(waited(stderr).length, count, `${flags}:\n${stderr}`);
    assert.equal(withoutRdg(stderr), "");
    assert.equal(stdout.match(/rank - \[9\]/g)?.length, 2);
  }
});

Deno.test("rdg debug arms no process of another job", async () => {
  const { sandbox, env } = await launchSandbox();
  await using _ = sandbox;
  const wake = `python ${ends} signal 40; echo $?`;
  for (
    const [mine, theirs, armed] of [
      [{}, "SLURM_JOB_ID=2", false],
      [{ SLURM_JOB_ID: "1" }, "SLURM_JOB_ID=2", false],
      [{ SLURM_JOB_ID: "1" }, "SLURM_JOB_ID=1", true],
      [{ SLURM_JOB_ID: "1" }, "SLURM_JOB_ID=", false],
    ] as const
  ) {
    const line = `export ${theirs}; ${wake}`;
    const { stdout } = await outcome([...rdg, "debug", "-l", brief, "bash", "-c", line], {
      sandbox,
      env: { ...env, ...mine },
    });
    assert.equal(stdout, `before\n${armed ? 0 : 168}\n`, theirs);
  }
});

Deno.test("rdg debug -lp keeps a program that becomes another Python", async () => {
  const { sandbox, env } = await launchSandbox();
  await using _ = sandbox;
  await sandbox.write(
    "again.py",
    `import os, sys
if "again" not in sys.argv:
    os.execv(sys.executable, [sys.executable, "again.py", "again"])
raise ValueError("in the second")
`,
  );
  const command = [...rdg, "debug", "-lp", brief, python.path, "again.py"];
  const { code, stderr } = await outcome(command, { sandbox, env });
  assert.equal(code, 1);
  assert.match(stderr, /^\[Post-Mortem Debugger\] ValueError: in the second$/m);
  assert.deepEqual(await sandbox.records(), []);
});

for (const interpreter of new Set([interpreters[0]!, python, newestPython])) {
  Deno.test(`rdg debug: a forked worker runs past a breakpoint (${interpreter.version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    const path = await sandbox.write("loader.py", await Deno.readTextFile(`${launch}/loader.py`));
    await using child = startRdg(["debug", interpreter.path, "loader.py"], { sandbox });
    const port = await child.port();
    const [record] = await sandbox.records();
    await using client = await DapClient.connect({ port });
    await client.attach({ token: String(record?.["token"]), breakpoints: { [path]: [8] } });
    for (const seen of ["", "40\n[2, 4, 6]\n[0, 0]\n"]) {
      const { body } = await client.waitFor<{ threadId: number }>("stopped");
      assert.equal(child.stdout, seen);
      await client.request("continue", { threadId: body.threadId });
    }
    assert.equal((await child.status()).code, 3);
    assert.equal(child.stdout, "40\n[2, 4, 6]\n[0, 0]\n42\n");
  });
}
