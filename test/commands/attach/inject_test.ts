/**
 * `rdg attach --inject` and real programs on this host that were started without rdg: each Python
 * version, programs that are hard to get into, and everything that forbids it. Needs gdb.
 */

import assert from "node:assert/strict";
import { parse } from "../../../commands/attach/command.ts";
import { which } from "../../cluster/packages.ts";
import { DapClient } from "../../support/dap.ts";
import { attach, evaluate, resume, stopped } from "../../support/debugging.ts";
import { interpreters, python } from "../../support/python.ts";
import { type Child, makeSandbox, runRdg, type Sandbox, start } from "../../support/rdg.ts";

const gdb = await which("gdb");
const ignore = gdb === null;
const suffix = gdb === null ? " (skipped: not installed: apt-get install -y gdb)" : "";

function injectTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `rdg attach --inject ${name}${suffix}`, ignore, fn });
}

/** Starts a program without rdg and waits until it says "ready". */
async function program(
  sandbox: Sandbox,
  text: string,
  options: { interpreter?: string; env?: Record<string, string>; stdin?: string } = {},
): Promise<Child> {
  const file = await sandbox.write("program.py", text);
  const { interpreter = python.path, ...rest } = options;
  const child = start([interpreter, file], { sandbox, ...rest });
  await child.until(/^ready$/m, { stream: "stdout" });
  return child;
}

interface Answer {
  code: number;
  stderr: string;
  sessions: { pid: number; port: number; token: string }[];
  others: { outcome: string; message: string }[];
}

async function inject(
  child: { pid: number },
  { sandbox, env, words = [] }: {
    sandbox: Sandbox;
    env?: Record<string, string>;
    words?: string[];
  },
): Promise<Answer> {
  const { code, stdout, stderr } = await runRdg(
    ["attach", String(child.pid), "--inject", "--json", ...words],
    { sandbox, ...(env ? { env } : {}) },
  );
  return { sessions: [], others: [], ...JSON.parse(stdout || "{}"), code, stderr };
}

const busy = `import os
print("ready", flush=True)
rounds = 0
def step(number):
    return number + 1
while not os.path.exists("stop"):
    rounds = step(rounds)
print("end", flush=True)
`;

