/**
 * `rdg attach --inject` by Python's own way, `sys.remote_exec`, where there is no gdb and where there is.
 * Needs Python 3.14 (the set-up brings it), gdb and bubblewrap.
 */

import assert from "node:assert/strict";
import { which } from "../../cluster/packages.ts";
import { attach, evaluate, resume, stopped } from "../../support/debugging.ts";
import { interpreters, python } from "../../support/python.ts";
import { type Child, makeSandbox, runRdg, type Sandbox, start } from "../../support/rdg.ts";

const newest = interpreters.find(({ minor }) => minor >= 14);
const gdb = await which("gdb");
const bubblewrap = await which("bwrap");

function execTest(
  name: string,
  options: { needs?: readonly (string | null)[]; fn: (sandbox: Sandbox) => Promise<void> },
): void {
  const missing = newest === undefined
    ? "no Python 3.14: set CI, or install Maven and run the tests again"
    : (options.needs ?? []).includes(null)
    ? "not installed: apt-get install -y gdb bubblewrap"
    : null;
  Deno.test({
    name: `rdg attach --inject, Python 3.14: ${name}${missing ? ` (skipped: ${missing})` : ""}`,
    ignore: missing !== null,
    async fn() {
      await using sandbox = await makeSandbox({ interpreter: newest! });
      await options.fn(sandbox);
    },
  });
}

/** A PATH without gdb, whose `python3` is the one that is named. */
async function withoutGdb(
  sandbox: Sandbox,
  python3 = python.path,
): Promise<Record<string, string>> {
  const bin = `${sandbox.dir}/bin-${python3.replaceAll("/", "-")}`;
  await Deno.mkdir(bin);
  for (const name of ["sh", "cat", "hostname"]) {
    await Deno.symlink((await which(name))!, `${bin}/${name}`);
  }
  // A link would be taken for what stands beside it.
  const text = `#!${bin}/sh\nexec ${python3} "$@"\n`;
  await Deno.writeTextFile(`${bin}/python3`, text, { mode: 0o755 });
  return { PATH: bin };
}

/** Starts a program without rdg and waits until it says "ready". */
async function program(
  sandbox: Sandbox,
  text: string,
  options: { before?: string[]; words?: string[]; env?: Record<string, string> } = {},
): Promise<Child> {
  const file = await sandbox.write("program.py", text);
  const { before = [], words = [], env = {} } = options;
  const child = start([...before, newest!.path, ...words, file], { sandbox, env });
  await child.until(/^ready$/m, { stream: "stdout" });
  return child;
}

async function inject(
  child: { pid: number },
  { sandbox, env = {} }: { sandbox: Sandbox; env?: Record<string, string> | undefined },
) {
  const words = ["attach", String(child.pid), "--inject", "--json"];
  const { code, stdout, stderr } = await runRdg(words, { sandbox, env });
  const answer: {
    sessions?: { pid: number; port: number }[];
    others?: { outcome: string; message: string }[];
  } = JSON.parse(stdout || "{}");
  return { code, stderr, session: answer.sessions?.[0], other: answer.others?.[0] };
}

/** What was left for the process to run. */
function left(pid: number, folder = "/tmp"): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => name.startsWith(`rdg-${pid}-`));
}

/** Attaches, looks at a global, lets it go on and detaches. */
async function look(
  child: Child,
  { sandbox, port, expression }: { sandbox: Sandbox; port: number; expression: string },
): Promise<string> {
  const client = await attach(child, sandbox, { port });
  const stop = await stopped(client);
  assert.match(stop.frames.at(-1)!, /^<module> program\.py:/);
  const value = await evaluate(client, expression, stop.frameIds.at(-1));
  await resume(client, stop);
  await client.request("disconnect", { terminateDebuggee: false });
  await client.close();
  return value;
}

const busy = `import os
print("ready", flush=True)
rounds = 0
def step(number):
    return number + 1
while not os.path.exists("stop"):
    rounds = step(rounds)
print("end", *(name for name in globals() if name[0] != "_"), flush=True)
`;

for (const helper of new Set([python, newest ?? python])) {
  execTest(`a busy program, without gdb, from ${helper.version}`, {
    async fn(sandbox) {
      const env = await withoutGdb(sandbox, helper.path);
      await using child = await program(sandbox, busy, { env });
      const { code, session, stderr } = await inject(child, { sandbox, env });
      assert.equal(code, 0, stderr);
      assert.equal(session!.pid, child.pid);
      const value = await look(child, {
        ...{ sandbox, port: session!.port, expression: "rounds > 0" },
      });
      assert.equal(value, "True");
      assert.deepEqual(left(child.pid), []);
      await sandbox.write("stop", "");
      assert.equal((await child.status()).code, 0);
      assert.match(child.stdout, /^end os rounds step$/m);
      assert.equal(child.stderr.replace(/^(?:.*\n)*?.*Script is paused.*\n[^\n]*\n\n/, ""), "");
    },
  });
}

