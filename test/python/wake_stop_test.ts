/** Where a woken program stops: in the midst of what it waits for, whatever that is. */

import assert from "node:assert/strict";
import { attach, evaluate, resume, stopped } from "../support/debugging.ts";
import { interpreters } from "../support/python.ts";
import { asleep } from "../support/proc.ts";
import { type Child, makeSandbox, type Sandbox, startRdg } from "../support/rdg.ts";

/** What the main thread waits for, for ever; `mine` is a local of the function that waits. */
const waits: Readonly<Record<string, string>> = {
  "a sleep": "time.sleep(10**6)",
  "a lock": "lock.acquire()",
  "a thread's end": "thread.join()",
  "a queue": "queue.Queue().get()",
  "an event loop": "asyncio.run(asyncio.sleep(10**6))",
  "a child process": "subprocess.Popen(['cat'], stdin=-1, stdout=-3, stderr=-3).wait()",
  "a socket": "pair = socket.socketpair(); pair[0].recv(1)",
};

function program(wait: string): string {
  return `import asyncio, queue, socket, subprocess, sys, threading, time
lock = threading.Lock()
lock.acquire()
thread = threading.Thread(target=time.sleep, args=(10**6,), daemon=True)
thread.start()
def hang(mine):
    print("about to", flush=True)
    ${wait}
hang(17)
`;
}

/** Waits until the main thread waits within the kernel for something, no matter what. */
async function blocked(pid: number): Promise<void> {
  const until = Date.now() + 20_000;
  let calm = 0;
  while (calm < 5) {
    assert.ok(Date.now() < until, `process ${pid} runs on`);
    const state = /\) (\w)/.exec(await Deno.readTextFile(`/proc/${pid}/stat`))?.[1];
    calm = state === "S" ? calm + 1 : 0;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

for (const interpreter of interpreters.filter(({ minor }) => [8, 11, 12, 13, 14].includes(minor))) {
  Deno.test(`a wake stops within what the program waits for (${interpreter.version})`, async (t) => {
    for (const [name, wait] of Object.entries(waits)) {
      await t.step(name, async () => {
        await using sandbox = await makeSandbox({ interpreter });
        await sandbox.write("hang.py", program(wait));
        await using child = startRdg(["debug", "-l", interpreter.path, "hang.py"], { sandbox });
        await child.until(/^about to$/m, { stream: "stdout" });
        if (name === "a sleep") await asleep(child.pid);
        else await blocked(child.pid);
        await child.kill(40);
        const port = await child.port();
        for (const again of [false, true]) {
          if (again) await child.kill(40);
          await using client = await attach(child, sandbox, { port });
          const { frames, frameIds, threadId } = await stopped(client);
          const own = frames.findIndex((frame) => frame === "hang hang.py:8");
          assert.ok(own >= 0, frames.join("\n"));
          assert.equal(await evaluate(client, "mine", frameIds[own]), "17");
          await resume(client, { reason: "", threadId, frames, frameIds });
          await client.disconnect();
          const { records } = sandbox;
          while ((await records())[0]?.["state"] === "attached") await blocked(child.pid);
        }
      });
    }
  });
}

/** Calls a small function again and again. */
const busy = `def step(number):
    total = number * 2
    total += 1
    return total
number = 0
print("about to", flush=True)
while True:
    number = step(number) % 1000
`;

for (const interpreter of interpreters) {
  Deno.test(`a woken program goes on line by line (${interpreter.version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    await sandbox.write("busy.py", busy);
    await using child = startRdg(["debug", "-l", interpreter.path, "busy.py"], { sandbox });
    await child.until(/^about to$/m, { stream: "stdout" });
    await child.kill(40);
    const port = await child.port();
    for (const again of [false, true]) {
      if (again) await child.kill(40);
      await using client = await attach(child, sandbox, { port });
      let stop = await stopped(client);
      const seen = new Set<string>();
      for (let count = 0; count < 8; count++) {
        // Into the function wherever it is called.
        const atCall = stop.frames[0] === "<module> busy.py:8";
        await client.request(atCall ? "stepIn" : "next", { threadId: stop.threadId });
        stop = await stopped(client);
        seen.add(stop.frames[0]!);
      }
      for (const line of [2, 3, 4]) assert.ok(seen.has(`step busy.py:${line}`), [...seen].join());
      await client.disconnect();
      const until = Date.now() + 20_000;
      while ((await sandbox.records())[0]?.["state"] === "attached") {
        assert.ok(Date.now() < until, "the program doesn't notice that the client has left");
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  });
}

/** Its main thread ends at once, another one goes on. */
const outlived = `import os, threading, time
def work(mine):
    while not os.path.exists("stop"):
        mine += 1
        time.sleep(0.01)
threading.Thread(target=work, args=(1,)).start()
print("about to end", flush=True)
`;

// 3.12 starts no thread any more once the main one is over, so nothing can be opened there.
for (const interpreter of interpreters.filter(({ minor }) => [8, 11, 13].includes(minor))) {
  Deno.test(`a thread that outlives the main one stops at each wake (${interpreter.version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    await sandbox.write("outlived.py", outlived);
    await using child = startRdg(["debug", "-l", interpreter.path, "outlived.py"], { sandbox });
    await child.until(/^about to end$/m, { stream: "stdout" });
    await blocked(child.pid);
    for (let round = 0; round < 6; round++) {
      const from = child.stderr.length;
      await child.kill(40);
      await using client = await attach(child, sandbox, { port: await child.port(from) });
      const stop = await stopped(client);
      assert.ok(stop.frames.some((frame) => frame.startsWith("work ")), stop.frames.join("\n"));
      await resume(client, stop);
      await client.disconnect();
      while ((await sandbox.records())[0]?.["state"] === "attached") await blocked(child.pid);
    }
    await sandbox.write("stop", "");
    assert.equal((await child.status()).code, 0);
  });
}

/** Is met by most wakes where a lock of `threading`, or the import system, is in the way. */
const awkward: Readonly<Record<string, string>> = {
  "starting threads": `
while not os.path.exists("stop"):
    threads = [threading.Thread(target=int) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    n += 1`,
  "importing": `
while not os.path.exists("stop"):
    for name in ["json", "queue", "csv", "socketserver"]:
        sys.modules.pop(name, None)
        importlib.import_module(name)
    n += 1`,
};

for (const interpreter of interpreters.filter(({ minor }) => [8, 11, 13, 14].includes(minor))) {
  Deno.test(`many wakes at once stop an awkward program once (${interpreter.version})`, async (t) => {
    for (const [name, loop] of Object.entries(awkward)) {
      await t.step(name, async () => {
        await using sandbox = await makeSandbox({ interpreter });
        await sandbox.write(
          "awkward.py",
          `import importlib, os, sys, threading\nn = 0\nprint("ready", flush=True)${loop}\nprint("end", n > 0, flush=True)\n`,
        );
        await using child = startRdg(["debug", "-l", interpreter.path, "awkward.py"], { sandbox });
        await child.until(/^ready$/m, { stream: "stdout" });
        await Promise.all(Array.from({ length: 10 }, () => child.kill(40)));
        await using client = await attach(child, sandbox, { port: await child.port() });
        const stop = await stopped(client);
        assert.ok(
          stop.frames.some((frame) => frame.includes("awkward.py")),
          stop.frames.join("\n"),
        );
        await resume(client, stop);
        await client.disconnect();
        await sandbox.write("stop", "");
        // A wake served a second time would wait for a client that never comes.
        await child.until(/^end True$/m, { stream: "stdout" });
        assert.equal((await child.status()).code, 0);
      });
    }
  });
}

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
    debugger = None
    while not getattr(debugger, "ready_to_run", False):
        time.sleep(0.001)
        constants = sys.modules.get("_pydevd_bundle.pydevd_constants")
        debugger = getattr(constants, "get_global_debugger", lambda: None)()
    debugger._lock_running_thread_ids = Lock(debugger._lock_running_thread_ids)
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
    await using client = await attach(child, sandbox, { port });
    const stop = await stopped(client);
    assert.match(stop.frames[0]!, /^<module> kept\.py/);
    await resume(client, stop);
    assert.equal((await child.status()).code, 1);
  });
}

