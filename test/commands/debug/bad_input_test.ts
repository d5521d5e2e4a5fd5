/**
 * What `rdg debug` does with what it can't do: a clear error and its exit code, or correct work. The real
 * CLI and real Python; where debugpy is fetched, pip takes it from a folder, not from the network.
 */

import assert from "node:assert/strict";
import { type Outcome, outcome, withoutRdg } from "../../support/outcome.ts";
import { debugpyFor, python, tooOld } from "../../support/python.ts";
import { makeSandbox, rdg, type Sandbox, startRdg } from "../../support/rdg.ts";

const modes = [[], ["-l"], ["-p"], ["-lp"]] as const;

function debug(
  words: readonly string[],
  options: { sandbox: Sandbox; env?: Record<string, string> },
): Promise<Outcome> {
  return outcome([...rdg, "debug", ...words], options);
}

/** Names in a folder, sorted. */
async function entries(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) names.push(name);
  return names.sort();
}

Deno.test("rdg debug refuses a command line that makes no sense", async () => {
  await using sandbox = await makeSandbox();
  await sandbox.write("plain.py", "print('ran')\n");
  const py = python.path;
  const cases: [words: string[], code: number, said: RegExp][] = [
    [[], 2, /^Cannot debug: no command was given\nTry: rdg debug python script\.py$/m],
    [["--"], 2, /no command was given/],
    [["-l", ""], 2, /no command was given/],
    [["nosuchprogram"], 3, /^Cannot run "nosuchprogram": it is not on PATH\nTry: check the name/m],
    [["-lp", "./nosuch"], 3, /^Cannot run ".\/nosuch": there is no such file$/m],
    [["./plain.py"], 4, /may not be executed\nTry: rdg debug python .\/plain.py/],
    [
      ["plain.py"],
      3,
      /^Cannot run "plain.py": it is not on PATH\nTry: rdg debug python plain.py$/m,
    ],
    [
      ["-l", sandbox.dir],
      4,
      /: it is a folder\nTry: rdg debug python \/.*, if there is a __main__/,
    ],
    [["--lit", py], 2, /unknown flag "--lit"\nTry: --lite, or rdg debug --help/],
    [["-z", py], 2, /unknown flag "-z"/],
    [["--lite=yes", py], 2, /"--lite" takes no value/],
    [["--port"], 2, /"--port" needs a value\nTry: --port=N/],
    ...["x", "-1", "65536", "5.5", "1e9"].map((port): [string[], number, RegExp] => [
      [`--port=${port}`, py, "plain.py"],
      2,
      /want a whole number from 0 to 65535/,
    ]),
    [["--wait-timeout=soon", py], 2, /want a number from 0/],
    [["--signal=NOPE", py], 2, /"--signal=NOPE": there is no such signal\nTry: --signal=RTMIN\+6/],
    [["--signal=KILL", py], 2, /"--signal=KILL": no program can catch it/],
    [["--stack-signal=SIGSTOP", py], 2, /no program can catch it/],
    [["--signal=RTMIN+7", py], 2, /Cannot use signal 41 for both --signal and --stack-signal/],
    [["--signal=50", "--stack-signal=50", py], 2, /Cannot use signal 50 for both/],
    ...["x", "", "1-", "3-1", "1,,2", "-1", "0;1"].map((ranks): [string[], number, RegExp] => [
      [`--rank=${ranks}`, py, "plain.py"],
      2,
      /--rank/,
    ]),
    [[py, "-I", "plain.py"], 2, /with -I the interpreter ignores PYTHONPATH/],
    [["-lp", py, "-uEs", "plain.py"], 2, /with -E .*\nTry: leave -E away, or call remote_debug/],
    [["-l", "env", "A=1", py, "-S", "plain.py"], 2, /with -S/],
  ];
  for (const [words, code, said] of cases) {
    const seen = await debug(words, { sandbox });
    assert.match(seen.stderr, said, words.join(" "));
    assert.deepEqual([seen.code, seen.stdout], [code, ""], words.join(" "));
    assert.doesNotMatch(seen.stderr, /\n {4}at /, "no stack trace");
  }
});