execTest("one without debugpy is told apart", {
  async fn(sandbox) {
    await Deno.remove(`${sandbox.cache}/debugpy/${newest!.tag}`);
    const env = await withoutGdb(sandbox);
    await using child = await program(sandbox, busy, { env });
    const { code, other } = await inject(child, { sandbox, env });
    assert.equal(code, 1);
    assert.match(other!.message, /it has no debugpy, and rdg's cache has none for it/);
    assert.deepEqual(left(child.pid), []);
  },
});

for (
  const [name, options] of [
    ["-X disable-remote-debug", { words: ["-X", "disable-remote-debug"] }],
    ["PYTHON_DISABLE_REMOTE_DEBUG", { env: { PYTHON_DISABLE_REMOTE_DEBUG: "1" } }],
  ] as const
) {
  execTest(`${name} leaves it to gdb`, {
    needs: [gdb],
    async fn(sandbox) {
      const without = await withoutGdb(sandbox);
      const { words, env } = { words: [], env: {}, ...options };
      await using child = await program(sandbox, busy, {
        ...{ words: [...words], env: { ...env, ...without } },
      });
      // In the environment of who asks it means nothing.
      const none = await inject(child, { sandbox, env: { ...env, ...without } });
      assert.equal(none.code, 3, none.stderr);
      assert.match(
        none.other!.message,
        /gdb is not on PATH on \S+, and .*\(sys\.remote_exec\) failed: .*not enabled in the remote process/,
      );
      assert.deepEqual(left(child.pid), []);
      assert.deepEqual(await sandbox.records(), []);
      assert.equal((await inject(child, { sandbox })).code, 0);
    },
  });
}

execTest("the variable of who asks means nothing", {
  async fn(sandbox) {
    const env = await withoutGdb(sandbox, newest!.path);
    await using child = await program(sandbox, busy, { env });
    const asked = { ...env, PYTHON_DISABLE_REMOTE_DEBUG: "1" };
    const { code, stderr } = await inject(child, { sandbox, env: asked });
    assert.equal(code, 0, stderr);
  },
});

/** Is in native code until a word comes through the fifo, with or without the GIL; then it runs on. */
function stuck(library: "PyDLL" | "CDLL"): string {
  return `import ctypes, os, time
fd = os.open("fifo", os.O_RDWR)
buffer = ctypes.create_string_buffer(8)
print("ready", flush=True)
ctypes.${library}(None).read(fd, buffer, 1)
print("back", flush=True)
while True:
    time.sleep(0.1)
`;
}

async function makeFifo(sandbox: Sandbox): Promise<string> {
  const path = `${sandbox.dir}/fifo`;
  const { success } = await new Deno.Command("mkfifo", { args: [path] }).output();
  assert.ok(success);
  return path;
}

/** Waits for what only /proc and the file system tell. */
async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; !isSo(); turn++) {
    assert.ok(turn < 200, String(isSo));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

for (const library of ["CDLL", "PyDLL"] as const) {
  const lock = library === "PyDLL" ? "with" : "without";
  for (const tool of ["without gdb", "with gdb"] as const) {
    // gdb makes the queued call in a system call that doesn't hold the GIL.
    const now = library === "CDLL" && tool === "with gdb";
    execTest(`${now ? "reaches" : "waits for"} native code ${lock} the GIL, ${tool}`, {
      needs: tool === "with gdb" ? [gdb] : [],
      async fn(sandbox) {
        const fifo = await makeFifo(sandbox);
        const env = tool === "with gdb" ? undefined : await withoutGdb(sandbox);
        await using child = await program(sandbox, stuck(library), { env: env ?? {} });
        await until(() => Deno.readTextFileSync(`/proc/${child.pid}/wchan`).includes("pipe_read"));
        if (now) {
          const { code, session, stderr } = await inject(child, { sandbox, env });
          assert.equal(code, 0, stderr);
          assert.equal(session!.pid, child.pid);
          await Deno.writeTextFile(fifo, "x");
        } else {
          for (let turn = 0; turn < 2; turn++) {
            const { code, other } = await inject(child, { sandbox, env });
            assert.equal(code, 6);
            assert.equal(other!.outcome, "queued");
            assert.match(
              other!.message,
              tool === "with gdb" ? /keeps Python's lock/ : /native code \(a system call\)/,
            );
            // Python keeps one only.
            assert.equal(left(child.pid).length, 1);
          }
          assert.deepEqual(await sandbox.records(), []);
          await Deno.writeTextFile(fifo, "x");
          await child.until(/back/, { stream: "stdout" });
          await until(() => left(child.pid).length === 0);
          // It has armed itself: nothing is brought in any more.
          assert.deepEqual((await sandbox.records()).map(({ pid, state }) => [pid, state]), [
            [child.pid, "armed"],
          ]);
          assert.equal((await runRdg(["attach", "local"], { sandbox })).code, 0);
        }
        const [record] = await sandbox.records();
        const { port } = record!["address"] as { port: number };
        const value = await look(child, { sandbox, port, expression: "buffer.value" });
        assert.equal(value, now ? "b''" : "b'x'");
        await child.until(/back/, { stream: "stdout" });
        await until(() => left(child.pid).length === 0);
      },
    });
  }
}

execTest("a program with a /tmp of its own", {
  needs: [bubblewrap],
  async fn(sandbox) {
    const base = sandbox.dir.replace(/\/[^/]*$/, "");
    const before = [
      bubblewrap!,
      "--die-with-parent",
      "--dev-bind",
      "/",
      "/",
      "--tmpfs",
      "/tmp",
      "--bind",
      base,
      base,
    ];
    const env = await withoutGdb(sandbox);
    await using child = await program(sandbox, busy, { before, env });
    const inner = await new Deno.Command("pgrep", { args: ["-P", String(child.pid)] }).output();
    const pid = Number(new TextDecoder().decode(inner.stdout)) || child.pid;
    const { code, session, stderr } = await inject({ pid }, { sandbox, env });
    assert.equal(code, 0, stderr);
    assert.equal(session!.pid, pid);
    for await (const { name } of Deno.readDir(`${sandbox.cache}/python`)) {
      assert.deepEqual(left(pid, `${sandbox.cache}/python/${name}`), []);
    }
    await sandbox.write("stop", "");
  },
});
