/**
 * Which processes below `rdg debug` wait, are armed, or are left alone: ranks, launchers, shell scripts,
 * jobs within jobs, forked workers. Who waits is seen by its block: `--wait-timeout` lets it go on.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { DapClient } from "../../support/dap.ts";
import { outcome, withoutRdg } from "../../support/outcome.ts";
import { interpreters, newestPython, python } from "../../support/python.ts";
import { evaluate, resume, stopped } from "../../support/debugging.ts";
import { makeSandbox, rdg, runRdg, type Sandbox, startRdg } from "../../support/rdg.ts";

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

for (const interpreter of new Set([python, newestPython])) {
  Deno.test(`rdg debug -l: a forkserver's workers can be woken (${interpreter.version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    // The default way of Python 3.14.
    await sandbox.write(
      "pool.py",
      `import multiprocessing, os, time
def work(number):
    print("worker", os.getpid(), flush=True)
    while not os.path.exists("stop"):
        time.sleep(0.05)
    return number * 2
if __name__ == "__main__":
    context = multiprocessing.get_context("forkserver")
    with context.Pool(1) as pool:
        print(pool.map(work, [4]), flush=True)
`,
    );
    await using child = startRdg(["debug", "-l", interpreter.path, "pool.py"], { sandbox });
    const [, worker] = await child.until(/^worker (\d+)$/m, { stream: "stdout" });
    const pictured = await runRdg(["stack", "local", "--json"], { sandbox });
    const { processes } = JSON.parse(pictured.stdout);
    const helpers = processes.filter((one: { child: boolean }) => one.child);
    assert.ok(helpers.some((one: { pid: number }) => one.pid === Number(worker)), pictured.stdout);
    // The program, its resource tracker, the server and the worker.
    assert.deepEqual([processes.length, helpers.length], [4, 3]);

    const woken = await runRdg(["attach", "local", worker!, "--json"], { sandbox });
    assert.equal(woken.code, 0, woken.stderr);
    const [{ port, token }] = JSON.parse(woken.stdout).sessions;
    await using client = await DapClient.connect({ port });
    await client.attach({ token });
    const stop = await stopped(client);
    assert.match(stop.frames[0]!, /^work pool\.py:[45]$/);
    assert.equal(await evaluate(client, "number", stop.frameIds[0]), "4");
    await resume(client, stop);
    await client.disconnect();
    await sandbox.write("stop", "");
    assert.equal((await child.status()).code, 0);
    assert.match(child.stdout, /^\[8\]$/m);
  });
}

/** Runs `code` in a second interpreter of the process, and ends it. */
const another: Readonly<Record<number, string>> = {
  12: "import _xxsubinterpreters as s; i = s.create(); s.run_string(i, code); s.destroy(i)",
  13: "import _interpreters as s; i = s.create(); s.exec(i, code); s.destroy(i)",
  14: "from concurrent import interpreters as s; i = s.create(); i.exec(code); i.close()",
};

for (const interpreter of interpreters.filter(({ minor }) => another[minor])) {
  for (const flags of ["-lp", "-p", brief]) {
    const name = `rdg debug ${flags}: a second interpreter in a process is left alone`;
    Deno.test(`${name} (${interpreter.version})`, async () => {
      await using sandbox = await makeSandbox({ interpreter });
      await sandbox.write(
        "second.py",
        `import glob, os
code = """if True:
    import sys
    print("armed", "remote_debug._session" in sys.modules, flush=True)
"""
${another[interpreter.minor]}
print("records", len(glob.glob(os.environ["RDG_STATE_DIR"] + "/**/*.json", recursive=True)))
`,
      );
      const words = ["debug", flags, interpreter.path, "second.py"];
      const { code, stdout, stderr } = await runRdg(words, { sandbox });
      assert.equal(code, 0, stderr);
      assert.equal(stdout, "armed False\nrecords 1\n");
      assert.equal(withoutRdg(stderr), "");
      assert.doesNotMatch(stderr, /Cannot arm/);
    });
  }
}