for (const old of tooOld) {
  Deno.test(`rdg debug refuses Python ${old.version}, and leaves it alone below`, async () => {
    await using sandbox = await makeSandbox();
    const code = ["-c", "print('ran')"];
    for (const flags of modes) {
      const seen = await debug([...flags, old.path, ...code], { sandbox });
      assert.deepEqual([seen.code, seen.stdout], [2, ""]);
      assert.match(
        seen.stderr,
        /^Cannot debug with ".*": it is Python \d\.\d, rdg needs 3\.8 or newer\nTry: .+\n$/,
      );
    }
    const shell = ["bash", "-c", `${old.path} -c 'print(1)'; true`];
    const below = await debug(["-lp", ...shell], { sandbox });
    assert.deepEqual(below, { code: 0, signal: null, stdout: "1\n", stderr: "" });
  });
}

Deno.test("rdg debug --port says when the port is taken or privileged", async () => {
  await using sandbox = await makeSandbox();
  await sandbox.write("plain.py", "print('ran')\n");
  const listener = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const taken = await debug([`--port=${port}`, python.path, "plain.py"], { sandbox });
  assert.deepEqual([taken.code, taken.stdout], [1, ""]);
  assert.match(
    taken.stderr,
    new RegExp(
      `^Cannot start the debugger: cannot listen on 0.0.0.0:${port}: .*in use\nTry: another port`,
    ),
  );
  // A crash must not be lost to it: the traceback stands, the program ends with its own code.
  const crash = [python.path, "-c", "1 / 0"];
  const late = await debug(["-p", `--port=${port}`, ...crash], { sandbox });
  assert.equal(late.code, 1);
  assert.match(
    late.stderr,
    /ZeroDivisionError: division by zero\n\[rdg\] Cannot open the debugger for this crash: .*in use/,
  );
  listener.close();
  const unknown = await debug(["--bind=no.such.host.invalid", python.path, "plain.py"], {
    sandbox,
  });
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /^Cannot start the debugger: cannot listen on no\.such\.host/);
  const first = Number(await Deno.readTextFile("/proc/sys/net/ipv4/ip_unprivileged_port_start"));
  if (first <= 80) return; // Here everybody may listen on any port.
  const ordinary = Deno.uid() === 0 ? ["setpriv", "--bounding-set=-net_bind_service"] : [];
  const words = [...ordinary, ...rdg, "debug", "--port=80", python.path, "plain.py"];
  const refused = await outcome(words, { sandbox });
  assert.deepEqual([refused.code, refused.stdout], [1, ""], refused.stderr);
  assert.match(refused.stderr, /cannot listen on 0\.0\.0\.0:80: Permission denied\nTry: another/);
});

Deno.test("rdg debug works with LD_LIBRARY_PATH and LD_PRELOAD, and passes them on", async () => {
  await using sandbox = await makeSandbox();
  const code = "import os; print(os.environ['LD_LIBRARY_PATH'], os.environ['LD_PRELOAD'])";
  const env = { LD_LIBRARY_PATH: "/no/such/folder:/usr/lib", LD_PRELOAD: "libm.so.6" };
  const seen = await debug(["-lp", python.path, "-c", code], { sandbox, env });
  assert.equal(seen.stdout, "/no/such/folder:/usr/lib libm.so.6\n", seen.stderr);
  assert.equal(withoutRdg(seen.stderr), "");
});

