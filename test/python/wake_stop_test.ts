/** Where a woken program stops: in the midst of what it waits for, whatever that is. */

import assert from "node:assert/strict";
import { attach, evaluate, resume, stopped } from "../support/debugging.ts";
import { interpreters } from "../support/python.ts";
import { asleep } from "../support/proc.ts";
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

for (const interpreter of interpreters.filter(({ minor }) => [8, 11, 12, 13].includes(minor))) {
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
