/**
 * `rdg stack` and real processes on this host: every Python version, and programs that are hard to
 * ask.
 */

import assert from "node:assert/strict";
import { interpreters, python, root } from "../../support/python.ts";
import {
  type Child,
  makeSandbox,
  runRdg,
  type Sandbox,
  start,
  startRdg,
} from "../../support/rdg.ts";

/** What `rdg stack --json` prints, as far as the tests look. */
interface Picture {
  groups: { frames: { function: string; line: number }[] }[];
  processes: {
    pid: number;
    via: string;
    change?: { kind: string; forS?: number };
    threads: { main: boolean; frames: { function: string }[] }[];
  }[];
  missing: { pid: number; outcome: string; reason: string }[];
}

/** Starts a program in lite mode and waits until it says "ready". */
async function program(sandbox: Sandbox, text: string, interpreter = python): Promise<Child> {
  const file = await sandbox.write("program.py", text);
  const child = startRdg(["debug", "--lite", interpreter.path, file], { sandbox });
  await child.until(/ready$/m, { stream: "stdout" });
  return child;
}

async function look(sandbox: Sandbox, words: string[]): Promise<Picture & { code: number }> {
  const { code, stdout, stderr } = await runRdg(["stack", ...words, "--json"], { sandbox });
  assert.notEqual(stdout, "", stderr);
  return { ...JSON.parse(stdout), code };
}

const waiting = `import threading, time
def worker():
    time.sleep(1000)
def main():
    threading.Thread(target=worker, daemon=True).start()
    print("ready", flush=True)
    input()
    print("went on", flush=True)
main()
`;

for (const interpreter of interpreters) {
  Deno.test(`rdg stack reads Python ${interpreter.version}, again and again`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    await using child = await program(
      sandbox,
      waiting.replace("input()", "time.sleep(1000)"),
      interpreter,
    );
    for (let i = 0; i < 3; i++) {
      const { code, groups, processes } = await look(sandbox, ["local"]);
      assert.equal(code, 0);
      assert.deepEqual(groups.map(({ frames }) => frames.map((frame) => frame.function)), [
        ["main", "<module>"],
      ]);
      assert.equal(processes[0]!.pid, child.pid);
      assert.equal(processes[0]!.threads.length, 2);
    }
  });
}

Deno.test("rdg stack leaves a program that reads its input as it was", async () => {
  await using sandbox = await makeSandbox();
  const file = await sandbox.write("program.py", waiting);
  const fifo = `${sandbox.dir}/in`;
  await new Deno.Command("mkfifo", { args: [fifo] }).output();
  await using child = start([
    ...["bash", "-c", `exec 3<>${fifo}; exec "$@" <&3`, "bash"],
    ...[Deno.execPath(), "run", "-A", "-q", `${root}/main.ts`],
    ...["debug", "--lite", python.path, file],
  ], { sandbox });
  await child.until(/ready$/m, { stream: "stdout" });
  for (let i = 0; i < 5; i++) assert.equal((await look(sandbox, ["local"])).code, 0);
  await Deno.writeTextFile(fifo, "\n");
  await child.until(/went on/, { stream: "stdout" });
  assert.equal((await child.status()).code, 0);
});

Deno.test("rdg stack serves several who ask at once, each with one whole answer", async () => {
  await using sandbox = await makeSandbox();
  await using _child = await program(sandbox, waiting.replace("input()", "time.sleep(1000)"));
  const all = await Promise.all(Array.from({ length: 4 }, () => look(sandbox, ["local"])));
  for (const { code, processes } of all) {
    assert.equal(code, 0);
    assert.equal(processes[0]!.threads.length, 2);
    assert.equal(processes[0]!.threads[0]!.main, true);
  }
});

Deno.test("rdg stack goes together with the program's own handler for the signal", async () => {
  await using sandbox = await makeSandbox();
  await using child = await program(
    sandbox,
    `import signal, sys, time
def handler(number, frame):
    print("mine", flush=True)
signal.signal(41, handler)
print("ready", flush=True)
while True:
    time.sleep(0.1)
`,
  );
  const { code, groups } = await look(sandbox, ["local"]);
  assert.equal(code, 0);
  assert.equal(groups[0]!.frames.at(-1)!.function, "<module>");
  await child.until(/mine/, { stream: "stdout" });
});

