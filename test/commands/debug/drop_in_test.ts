/**
 * `rdg debug` is a drop-in: a corpus of small programs and shell commands runs with and without it, and
 * what comes out (bytes on stdout, exit code or signal, stderr but for rdg's own lines) is compared.
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Interpreter, interpreters, newestPython, python } from "../../support/python.ts";
import { makeSandbox, rdg, type Sandbox, start } from "../../support/rdg.ts";
import { type Outcome, outcome, withoutRdg } from "../../support/outcome.ts";

const corpus = fileURLToPath(new URL("./testdata/corpus", import.meta.url));
const facts = await Deno.readTextFile(`${corpus}/facts.py`);

/** One command line; `PY` stands for the interpreter. */
interface Case {
  command: readonly string[];
  stdin?: string;
  env?: Record<string, string>;
  /** Only in these modes. */
  modes?: readonly string[];
  /** Runs in the waiting mode as well, where debugpy is loaded. */
  waits?: true;
  /** Prints what a crash prints under `-p` although its own hook hides it: stderr isn't compared. */
  tells?: true;
  /** Words around rdg and the command: a shell that ends in `"$@"`. */
  around?: readonly string[];
}

function script(...words: string[]): Case {
  return { command: ["PY", ...words] };
}

function shell(text: string, more: Omit<Case, "command"> = {}): Case {
  return { ...more, command: ["bash", "-c", text] };
}

function around(text: string, ...words: string[]): Case {
  return { ...script(...words), around: ["bash", "-c", text, "_"] };
}

const programs: Readonly<Record<string, Case>> = {
  "a script": script("facts.py", "a", "b c", "", "--help", "--", "-l"),
  "-u -X dev": script("-u", "-X", "dev", "facts.py"),
  "-W error": script("-W", "error", "facts.py"),
  "-OBsbb": script("-OBsbb", "facts.py", "-E"),
  "-m": script("-m", "pkg.facts", "x"),
  "-c": script("-c", "exec(open('facts.py').read())", "x"),
  "-": { ...script("-", "x"), stdin: facts },
  "a program on stdin": { ...script(), stdin: facts },
  "its own stdin": { ...script("facts.py", "read"), stdin: "given\n" },
  "-i": { ...script("-i", "ends.py", "x"), stdin: "print(1 + 1)\n1 / 0\nprint(3)\n" },
  "no such script": { ...script("nosuch.py"), waits: true },
  "no such module": { ...script("-m", "nosuch.module"), waits: true },
  "PYTHONSAFEPATH": { ...script("facts.py"), env: { PYTHONSAFEPATH: "1" } },
  "PYTHONPATH with empty entries": { ...script("facts.py"), env: { PYTHONPATH: ":pkg:" } },
  "PYTHONPATH that is empty": { ...script("facts.py"), env: { PYTHONPATH: "" } },
  "own sitecustomize": { ...script("facts.py"), env: { PYTHONPATH: "custom:pkg" } },
  "own sitecustomize that fails": { ...script("facts.py"), env: { PYTHONPATH: "broken" } },
  "own sitecustomize that misses a module": {
    ...script("facts.py"),
    env: { PYTHONPATH: "absent" },
  },
  "a venv": { command: ["VENV", "facts.py"] },
  "a nested rdg debug": {
    command: ["PY", "children.py", "run", ...rdg, "debug", "-l", "PY", "facts.py", "in"],
  },
  "many arguments": script(
    "-c",
    "import sys; print(len(sys.argv))",
    ...Array(4000).fill("x".repeat(50)),
  ),
  multiprocessing: { ...script("many.py"), waits: true },
  children: { ...script("children.py"), waits: true },
  fork: { ...script("forks.py", "fork"), waits: true },
  "exec of another program": script("forks.py", "exec"),
  "exec of Python": { ...script("forks.py", "python"), waits: true },
  "exec of itself": { ...script("forks.py", "itself"), waits: true },
  "closing descriptors": script("forks.py", "close"),
  "closing all descriptors": script("forks.py", "all"),
  "an exit code": script("ends.py", "code"),
  "an exit text": script("ends.py", "text"),
  "_exit": script("ends.py", "quick"),
  atexit: script("ends.py", "atexit"),
  "killed by SIGKILL": script("ends.py", "signal", "9"),
  "killed by SIGTERM": { ...script("ends.py", "signal", "15"), waits: true },
  "killed by SIGUSR1": script("ends.py", "signal", "10"),
  abort: script("ends.py", "abort"),
  "KeyboardInterrupt": { ...script("ends.py", "interrupt"), waits: true },
  "SIGINT": script("ends.py", "signal", "2"),
  "an assertion": { ...script("ends.py", "assert"), waits: true },
  "a syntax error": script("ends.py", "syntax"),
  "endless recursion": script("ends.py", "recursion"),
  "own hooks": { ...script("hooks.py", "own"), tells: true },
  "own hook that exits": { ...script("hooks.py", "ending"), tells: true },
  "own thread hook": { ...script("hooks.py", "thread"), tells: true },
  "a hook deleted": { ...script("hooks.py", "delete"), tells: true },
  "own handlers": { ...script("signals.py", "alarm"), waits: true },
  "own handlers, woken": { ...script("signals.py", "wake"), modes: ["-l", "-lp"] },
  asyncio: { ...script("loop.py"), waits: true },
  "asyncio, woken": { ...script("loop.py", "wake"), modes: ["-l", "-lp"] },
  "tools of the standard library": script("tools.py"),
  modules: script("modules.py"),
};

