/**
 * `rdg doctor --fix`: rdg's cache of debugpy filled by the real pip, from its index and from a folder of
 * wheels, and what is said and left where that can't be done.
 */

import assert from "node:assert/strict";
import { fillCache } from "../../../commands/doctor/fix.ts";
import {
  examineSpec,
  fillSpec,
  type Interpreter as Examined,
  readExamined,
  readFilled,
} from "../../../python/examine.ts";
import { mustRun, runToEnd } from "../../cluster/process.ts";
import { fakeHost } from "../../support/fake_host.ts";
import { type Interpreter, interpreters, newestPython, python } from "../../support/python.ts";
import { makeSandbox, runRdg, type Sandbox } from "../../support/rdg.ts";

/** What pip needs to find its index: settings that a person has at home, or in the environment. */
async function pipSettings(): Promise<Record<string, string>> {
  const settings: Record<string, string> = { PIP_NO_INDEX: "0", PIP_ROOT_USER_ACTION: "ignore" };
  const listed = await runToEnd([python.path, "-m", "pip", "config", "list"]);
  for (const [, name = "", value = ""] of listed.stdout.matchAll(/^global\.([\w-]+)='(.*)'$/gm)) {
    settings[`PIP_${name.toUpperCase().replaceAll("-", "_")}`] = value;
  }
  for (const [name, value] of Object.entries(Deno.env.toObject())) {
    if (/^(PIP|UV)_|_proxy$/i.test(name) && name !== "PIP_NO_INDEX") settings[name] = value;
  }
  return settings;
}

interface Fixed {
  code: number;
  stderr: string;
  fixes: { what: string; done: boolean; text: string; todo: string | null; cause: string[] }[];
  debugpy: { status: string; data: Record<string, unknown> } | undefined;
}

async function fix(
  sandbox: Sandbox,
  words: readonly string[],
  env: Record<string, string> = {},
): Promise<Fixed> {
  const args = ["doctor", "--fix", "--json", "--scheduler=local", ...words];
  const { code, stdout, stderr } = await runRdg(args, { sandbox, env });
  assert.notEqual(stdout, "", stderr);
  const { fixes, checks } = JSON.parse(stdout);
  const debugpy = checks.find(({ name }: { name: string }) => name === "debugpy");
  return { code, stderr, fixes, debugpy };
}

/** What lies in the cache of debugpy. */
async function cached(sandbox: Sandbox): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(`${sandbox.cache}/debugpy`));
  return names.map(({ name }) => name).filter((name) => !name.endsWith(".lock")).sort();
}

const wheelhouse = `${await Deno.makeTempDir({ prefix: "rdg-test-" })}/wheels`;
const downloads = new Map<Interpreter, Promise<string>>();

Deno.test.afterAll(() => Deno.remove(wheelhouse.replace(/\/wheels$/, ""), { recursive: true }));

/** Puts a folder with debugpy's wheels into the project: fetched once for each interpreter. */
async function wheels(sandbox: Sandbox, ...wanted: Interpreter[]): Promise<void> {
  for (const one of wanted) {
    const words = ["-m", "pip", "download", "-q", "--no-deps", "-d", wheelhouse, "debugpy"];
    if (!downloads.has(one)) downloads.set(one, mustRun([one.path, ...words]));
    await downloads.get(one);
  }
  await mustRun(["cp", "-r", wheelhouse, `${sandbox.dir}/wheels`]);
}

Deno.test("rdg doctor --fix fills the cache from pip's index, so that a program without debugpy waits", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const done = await fix(sandbox, [newestPython.path], await pipSettings());
  assert.deepEqual([done.code, done.fixes.map((one) => one.done)], [0, [true]], done.stderr);
  assert.deepEqual(await cached(sandbox), [newestPython.tag]);
  assert.deepEqual([done.debugpy?.status, done.debugpy?.data.from], ["ok", "cache"]);
  // In a job nothing is ever fetched: what the program finds is what lies there now.
  const path = await sandbox.write("hello.py", "print('hello')\n");
  const env = { SLURM_JOB_ID: "7", SLURM_CLUSTER_NAME: "c" };
  const words = ["debug", "--wait-timeout", "0.1", newestPython.path, path];
  const ran = await runRdg(words, { sandbox, env });
  assert.deepEqual([ran.code, ran.stdout], [0, "hello\n"], ran.stderr);
  assert.match(ran.stderr, /^Port: \d+$/m);
});

