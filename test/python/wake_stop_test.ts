/** Where a woken program stops: in the midst of what it waits for, whatever that is. */

import assert from "node:assert/strict";
import { attach, evaluate, resume, stopped } from "../support/debugging.ts";
import { interpreters } from "../support/python.ts";
import { asleep, blocked } from "../support/proc.ts";
import { makeSandbox, startRdg } from "../support/rdg.ts";

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