const shells: Readonly<Record<string, Case>> = {
  "a pipe that breaks": shell('yes | head -1; echo "${PIPESTATUS[@]}"'),
  "a program whose pipe breaks": shell('PY ends.py pipe | head -2; echo "${PIPESTATUS[@]}"'),
  "several programs": shell("PY -c 'print(1)' && PY ends.py code; echo $?; PY facts.py two"),
  "a trap": shell("trap 'echo term' TERM; kill -TERM $$; echo after"),
  "an exec": shell("exec PY facts.py x"),
  "stdin through": shell("cat | tr a-z A-Z", { stdin: "some text\n" }),
  "no PYTHONPATH below": shell("unset PYTHONPATH; PY facts.py"),
  binary: shell("printf '\\0\\377\\n\\200'; PY -c 'import os; os.write(1, bytes(range(256)))'"),
  killed: shell("kill -9 $$"),
  code: { command: ["sh", "-c", "exit 7"] },
  "a pipe from a program to another": shell(
    "PY -c 'print(*range(9))' | PY -c 'import sys; print(sys.stdin.read()[::-1])'",
  ),
  "the soft limit of open files": around('ulimit -Sn 300; "$@"; echo $?', "facts.py"),
  "ignored signals": around('trap "" HUP USR2; "$@"; echo $?', "facts.py"),
  "umask and niceness": around('umask 077; nice -n 5 "$@"; echo $?', "facts.py"),
  "a closed stdin": around('"$@" <&-; echo $?', "ends.py", "code"),
  "bytes that are no UTF-8": {
    ...around('"$@" $(printf "caf\\351"); echo $?', "-c", "import sys; print(ascii(sys.argv))"),
  },
  "a pipe around": around('"$@" | head -2; echo "${PIPESTATUS[@]}"', "ends.py", "pipe"),
};

/** What depends on the interpreter's version. */
const telling = [
  ..."a script|-u -X dev|-W error|-m|-c|-|-i|a venv|multiprocessing|children|exec of itself".split(
    "|",
  ),
  ..."an assertion|own hooks|own handlers|asyncio|tools of the standard library|modules".split("|"),
];

/** A sandbox with the corpus in it. */
async function corpusSandbox(interpreter: Interpreter): Promise<Sandbox> {
  const sandbox = await makeSandbox({ interpreter });
  const copy = await new Deno.Command("cp", { args: ["-rL", `${corpus}/.`, sandbox.dir] }).output();
  assert.equal(copy.code, 0);
  return sandbox;
}

/** Runs a case as it is, or under rdg. */
function run(
  one: Case,
  options: { sandbox: Sandbox; interpreter: Interpreter; flags: readonly string[] | null },
): Promise<Outcome> {
  const { sandbox, interpreter, flags } = options;
  const command = one.command.map((word) =>
    one.command[0] === "bash"
      ? word.replaceAll("PY ", `${interpreter.path} `)
      : word === "PY"
      ? interpreter.path
      : word === "VENV"
      ? `${sandbox.dir}/venv/bin/python`
      : word
  );
  return outcome(
    [...(one.around ?? []), ...(flags ? [...rdg, "debug", ...flags] : []), ...command],
    {
      sandbox,
      env: { PYTHONDONTWRITEBYTECODE: "1", ...one.env },
      ...(one.stdin === undefined ? {} : { stdin: one.stdin }),
    },
  );
}