Deno.test("rdg stack writes into no file of a program that closed its descriptors", async () => {
  await using sandbox = await makeSandbox();
  await using _child = await program(
    sandbox,
    `import os, time
os.closerange(3, 4096)
files = [open("mine-%d" % i, "w") for i in range(5)]
for fd in range(900, 1024):
    os.dup2(files[0].fileno(), fd)
print("ready", flush=True)
time.sleep(1000)
`,
  );
  const { code, missing } = await look(sandbox, ["local"]);
  assert.equal(code, 1);
  assert.equal(missing[0]!.outcome, "unarmed");
  assert.match(missing[0]!.reason, /the program closed the file that its stacks are written to/);
  for (let i = 0; i < 5; i++) {
    assert.equal((await Deno.stat(`${sandbox.dir}/mine-${i}`)).size, 0);
  }
});

Deno.test("rdg stack says how many threads beyond Python's 100 are not shown", async () => {
  await using sandbox = await makeSandbox();
  await using _child = await program(
    sandbox,
    `import threading, time
def worker():
    time.sleep(1000)
for _ in range(120):
    threading.Thread(target=worker, daemon=True).start()
print("ready", flush=True)
worker()
`,
  );
  const { code, stdout, stderr } = await runRdg(["stack", "local"], { sandbox });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /100 threads/);
  assert.match(
    stderr,
    /main thread is not among the 100 that Python shows; 21 of 121 threads \(native ones included\)/,
  );
});

Deno.test("rdg stack says that a process is stopped, or blocks the signal", async () => {
  await using sandbox = await makeSandbox();
  await using child = await program(
    sandbox,
    `import signal, time
signal.pthread_sigmask(signal.SIG_BLOCK, {41})
print("ready", flush=True)
time.sleep(1000)
`,
  );
  const blocked = await look(sandbox, ["local", "--timeout", "0.5"]);
  assert.equal(blocked.code, 6);
  assert.match(blocked.missing[0]!.reason, /no answer in time: all its threads block signal 41/);
  await child.kill("SIGSTOP");
  const stopped = await look(sandbox, ["local"]);
  assert.equal(stopped.missing[0]!.outcome, "stopped");
  assert.match(stopped.missing[0]!.reason, new RegExp(`kill -CONT ${child.pid}`));
});

Deno.test("rdg stack --watch marks what moves and what doesn't, until the process ends", async () => {
  await using sandbox = await makeSandbox();
  await using child = await program(sandbox, waiting.replace("input()", "time.sleep(1000)"));
  await using watch = startRdg(["stack", "local", "--watch", "1", "--json"], { sandbox });
  await watch.until(/"kind":"same","forS":[1-9].*\n/, { stream: "stdout" });
  const objects = watch.stdout.trim().split("\n").map((line): Picture => JSON.parse(line));
  assert.equal(objects[0]!.processes[0]!.change, undefined);
  await child.kill("SIGKILL");
  await child.status();
  await watch.until(/"outcome":"gone"/, { stream: "stdout" });
});

Deno.test("rdg stack --pid finds an armed process without a job, and says why another can't be read", async () => {
  await using sandbox = await makeSandbox();
  await using child = await program(sandbox, waiting.replace("input()", "time.sleep(1000)"));
  const armed = await look(sandbox, ["--pid", String(child.pid)]);
  assert.equal(armed.code, 0);
  assert.equal(armed.processes[0]!.via, "signal");
  const script = "import time; print('ready', flush=True); time.sleep(1000)";
  await using other = start([python.path, "-c", script], { sandbox });
  await other.until(/ready/, { stream: "stdout" });
  const unarmed = await look(sandbox, ["--pid", String(other.pid)]);
  assert.equal(unarmed.code, 1);
  assert.match(unarmed.missing[0]!.reason, /not started by "rdg debug", and py-spy/);
  await using shell = start(["bash", "-c", "echo ready; read"], { sandbox });
  await shell.until(/ready/, { stream: "stdout" });
  await shell.status();
  const gone = await look(sandbox, ["--pid", String(shell.pid)]);
  assert.equal(gone.code, 3);
  assert.equal(gone.missing[0]!.reason, "there is no such process here");
});

