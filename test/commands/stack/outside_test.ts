/**
 * `rdg stack` and real programs on this host that were started without rdg: by py-spy, by Python's own
 * reader (3.14), and by gdb where `--inject` allows it. Needs gdb; py-spy and Python 3.14 come with the
 * tests' set-up.
 */

import assert from "node:assert/strict";
import { parse } from "../../../commands/stack/command.ts";
import { which } from "../../cluster/packages.ts";
import { interpreters, pySpyFolder, python } from "../../support/python.ts";
import { type Child, makeSandbox, runRdg, type Sandbox, start } from "../../support/rdg.ts";

const gdb = await which("gdb");
const ignore = gdb === null;
const suffix = gdb === null ? " (skipped: not installed: apt-get install -y gdb)" : "";

function outsideTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `rdg stack --pid ${name}${suffix}`, ignore, fn });
}

/** What `rdg stack --json` prints, as far as the tests look. */
interface Picture {
  code: number;
  processes: {
    pid: number;
    via: string;
    child: boolean;
    threads: { name?: string; main: boolean; frames: { function: string; line: number }[] }[];
  }[];
  missing: { pid: number; outcome: string; reason: string }[];
}

/** Waits in C with the GIL held, while another thread wants it; says "on" when it is let go. */
const held = `import ctypes, os, threading, time
def other():
    time.sleep(0.01)
def stuck():
    ctypes.PyDLL(None).read(fd, ctypes.create_string_buffer(8), 1)
fd = os.open("fifo", os.O_RDWR)
print("ready", flush=True)
threading.Thread(target=other).start()
stuck()
print("on", flush=True)
`;

async function program(
  sandbox: Sandbox,
  text: string,
  interpreter = python.path,
): Promise<Child> {
  const file = await sandbox.write("program.py", text);
  const child = start([interpreter, file], { sandbox });
  await child.until(/^ready$/m, { stream: "stdout" });
  return child;
}

async function look(
  sandbox: Sandbox,
  words: readonly string[],
  env: Record<string, string> = {},
): Promise<Picture> {
  const { code, stdout, stderr } = await runRdg(["stack", ...words, "--json"], { sandbox, env });
  assert.notEqual(stdout, "", stderr);
  return { ...JSON.parse(stdout), code };
}

