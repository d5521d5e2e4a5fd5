/**
 * The modes of `rdg debug`: real CLI, real Python of every version found, real debugpy, a real DAP
 * client.
 */

import assert from "node:assert/strict";
import {
  attach,
  crashScript,
  evaluate,
  loopScript,
  resume,
  stopped,
} from "../../support/debugging.ts";
import { interpreters, newestPython, python } from "../../support/python.ts";
import { makeSandbox, startRdg } from "../../support/rdg.ts";

const addScript = `import sys
x = 41
def add(n):
    y = n + 1
    return y
print(add(x), sys.argv[1:])
sys.exit(5)
`;

for (const interpreter of interpreters) {
  const { version } = interpreter;

  Deno.test(`rdg debug waits, stops at a breakpoint, returns the exit code (${version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    const path = await sandbox.write("add.py", addScript);
    await using child = startRdg(["debug", interpreter.path, "add.py", "a", "--help"], { sandbox });
    const port = await child.port();
    const block = child.stderr;
    assert.match(block, /^--- Python Debugger Info ---\nNode: \S+\nPort: \d+\nRemote Path: /m);
    assert.match(block, new RegExp(`^Remote Path: ${sandbox.dir}$`, "m"));
    assert.match(block, new RegExp(`^ssh -N -L 5678:\\S+:${port} \\S+@\\S+$`, "m"));
    assert.match(block, /^Then, attach the debugger to localhost:5678\.$/m);
    assert.match(block, /^Script is paused, waiting for debugger to attach\.\.\.$/m);
    assert.equal(child.stdout, "");
    const [record] = await sandbox.records();
    assert.equal(record?.["state"], "listening");
    assert.equal(record?.["pid"], child.pid);
    await using client = await attach(child, sandbox, { port, breakpoints: { [path]: [5] } });
    const stop = await stopped(client);
    assert.deepEqual(stop.frames, ["add add.py:5", "<module> add.py:6"]);
    assert.equal(await evaluate(client, "y", stop.frameIds[0]), "42");
    await resume(client, stop);
    assert.equal((await child.status()).code, 5);
    assert.equal(child.stdout, "42 ['a', '--help']\n");
    assert.deepEqual(await sandbox.records(), []);
  });

  Deno.test(`rdg debug --stop-on-entry stops on the first line (${version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    await sandbox.write("add.py", addScript);
    await using child = startRdg(["debug", "--stop-on-entry", interpreter.path, "add.py"], {
      sandbox,
    });
    await using client = await attach(child, sandbox, { port: await child.port() });
    const stop = await stopped(client);
    assert.deepEqual([stop.reason, ...stop.frames], ["entry", "<module> add.py:1"]);
    await resume(client, stop);
    assert.equal((await child.status()).code, 5);
  });

  Deno.test(`rdg debug --lite sleeps, is woken, left and woken again (${version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    const path = await sandbox.write("loop.py", loopScript);
    await using child = startRdg(["debug", "-l", interpreter.path, "loop.py"], { sandbox });
    await child.until(
      /^\[Lite Debugger\] Armed and ready!\n {2}Job ID: {2}local\n {2}PID: {5}\d+$/m,
    );
    assert.match(child.stderr, /^ {2}rdg attach local$/m);
    // Nothing but a handler: one thread, no debugpy.
    await child.until(/^round 3 1 False$/m, { stream: "stdout" });
    const [armed] = await sandbox.records();
    assert.equal(armed?.["state"], "armed");
    assert.deepEqual(armed?.["modes"], ["lite"]);
    assert.equal(await tasks(child.pid), 1);
    for (const way of ["disconnect", "drop", "disconnect"]) {
      const from = child.stderr.length;
      await child.kill(40);
      const port = await child.port(from);
      const client = await attach(child, sandbox, { port, breakpoints: { [path]: [13] } });
      const inWake = await stopped(client);
      assert.match(
        inWake.frames.at(-1) ?? "",
        /^<module> loop\.py/,
        "stops in the program's frame",
      );
      await resume(client, inWake);
      const atBreakpoint = await stopped(client);
      assert.deepEqual(atBreakpoint.frames, ["<module> loop.py:13"]);
      if (way === "drop") await client.close();
      else await client.disconnect();
      const round = Number(/round (\d+)[^\n]*\n[^\n]*$/.exec(child.stdout)?.[1]);
      await child.until(new RegExp(`^round ${round + 3} `, "m"), { stream: "stdout" });
    }
    // The port stays open: attaching again needs no wake.
    const port = Number(/Port: (\d+)/.exec(child.stderr)?.[1]);
    const client = await attach(child, sandbox, { port, breakpoints: { [path]: [12] } });
    assert.deepEqual((await stopped(client)).frames, ["<module> loop.py:12"]);
    await client.disconnect();
    await sandbox.write("stop", "");
    assert.equal((await child.status()).code, 4);
    assert.deepEqual(await sandbox.records(), []);
  });

  for (const way of ["", "hook", "thread"]) {
    Deno.test(`rdg debug -p shows the raising frames${way && ` (${way})`} (${version})`, async () => {
      await using sandbox = await makeSandbox({ interpreter });
      await sandbox.write("crash.py", crashScript);
      await using child = startRdg(["debug", "-p", interpreter.path, "crash.py", way], { sandbox });
      const port = await child.port();
      const order = ["ValueError: chained", "[Post-Mortem Debugger] ValueError: chained", "Port: "];
      assert.deepEqual(
        order.map((text) => child.stderr.indexOf(text)).toSorted((a, b) => a - b),
        order.map((text) => child.stderr.indexOf(text)),
      );
      assert.match(child.stderr, /^\(at most 30 min; end it sooner with: kill \d+\)$/m);
      const [record] = await sandbox.records();
      assert.equal(record?.["state"], "crashed");
      assert.equal(record?.["exception"], "ValueError: chained");
      // Left without a word: it waits again. Attached again: the same frames.
      const from = child.stderr.length;
      const first = await attach(child, sandbox, { port });
      await stopped(first);
      await first.close();
      await child.port(from);
      await using client = await attach(child, sandbox, { port });
      const stop = await stopped(client);
      assert.equal(stop.reason, "exception");
      assert.equal(stop.frames[0], "outer crash.py:10");
      if (way !== "thread") assert.equal(stop.frames[1], "<module> crash.py:25");
      assert.match(stop.frames.join(), /inner crash\.py:4/, "the chained exception's frames");
      assert.equal(await evaluate(client, "mine", stop.frameIds[0]), "[1, 2]");
      await resume(client, stop);
      assert.equal((await child.status()).code, way === "thread" ? 7 : 1);
      if (way === "hook") assert.equal(child.stdout, "own hook: ValueError\n");
    });
  }
}

for (const [way, code] of [["exit", 1], ["interrupt", 130]] as const) {
  Deno.test(`rdg debug -p leaves "${way}" alone`, async () => {
    await using sandbox = await makeSandbox({ interpreter: newestPython });
    await sandbox.write("crash.py", crashScript);
    const { path } = newestPython;
    await using child = startRdg(["debug", "-p", path, "crash.py", way], { sandbox });
    assert.equal((await child.status()).code, code);
    assert.doesNotMatch(child.stderr, /Debugger/);
  });
}

Deno.test("rdg debug -p ends with the crash's code after --wait-timeout", async () => {
  await using sandbox = await makeSandbox({ interpreter: newestPython });
  await sandbox.write("crash.py", crashScript);
  const { path } = newestPython;
  await using child = startRdg(["debug", "-p", "--wait-timeout=1", path, "crash.py"], {
    sandbox,
  });
  await child.until(/^\(at most 1 s; end it sooner/m);
  assert.equal((await child.status()).code, 1);
  assert.match(child.stderr, /\[rdg\] Nobody attached in time: the program ends/);
});

Deno.test("rdg debug -lp is woken first and opens at the crash later", async () => {
  await using sandbox = await makeSandbox({ interpreter: newestPython });
  const text = loopScript.replace("sys.exit(4)", "raise RuntimeError('late')");
  await sandbox.write("loop.py", text);
  const { path } = newestPython;
  await using child = startRdg(["debug", "-lp", path, "loop.py"], { sandbox });
  await child.until(/^round 2 1 False$/m, { stream: "stdout" });
  await child.kill(40);
  const port = await child.port();
  const client = await attach(child, sandbox, { port });
  await stopped(client);
  await client.disconnect();
  const from = child.stderr.length;
  await sandbox.write("stop", "");
  await child.until(/waits for debugger/, { from });
  await using second = await attach(child, sandbox, { port });
  const stop = await stopped(second);
  assert.equal(stop.frames[0], `<module> loop.py:${text.trimEnd().split("\n").length}`);
  await resume(second, stop);
  assert.equal((await child.status()).code, 1);
});

Deno.test("rdg debug stops at breakpoints however often it was attached and left", async () => {
  // Before 3.12 the main thread switches its tracing by itself, at its next bytecode: here it sleeps
  // through many changes.
  await using sandbox = await makeSandbox({ interpreter: python });
  const path = await sandbox.write("loop.py", loopScript.replace("sleep(0.02)", "sleep(0.2)"));
  await using child = startRdg(["debug", "-l", python.path, "loop.py"], { sandbox });
  await child.until(/^round 2 1 False$/m, { stream: "stdout" });
  await child.kill(40);
  const port = await child.port();
  for (let round = 0; round < 3; round++) {
    for (let times = 0; times < 12; times++) {
      await (await attach(child, sandbox, { port })).disconnect();
    }
    const client = await attach(child, sandbox, { port, breakpoints: { [path]: [3] } });
    const { frames } = await stopped(client);
    assert.match(frames.at(-1) ?? "", /^<module> loop\.py/);
    await client.disconnect();
  }
  await sandbox.write("stop", "");
  assert.equal((await child.status()).code, 4);
});

Deno.test("rdg debug --lite takes two wakes in quick succession for one", async () => {
  await using sandbox = await makeSandbox({ interpreter: newestPython });
  await sandbox.write("loop.py", loopScript);
  const { path } = newestPython;
  await using child = startRdg(["debug", "-l", path, "loop.py"], { sandbox });
  await child.until(/^round 2 1 False$/m, { stream: "stdout" });
  // Opening takes longer than this, so some of them come in its midst.
  for (let wakes = 0; wakes < 8; wakes++) {
    await child.kill(40);
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  const port = await child.port();
  await using client = await attach(child, sandbox, { port });
  const stop = await stopped(client);
  await child.kill(40); // While it stands still: nothing happens.
  assert.equal(await evaluate(client, "1 + 1", stop.frameIds[0]), "2");
  await client.disconnect();
  await sandbox.write("stop", "");
  assert.equal((await child.status()).code, 4);
});

/** Number of threads of a process. */
async function tasks(pid: number): Promise<number> {
  let count = 0;
  for await (const _ of Deno.readDir(`/proc/${pid}/task`)) count++;
  return count;
}