Deno.test("rdg debug runs without a home, a state folder or room on the disk", async (t) => {
  await using sandbox = await makeSandbox();
  await Deno.mkdir(`${sandbox.dir}/tmp`);
  const words = ["-lp", python.path, "-c", "import sys; print('ran'); sys.exit(5)"];
  const note = /^\[rdg\] Cannot write the session record.*$/m;
  const { XDG_CACHE_HOME: _, RDG_STATE_DIR: __, ...bare } = sandbox.env;
  const PYTHONPATH = debugpyFor(python);
  const homeless: Sandbox = {
    ...sandbox,
    env: { ...bare, TMPDIR: `${sandbox.dir}/tmp`, PYTHONPATH },
  };

  async function runs(
    where: { sandbox: Sandbox; env?: Record<string, string>; around?: string[] },
    notes: number,
  ): Promise<void> {
    const command = [...(where.around ?? []), ...rdg, "debug", ...words];
    const seen = await outcome(command, where);
    assert.deepEqual([seen.code, seen.stdout], [5, "ran\n"], seen.stderr);
    assert.equal(seen.stderr.match(/\[rdg\]/g)?.length ?? 0, notes, seen.stderr);
    if (notes) assert.match(seen.stderr, note);
    assert.equal(withoutRdg(seen.stderr), "");
  }

  await t.step("a HOME that doesn't exist", async () => {
    await runs({ sandbox: homeless, env: { HOME: "/proc/no/home" } }, 1);
    const { mode } = await Deno.stat(`${sandbox.dir}/tmp/rdg-${Deno.uid()}`);
    assert.equal((mode ?? 0) & 0o777, 0o700);
  });
  await t.step("no HOME", async () => {
    const { ["HOME"]: _, ...env } = homeless.env;
    await runs({ sandbox: { ...homeless, env: { ...env, RDG_STATE_DIR: sandbox.state } } }, 0);
  });
  await t.step("a state folder that can't be made", async () => {
    await runs({ sandbox, env: { RDG_STATE_DIR: "/dev/null/state" } }, 1);
    await runs({ sandbox, env: { RDG_STATE_DIR: "/proc" } }, 1);
  });
  await t.step("a state folder named by a relative path", async () => {
    const chdir = "import os; os.mkdir('other'); os.chdir('other')";
    const seen = await debug(["-l", "--quiet", python.path, "-c", chdir], {
      sandbox,
      env: { RDG_STATE_DIR: "here" },
    });
    assert.deepEqual([seen.code, seen.stderr], [0, ""]);
    const [cluster = ""] = await entries(`${sandbox.dir}/here/sessions`);
    assert.deepEqual(await entries(`${sandbox.dir}/here/sessions/${cluster}/local`), []);
    assert.deepEqual(await entries(`${sandbox.dir}/other`), []);
  });
  await t.step({
    name: "a full disk",
    ignore: Deno.uid() !== 0,
    fn: async () => {
      const full = `${sandbox.dir}/full`;
      await Deno.mkdir(full);
      const mount = ["mount", "-t", "tmpfs", "-o", "size=4k,mode=700", "none", full];
      const script = `${mount.join(" ")} && { yes >${full}/file; "$@"; }`;
      await runs({
        sandbox,
        env: { RDG_STATE_DIR: full },
        // A mount of its own, gone with the process; yes tells that the disk is full.
        around: ["unshare", "-m", "bash", "-c", `${script} 2> >(grep -v "^yes:" >&2)`, "_"],
      }, 1);
    },
  });
  await t.step("no place for rdg's own files", async () => {
    const seen = await debug(words, {
      sandbox,
      env: { XDG_CACHE_HOME: "/dev/null/cache", TMPDIR: "/dev/null/tmp" },
    });
    assert.deepEqual([seen.code, seen.stdout], [4, ""]);
    assert.match(
      seen.stderr,
      /^Cannot put rdg's Python files where .*\n[^]*Try: set XDG_CACHE_HOME/,
    );
  });
});

Deno.test("rdg debug inside a job never fetches debugpy: it says what to run, in every mode", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  await sandbox.write("plain.py", "print('ran')\n");
  const env = { SLURM_JOB_ID: "36" };
  for (const flags of modes) {
    for (const command of [[python.path, "plain.py"], ["bash", "-c", `${python.path} plain.py`]]) {
      const seen = await debug([...flags, ...command], { sandbox, env });
      assert.deepEqual([seen.code, seen.stdout], [3, ""]);
      const name = python.path.replaceAll(".", "\\.");
      assert.match(
        seen.stderr,
        new RegExp(
          `^Cannot debug with "${name}": it has no debugpy, and rdg's cache has none for it\n` +
            `Try: ${name} -m pip install debugpy, or once on the login node: rdg doctor --fix ${name}\n$`,
        ),
      );
    }
    // Helpers run on.
    const helper = ["bash", "-c", `${python.path} -c 'print(1)'; true`];
    const seen = await debug([...flags, ...helper], { sandbox, env });
    assert.deepEqual(seen, { code: 0, signal: null, stdout: "1\n", stderr: "" });
  }
  assert.deepEqual(await entries(`${sandbox.cache}/debugpy`), []);
});

