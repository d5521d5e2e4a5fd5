/**
 * Threads that start while nobody is attached: at full speed, and seen again by the next client.
 */

import assert from "node:assert/strict";
import { attach, resume, stopped } from "../support/debugging.ts";
import { python } from "../support/python.ts";
import { makeSandbox, startRdg } from "../support/rdg.ts";

/** Starts a thread each round, and a forked child with one, and says what traces them. */
const threadsScript = `import os, sys, threading, time
def work():
    seen.append(sys.gettrace() is not None)
def once():
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return seen.pop()
seen = []
while not os.path.exists("stop"):
    traced = once()
    child = os.fork()
    if child == 0:
        os._exit(once())
    print("traced", traced, os.waitpid(child, 0)[1] != 0, flush=True)
    time.sleep(0.02)
`;

Deno.test(`threads started while nobody is attached aren't traced (${python.version})`, async () => {
  await using sandbox = await makeSandbox({ interpreter: python });
  const path = await sandbox.write("threads.py", threadsScript);
  const wake = ["debug", "-l", "--wait-timeout=0.2", python.path, "threads.py"];
  await using child = startRdg(wake, { sandbox });
  /** What the program says once what it has said so far is over. */
  const says = async (wanted: string) => {
    const from = child.stdout.length;
    return await child.until(new RegExp(`^${wanted}$`, "m"), { from, stream: "stdout" });
  };
  await says("traced False False");
  await child.kill(40);
  const port = await child.port();
  await child.until(/Nobody attached: the program goes on/);
  await says("traced False False");
  for (const round of [1, 2]) {
    const client = await attach(child, sandbox, { port, breakpoints: { [path]: [3] } });
    const stop = await stopped(client);
    assert.equal(stop.frames[0], "work threads.py:3", `attached for the ${round}. time`);
    await resume(client, stop);
    await client.disconnect();
    await says("traced False False");
  }
  await sandbox.write("stop", "");
  assert.equal((await child.status()).code, 0);
});
