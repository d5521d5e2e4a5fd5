/**
 * Another, ordinary user of the machine tries every port, socket, file and signal of a session that
 * `rdg debug` opened, in each mode; the owner then gets in. And `--no-auth`.
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
import { DapClient, DapFailure } from "../../support/dap.ts";
import { holderOf } from "../../support/door_program.ts";
import { canBecomeOther, intrude } from "../../support/intruder.ts";
import { secretsOf, sleep } from "../../support/proc.ts";
import { Pty } from "../../support/pty.ts";
import { python, root } from "../../support/python.ts";
import { makeSandbox, rdg, type Sandbox, start } from "../../support/rdg.ts";

const scripts = {
  "loop.py": loopScript,
  "crash.py": crashScript,
  "api.py": `import remote_debug\nremote_debug.start_debugger()\n${loopScript}`,
};

const alone = [python.path, "-m", "remote_debug"];

const modes = [
  { name: "rdg debug", words: [...rdg, "debug", python.path, "loop.py"] },
  { name: "rdg debug -l", words: [...rdg, "debug", "-l", python.path, "loop.py"] },
  { name: "rdg debug -p", words: [...rdg, "debug", "-p", python.path, "crash.py"] },
  {
    name: "rdg debug --subprocess",
    words: [...rdg, "debug", "--subprocess", python.path, "loop.py"],
  },
  { name: "python -m remote_debug", words: [...alone, "loop.py"] },
  { name: "start_debugger()", words: [python.path, "api.py"] },
] as const;

for (const { name, words } of modes) {
  Deno.test({
    name: `${name} keeps another user out` +
      (canBecomeOther ? "" : " (skipped: only root can become another user)"),
    ignore: !canBecomeOther,
    async fn() {
      await using sandbox = await makeSandbox();
      for (const [file, text] of Object.entries(scripts)) await sandbox.write(file, text);
      const env = { PYTHONPATH: `${root}/python`, PYTHONDONTWRITEBYTECODE: "1" };
      const options = words[0] === python.path ? { sandbox, env } : { sandbox };
      await using child = start(words, options);
      if (name.endsWith("-l")) {
        await child.until(/^round 2 1 False$/m, { stream: "stdout" });
        await child.kill(40);
      }
      const port = await child.port();
      const token = await tokenOf(sandbox);
      assert.match(token, /^[0-9a-f]{64}$/);
      const pids = [child.pid, holderOf(port)];
      assert.notEqual(pids[0], pids[1]);
      // What these start inherits none of it either.
      for (const pid of pids) assert.ok(!secretsOf(pid).includes(token));
      const privatePaths = [sandbox.state, ...await below(sandbox.state)];
      const outcome = await intrude({ pids, token, privatePaths });
      assert.deepEqual(outcome.breaches, []);
      assert.equal(outcome.ports.length, name.endsWith("--subprocess") ? 2 : 1);
      assert.ok((outcome.tried["signal"] ?? 0) > 0);
      await using client = await attach(child, sandbox, {
        port,
        breakpoints: { [`${sandbox.dir}/loop.py`]: [13], [`${sandbox.dir}/api.py`]: [15] },
      });
      const stop = await stopped(client);
      assert.equal(await evaluate(client, "1 + 1", stop.frameIds[0]), "2");
      await resume(client, stop);
    },
  });
}

Deno.test("rdg debug says who was refused, and how to get the token where others can read", async () => {
  await using sandbox = await makeSandbox();
  await sandbox.write("loop.py", loopScript);
  await using child = start([...rdg, "debug", python.path, "loop.py"], { sandbox });
  const port = await child.port();
  const token = await tokenOf(sandbox);
  assert.match(child.stderr, /^Token: run `rdg attach local` or `rdg sessions --token`$/m);
  assert.ok(!child.stderr.includes(token));
  for (const wrong of [undefined, "", "0".repeat(64)]) {
    await using client = await DapClient.connect({ port });
    const error = await client.attach(wrong === undefined ? {} : { token: wrong })
      .then(() => undefined, (error) => error);
    assert.ok(error instanceof DapFailure);
    assert.match(error.message, /rdgToken/);
    assert.ok(!error.message.includes(token));
  }
  await child.until(/^\[rdg\] Refused a debugger from 127\.0\.0\.1:\d+: /m);
  await using client = await attach(child, sandbox, { port });
  assert.equal((await client.request<{ threads: unknown[] }>("threads")).threads.length, 1);
});

Deno.test("rdg debug --no-auth warns and lets in without a token", async () => {
  await using sandbox = await makeSandbox();
  await sandbox.write("loop.py", loopScript);
  await using child = start([...rdg, "debug", "--no-auth", python.path, "loop.py"], { sandbox });
  const port = await child.port();
  assert.match(child.stderr, /^Warning \(--no-auth\): whoever reaches this port/m);
  assert.doesNotMatch(child.stderr, /^Token:/m);
  const [record] = await sandbox.records();
  assert.deepEqual([record?.["auth"], record?.["token"]], [false, null]);
  await using client = await DapClient.connect({ port });
  await client.attach({ arguments: { connect: { host: "127.0.0.1", port } } });
});

Deno.test("rdg debug prints the token only where nobody else can read it", async () => {
  await using sandbox = await makeSandbox();
  await sandbox.write("loop.py", loopScript);
  const words = [...rdg, "debug", python.path, "loop.py"];
  // Not in the sandbox: its folder is closed to others, and so is all that lies in it.
  const folder = await Deno.makeTempDir();
  const path = `${folder}/output`;
  try {
    for (
      const { above, file, told } of [
        { above: 0o755, file: 0o600, told: true },
        { above: 0o700, file: 0o644, told: true },
        { above: 0o755, file: 0o644, told: false },
      ]
    ) {
      await Deno.writeTextFile(path, "");
      await Deno.chmod(path, file);
      await Deno.chmod(folder, above);
      const toFile = ["sh", "-c", 'exec 2>>"$0" "$@"', path];
      await using _child = start([...toFile, ...words], { sandbox });
      const text = await written(path, /waiting for debugger/);
      const token = await tokenOf(sandbox);
      assert.match(token, /^[0-9a-f]{64}$/);
      assert.equal(text.includes(`\nToken: ${token}\n`), told, text);
      assert.equal(text.includes(token), told, text);
      await Deno.remove(sandbox.state, { recursive: true });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  const shown = Object.entries(sandbox.env).map(([name, value]) => `${name}=${value}`);
  await using terminal = new Pty(["env", "-i", "-C", sandbox.dir, ...shown, ...words]);
  const [, token] = await terminal.waitFor(/^Token: ([0-9a-f]{64})$/m);
  assert.equal(token, await tokenOf(sandbox));
});

/** Waits until a file's text matches; returns it. */
async function written(path: string, pattern: RegExp): Promise<string> {
  const until = Date.now() + 30_000;
  while (true) {
    const text = await Deno.readTextFile(path);
    if (pattern.test(text)) return text;
    assert.ok(Date.now() < until, `Waited in vain for ${pattern} in:\n${text}`);
    await sleep(30);
  }
}

async function tokenOf(sandbox: Sandbox): Promise<string> {
  return String((await sandbox.records())[0]?.["token"]);
}

async function below(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    paths.push(`${folder}/${name}`);
    if (isDirectory) paths.push(...await below(`${folder}/${name}`));
  }
  return paths;
}