/** Makes a folder with a wheel of something named debugpy; returns the variables that point pip there. */
async function localWheel(sandbox: Sandbox): Promise<Record<string, string>> {
  const code = `import zipfile
with zipfile.ZipFile("debugpy-99.0-py3-none-any.whl", "w") as wheel:
    info = "debugpy-99.0.dist-info/"
    wheel.writestr("debugpy/__init__.py", "__version__ = '99.0'")
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: debugpy\\nVersion: 99.0\\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(info + "RECORD", "")
`;
  await Deno.mkdir(`${sandbox.dir}/wheels`);
  const made = await outcome([python.path, "-c", code], { sandbox, cwd: `${sandbox.dir}/wheels` });
  assert.equal(made.code, 0, made.stderr);
  return {
    PIP_NO_INDEX: "1",
    PIP_FIND_LINKS: `${sandbox.dir}/wheels`,
    PIP_CONFIG_FILE: "/dev/null",
    PIP_DISABLE_PIP_VERSION_CHECK: "1",
    // Settings of the person's that don't go together with --target.
    PIP_USER: "1",
    PYTHONWARNINGS: "error",
  };
}

Deno.test("rdg debug outside a job fetches debugpy once, for two at once as well", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const env = await localWheel(sandbox);
  // A module of the program's own that pip would fall over.
  await sandbox.write("optparse.py", "raise SystemExit('the wrong module')\n");
  const folder = `${sandbox.cache}/debugpy/${python.tag}`;
  // Half a copy, as a cleaner of old files leaves it.
  await Deno.mkdir(`${folder}/debugpy`, { recursive: true });
  const words = ["-lp", python.path, "-c", "print('ran')"];
  const both = await Promise.all([1, 2].map(() => debug(words, { sandbox, env })));
  for (const { code, stdout, stderr } of both) {
    assert.deepEqual([code, stdout, withoutRdg(stderr)], [0, "ran\n", ""], stderr);
  }
  assert.match(
    both[0]!.stderr + both[1]!.stderr,
    new RegExp(`^\\[rdg\\] Fetching debugpy for ${python.path}, once, into ${folder}$`, "m"),
  );
  const names = await entries(`${sandbox.cache}/debugpy`);
  assert.deepEqual(names, [python.tag, `${python.tag}.lock`]);
  const again = await debug(words, { sandbox, env });
  assert.doesNotMatch(again.stderr, /Fetching/);
  // Where pip finds none: its own last lines, the exit code, and nothing has run.
  await Deno.remove(folder, { recursive: true });
  await Deno.remove(`${sandbox.dir}/wheels`, { recursive: true });
  const failed = await debug(words, { sandbox, env });
  assert.deepEqual([failed.code, failed.stdout], [3, ""]);
  assert.match(
    failed.stderr,
    /Cannot debug with [^]*\n {2}ERROR: .*debugpy.*\nTry: .* -m pip install debugpy/,
  );
});

Deno.test("rdg debug: two runs in one folder have a port and a record each", async () => {
  await using sandbox = await makeSandbox();
  await sandbox.write("plain.py", "print('ran')\n");
  await using one = startRdg(["debug", python.path, "plain.py"], { sandbox });
  await using two = startRdg(["debug", python.path, "plain.py"], { sandbox });
  const ports = [await one.port(), await two.port()];
  assert.notEqual(ports[0], ports[1]);
  const records = await sandbox.records();
  assert.deepEqual(
    records.map((record) => record["pid"]).sort(),
    [one.pid, two.pid].sort(),
  );
});

Deno.test("rdg debug: 64 copies at once with cold caches", async () => {
  await using sandbox = await makeSandbox();
  const command = [...rdg, "debug", "-lp", "--quiet", python.path, "-c", "print({})"];
  const line = 'seq 64 | xargs -P 64 -I{} "$@"';
  const seen = await outcome(["bash", "-c", line, "_", ...command], {
    sandbox,
    timeoutMs: 120_000,
  });
  assert.deepEqual([seen.code, seen.stderr], [0, ""]);
  const numbers = seen.stdout.trim().split("\n").map(Number).sort((a, b) => a - b);
  assert.deepEqual(numbers, Array.from({ length: 64 }, (_, index) => index + 1));
  const folders = await entries(`${sandbox.cache}/python`);
  assert.equal(folders.length, 1, folders.join());
  assert.deepEqual(await sandbox.records(), []);
});