Deno.test("rdg stack --pid passes on what py-spy says, stacks or a complaint", async () => {
  await using sandbox = await makeSandbox();
  const script = "import time; print('ready', flush=True); time.sleep(1000)";
  await using other = start([python.path, "-c", script], { sandbox });
  await other.until(/ready/, { stream: "stdout" });
  const ask = async (pySpy: string) => {
    await Deno.mkdir(`${sandbox.dir}/bin`, { recursive: true });
    const path = await sandbox.write("bin/py-spy", `#!/bin/sh\n${pySpy}\n`);
    await Deno.chmod(path, 0o755);
    const PATH = `${sandbox.dir}/bin:${sandbox.env["PATH"]}`;
    const words = ["stack", "--pid", String(other.pid), "--json", "--timeout", "1"];
    const { code, stdout } = await runRdg(words, { sandbox, env: { PATH } });
    return { ...JSON.parse(stdout) as Picture, code };
  };
  const answer = JSON.stringify([{
    ...{ pid: other.pid, thread_id: 1, thread_name: "MainThread", os_thread_id: other.pid },
    frames: [{ name: "<module>", filename: "<string>", line: 1 }],
  }]);
  const good = await ask(`[ "$*" = "dump --json --pid ${other.pid}" ] && echo '${answer}'`);
  assert.equal(good.code, 0);
  assert.equal(good.processes[0]!.via, "py-spy");
  assert.equal(good.groups[0]!.frames[0]!.function, "<module>");
  const refused = await ask("echo 'Error: Permission Denied: Try again with elevated' >&2; exit 1");
  assert.equal(refused.code, 1);
  assert.match(refused.missing[0]!.reason, /py-spy failed: Permission Denied: Try again/);
  const silent = await ask("exec sleep 100");
  assert.equal(silent.code, 6);
  assert.match(silent.missing[0]!.reason, /py-spy gave no answer in time/);
});

Deno.test("the stack signal ends no program, at the interpreter's end neither", async () => {
  await using sandbox = await makeSandbox();
  await using child = await program(
    sandbox,
    `import faulthandler, os, signal, sys
print(signal.getsignal(41) is signal.SIG_DFL)
print("ready", flush=True)
faulthandler.unregister(41)  # as Python does at its end
os.kill(os.getpid(), 41)
sys.exit(5)
`,
  );
  assert.equal((await child.status()).code, 5);
  assert.equal(child.stdout, "True\nready\n");
});

Deno.test("rdg stack names a process that dies while it is asked", async () => {
  await using sandbox = await makeSandbox();
  await using child = await program(
    sandbox,
    `import signal, time
signal.pthread_sigmask(signal.SIG_BLOCK, {41})
print("ready", flush=True)
time.sleep(1000)
`,
  );
  const asked = look(sandbox, ["local", "--timeout", "20"]);
  // Once the signal is pending, the helper waits for an answer that never comes.
  while (!/^ShdPnd:\t0*1[0-9a-f]{10}$/m.test(await statusOf(child.pid))) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await child.kill("SIGKILL");
  const { code, missing } = await asked;
  assert.equal(code, 3);
  assert.deepEqual(missing.map(({ outcome }) => outcome), ["ended"]);
});

Deno.test("rdg stack says that a program is armed for a crash only", async () => {
  await using sandbox = await makeSandbox();
  const file = await sandbox.write("program.py", waiting.replace("input()", "time.sleep(1000)"));
  await using child = startRdg(["debug", "--post-mortem", python.path, file], { sandbox });
  await child.until(/ready$/m, { stream: "stdout" });
  const { code, missing } = await look(sandbox, ["local"]);
  assert.equal(code, 1);
  assert.match(missing[0]!.reason, /^it is armed for a crash only \(post-mortem\), and py-spy/);
});

async function statusOf(pid: number): Promise<string> {
  return await Deno.readTextFile(`/proc/${pid}/status`);
}

Deno.test("rdg stack needs no more than its set of permissions", async () => {
  await using sandbox = await makeSandbox();
  await using _child = await program(sandbox, waiting.replace("input()", "time.sleep(1000)"));
  await using limited = start([
    ...[Deno.execPath(), "run", "-P=stack", "-q", `--config=${root}/deno.json`, `${root}/main.ts`],
    ...["stack", "local", "--html", `${sandbox.dir}/page.html`],
  ], { sandbox });
  const { code } = await limited.status();
  assert.equal(code, 0, limited.stderr);
  assert.match(limited.stdout, /^PID \d+ in main program\.py:7/);
  assert.match(await Deno.readTextFile(`${sandbox.dir}/page.html`), /<b>main<\/b>/);
});