Deno.test("rdg doctor --fix --wheels fills it from a folder, without any index, for each interpreter named", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const two = [...new Set([python, newestPython])];
  await wheels(sandbox, ...two);
  const nowhere = { PIP_INDEX_URL: "http://127.0.0.1:9/", UV_INDEX_URL: "http://127.0.0.1:9/" };
  const words = ["--wheels", "wheels", ...two.map(({ path }) => path)];
  const done = await fix(sandbox, words, nowhere);
  assert.deepEqual(done.fixes.map((one) => one.done), two.map(() => true), done.stderr);
  assert.equal(done.code, 0);
  assert.deepEqual(await cached(sandbox), two.map(({ tag }) => tag).sort());
  // A second time there is nothing to do.
  const again = await fix(sandbox, [python.path], nowhere);
  assert.equal(again.code, 0);
  assert.match(again.fixes[0]!.text, /^already in /);
});

Deno.test("rdg doctor --fix without internet says so, how to bring a wheel, and leaves nothing half-written", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const env = {
    PIP_NO_INDEX: "0",
    PIP_INDEX_URL: "http://127.0.0.1:9/simple",
    PIP_RETRIES: "0",
    UV_INDEX_URL: "http://127.0.0.1:9/simple",
  };
  const { code, fixes, debugpy, stderr } = await fix(sandbox, [python.path], env);
  assert.equal(code, 1);
  assert.deepEqual([fixes[0]!.done, debugpy?.status], [false, "problem"]);
  assert.match(fixes[0]!.text, /^pip could not fetch it: is there internet here\?$/);
  assert.match(
    fixes[0]!.todo!,
    /pip download .*--python-version 3\.\d+ .*rdg doctor --fix --wheels/,
  );
  assert.ok(fixes[0]!.cause.length > 0, stderr);
  assert.deepEqual(await cached(sandbox), []);
});

Deno.test("rdg doctor --fix --wheels says that no wheel fits", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  await Deno.mkdir(`${sandbox.dir}/empty`);
  const { code, fixes } = await fix(sandbox, ["--wheels", "empty", python.path]);
  assert.equal(code, 1);
  assert.match(fixes[0]!.text, /^no wheel that fits this Python was found in .*\/empty$/);
  assert.deepEqual(await cached(sandbox), []);
});

Deno.test("rdg doctor --fix leaves an interpreter alone that has its own debugpy, and one in a job that wasn't named", async () => {
  await using own = await makeSandbox();
  const site = { PYTHONPATH: `${own.cache}/debugpy/${python.tag}` };
  const has = await fix(own, [python.path], site);
  assert.equal(has.code, 0);
  assert.match(has.fixes[0]!.text, /nothing to do/);
  await using sandbox = await makeSandbox({ debugpy: null });
  await Deno.mkdir(`${sandbox.dir}/bin`);
  await Deno.symlink(python.path, `${sandbox.dir}/bin/python`);
  const job = {
    ...await pipSettings(),
    SLURM_JOB_ID: "7",
    PATH: `${sandbox.dir}/bin:/usr/bin:/bin`,
  };
  const refused = await fix(sandbox, [], job);
  assert.equal(refused.code, 1);
  assert.match(refused.fixes[0]!.text, /inside a job rdg fetches nothing unless you name/);
  assert.deepEqual(await cached(sandbox), []);
});

Deno.test({
  name: "rdg doctor --fix takes a debugpy that is compiled for an old glibc" +
    (Deno.build.arch === "x86_64" ? "" : " (skipped: there is none for this processor)"),
  ignore: Deno.build.arch !== "x86_64",
  async fn() {
    await using sandbox = await makeSandbox({ debugpy: null });
    await using without = await makeSandbox({ debugpy: null });
    // The interpreter, and pip in it, take the C library for that of an older system.
    const text = "import os; os.confstr = lambda name: 'glibc 2.28'\n";
    await sandbox.write("sitecustomize.py", text);
    const env = { ...await pipSettings(), PYTHONPATH: sandbox.dir };
    const { code, fixes, debugpy } = await fix(sandbox, [python.path], env);
    assert.equal(code, 0, JSON.stringify(fixes));
    assert.deepEqual([debugpy?.data.compiled, debugpy?.data.version], [true, "1.8.16"]);
    const nowhere = { PYTHONPATH: sandbox.dir, PIP_RETRIES: "0" };
    const failed = await fix(without, [python.path], nowhere);
    assert.match(failed.fixes[0]!.todo!, /--platform manylinux2014_x86_64 .*'debugpy<1\.8\.17'/);
  },
});

Deno.test("rdg doctor --fix helps an environment without pip, by the pip of the Python below it", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  await mustRun([python.path, "-m", "venv", "--without-pip", `${sandbox.dir}/env`]);
  await wheels(sandbox, python);
  const words = ["--wheels", "wheels", "env/bin/python"];
  const { code, fixes, debugpy } = await fix(sandbox, words, { PATH: "/usr/bin:/bin" });
  assert.deepEqual([code, fixes[0]!.done], [0, true], JSON.stringify(fixes));
  assert.deepEqual([debugpy?.status, debugpy?.data.compiled], ["ok", true]);
});