for (const interpreter of interpreters) {
  injectTest(`stops a busy program, and lets it go on (${interpreter.version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    await using child = await program(sandbox, busy, { interpreter: interpreter.path });
    const { code, sessions, stderr } = await inject(child, { sandbox });
    assert.equal(code, 0, stderr);
    const [session] = sessions;
    assert.equal(session!.pid, child.pid);
    assert.match(session!.token, /^[0-9a-f]{64}$/);
    {
      // It is behind the door as any other.
      await using stranger = await DapClient.connect({ port: session!.port });
      await assert.rejects(stranger.attach({ arguments: {} }));
    }
    const client = await attach(child, sandbox, { port: session!.port });
    const stop = await stopped(client);
    assert.match(stop.frames.at(-1)!, /<module> program\.py:/);
    assert.equal(await evaluate(client, "rounds > 0", stop.frameIds.at(-1)), "True");
    await resume(client, stop);
    await client.request("disconnect", { terminateDebuggee: false });
    await client.close();
    await sandbox.write("stop", "");
    assert.equal((await child.status()).code, 0);
    assert.match(child.stdout, /^end$/m);
    assert.deepEqual(await sandbox.records(), []);
  });
}

/** Makes a pipe with a name in the sandbox's folder. */
async function makeFifo(sandbox: Sandbox): Promise<string> {
  const path = `${sandbox.dir}/fifo`;
  const { success } = await new Deno.Command("mkfifo", { args: [path] }).output();
  assert.ok(success);
  return path;
}

injectTest("reaches a program that sleeps in a system call, and can be woken again", async () => {
  await using sandbox = await makeSandbox();
  const fifo = await makeFifo(sandbox);
  await using child = await program(
    sandbox,
    `import os
fd = os.open("fifo", os.O_RDWR)
print("ready", flush=True)
for number in range(3):
    word = os.read(fd, 1)
    print("read", word, flush=True)
`,
  );
  for (const [number, word] of ["a", "b"].entries()) {
    const { code, sessions, stderr } = await inject(child, { sandbox });
    assert.equal(code, 0, stderr);
    // The second time it is armed: nothing is brought in any more, and the port is the same.
    const client = await attach(child, sandbox, { port: sessions[0]!.port });
    const stop = await stopped(client);
    assert.deepEqual(stop.frames, ["<module> program.py:5"]);
    assert.equal(await evaluate(client, "number", stop.frameIds[0]), String(number));
    await resume(client, stop);
    await client.request("disconnect", { terminateDebuggee: false });
    await client.close();
    await Deno.writeTextFile(fifo, word);
    await child.until(new RegExp(`read b'${word}'`), { stream: "stdout" });
  }
  await Deno.writeTextFile(fifo, "c");
  await child.until(/read b'a'\nread b'b'\nread b'c'\n/, { stream: "stdout" });
  assert.equal((await child.status()).code, 0);
});

injectTest("waits in a program that keeps the GIL in native code, and says so", async () => {
  await using sandbox = await makeSandbox();
  const fifo = await makeFifo(sandbox);
  await using child = await program(
    sandbox,
    `import ctypes, os, time
print("ready", flush=True)
fd = os.open("fifo", os.O_RDWR)
buffer = ctypes.create_string_buffer(8)
ctypes.PyDLL(None).read(fd, buffer, 1)  # with the GIL
print("back", flush=True)
while True:
    time.sleep(0.1)
`,
  );
  const first = await inject(child, { sandbox });
  assert.equal(first.code, 6, first.stderr);
  assert.match(first.others[0]!.message, /rdg's code waits in it, but .* keeps Python's lock/);
  assert.equal(first.others[0]!.outcome, "queued");
  assert.deepEqual(await sandbox.records(), []);
  await Deno.writeTextFile(fifo, "x");
  await child.until(/back/, { stream: "stdout" });
  const second = await inject(child, { sandbox });
  assert.equal(second.code, 0, second.stderr);
  assert.equal(second.sessions[0]!.pid, child.pid);
});

injectTest("leaves a program as it was when gdb's call does not come back", async () => {
  await using sandbox = await makeSandbox();
  await using child = await program(
    sandbox,
    `import threading, time
lock = threading.Lock()
print("ready", flush=True)
for number in range(10**9):
    with lock:
        time.sleep(0.05)
    print("round", number, flush=True)
`,
  );
  const bin = `${sandbox.dir}/bin`;
  await Deno.mkdir(bin);
  // The real gdb, made to call something that never ends.
  const text = `#!/bin/sh
for script; do :; done
echo 'call ((int(*)(void))pause)()' | cat - "$script" > "$script.new"
mv "$script.new" "$script"
exec ${gdb} "$@"
`;
  await Deno.writeTextFile(`${bin}/gdb`, text, { mode: 0o755 });
  const env = { PATH: `${bin}:${sandbox.env["PATH"]}` };
  const { code, others } = await inject(child, { sandbox, env, words: ["--timeout", "2"] });
  assert.equal(code, 1);
  assert.match(others[0]!.message, /gdb gave no answer within \d+ s; the process goes on/);
  const from = child.stdout.length;
  await child.until(/round \d+\nround \d+\nround/, { stream: "stdout", from });
  // And the next time, without that, it can be had.
  assert.equal((await inject(child, { sandbox })).code, 0);
});

injectTest("prepares what waits for a crash only, and keeps that", async () => {
  await using sandbox = await makeSandbox();
  const file = await sandbox.write("program.py", `${busy}raise ValueError("the end")\n`);
  const words = ["debug", "--post-mortem", python.path, file];
  await using child = start(
    [Deno.execPath(), "run", "-A", "-q", new URL("../../../main.ts", import.meta.url).pathname]
      .concat(words),
    { sandbox },
  );
  await child.until(/^ready$/m, { stream: "stdout" });
  const plain = await runRdg(["attach", "local", String(child.pid)], { sandbox });
  assert.match(plain.stderr, /armed for a crash only/);
  const { code, sessions, stderr } = await inject(child, { sandbox });
  assert.equal(code, 0, stderr);
  const client = await attach(child, sandbox, { port: sessions[0]!.port });
  await resume(client, await stopped(client));
  await sandbox.write("stop", "");
  const { body } = await client.waitFor<{ reason: string; threadId: number }>("stopped");
  assert.equal(body.reason, "exception");
  await client.close();
});

injectTest("says plainly why it can't, and harms nothing", async () => {
  await using sandbox = await makeSandbox();
  await using child = await program(sandbox, busy);

  // Nothing is done without the flag.
  const plain = await runRdg(["attach", "local", String(child.pid)], { sandbox });
  assert.equal(plain.code, 1);
  assert.match(plain.stderr, /not started by "rdg debug --lite"\nTry: nothing was sent/);
  assert.match(plain.stderr, new RegExp(`rdg attach ${child.pid} --inject prepares it first`));

  // The same right as gdb's: as root without the capability, which the other process has.
  await using weak = start([
    ...["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"],
    ...[Deno.execPath(), "run", "-A", "-q"],
    new URL("../../../main.ts", import.meta.url).pathname,
    ...["attach", String(child.pid), "--inject"],
  ], { sandbox });
  assert.equal((await weak.status()).code, 4, weak.stderr);
  assert.match(weak.stderr, /can't be prepared: .*(kernel|ptrace_scope)/);
  assert.match(weak.stderr, /start it with "rdg debug --lite" the next time/);

  await makeFifo(sandbox);
  await using tracer = start([
    ...["sh", "-c", 'exec "$0" -nx -q -p "$1" -ex "shell echo traced" <>fifo'],
    ...[gdb!, String(child.pid)],
  ], { sandbox });
  await tracer.until(/traced/, { stream: "stdout" });
  const traced = await inject(child, { sandbox });
  assert.equal(traced.code, 4);
  assert.match(traced.others[0]!.message, /process \d+ \(gdb\) traces it already/);
  await tracer.kill("SIGTERM");
  await tracer.status();

  await child.kill("SIGSTOP");
  const still = await inject(child, { sandbox });
  assert.equal(still.code, 1);
  assert.match(still.others[0]!.message, new RegExp(`stopped \\(kill -CONT ${child.pid}`));
  await child.kill("SIGCONT");

  await using other = start(["sh", "-c", "echo ready; exec sleep 1000"], { sandbox });
  await other.until(/ready/, { stream: "stdout" });
  assert.match((await inject(other, { sandbox })).others[0]!.message, /it is no Python/);

  await sandbox.write("stop", "");
  assert.equal((await child.status()).code, 0);
});

injectTest("says that gdb or debugpy is missing, before it touches the program", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const bin = `${sandbox.dir}/bin`;
  await Deno.mkdir(bin);
  for (const name of ["sh", "cat", "hostname"]) {
    await Deno.symlink((await which(name))!, `${bin}/${name}`);
  }
  // Beside the system's own interpreter gdb would be found as well: so a copy of it.
  const path = `${bin}/python3`;
  await Deno.copyFile(await Deno.realPath(python.path), path);
  await Deno.chmod(path, 0o755);
  const env = { PATH: bin };
  await using child = await program(sandbox, busy, { env, interpreter: path });
  const none = await inject(child, { sandbox, env });
  assert.equal(none.code, 3, none.stderr);
  assert.match(none.others[0]!.message, /can't be prepared: gdb is not on PATH on /);
  const without = await inject(child, { sandbox });
  assert.equal(without.code, 1);
  assert.match(without.others[0]!.message, /it has no debugpy, and rdg's cache has none for it/);
  assert.deepEqual(await sandbox.records(), []);
  await sandbox.write("stop", "");
  assert.equal((await child.status()).code, 0);
});

Deno.test("parse() of attach takes --inject with a PID only", () => {
  const { job, pid, inject } = parse(["67890", "--inject"]);
  assert.deepEqual([job, pid, inject], ["local", 67890, true]);
  assert.equal(parse(["36", "67890", "--inject"]).job, "36");
  assert.throws(() => parse(["--inject"]), /"--inject" without a PID/);
  assert.throws(() => parse(["36", "7", "--inject", "--via=scancel"]), /with "--via=scancel"/);
  assert.throws(() => parse(["36", "--inject", "--rank", "1"]), /"--rank"/);
});
