/** Wakes and clients that come, or leave, in the very moment in which something else is under way. */

import assert from "node:assert/strict";
import { attach, resume, stopped } from "../support/debugging.ts";
import { blocked, sleep } from "../support/proc.ts";
import { interpreters } from "../support/python.ts";
import { type Child, makeSandbox, type Sandbox, startRdg } from "../support/rdg.ts";

/** Lines of a program's thread that waits until debugpy's own object is there. */
const untilDebugger = `    debugger = None
    while not getattr(debugger, "ready_to_run", False):
        time.sleep(0.001)
        constants = sys.modules.get("_pydevd_bundle.pydevd_constants")
        debugger = getattr(constants, "get_global_debugger", lambda: None)()
`;

/** Has two more wakes come while the main thread, waiting for a client, holds a lock of debugpy's. */
const locked = `import os, signal, sys, threading, time
main = threading.main_thread()
class Lock:
    def __init__(self, lock):
        self.lock, self.wakes = lock, 2
    def __enter__(self):
        self.lock.acquire()
        if threading.current_thread() is main and self.wakes:
            self.wakes -= 1
            os.kill(os.getpid(), signal.SIGRTMIN + 6)
    def __exit__(self, *_):
        self.lock.release()
def meddle():
${untilDebugger}    debugger._lock_running_thread_ids = Lock(debugger._lock_running_thread_ids)
threading.Thread(target=meddle, daemon=True).start()
print("ready", flush=True)
while not os.path.exists("stop"):
    time.sleep(0.02)
`;