Deno.test("fillCache() says how to get pip where there is none, and no uv", async () => {
  const cache = await Deno.makeTempDir({ prefix: "rdg-test-" });
  const executable = "/opt/env/bin/python";
  const answer: Examined = {
    version: [3, 12, 1],
    implementation: "cpython",
    executable,
    wrapper: false,
    environment: "venv",
    prefix: "/opt/env",
    pip: false,
    glibc: "2.36",
    machine: "x86_64",
    copy: `${cache}/debugpy/cpython-312-x86_64`,
    own: null,
    tooOld: null,
    cached: null,
  };
  const failing = (...failure: string[]) =>
    fakeHost({
      calls: [{
        program: executable,
        answer: { stdout: `\nrdg-fill ${JSON.stringify({ failure })}\n` },
      }],
    });
  const options = { cache, wheels: undefined, refuse: false };
  try {
    const none = failing(
      "/opt/env/bin/python: No module named pip",
      "/usr/bin/python3: No module named pip",
    );
    const fixed = await fillCache(answer, { ...options, host: none.host });
    assert.equal(fixed.text, "this interpreter has no pip, and uv is not on PATH");
    assert.equal(fixed.todo, "/opt/env/bin/python -m ensurepip, or put uv on PATH");
    const full = failing("ERROR: [Errno 28] No space left on device");
    assert.match(
      (await fillCache(answer, { ...options, host: full.host })).todo!,
      /XDG_CACHE_HOME/,
    );
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
});

const mayMount = Deno.uid() === 0 &&
  (await runToEnd(["unshare", "--mount", "true"]).catch(() => ({ code: 1 }))).code === 0;

Deno.test({
  name: "rdg doctor on a full disk says so, and --fix leaves nothing half-written" +
    (mayMount ? "" : " (skipped: needs root, to mount a small disk)"),
  ignore: !mayMount,
  async fn() {
    await using sandbox = await makeSandbox({ debugpy: null });
    await wheels(sandbox, python);
    const disk = `${sandbox.dir}/disk`;
    await Deno.mkdir(disk);
    await mustRun(["mount", "-t", "tmpfs", "-o", "size=256k", "none", disk]);
    try {
      const env = { XDG_CACHE_HOME: `${disk}/cache`, RDG_STATE_DIR: `${disk}/state` };
      const { code, fixes } = await fix(sandbox, ["--wheels", "wheels", python.path], env);
      assert.equal(code, 1);
      assert.equal(fixes[0]!.done, false);
      assert.equal(fixes[0]!.text, "there is no room for it");
      // pip names every file that it could not copy, in one line of 100 kB.
      assert.ok(fixes[0]!.cause.every((line) => line.length < 500), fixes[0]!.cause.join("\n"));
      const left =
        (await mustRun(["find", `${disk}`, "-name", "*.tmp*", "-o", "-name", "debugpy-*"]))
          .trim();
      assert.equal(left, "");
      await runToEnd(["dd", "if=/dev/zero", `of=${disk}/filler`, "bs=4k", "count=64"]);
      const full = await runRdg(["doctor", "--json", "--scheduler=local"], { sandbox, env });
      assert.equal(full.code, 1);
      const row = JSON.parse(full.stdout).checks
        .find(({ name }: { name: string }) => name === "state-folder");
      assert.match(row.text, /cannot be written: No space left on device/);
      assert.match(row.todo, /make room/);
    } finally {
      await mustRun(["umount", disk]);
    }
  },
});

Deno.test("examine.py tells every interpreter's version and compiled debugpy", async () => {
  for (const one of interpreters) {
    await using sandbox = await makeSandbox({ interpreter: one });
    const { program, args } = examineSpec(one.path, sandbox.cache);
    const answer = readExamined(await runToEnd([program, ...args]));
    assert.ok(answer, one.version);
    assert.equal(answer.version.slice(0, 2).join("."), one.version);
    assert.equal(answer.copy, `${sandbox.cache}/debugpy/${one.tag}`);
    assert.equal(answer.cached?.compiled, true, one.version);
    assert.match(answer.cached?.version ?? "", /^1\.\d+\.\d+$/);
  }
});

Deno.test("readExamined() and readFilled() are not led astray by what else is printed", () => {
  assert.equal(readExamined({ code: 1, stdout: "hello\n", stderr: "broken\n" }), null);
  assert.deepEqual(readFilled({ code: 1, stdout: "", stderr: "a\nb\nc\nd\n" }), ["b", "c", "d"]);
  assert.equal(
    readFilled({ code: 0, stdout: 'x\nrdg-fill {"failure": null}\n', stderr: "" }),
    null,
  );
  assert.deepEqual(
    readFilled({ code: 0, stdout: '\nrdg-fill {"failure": ["no"]}\n', stderr: "" }),
    ["no"],
  );
  assert.equal(fillSpec("p", { agent: "a", cache: "c" }).env, undefined);
});