for (const interpreter of interpreters) {
  const own = interpreter.minor >= 14;
  const means = own ? "python" : "gdb";
  outsideTest(`reads what holds the GIL, by ${means} (${interpreter.version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    await new Deno.Command("mkfifo", { args: [`${sandbox.dir}/fifo`] }).output();
    await using child = await program(sandbox, held, interpreter.path);
    let process: Picture["processes"][number] | undefined;
    // It is in its place a moment after it is ready.
    for (let left = 40; left > 0; left--) {
      const words = ["--pid", String(child.pid), ...own ? [] : ["--inject"]];
      const picture = await look(sandbox, words);
      assert.equal(picture.code, 0, JSON.stringify(picture.missing));
      process = picture.processes[0];
      if (process!.threads[0]!.frames[0]!.function === "stuck") break;
    }
    assert.deepEqual([process!.pid, process!.via, process!.child], [child.pid, means, false]);
    assert.deepEqual(
      process!.threads[0]!.frames.map((frame) => [frame.function, frame.line]),
      [["stuck", 5], ["<module>", 9]],
    );
    // Nothing is left behind, and it goes on.
    const maps = await Deno.readTextFile(`/proc/${child.pid}/maps`);
    assert.doesNotMatch(maps, /remote_debug|memfd/);
    assert.deepEqual(await sandbox.records(), []);
    await Deno.writeTextFile(`${sandbox.dir}/fifo`, "x");
    await child.until(/^on$/m, { stream: "stdout" });
    assert.equal((await child.status()).code, 0);
  });
}

const newest = interpreters.find(({ minor }) => minor >= 14);

Deno.test({
  name: "rdg stack --pid needs nothing beside Python 3.14, whatever it does" +
    (newest ? "" : " (skipped: no Python 3.14: set CI, or install Maven and run the tests again)"),
  ignore: newest === undefined,
  async fn(context) {
    await context.step("here", () => reads([], (pid) => Promise.resolve(pid)));
    const bubblewrap = await which("bwrap");
    const why = bubblewrap ? "" : " (skipped: not installed: apt-get install -y bubblewrap)";
    const apart = ["bwrap", "--die-with-parent", "--dev-bind", "/", "/", "--unshare-pid"];
    await context.step({
      name: `with process ids of its own${why}`,
      ignore: bubblewrap === null,
      fn: () => reads(apart, innermost),
    });
  },
});

/** The last of a process's descendants. */
async function innermost(pid: number): Promise<number> {
  const { stdout } = await new Deno.Command("pgrep", { args: ["-P", String(pid)] }).output();
  const child = Number(new TextDecoder().decode(stdout));
  return child ? await innermost(child) : pid;
}

/** Looks at a busy thread and one that waits for a lock, again and again. */
async function reads(
  before: readonly string[],
  pidOf: (pid: number) => Promise<number>,
): Promise<void> {
  await using sandbox = await makeSandbox({ interpreter: newest! });
  const text = `import threading, time
def waits(lock):
    with lock: pass
def spin(number):
    return number + 1
def run():
    number = 0
    print("ready", flush=True)
    while True: number = spin(number)
lock = threading.Lock()
lock.acquire()
threading.Thread(target=waits, args=(lock,), name="waiter", daemon=True).start()
run()
`;
  const file = await sandbox.write("program.py", text);
  // Switched off is only what would bring something into it.
  const words = [...before, newest!.path, "-X", "disable-remote-debug", file];
  await using child = start(words, { sandbox });
  await child.until(/^ready$/m, { stream: "stdout" });
  const pid = String(await pidOf(child.pid));
  for (let turn = 0; turn < 5; turn++) {
    const { code, processes, missing } = await look(sandbox, ["--pid", pid]);
    assert.equal(code, 0, JSON.stringify(missing));
    const [{ via, threads }] = processes as [Picture["processes"][number]];
    assert.equal(via, "python");
    assert.deepEqual(threads.map(({ name, main }) => [name, main]), [["python3.14", true], [
      "waiter",
      false,
    ]]);
    const functions = threads.map(({ frames }) => frames.map((frame) => frame.function));
    assert.deepEqual(functions[0]!.slice(-2), ["run", "<module>"]);
    assert.deepEqual(functions[1]!.slice(0, 2), ["waits", "run"]);
  }
  const { stderr, stdout } = await runRdg(["stack", "--pid", pid], { sandbox });
  assert.match(stdout + stderr, /read from outside by Python's own reader/);
}

/** A Python 3.14 whose own reader of stacks is missing, as a distribution may leave it out. */
async function withoutReader(folder: string): Promise<string> {
  const from = newest!.path.replace(/\/bin\/[^/]*$/, "");
  const library = `lib/python3.${newest!.minor}`;
  for (const name of ["bin", `${library}/lib-dynload`]) {
    await Deno.mkdir(`${folder}/${name}`, { recursive: true });
  }
  for (const below of ["", `${library}/`, `${library}/lib-dynload/`]) {
    for await (const { name } of Deno.readDir(`${from}/${below}`)) {
      if (["bin", "lib", "lib-dynload"].includes(name) || name.includes("_remote_debugging")) {
        continue;
      }
      await Deno.symlink(`${from}/${below}${name}`, `${folder}/${below}${name}`);
    }
  }
  // By its own place it finds the rest.
  await Deno.copyFile(await Deno.realPath(newest!.path), `${folder}/bin/python3`);
  return `${folder}/bin/python3`;
}

for (const tool of ["gdb", "no gdb"]) {
  const ignored = newest === undefined || (ignore && tool === "gdb");
  Deno.test({
    name: `rdg stack --pid --inject arms a Python 3.14 without a reader, with ${tool}` +
      (ignored ? " (skipped: no Python 3.14, or no gdb)" : ""),
    ignore: ignored,
    async fn() {
      await using sandbox = await makeSandbox({ interpreter: newest! });
      const interpreter = await withoutReader(`${sandbox.dir}/python`);
      const bin = `${sandbox.dir}/bin`;
      await Deno.mkdir(bin);
      for (const name of ["sh", "cat", "hostname", ...tool === "gdb" ? ["gdb"] : []]) {
        await Deno.symlink((await which(name))!, `${bin}/${name}`);
      }
      const env = { PATH: bin };
      const text = `import time
def waits():
    while True: time.sleep(0.1)
print("ready", flush=True)
waits()
`;
      const file = await sandbox.write("program.py", text);
      await using child = start([interpreter, file], { sandbox, env });
      await child.until(/^ready$/m, { stream: "stdout" });
      const none = await look(sandbox, ["--pid", String(child.pid)], env);
      assert.match(none.missing[0]!.reason, /own reader failed: ModuleNotFoundError/);
      const { code, processes } = await look(
        ...[sandbox, ["--pid", String(child.pid), "--inject"], env] as const,
      );
      assert.equal(code, 0);
      assert.deepEqual(
        processes.map(({ pid, via, threads }) => [pid, via, threads[0]!.frames[0]!.function]),
        [[child.pid, "signal", "waits"]],
      );
      assert.deepEqual((await sandbox.records()).map(({ pid }) => pid), [child.pid]);
    },
  });
}

outsideTest("takes several, by the real py-spy, and names those that it can't", async () => {
  await using sandbox = await makeSandbox();
  const text = `import sys, time
def waits():
    time.sleep(1000)
print("ready", flush=True)
waits()
`;
  await using first = await program(sandbox, text);
  await using second = await program(sandbox, text);
  await using shell = start(["sh", "-c", "echo ready; exec sleep 1000"], { sandbox });
  await shell.until(/ready/, { stream: "stdout" });
  await using still = await program(sandbox, text);
  await still.kill("SIGSTOP");
  const env = { PATH: `${pySpyFolder}/bin:${sandbox.env["PATH"]}` };
  const pids = [first, second, shell, still].map(({ pid }) => pid);
  const { code, processes, missing } = await look(
    sandbox,
    ["--pid", `${pids.join(",")},1073741823`],
    env,
  );
  assert.equal(code, 1);
  assert.deepEqual(
    processes.map(({ pid, via, threads }) => [pid, via, threads[0]!.frames[0]!.function]).sort(),
    [[first.pid, "py-spy", "waits"], [second.pid, "py-spy", "waits"]].sort(),
  );
  const reasons = new Map(missing.map(({ pid, reason }) => [pid, reason]));
  assert.match(reasons.get(shell.pid)!, /it is no Python \(sleep\)/);
  assert.match(reasons.get(still.pid)!, new RegExp(`stopped \\(kill -CONT ${still.pid}`));
  assert.equal(reasons.get(1073741823), "there is no such process here");
});

/** An interpreter whose library, stripped, keeps gdb from calling what writes the stacks. */
async function stripped(folder: string): Promise<{ path: string; env: string } | null> {
  if (await which("strip") === null) return null;
  for (const { path, minor } of interpreters) {
    if (![9, 10, 13].includes(minor)) continue;
    const library = `${path.replace(/\/bin\/[^/]*$/, "")}/lib/libpython3.${minor}.so.1.0`;
    if (!await Deno.stat(library).then(() => true, () => false)) continue;
    await Deno.mkdir(folder);
    const to = `${folder}/libpython3.${minor}.so.1.0`;
    const { success } = await new Deno.Command("strip", { args: ["-o", to, library] }).output();
    if (success) return { path, env: folder };
  }
  return null;
}

outsideTest("--inject arms a Python that keeps its stacks from gdb", async () => {
  await using home = await makeSandbox();
  const built = await stripped(`${home.dir}/lib`);
  if (built === null) {
    // deno-lint-ignore no-console -- said where the test's name can't say it
    console.log("skipped: no Python 3.9, 3.10 or 3.13 with a shared library, or no strip");
    return;
  }
  const interpreter = interpreters.find(({ path }) => path === built.path)!;
  await using sandbox = await makeSandbox({ interpreter });
  const file = await sandbox.write(
    "program.py",
    "print('ready', flush=True)\ninput()\nprint('on')\n",
  );
  const env = { LD_LIBRARY_PATH: built.env };
  await using child = start([
    "sh",
    "-c",
    `mkfifo "$1"; exec <>"$1"; shift; exec "$@"`,
    "sh",
    "fifo",
    built.path,
    file,
  ], {
    sandbox,
    env,
  });
  await child.until(/^ready$/m, { stream: "stdout" });
  const { code, processes, missing } = await look(sandbox, [
    "--pid",
    String(child.pid),
    "--inject",
  ]);
  assert.equal(code, 0, JSON.stringify(missing));
  assert.equal(processes[0]!.via, "signal");
  assert.equal((await sandbox.records()).length, 1);
  await Deno.writeTextFile(`${sandbox.dir}/fifo`, "\n");
  await child.until(/^on$/m, { stream: "stdout" });
  assert.equal((await child.status()).code, 0);
});

Deno.test("parse() of stack takes several PIDs", () => {
  assert.deepEqual(parse(["--pid", "7,8,7"]).pids, [7, 8]);
  assert.equal(parse(["36", "--inject"]).inject, true);
  for (const bad of ["", "7,", "x", "7 8", "-1"]) {
    assert.throws(() => parse([`--pid=${bad}`]), /--pid/);
  }
});
