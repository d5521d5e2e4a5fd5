/**
 * A program that traces itself, as coverage does: at a detach each thread has its own tracer again.
 */

import assert from "node:assert/strict";
import { attach, resume, stopped } from "../support/debugging.ts";
import { interpreters } from "../support/python.ts";
import { makeSandbox, startRdg } from "../support/rdg.ts";

/** Says each round which tracers there are, and whether they are called, in the frame of the loop too. */
const tracedScript = `import os, sys, threading, time
calls = dict.fromkeys(["main", "thread", "new"], 0)
lines = dict(calls)
def tracer_for(name):
    def local(frame, event, arg):
        lines[name] += 1
        return local
    def tracer(frame, event, arg):
        if frame.f_code.co_filename != __file__:
            return None
        calls[name] += 1
        return local
    return tracer
def hook(frame, event, arg):
    name = threading.current_thread().name
    sys.settrace(tracer_for(name))
    return sys.gettrace()(frame, event, arg)
def tiny():
    return 1
def loop():
    while not os.path.exists("stop"):
        tiny()
        time.sleep(0.005)
threading.settrace(hook)
threading.Thread(target=loop, name="thread").start()
def main():
    while not os.path.exists("stop"):
        time.sleep(0.02)
        new = threading.Thread(target=tiny, name="new")
        new.start()
        new.join()
        before = dict(calls), dict(lines)
        time.sleep(0.05)
        tiny()
        at = lines["main"]
        mine = lines["main"] > at
        grown = [name for name in ("main", "thread") if calls[name] > before[0][name]]
        print("called", *grown, "here", mine, "hook", threading._trace_hook is hook, "new", calls["new"] > 0, flush=True)
        calls["new"] = 0
sys.settrace(tracer_for("main"))
main()
`;

for (const interpreter of interpreters.filter(({ minor }) => [8, 11, 13].includes(minor))) {
  Deno.test(`a program's own tracers are back after a detach (${interpreter.version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    await sandbox.write("traced.py", tracedScript);
    await using child = startRdg(["debug", "-l", interpreter.path, "traced.py"], { sandbox });
    /** What a round says once what has been said so far is over. */
    const all = /^called main thread here True hook True new True$/m;
    await child.until(all, { stream: "stdout" });
    for (const round of [1, 2]) {
      const said = child.stderr.length;
      await child.kill(40);
      const port = await child.port(said);
      const client = await attach(child, sandbox, { port });
      const stop = await stopped(client);
      assert.ok(stop.frames.some((frame) => frame.includes("traced.py")), stop.frames.join("\n"));
      await resume(client, stop);
      await client.disconnect();
      const from = child.stdout.length;
      await child.until(all, { stream: "stdout", from, timeoutMs: 10_000 }).catch(() => {
        throw new Error(`after detach ${round}: ${child.stdout.slice(-400)}`);
      });
    }
    await sandbox.write("stop", "");
    assert.equal((await child.status()).code, 0, child.stderr);
  });
}
