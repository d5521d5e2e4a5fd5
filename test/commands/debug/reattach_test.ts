/** A program that is attached to and left again and again, politely or not, and stops at breakpoints. */

import assert from "node:assert/strict";
import { DapClient } from "../../support/dap.ts";
import { interpreters, newestPython, python, root } from "../../support/python.ts";
import { makeSandbox, start, startRdg } from "../../support/rdg.ts";

const script = `import time

def step(number):
    total = number * 2
    time.sleep(0.1)
    return total

number = 0
while True:
    number += 1
    step(number)
`;

for (const interpreter of new Set([python, newestPython])) {
  Deno.test(`rdg debug never stands still for an editor that comes and goes (Python ${interpreter.version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    const path = await sandbox.write("count.py", script);
    await using child = startRdg(["debug", "-l", interpreter.path, "count.py"], { sandbox });
    await child.until(/Armed/);
    await child.kill(40);
    const port = await child.port();
    const token = String((await sandbox.records())[0]?.token);
    for (let round = 0; round < 40; round++) {
      // Both switch tracing while the main thread may be about to switch it by itself.
      for (const politely of [true, false, true]) {
        const client = await DapClient.connect({ port });
        await client.attach({ token });
        if (politely) await client.disconnect();
        else await client.close();
      }
      await using client = await DapClient.connect({ port });
      await client.attach({ token, breakpoints: { [path]: [4] } });
      for (let line = 0; line !== 4;) {
        const { threadId } = (await client.waitFor<{ threadId: number }>("stopped")).body;
        const { stackFrames } = await client.request<{ stackFrames: { line: number }[] }>(
          "stackTrace",
          { threadId, levels: 1 },
        );
        line = stackFrames[0]?.line ?? 0;
        if (line === 4) assert.equal(await client.evaluate("number > 0", threadId), "True");
        else await client.request("continue", { threadId });
      }
      await client.disconnect();
    }
  });
}

/** The main thread is switching its tracing on, in Python, when it is asked to once more. */
const switching = `import sys, threading, time
from remote_debug import _debugpy_tracing

switching, asked = threading.Event(), threading.Event()
done = []

def switch(wanted):
    if not wanted:
        sys.settrace(None)
        return
    sys.settrace(lambda frame, event, arg: None)
    switching.set()
    while not asked.is_set():
        time.sleep(0.01)
    after()

def after():
    done.append(True)

main_thread = _debugpy_tracing.MainThread(switch)

def ask():
    switching.wait()
    main_thread.trace(False)
    main_thread.trace(True)
    asked.set()

thread = threading.Thread(target=ask)
thread.start()
main_thread.trace(True)
while not done or main_thread._under_way:
    time.sleep(0.01)
thread.join()
main_thread.trace(False)
while main_thread._under_way:
    time.sleep(0.01)
print("traced:", sys.gettrace() is not None)
`;

for (const interpreter of interpreters) {
  Deno.test(`MainThread.trace() asked meanwhile lets the program go on (Python ${interpreter.version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter, debugpy: null });
    await sandbox.write("switching.py", switching);
    const env = { PYTHONPATH: `${root}/python` };
    await using child = start([interpreter.path, "switching.py"], { sandbox, env });
    const { code } = await child.status();
    assert.deepEqual([code, child.stdout, child.stderr], [0, "traced: False\n", ""]);
  });
}