/** About to stop for a client, it is kept until that has gone. */
const aboutToStop = `import os, sys, threading, time
def meddle():
    debugger = None
    while not getattr(debugger, "ready_to_run", False):
        time.sleep(0.001)
        constants = sys.modules.get("_pydevd_bundle.pydevd_constants")
        debugger = getattr(constants, "get_global_debugger", lambda: None)()
    suspend = debugger.set_suspend
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
    await using client = await attach(child, sandbox, { port });
    const stop = await stopped(client);
    assert.match(stop.frames[0]!, /^<module> about\.py/);
    await resume(client, stop);
    assert.equal((await child.status()).code, 1);
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

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Says each round whether it is traced, by what Python has for that since 3.12 as well. */
const tracedScript = `import os, sys, time
def traced():
    if sys.version_info < (3, 12):
        return sys.gettrace() is not None
    return sys.monitoring.get_tool(sys.monitoring.DEBUGGER_ID) is not None
while not os.path.exists("stop"):
    print("traced", traced(), flush=True)
    time.sleep(0.02)
`;

for (const interpreter of interpreters.filter(({ minor }) => [8, 11, 13].includes(minor))) {
  Deno.test(`after the adapter's death a program runs on untraced, and a wake says so (${interpreter.version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    await sandbox.write("traced.py", tracedScript);
    await using child = startRdg(["debug", "-l", interpreter.path, "traced.py"], { sandbox });
    await child.until(/^traced False$/m, { stream: "stdout" });
    await child.kill(40);
    {
      await using client = await attach(child, sandbox, { port: await child.port() });
      await resume(client, await stopped(client));
      await child.until(/^traced True$/m, { stream: "stdout" });
      const from = child.stdout.length;
      Deno.kill(await adapterOf(sandbox.state), "SIGKILL");
      await child.until(/^traced False$/m, { stream: "stdout", from });
    }
    // The record follows.
    for (let left = 100;; left--) {
      const [record] = await sandbox.records();
      if (record?.["state"] === "armed" && record["address"] === null) break;
      assert.ok(left, JSON.stringify(record));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await child.kill(40);
    await child.until(/The debugger's own process has ended/);
    const from = child.stdout.length;
    await child.until(/^traced False$/m, { stream: "stdout", from });
    await sandbox.write("stop", "");
    assert.equal((await child.status()).code, 0);
  });
}

/** The process of the adapter that a test's program has started. */
async function adapterOf(state: string): Promise<number> {
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const command = await Deno.readTextFile(`/proc/${name}/cmdline`);
      if (!command.includes("_adapter_process.py")) continue;
      // RDG_ variables are kept from it; the home is the sandbox's own.
      const environment = await Deno.readTextFile(`/proc/${name}/environ`);
      if (environment.includes(`HOME=${state.replace(/state$/, "home")}`)) return Number(name);
    } catch {
      // It has ended meanwhile.
    }
  }
  throw new Error("no adapter runs");
}