/** Runs a case both ways and compares. */
async function compare(
  one: Case,
  options: { sandbox: Sandbox; interpreter: Interpreter; modes: readonly string[] },
): Promise<void> {
  const plain = await run(one, { ...options, flags: null });
  plain.stderr = withoutRdg(plain.stderr); // of a nested one
  for (const mode of options.modes) {
    if (one.modes && !one.modes.includes(mode)) continue;
    if (mode === "wait" && !one.waits) continue;
    const flags = [...(mode === "wait" ? [] : [mode]), "--wait-timeout=0.2"];
    const under = await run(one, { ...options, flags });
    under.stderr = withoutRdg(under.stderr);
    const relevant = (all: Outcome) =>
      one.tells && mode.includes("p") ? { ...all, stderr: "" } : all;
    assert.deepEqual(relevant(under), relevant(plain), `with ${mode}`);
  }
}

async function makeVenv(sandbox: Sandbox, interpreter: Interpreter): Promise<void> {
  const made = await outcome([interpreter.path, "-m", "venv", "--without-pip", "venv"], {
    sandbox,
  });
  assert.equal(made.code, 0, made.stderr);
}

for (const interpreter of new Set([interpreters[0]!, python, newestPython])) {
  const modes = interpreter === python ? ["-l", "-p", "-lp", "wait"] : ["-lp"];
  for (const [group, cases] of [["programs", programs], ["shell commands", shells]] as const) {
    if (group !== "programs" && interpreter !== python) continue;
    Deno.test(`rdg debug leaves ${group} as they are (${interpreter.version})`, async () => {
      await using sandbox = await corpusSandbox(interpreter);
      await makeVenv(sandbox, interpreter);
      const failures: string[] = [];
      const left = Object.entries(cases).filter(([name]) =>
        interpreter === python || telling.includes(name)
      );
      // Several at a time: most of each is waiting.
      await Promise.all([0, 1, 2].map(async () => {
        for (let next = left.shift(); next; next = left.shift()) {
          const [name, one] = next;
          await compare(one, { sandbox, interpreter, modes })
            .catch((error) => failures.push(`${name} ${error}`));
        }
      }));
      assert.equal(failures.join("\n\n"), "");
    });
  }
}

Deno.test("rdg debug leaves a program and its workers as they are (every Python)", async (t) => {
  for (const interpreter of interpreters) {
    if ([interpreters[0], python, newestPython].includes(interpreter)) continue;
    await t.step(interpreter.version, async () => {
      await using sandbox = await corpusSandbox(interpreter);
      for (const name of ["-u -X dev", "multiprocessing", "own handlers", "modules"]) {
        await compare(programs[name]!, { sandbox, interpreter, modes: ["-lp"] });
      }
    });
  }
});

Deno.test("rdg debug passes signals to the program", async () => {
  await using sandbox = await makeSandbox();
  await sandbox.write(
    "sleep.py",
    "import time\nprint('ready', flush=True)\ntime.sleep(60)\n",
  );
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGQUIT"] as const) {
    const ends: unknown[] = [];
    for (const flags of [null, ["-lp"]]) {
      const words = [...(flags ? [...rdg, "debug", ...flags] : []), python.path, "sleep.py"];
      await using child = start(words, { sandbox });
      await child.until(/^ready$/m, { stream: "stdout" });
      await child.kill(signal);
      const { code, signal: end } = await child.status();
      // The signal may come a moment before the sleep: which line it names is no matter.
      const stderr = withoutRdg(child.stderr).replace(
        /^ {2}File .*\n {4}.*\n(?: +[\^~]+\n)?/gm,
        "",
      );
      ends.push({ code, end, stderr });
    }
    assert.deepEqual(ends[1], ends[0], signal);
  }
});

Deno.test("rdg debug -l lets a daemon go: no pipe is held open", async () => {
  await using sandbox = await corpusSandbox(python);
  const command = [...rdg, "debug", "-l", python.path, "forks.py", "daemon"];
  const line = 'out=$("$@" 2>&1); echo "$out" | tail -1; cat pid 2>/dev/null || true';
  await using child = start(["bash", "-c", line, "_", ...command], {
    sandbox,
    env: { DAEMON: sandbox.dir },
  });
  assert.equal((await child.status()).code, 0);
  assert.match(child.stdout, /^before$/m);
  // It may still be on its way.
  for (let left = 100; left > 0; left--) {
    const pid = Number(await Deno.readTextFile(`${sandbox.dir}/pid`).catch(() => "")) || 0;
    if (pid > 1) {
      Deno.kill(pid, "SIGKILL");
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail("the daemon has not come up");
});
