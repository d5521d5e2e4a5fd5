/** What happens while `rdg debug` waits for an editor, and to programs that change what it counts on. */

import assert from "node:assert/strict";
import { attach, evaluateAndGo, stopped } from "../../support/attach.ts";
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

Deno.test("rdg debug -lp: modules beside the script don't stand in for the standard library's", async () => {
  await using sandbox = await makeSandbox();
  const names =
    "socket contextlib subprocess json queue threading time signal types inspect code " +
    "codeop traceback tokenize selectors errno platform";
  for (const name of names.split(" ")) {
    await sandbox.write(`${name}.py`, `raise SystemExit("the wrong ${name}")\n`);
  }
  await sandbox.write(
    "shadow.py",
    "import os\nvalue = 5\nos.kill(os.getpid(), 40)\nraise ValueError\n",
  );
  await using child = startRdg(["debug", "-lp", python.path, "shadow.py"], { sandbox });
  await using client = await attach(child, sandbox, { port: await child.port() });
  const woken = await stopped(client);
  assert.equal(await evaluateAndGo(client, woken, "[value for _ in range(2)]"), "[5, 5]");
  const crashed = await stopped(client);
  assert.deepEqual(crashed.frames, ["<module> shadow.py:4"]);
  assert.equal(await evaluateAndGo(client, crashed, "value + 1"), "6");
  assert.equal((await child.status()).code, 1);
  assert.doesNotMatch(child.stderr, /the wrong|\[rdg\] Cannot/);
});

for (const interpreter of new Set([interpreters[0]!, python, newestPython])) {
  const { path, version } = interpreter;
  Deno.test(`rdg debug -l dumps stacks, and calls the program's own handler as well (${version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    await sandbox.write(
      "both.py",
      `import os, signal
def dumps():
    for name in os.listdir("/proc/self/fd"):
        if "rdg-stack" in os.path.realpath("/proc/self/fd/" + name):
            with open("/proc/self/fd/" + name) as file:
                return file.read().count("both.py")
seen = []
def send():
    os.kill(os.getpid(), 41)
    print(dumps(), len(seen))
send()
signal.signal(41, lambda *_: seen.append(1))
send()
signal.signal(41, lambda *_: seen.append(2))
send()
signal.signal(41, signal.SIG_IGN)
send()
signal.signal(41, signal.SIG_DFL)
send()
pid = os.fork()
if pid == 0:
    send()
    os._exit(0)
os.waitpid(pid, 0)
`,
    );
    const words = [...rdg, "debug", "-l", "--quiet", path, "-u", "both.py"];
    const { code, stdout, stderr } = await outcome(words, { sandbox });
    assert.deepEqual([code, stderr], [0, ""]);
    // Two lines a dump, that of send() and its caller; a forked child writes into a file of its own.
    const wanted = ["2 0", "4 1", "6 2", "8 2", "10 2", "2 2"];
    assert.deepEqual(stdout.trim().split("\n"), wanted);
  });
}
