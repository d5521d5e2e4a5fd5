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
import { canBecomeOther, intrude } from "../../support/intruder.ts";
import { python } from "../../support/python.ts";
import { type Child, makeSandbox, type Sandbox, startRdg } from "../../support/rdg.ts";

const scripts = { "loop.py": loopScript, "crash.py": crashScript };

const modes = [
  { name: "wait", words: [python.path, "loop.py"] },
  { name: "lite", words: ["-l", python.path, "loop.py"] },
  { name: "post-mortem", words: ["-p", python.path, "crash.py"] },
  { name: "subprocess", words: ["--subprocess", python.path, "loop.py"] },
] as const;

for (const { name, words } of modes) {
  Deno.test({
    name: `rdg debug keeps another user out (${name})` +
      (canBecomeOther ? "" : " (skipped: only root can become another user)"),
    ignore: !canBecomeOther,
    async fn() {
      await using sandbox = await makeSandbox();
      for (const [file, text] of Object.entries(scripts)) await sandbox.write(file, text);
      await using child = startRdg(["debug", ...words], { sandbox });
      if (name === "lite") {
        await child.until(/^round 2 1 False$/m, { stream: "stdout" });
        await child.kill(40);
      }
      const port = await child.port();
      const token = await tokenOf(sandbox);
      assert.match(token, /^[0-9a-f]{64}$/);
      const pids = [child.pid, ...await adaptersOf(child, sandbox)];
      assert.equal(pids.length, 2, "the adapter was found");
      const privatePaths = [sandbox.state, ...await below(sandbox.state)];
      const outcome = await intrude({ pids, token, privatePaths });
      assert.deepEqual(outcome.breaches, []);
      assert.equal(outcome.ports.length, name === "subprocess" ? 2 : 1);
      assert.ok((outcome.tried["signal"] ?? 0) > 0);
      await using client = await attach(child, sandbox, {
        port,
        breakpoints: { [`${sandbox.dir}/loop.py`]: [13] },
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
  await using child = startRdg(["debug", python.path, "loop.py"], { sandbox });
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
  await using child = startRdg(["debug", "--no-auth", python.path, "loop.py"], { sandbox });
  const port = await child.port();
  assert.match(child.stderr, /^Warning \(--no-auth\): whoever reaches this port/m);
  assert.doesNotMatch(child.stderr, /^Token:/m);
  const [record] = await sandbox.records();
  assert.deepEqual([record?.["auth"], record?.["token"]], [false, null]);
  await using client = await DapClient.connect({ port });
  await client.attach({ arguments: { connect: { host: "127.0.0.1", port } } });
});

async function tokenOf(sandbox: Sandbox): Promise<string> {
  return String((await sandbox.records())[0]?.["token"]);
}

/** debugpy's adapter is nobody's child; it is known by rdg's own folder on its command line. */
async function adaptersOf(child: Child, sandbox: Sandbox): Promise<number[]> {
  const found: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === child.pid) continue;
    const words = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    if (words.includes(`${sandbox.cache}/python/`)) found.push(Number(name));
  }
  return found;
}

async function below(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    paths.push(`${folder}/${name}`);
    if (isDirectory) paths.push(...await below(`${folder}/${name}`));
  }
  return paths;
}
