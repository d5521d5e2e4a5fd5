/** What happens while `rdg debug` waits for an editor, and to programs that change what it counts on. */

import assert from "node:assert/strict";
import { attach, stopped } from "../../support/attach.ts";
import { outcome, withoutRdg } from "../../support/outcome.ts";
import { interpreters, newestPython, python } from "../../support/python.ts";
import { makeSandbox, rdg, startRdg } from "../../support/rdg.ts";

for (const { path, version } of new Set([interpreters[0]!, python, newestPython])) {
  Deno.test(`rdg debug: Ctrl-C and SIGTERM end a wait (${version})`, async () => {
    const interpreter = interpreters.find((one) => one.path === path)!;
    await using sandbox = await makeSandbox({ interpreter });
    const runs = [
      { flags: [], code: "print('ran')", signal: "SIGINT", ends: [130, "SIGINT"] },
      { flags: [], code: "print('ran')", signal: "SIGTERM", ends: [143, "SIGTERM"] },
      { flags: ["-p"], code: "1 / 0", signal: "SIGINT", ends: [1, null] },
      { flags: ["-p"], code: "1 / 0", signal: "SIGTERM", ends: [143, "SIGTERM"] },
    ] as const;
    await Promise.all(runs.map(async ({ flags, code, signal, ends }) => {
      await using child = startRdg(["debug", ...flags, path, "-c", code], { sandbox });
      await child.until(/waiting for debugger|waits for debugger/);
      await child.until(/\n\n$/);
      await child.kill(signal);
      const status = await child.status();
      assert.deepEqual([status.code, status.signal], ends, child.stderr);
      assert.equal(child.stdout, "");
      const own = withoutRdg(child.stderr);
      assert.equal(own.match(/Traceback/g)?.length ?? 0, code === "1 / 0" ? 1 : 0, own);
      assert.doesNotMatch(own, /remote_debug/);
    }));
  });
}

Deno.test("rdg debug -p: threads that crash at once share one port, and all are shown", async () => {
  await using sandbox = await makeSandbox();
  await sandbox.write(
    "four.py",
    `import sys, threading
together = threading.Barrier(4)
def work(n):
    together.wait()
    raise ValueError(n)
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
sys.exit(6)
`,
  );
  await using child = startRdg(["debug", "-p", python.path, "four.py"], { sandbox });
  const port = await child.port();
  await child.until(/(?:has crashed[^]*){4}/);
  await using client = await attach(child, sandbox, { port });
  const ended = child.status();
  for (;;) {
    // A stop may stand for several threads, and "continue" lets all of them go.
    const stop = await Promise.race([ended, stopped(client).catch(() => ended)]);
    if (!("frames" in stop)) break;
    assert.equal(stop.frames[0], "work four.py:5");
    await client.request("continue", { threadId: stop.threadId });
  }
  assert.equal((await ended).code, 6);
  assert.deepEqual(new Set(child.stderr.match(/^Port: \d+$/gm)), new Set([`Port: ${port}`]));
});

Deno.test("rdg debug -lp: a program that forgets its environment and path is woken all the same", async () => {
  await using sandbox = await makeSandbox();
  await sandbox.write("queue.py", "raise SystemExit('the wrong queue')\n");
  await sandbox.write(
    "lost.py",
    `import os, sys
os.environ.clear()
sys.path[:] = ["/nowhere"]
os.chdir("/")
os.kill(os.getpid(), 40)
print(sys.path, dict(os.environ))
1 / 0
`,
  );
  const command = [...rdg, "debug", "-lp", "--wait-timeout=0.2", python.path, "lost.py"];
  const { code, stdout, stderr } = await outcome(command, { sandbox });
  assert.deepEqual([code, stdout], [1, "['/nowhere'] {}\n"], stderr);
  assert.match(stderr, /Script is paused[^]*goes on[^]*Script has crashed/);
  assert.equal(stderr.match(/\[rdg\] Cannot/), null, stderr);
  assert.deepEqual(await sandbox.records(), []);
});

Deno.test("rdg debug: a real-time signal's death is told where the process can't be replaced", async () => {
  await using sandbox = await makeSandbox();
  const [deno = "", run = "", ...rest] = rdg;
  const without = [deno, run, ...rest.slice(0, -1), "--deny-ffi", rest.at(-1)!];
  for (
    const [code, wanted] of [
      ["import os; os.kill(os.getpid(), 45)", 173],
      ["import os; os.kill(os.getpid(), 15)", 143],
      ["raise SystemExit(7)", 7],
    ] as const
  ) {
    const seen = await outcome([...without, "debug", "-l", python.path, "-c", code], { sandbox });
    assert.equal(seen.code, wanted, seen.stderr);
    assert.match(seen.stderr, /Armed and ready/);
  }
});
