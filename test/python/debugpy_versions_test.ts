/**
 * rdg's knowledge of debugpy's insides, tried with the versions that people have installed.
 */

import assert from "node:assert/strict";
import {
  attach,
  crashScript,
  evaluate,
  loopScript,
  resume,
  stopped,
} from "../support/debugging.ts";
import { oldestDebugpy } from "../../python/examine.ts";
import { debugpyFor, interpreters, oldDebugpy } from "../support/python.ts";
import { asleep } from "../support/proc.ts";
import { makeSandbox, runRdg, startRdg } from "../support/rdg.ts";

for (const { version, interpreter } of oldDebugpy) {
  const name = `debugpy ${version} on ${interpreter.version}`;
  // From the program's own environment, not from rdg's cache.
  const env = { PYTHONPATH: debugpyFor(interpreter, version) };

  Deno.test(`${name} wakes, detaches and attaches again`, async () => {
    await using sandbox = await makeSandbox({ interpreter, debugpy: null });
    const path = await sandbox.write("loop.py", loopScript);
    await using child = startRdg(["debug", "-l", interpreter.path, "loop.py"], { sandbox, env });
    await child.until(/^round 2 1 False$/m, { stream: "stdout" });
    await child.kill(40);
    const port = await child.port();
    for (const wake of [true, false]) {
      const client = await attach(child, sandbox, { port, breakpoints: { [path]: [13] } });
      if (wake) await resume(client, await stopped(client));
      const stop = await stopped(client);
      assert.deepEqual(stop.frames, ["<module> loop.py:13"]);
      assert.equal(
        await evaluate(client, "debugpy.__version__", await imported(client, stop)),
        `'${version}'`,
      );
      await client.disconnect();
    }
    await sandbox.write("stop", "");
    assert.equal((await child.status()).code, 4);
  });

  Deno.test(`${name} stops within a sleep, goes on by steps, and stops there again`, async () => {
    await using sandbox = await makeSandbox({ interpreter, debugpy: null });
    await sandbox.write("nap.py", napScript);
    await using child = startRdg(["debug", "-l", interpreter.path, "nap.py"], { sandbox, env });
    await child.until(/^asleep$/m, { stream: "stdout" });
    await asleep(child.pid);
    await child.kill(40);
    await using client = await attach(child, sandbox, { port: await child.port() });
    const nap = await stopped(client);
    assert.deepEqual(nap.frames, ["nap nap.py:4", "<module> nap.py:7"]);
    assert.equal(await evaluate(client, "mine", nap.frameIds[0]), "5");
    await client.request("next", { threadId: nap.threadId });
    const next = await stopped(client);
    assert.deepEqual(next.frames, ["nap nap.py:5", "<module> nap.py:7"]);
    await client.request("stepOut", { threadId: next.threadId });
    assert.match((await stopped(client)).frames[0]!, /^<module> nap\.py:[78]$/);
    await client.request("continue", { threadId: nap.threadId });
    await child.until(/^asleep for long$/m, { stream: "stdout" });
    await asleep(child.pid);
    await child.kill(40);
    assert.deepEqual((await stopped(client)).frames, ["<module> nap.py:9"]);
  });

  Deno.test(`${name} shows the frames of a crash`, async () => {
    await using sandbox = await makeSandbox({ interpreter, debugpy: null });
    await sandbox.write("crash.py", crashScript);
    await using child = startRdg(["debug", "-p", interpreter.path, "crash.py"], { sandbox, env });
    await using client = await attach(child, sandbox, { port: await child.port() });
    const stop = await stopped(client);
    assert.equal(stop.reason, "exception");
    assert.deepEqual(stop.frames.slice(0, 2), ["outer crash.py:10", "<module> crash.py:25"]);
    assert.equal(await evaluate(client, "mine", stop.frameIds[0]), "[1, 2]");
    await resume(client, stop);
    assert.equal((await child.status()).code, 1);
  });
}

/** Sleeps for a while, and then for hours. */
const napScript = `import time
def nap(mine):
    print("asleep", flush=True)
    time.sleep(2)
    return mine
for turn in range(1):
    nap(5)
print("asleep for long", flush=True)
time.sleep(3600)
`;

/** Has debugpy imported in a frame, so that an expression can name it; gives the frame back. */
async function imported(
  client: Parameters<typeof evaluate>[0],
  stop: Awaited<ReturnType<typeof stopped>>,
): Promise<number | undefined> {
  await evaluate(client, "import debugpy", stop.frameIds[0]);
  return stop.frameIds[0];
}

for (const interpreter of interpreters.filter(({ version }) => oldestDebugpy[version])) {
  Deno.test(`a debugpy that is too old for Python ${interpreter.version} is not taken`, async () => {
    const wanted = oldestDebugpy[interpreter.version]!;
    const older = wanted.replace(/\d+$/, (patch) => String(Number(patch) - 1));
    for (const version of [older, wanted]) {
      await using sandbox = await makeSandbox({ interpreter });
      await Deno.mkdir(`${sandbox.dir}/site/debugpy`, { recursive: true });
      await sandbox.write("site/debugpy/__init__.py", "raise SystemExit('the old one')\n");
      await sandbox.write("site/debugpy/_version.py", `json = '{"version": "${version}"}'\n`);
      const file = await sandbox.write("loop.py", loopScript);
      const env = { PYTHONPATH: `${sandbox.dir}/site` };
      const words = ["debug", interpreter.path, "loop.py"];
      if (version === wanted) {
        // New enough: it is taken, although there is a better one in the cache.
        assert.match((await runRdg(words, { sandbox, env })).stderr, /the old one/);
        continue;
      }
      {
        await using child = startRdg(words, { sandbox, env });
        const port = await child.port();
        await using client = await attach(child, sandbox, { port, breakpoints: { [file]: [13] } });
        assert.deepEqual((await stopped(client)).frames, ["<module> loop.py:13"]);
      }
      // In a job nothing is fetched.
      await Deno.remove(`${sandbox.cache}/debugpy/${interpreter.tag}`);
      const none = await runRdg(words, { sandbox, env: { ...env, SLURM_JOB_ID: "7" } });
      assert.equal(none.code, 3);
      assert.match(
        none.stderr,
        /: it has debugpy [\d.]+, too old for Python 3\.\d+, and rdg's cache has none .*\nTry: \S+ -m pip install --upgrade debugpy, or /,
      );
    }
  });
}
