/**
 * The Python package by itself: `start_debugger()` and `pause()` from a program's own code,
 * `python -m remote_debug` without Deno, and `pip install`.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { attach, evaluateAndGo, stopped } from "../support/attach.ts";
import { outcome, withoutRdg } from "../support/outcome.ts";
import {
  debugpyFor,
  type Interpreter,
  interpreters,
  newestPython,
  python,
  root,
} from "../support/python.ts";
import { type Child, makeSandbox, type Sandbox, start, startRdg } from "../support/rdg.ts";

const api = fileURLToPath(new URL("./testdata/api.py", import.meta.url));
const facts = fileURLToPath(
  new URL("../commands/debug/testdata/corpus/facts.py", import.meta.url),
);
const env = { PYTHONPATH: `${root}/python`, PYTHONDONTWRITEBYTECODE: "1" };

function startApi(way: string, options: {
  sandbox: Sandbox;
  interpreter?: Interpreter;
  env?: Record<string, string>;
}): Child {
  const { path } = options.interpreter ?? python;
  return start([path, api, way], { sandbox: options.sandbox, env: { ...env, ...options.env } });
}

const source = await Deno.readTextFile(api);

/** Number of the line that holds a text. */
function line(text: string): number {
  return source.slice(0, source.indexOf(text)).split("\n").length;
}

/** What the program said, line by line. */
function said(child: Child): unknown[] {
  return child.stdout.trim().split("\n").map((line) => JSON.parse(line));
}

async function ends(child: Child, code = 4): Promise<unknown[]> {
  assert.equal((await child.status()).code, code, child.stderr);
  return said(child);
}

Deno.test("import remote_debug has no effect", async () => {
  await using sandbox = await makeSandbox();
  await using child = startApi("nothing", { sandbox });
  assert.deepEqual(await ends(child, 0), [["before", false, 1]]);
  assert.equal(child.stderr, "");
  assert.deepEqual(await sandbox.records(), []);
});

Deno.test("start_debugger(wait=False) listens, says where, and goes on; again it tells the same", async () => {
  await using sandbox = await makeSandbox();
  await using child = startApi("go", { sandbox });
  const [, [, given], again, same] = await ends(child) as [
    unknown,
    [string, unknown],
    ...unknown[],
  ];
  const port = Number(/^Port: (\d+)$/m.exec(child.stderr)?.[1]);
  assert.deepEqual(given, { hostname: Deno.hostname(), port, remote_path: sandbox.dir });
  assert.deepEqual([again, same], [["started", given], [true]]);
  assert.equal(child.stderr.match(/Python Debugger Info/g)?.length, 1);
  assert.match(child.stderr, /^Script goes on; attach whenever you like\.$/m);
});