for (const interpreter of interpreters.filter(({ minor }) => [8, 11, 14].includes(minor))) {
  Deno.test(`a wake while debugpy's lock for starting threads is held hangs nothing (${interpreter.version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    await sandbox.write("locked.py", locked);
    await using child = startRdg(["debug", "-l", interpreter.path, "locked.py"], { sandbox });
    await child.until(/^ready$/m, { stream: "stdout" });
    await child.kill(40);
    const port = await child.port();
    // Each of the others says once more where to connect.
    await child.until(/(?:^Script is paused[^]*){3}/m);
    await using client = await attach(child, sandbox, { port });
    const stop = await stopped(client);
    assert.match(stop.frames.at(-1)!, /^<module> locked\.py/);
    await resume(client, stop);
    await client.disconnect();
    await sandbox.write("stop", "");
    assert.equal((await child.status()).code, 0);
  });
}

/** Its main thread is kept by a handler of its own while a client, for which it waits, comes and goes. */
const kept = `import os, signal, sys, time
def keep(number, frame):
    os.write(1, b"kept\\n")  # the wake may have met a print
    while not os.path.exists("gone"):
        time.sleep(0.01)
signal.signal(signal.SIGUSR2, keep)
print("ready", flush=True)
while not os.path.exists("stop"):
    time.sleep(0.02)
    if os.path.exists("gone"):
        os.remove("gone")
        print("goes on", flush=True)
if len(sys.argv) > 1:
    raise ValueError("crash")
`;

for (const interpreter of interpreters.filter(({ minor }) => [8, 11, 14].includes(minor))) {
  Deno.test(`a client that leaves within milliseconds leaves a program that runs (${interpreter.version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    await sandbox.write("kept.py", kept);
    await using child = startRdg(["debug", "-l", interpreter.path, "kept.py"], { sandbox });
    await child.until(/^ready$/m, { stream: "stdout" });
    for (const way of ["disconnect", "close"] as const) {
      const from = { stdout: child.stdout.length, stderr: child.stderr.length };
      await child.kill(40);
      const port = await child.port(from.stderr);
      await untilWaiting(child, sandbox);
      await child.kill("SIGUSR2");
      await child.until(/^kept$/m, { stream: "stdout", from: from.stdout });
      await (await attach(child, sandbox, { port }))[way]();
      while ((await sandbox.records())[0]?.["state"] === "attached") await sleep(20);
      await sandbox.write("gone", "");
      await child.until(/^goes on$/m, { stream: "stdout", from: from.stdout });
      assert.match(child.stderr.slice(from.stderr), /The debugger has left: the program goes on/);
      const [record] = await sandbox.records();
      assert.deepEqual([record?.["state"], record?.["waiting"]], ["listening", false]);
    }
    await sandbox.write("stop", "");
    assert.equal((await child.status()).code, 0);
  });

  Deno.test(`a client that leaves a crash within milliseconds is waited for again (${interpreter.version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    await sandbox.write("kept.py", kept);
    await sandbox.write("stop", "");
    await using child = startRdg(["debug", "-p", interpreter.path, "kept.py", "-"], { sandbox });
    const port = await child.port();
    await untilWaiting(child, sandbox);
    await child.kill("SIGUSR2");
    await child.until(/^kept$/m, { stream: "stdout" });
    await (await attach(child, sandbox, { port })).disconnect();
    while ((await sandbox.records())[0]?.["state"] === "attached") await sleep(20);
    const from = child.stderr.length;
    await sandbox.write("gone", "");
    await child.port(from);
    await untilWaiting(child, sandbox);
    await showsCrash(child, sandbox, { port, file: "kept.py" });
  });
}

/** About to stop for a client, it is kept until that has gone. */
const aboutToStop = `import os, sys, threading, time
def meddle():
${untilDebugger}    suspend = debugger.set_suspend
    def set_suspend(*args, **kwargs):
        if os.path.exists("hold"):
            os.remove("hold")
            os.write(1, b"kept\\n")
            while not os.path.exists("gone"):
                time.sleep(0.01)
        suspend(*args, **kwargs)
    debugger.set_suspend = set_suspend
threading.Thread(target=meddle, daemon=True).start()
print("ready", flush=True)
while not os.path.exists("stop"):
    time.sleep(0.02)
    if os.path.exists("gone"):
        print("goes on", flush=True)
raise ValueError("crash")
`;

for (const interpreter of interpreters.filter(({ minor }) => [8, 11, 14].includes(minor))) {
  Deno.test(`a client that leaves just before the program stops leaves one that runs (${interpreter.version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    const path = await sandbox.write("about.py", aboutToStop);
    await using child = startRdg(["debug", "-l", interpreter.path, "about.py"], { sandbox });
    await child.until(/^ready$/m, { stream: "stdout" });
    await child.kill(40);
    const client = await attach(child, sandbox, {
      port: await child.port(),
      breakpoints: { [path]: [21] },
    });
    const stop = await stopped(client);
    await sandbox.write("hold", "");
    await resume(client, stop);
    await child.until(/^kept$/m, { stream: "stdout" });
    await client.disconnect();
    await sandbox.write("gone", "");
    await child.until(/^goes on$/m, { stream: "stdout" });
    await sandbox.write("stop", "");
    assert.equal((await child.status()).code, 1);
  });

  Deno.test(`a client that leaves just before a crash is shown is waited for again (${interpreter.version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    await sandbox.write("about.py", aboutToStop);
    await sandbox.write("stop", "");
    await sandbox.write("hold", "");
    await using child = startRdg(["debug", "-p", interpreter.path, "about.py"], { sandbox });
    const port = await child.port();
    const first = await attach(child, sandbox, { port });
    await child.until(/^kept$/m, { stream: "stdout" });
    await first.disconnect();
    const from = child.stderr.length;
    await sandbox.write("gone", "");
    await child.port(from);
    await showsCrash(child, sandbox, { port, file: "about.py" });
  });
}

/** A wake comes while the main thread writes the record: a client's attach is written there as well. */
const writing = `import os, remote_debug, signal, time
replace = os.replace
def replace_and_wake(*names):
    os.replace = replace
    replace(*names)
    os.kill(os.getpid(), signal.SIGRTMIN + 6)
os.replace = replace_and_wake
remote_debug.start_debugger(wait=False)
while not os.path.exists("stop"):
    time.sleep(0.02)
`;

/** A wake comes while the main thread, whose client has left, switches its tracing off. */
const switching = `import os, signal, sys, threading, time
main = threading.main_thread()
class Lock:
    def __init__(self, lock):
        self.lock = lock
    def __enter__(self):
        self.lock.acquire()
        if threading.current_thread() is main and os.path.exists("armed"):
            os.remove("armed")
            os.kill(os.getpid(), signal.SIGRTMIN + 6)
    def __exit__(self, *_):
        self.lock.release()
def meddle():
    while "remote_debug._debugpy_tracing" not in sys.modules:
        time.sleep(0.001)
    own = sys.modules["remote_debug._debugpy_tracing"]
    while not hasattr(own, "main_thread"):
        time.sleep(0.001)
    own.main_thread._lock = Lock(own.main_thread._lock)
threading.Thread(target=meddle, daemon=True).start()
print("ready", flush=True)
while not os.path.exists("stop"):
    time.sleep(0.02)
`;

for (const interpreter of interpreters.filter(({ minor }) => [8, 11, 14].includes(minor))) {
  Deno.test(`a wake while the record is written keeps no client from it (${interpreter.version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    await sandbox.write("writing.py", writing);
    await using child = startRdg(["debug", "-l", interpreter.path, "writing.py"], { sandbox });
    const port = await child.port();
    await untilWaiting(child, sandbox);
    await using client = await attach(child, sandbox, { port });
    await resume(client, await stopped(client));
    await client.disconnect();
    await sandbox.write("stop", "");
    assert.equal((await child.status()).code, 0);
  });
}

// 3.12 and later switch nothing in the main thread.
for (const interpreter of interpreters.filter(({ minor }) => [8, 11].includes(minor))) {
  Deno.test(`a wake while tracing is switched off keeps no client out (${interpreter.version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    await sandbox.write("switching.py", switching);
    await using child = startRdg(["debug", "-l", interpreter.path, "switching.py"], { sandbox });
    await child.until(/^ready$/m, { stream: "stdout" });
    await child.kill(40);
    const port = await child.port();
    const first = await attach(child, sandbox, { port });
    await resume(first, await stopped(first));
    const from = child.stderr.length;
    await sandbox.write("armed", "");
    await first.disconnect();
    await child.port(from);
    await using client = await attach(child, sandbox, { port });
    await resume(client, await stopped(client));
    await client.disconnect();
    await sandbox.write("stop", "");
    assert.equal((await child.status()).code, 0);
  });
}

/** Until the record says that the program waits for a client, and it is through with writing that. */
async function untilWaiting(child: Child, sandbox: Sandbox): Promise<void> {
  const until = Date.now() + 20_000;
  while ((await sandbox.records())[0]?.["waiting"] !== true) {
    assert.ok(Date.now() < until, "the program doesn't wait");
    await sleep(20);
  }
  await blocked(child.pid);
}

/** Attaches to a crash, sees it, and lets the program end by it. */
async function showsCrash(
  child: Child,
  sandbox: Sandbox,
  { port, file }: { port: number; file: string },
): Promise<void> {
  await using client = await attach(child, sandbox, { port });
  const stop = await stopped(client);
  assert.ok(stop.frames[0]!.startsWith(`<module> ${file}`), stop.frames[0]);
  await resume(client, stop);
  assert.equal((await child.status()).code, 1);
}