for (const interpreter of new Set([interpreters[0]!, python, newestPython])) {
  Deno.test(`start_debugger() waits, pause() stops in the caller's frame (${interpreter.version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    await using child = startApi("wait", { sandbox, interpreter });
    const port = await child.port();
    assert.match(child.stderr, /^Script is paused, waiting for debugger to attach\.\.\.$/m);
    const first = await attach(child, sandbox, { port });
    const stop = await stopped(first);
    assert.deepEqual(stop.frames, [
      `pause api.py:${line('say("paused"')}`,
      `<module> api.py:${line("mine = 1") + 1}`,
    ]);
    assert.equal(await evaluateAndGo(first, stop, "mark"), "1");
    await stopped(first);
    // Left at the second stop: the program goes on by itself.
    await first.disconnect();
    assert.deepEqual((await ends(child)).slice(2), [["paused", 1], ["paused", 2]]);
  });
}

Deno.test("pause() after a detach waits for the next client", async () => {
  await using sandbox = await makeSandbox();
  await using child = startApi("wait", { sandbox });
  const port = await child.port();
  const first = await attach(child, sandbox, { port });
  await stopped(first);
  const from = child.stderr.length;
  await first.disconnect();
  await child.port(from);
  await using second = await attach(child, sandbox, { port });
  assert.equal(await evaluateAndGo(second, await stopped(second), "mark"), "2");
  await ends(child);
});

Deno.test("pause() alone starts the debugger", async () => {
  await using sandbox = await makeSandbox();
  await using child = startApi("pause", { sandbox });
  await using client = await attach(child, sandbox, { port: await child.port() });
  assert.equal(await evaluateAndGo(client, await stopped(client), "mark"), "'here'");
  assert.deepEqual((await ends(child)).at(-1), ["paused", "here"]);
});

Deno.test("start_debugger() and pause() work in a thread", async () => {
  await using sandbox = await makeSandbox();
  await using child = startApi("thread", { sandbox });
  await using client = await attach(child, sandbox, { port: await child.port() });
  const stop = await stopped(client);
  assert.deepEqual(stop.frames.slice(0, 2), [
    `pause api.py:${line('say("paused"')}`,
    `work api.py:${line("inside = 5") + 2}`,
  ]);
  assert.equal(await evaluateAndGo(client, stop, "mark"), "5");
  assert.deepEqual((await ends(child)).at(-1), ["paused", 5]);
});

Deno.test("start_debugger() in a forked child opens a port of its own", async () => {
  await using sandbox = await makeSandbox();
  await using child = startApi("fork", { sandbox });
  const parentPort = await child.port();
  const from = child.stderr.indexOf("goes on") + 7;
  await child.until(/waiting for debugger/, { from });
  const port = Number((await child.until(/^Port: (\d+)$/m, { from }))[1]);
  assert.notEqual(port, parentPort);
  await using client = await attach(child, sandbox, { port });
  assert.equal(await evaluateAndGo(client, await stopped(client), "mark"), "3");
  assert.deepEqual((await ends(child)).slice(3), [["paused", 3], ["child", 7]]);
});

Deno.test("RDG_WAIT_TIMEOUT bounds start_debugger() and pause()", async () => {
  await using sandbox = await makeSandbox();
  await using child = startApi("wait", { sandbox, env: { RDG_WAIT_TIMEOUT: "0.2" } });
  assert.deepEqual((await ends(child)).slice(2), [["paused", 1], ["paused", 2]]);
});

Deno.test("start_debugger() without debugpy says what to run", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  await using child = startApi("go", { sandbox });
  const [, first] = await ends(child) as [unknown, string[]];
  assert.equal(first[0], "unavailable");
  assert.match(first[1] ?? "", /it has no debugpy.*Try: .* -m pip install debugpy/);
  assert.deepEqual(await sandbox.records(), []);
});

Deno.test("start_debugger() and pause() under rdg debug use its session", async () => {
  await using sandbox = await makeSandbox();
  await using child = startRdg(["debug", python.path, api, "wait"], { sandbox, env });
  const port = await child.port();
  await using client = await attach(child, sandbox, { port });
  for (const mark of ["1", "2"]) {
    assert.equal(await evaluateAndGo(client, await stopped(client), "mark"), mark);
  }
  const [, [, given]] = await ends(child) as [unknown, [string, { port: number }]];
  assert.equal(given.port, port);
  assert.equal(child.stderr.match(/Python Debugger Info/g)?.length, 1);
});

Deno.test("start_debugger() under rdg debug -lp listens, then crashes open there", async () => {
  await using sandbox = await makeSandbox();
  const code = "import remote_debug; remote_debug.start_debugger(wait=False); 1 / 0";
  await using child = startRdg(
    ["debug", "-lp", "--wait-timeout=0.2", python.path, "-c", code],
    { sandbox },
  );
  assert.equal((await child.status()).code, 1);
  const ports = child.stderr.match(/^Port: \d+$/gm) ?? [];
  assert.deepEqual([ports.length, new Set(ports).size], [2, 1], child.stderr);
});

/** The words that start a program by the package alone. */
function module(flags: string[], rest: string[], interpreter = python): string[] {
  return [interpreter.path, "-m", "remote_debug", ...flags, ...rest];
}

for (const interpreter of interpreters) {
  Deno.test(`python -m remote_debug leaves a program as it is (${interpreter.version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    await sandbox.write("facts.py", await Deno.readTextFile(facts));
    for (const rest of [["facts.py", "a", "-l", "--"], ["-m", "facts", "-m"]]) {
      const plain = await outcome([interpreter.path, ...rest], { sandbox, env });
      const under = await outcome(module(["-lp"], rest, interpreter), { sandbox, env });
      assert.match(under.stderr, /Armed and ready/);
      assert.deepEqual({ ...under, stderr: withoutRdg(under.stderr) }, plain);
    }
  });
}

Deno.test("python -m remote_debug: every mode, also where Deno has no room", async () => {
  await using sandbox = await makeSandbox();
  await sandbox.write("crash.py", "import sys\nsecret = 6\nprint(sys.argv)\n1 / 0\n");
  // Deno reserves 18 GB; 512 MB is what login nodes and h_vmem leave at their tightest.
  const narrow = ["bash", "-c", 'ulimit -v 524288; exec "$@"', "_"];
  const deno = await outcome([...narrow, Deno.execPath(), "run", "-A", `${root}/main.ts`, "-V"], {
    sandbox,
  });
  assert.notEqual(deno.code, 0, "Deno runs there after all");
  const code = ["-c", "raise SystemExit(9)"];
  const lite = await outcome([...narrow, ...module(["--lite"], code)], { sandbox, env });
  assert.equal(lite.code, 9, lite.stderr);
  assert.match(lite.stderr, /^\[Lite Debugger\] Armed and ready!$/m);
  await using child = start([...narrow, ...module(["-p"], ["crash.py", "-x"])], { sandbox, env });
  const port = await child.port();
  await using client = await attach(child, sandbox, { port });
  const stop = await stopped(client);
  assert.deepEqual([stop.reason, ...stop.frames], ["exception", "<module> crash.py:4"]);
  assert.equal(await evaluateAndGo(client, stop, "secret"), "6");
  assert.equal((await child.status()).code, 1);
  assert.equal(child.stdout, "['crash.py', '-x']\n");
  await using entry = start(
    [...narrow, ...module(["--stop-on-entry", "--port=0"], ["crash.py"])],
    { sandbox, env },
  );
  await using second = await attach(entry, sandbox, { port: await entry.port() });
  assert.deepEqual((await stopped(second)).frames, ["<module> crash.py:1"]);
  await second.disconnect();
  assert.equal((await entry.status()).code, 1);
});

Deno.test("python -m remote_debug wakes by --signal, and runs where no file can be written", async () => {
  await using sandbox = await makeSandbox();
  const code = "import os; os.kill(os.getpid(), 12); print('after')";
  const command = module(["-l", "--signal=USR2", "--wait-timeout=0.2"], ["-c", code]);
  const woken = await outcome(command, { sandbox, env });
  assert.match(woken.stderr, /Script is paused[^]*\[rdg\] Nobody attached: the program goes on/);
  assert.equal(woken.stdout, "after\n");
  // No file may have a single byte, as on a full disk.
  const full = ["bash", "-c", 'ulimit -f 0; exec "$@"', "_"];
  const ran = await outcome([...full, ...module(["-l"], ["-c", "print(1)"])], { sandbox, env });
  assert.deepEqual([ran.code, ran.stdout], [0, "1\n"]);
  assert.match(ran.stderr, /^\[rdg\] Cannot write the session record.*: File too large/m);
});

Deno.test("python -m remote_debug refuses what makes no sense", async () => {
  await using sandbox = await makeSandbox();
  const cases: [words: string[], said: RegExp][] = [
    [module([], []), /name a script, -m MODULE or -c CODE/],
    [module(["--port=70000"], ["s.py"]), /want a port from 0 to 65535, got '70000'/],
    [module(["--signal=KILL"], ["s.py"]), /want a signal that can be caught/],
    [module(["--signal=_IGN"], ["s.py"]), /want a signal that can be caught/],
    [module(["--signal=32"], ["s.py"]), /want a signal that can be caught/],
    [module(["--signal=RTMIN+7"], ["s.py"]), /must be two different ones/],
    [module(["--rank=x"], ["s.py"]), /want ranks such as 0,3-5, got 'x'/],
    [module(["--rank=3-1"], ["s.py"]), /want ranks such as 0,3-5, got '3-1'/],
    [module(["--wait-timeout=nan"], ["s.py"]), /want seconds, 0 for no limit/],
    [module(["--nope"], ["s.py"]), /unrecognized arguments: --nope/],
    [[python.path, "-s", "-bS", ...module([], ["s.py"]).slice(1)], /ignores PYTHONPATH/],
  ];
  for (const [command, what] of cases) {
    // With -S the package must be found all the same: by the folder it is started in.
    const seen = await outcome(command, { sandbox, env });
    assert.match(seen.stderr, what, command.join(" "));
    assert.deepEqual([seen.code, seen.stdout], [2, ""], command.join(" "));
  }
  const flags = [python.path, "-Werror::ImportWarning", "-Wignore:EIS", "-m", "remote_debug", "-l"];
  const fine = await outcome([...flags, "-c", "import sys; print(sys.warnoptions)"], {
    sandbox,
    env,
  });
  assert.equal(fine.stdout, "['error::ImportWarning', 'ignore:EIS']\n", fine.stderr);
});

Deno.test("python -m remote_debug below rdg debug arms once", async () => {
  await using sandbox = await makeSandbox();
  await sandbox.write("s.py", "import os\nprint(os.environ['PYTHONPATH'].count('_site'))\n");
  const command = ["debug", "-l", "bash", "-c", `${module(["-l"], ["s.py"]).join(" ")}; true`];
  await using child = startRdg(command, { sandbox, env });
  assert.equal((await child.status()).code, 0, child.stderr);
  assert.equal(child.stdout, "1\n");
});

Deno.test("pip install ./python gives the package and its module", async () => {
  await using sandbox = await makeSandbox();
  // A copy: building leaves files beside the source.
  const copied = await outcome(["cp", "-r", `${root}/python`, "python"], { sandbox });
  assert.equal(copied.code, 0);
  const made = await outcome([python.path, "-m", "venv", "--without-pip", "venv"], { sandbox });
  assert.equal(made.code, 0, made.stderr);
  const pip: Record<string, string> = { PIP_NO_INDEX: "0" };
  for (const [name, value] of Object.entries(Deno.env.toObject())) {
    if (/^(PIP_|SSL_CERT|REQUESTS_CA|https?_proxy)/i.test(name)) pip[name] = value;
  }
  const install = ["-m", "pip", "--python", "venv/bin/python", "install", "-q", "./python"];
  const installed = await outcome([python.path, ...install], {
    sandbox,
    env: pip,
    timeoutMs: 120_000,
  });
  assert.equal(installed.code, 0, installed.stderr);
  const version = await Deno.readTextFile(`${root}/python/remote_debug/__init__.py`);
  const about = "import remote_debug as r, importlib.metadata as m; " +
    "print(m.version('rdg-remote-debug') == r.__version__, m.requires('rdg-remote-debug'), r.__file__)";
  const seen = await outcome(["venv/bin/python", "-c", about], { sandbox });
  assert.match(seen.stdout, /^True None .*\/venv\/lib\/python3\.\d+\/site-packages\/remote_debug/);
  assert.match(version, /^__version__ = "\d+\.\d+\.\d+"$/m);
  const words = [
    "venv/bin/python",
    "-m",
    "remote_debug",
    "-lp",
    "-c",
    "print('ran'); raise SystemExit(3)",
  ];
  const ran = await outcome(words, { sandbox, env: { PYTHONPATH: debugpyFor(python) } });
  assert.deepEqual([ran.code, ran.stdout, withoutRdg(ran.stderr)], [3, "ran\n", ""]);
  assert.match(ran.stderr, /Armed and ready/);
});
