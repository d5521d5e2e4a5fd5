/** `rdg doctor` as a whole: its command line, and the real CLI on this machine as a laptop. */

import assert from "node:assert/strict";
import { parse } from "../../../commands/doctor/command.ts";
import { RdgError } from "../../../plugins/error.ts";
import { which } from "../../cluster/packages.ts";
import { runToEnd } from "../../cluster/process.ts";
import { python, tooOld } from "../../support/python.ts";
import { makeSandbox, rdg, runRdg, type Sandbox, start } from "../../support/rdg.ts";
import { record, writeRecord } from "../../support/records.ts";

/** What `--json` prints, as far as the tests look at it. */
interface Report {
  ok: boolean;
  checks: {
    group: string;
    name: string;
    status: string;
    text: string;
    todo: string | null;
    data: Record<string, unknown>;
  }[];
  fixes: { what: string; done: boolean; text: string; todo: string | null; cause: string[] }[];
}

/** A PATH of what a laptop has: no scheduler, and the interpreter that is named. */
async function laptopPath(sandbox: Sandbox, programs: Record<string, string> = {}) {
  const bin = `${sandbox.dir}/bin`;
  await Deno.mkdir(bin);
  for (const name of ["sh", "sed", "df", "tail", "getconf", "cat", "grep"]) {
    await Deno.symlink((await which(name))!, `${bin}/${name}`);
  }
  for (const [name, path] of Object.entries(programs)) await Deno.symlink(path, `${bin}/${name}`);
  return { PATH: bin };
}

async function doctor(
  sandbox: Sandbox,
  words: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; report: Report; stderr: string }> {
  const { code, stdout, stderr } = await runRdg(["doctor", "--json", ...words], { sandbox, env });
  assert.notEqual(stdout, "", stderr);
  return { code, report: JSON.parse(stdout), stderr };
}

function check(report: Report, name: string): Report["checks"][number] {
  const found = report.checks.find((one) => one.name === name);
  assert.ok(found, `${name} is missing in ${JSON.stringify(report.checks.map((c) => c.name))}`);
  return found;
}

Deno.test("parse() refuses what makes no sense, with exit code 2", () => {
  const refused = [
    ["--wheels", "x"],
    ["--login=-oProxyCommand=x"],
    ["--login", "a b"],
    ["--fix=yes"],
    ["--nothing"],
  ];
  for (const words of refused) {
    assert.throws(() => parse(words), (error) => error instanceof RdgError && error.exitCode === 2);
  }
  assert.deepEqual(parse(["--fix", "--wheels", "w", "python3", "login"]), {
    words: ["python3", "login"],
    wheels: "w",
    fix: true,
    json: false,
  });
});

Deno.test("rdg doctor refuses two login nodes, and a host that is none", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  for (const words of [["one.example", "two.example"], ["$(x)"], ["--login", "a", "b.example"]]) {
    const { code, stderr } = await runRdg(["doctor", ...words], { sandbox });
    assert.equal(code, 2, stderr);
    assert.match(stderr, /^Cannot use /);
  }
});

Deno.test("rdg doctor on a laptop finds no problem, and leaves nothing behind", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const env = await laptopPath(sandbox, { python: python.path });
  const { code, report } = await doctor(sandbox, [], env);
  assert.equal(code, 0, JSON.stringify(report, null, 2));
  assert.equal(report.ok, true);
  assert.equal(check(report, "role").data.role, "laptop");
  assert.equal(check(report, "interpreter").status, "ok");
  // Programs don't run on a laptop: that there is no debugpy is worth a word, and no more.
  assert.equal(check(report, "debugpy").status, "note");
  assert.equal(check(report, "scheduler").status, "ok");
  assert.equal(check(report, "state-folder").data.exists, false);
  assert.match(check(report, "editor").todo!, /^rdg init/);
  assert.equal(await Deno.stat(sandbox.state).catch(() => null), null);
});

Deno.test("rdg doctor's screen has a line for each row, and what to do below it", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const env = await laptopPath(sandbox);
  const { code, stdout, stderr } = await runRdg(["doctor", "/no/such/python"], { sandbox, env });
  assert.deepEqual([code, stderr], [1, ""]);
  assert.match(stdout, /^This machine\n {2}ok {7}role /m);
  assert.match(
    stdout,
    /^ {2}problem {2}interpreter {3}"\/no\/such\/python": there is no such program\n +Try: activate/m,
  );
  assert.match(stdout, /\n\n1 problem, \d notes?\n$/);
});

Deno.test("rdg doctor PYTHON asks that interpreter, and minds a missing debugpy", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const env = await laptopPath(sandbox);
  const { code, report } = await doctor(sandbox, [python.path], env);
  assert.equal(code, 1);
  assert.equal(check(report, "debugpy").status, "problem");
  assert.match(check(report, "debugpy").todo!, /^rdg doctor --fix /);
  assert.match(String(check(report, "interpreter").data.version), new RegExp(`^${python.version}`));
});

Deno.test("rdg doctor sees a debugpy in the cache, and one on PYTHONPATH before that", async () => {
  await using sandbox = await makeSandbox();
  const env = await laptopPath(sandbox);
  const cached = check((await doctor(sandbox, [python.path], env)).report, "debugpy");
  assert.deepEqual([cached.status, cached.data.from, cached.data.compiled], ["ok", "cache", true]);
  const folder = `${sandbox.cache}/debugpy/${python.tag}`;
  const own = check(
    (await doctor(sandbox, [python.path], { ...env, PYTHONPATH: folder })).report,
    "debugpy",
  );
  assert.deepEqual([own.status, own.data.from, own.data.folder], ["ok", "environment", folder]);
});

Deno.test("rdg doctor does not take a debugpy of the current folder for the interpreter's", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  await Deno.mkdir(`${sandbox.dir}/debugpy`);
  await sandbox.write("debugpy/__init__.py", "raise SystemExit('imported')");
  const { report } = await doctor(sandbox, [python.path]);
  assert.equal(check(report, "debugpy").data.from, null);
});

for (const old of tooOld) {
  Deno.test(`rdg doctor says that Python ${old.version} is too old`, async () => {
    await using sandbox = await makeSandbox({ debugpy: null });
    const { code, report } = await doctor(sandbox, [old.path]);
    assert.equal(code, 1);
    const row = check(report, "interpreter");
    assert.equal(row.status, "problem");
    assert.match(row.text, new RegExp(`Python ${old.version}\\.\\d+: .*needs 3\\.8 or newer$`));
  });
}

Deno.test("rdg doctor says through which wrapper an interpreter is started", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const path = await sandbox.write("wrapped-python", `#!/bin/sh\nexec ${python.path} "$@"\n`);
  await Deno.chmod(path, 0o755);
  const row = check((await doctor(sandbox, ["./wrapped-python"])).report, "interpreter");
  assert.equal(row.status, "ok");
  assert.equal(row.data.wrapper, true);
  assert.match(row.text, /, through .*\/wrapped-python/);
});

Deno.test("rdg doctor sees signals that whoever started it blocks or ignores", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const look = async (change: string) => {
    const source = `import os, signal, sys; ${change}; os.execv(sys.argv[1], sys.argv[1:])`;
    const words = [python.path, "-c", source, ...rdg, "doctor", "--json", "--scheduler=local"];
    await using child = start(words, { sandbox });
    await child.status();
    return check(JSON.parse(child.stdout), "signals");
  };
  const blocked = await look(
    "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN + 6])",
  );
  assert.deepEqual([blocked.status, blocked.data.blocked], ["problem", ["RTMIN+6"]]);
  const ignored = await look("signal.signal(signal.SIGRTMIN + 7, signal.SIG_IGN)");
  assert.deepEqual([ignored.status, ignored.data.ignored], ["note", ["RTMIN+7"]]);
  assert.equal((await look("pass")).status, "ok");
});

Deno.test("rdg doctor sees a state folder that others may read, and --fix closes it", async () => {
  await using sandbox = await makeSandbox();
  const env = await laptopPath(sandbox, { python: python.path });
  // A folder above it that keeps others out would make it a note.
  const base = sandbox.dir.slice(0, sandbox.dir.lastIndexOf("/"));
  await Deno.chmod(base, 0o755);
  await Deno.mkdir(sandbox.state);
  await Deno.chmod(sandbox.state, 0o755);
  await sandbox.write("bystander", "");
  const before = await doctor(sandbox, [], env);
  assert.equal(before.code, 1);
  assert.equal(check(before.report, "state-folder").status, "problem");
  const after = await doctor(sandbox, ["--fix"], env);
  assert.equal(after.code, 0, JSON.stringify(after.report, null, 2));
  assert.equal(check(after.report, "state-folder").status, "ok");
  assert.deepEqual(after.report.fixes.map(({ what, done }) => [what, done]), [
    [
      `debugpy for ${await Deno.realPath(python.path).then(() => `${sandbox.dir}/bin/python`)}`,
      true,
    ],
    [`mode of ${sandbox.state}`, true],
  ]);
  assert.equal((await Deno.stat(sandbox.state)).mode! & 0o777, 0o700);
  assert.equal((await Deno.stat(base)).mode! & 0o777, 0o755);
});

Deno.test("rdg doctor says that the state folder can't be written, and what then", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const env = { RDG_STATE_DIR: `${sandbox.dir}/file/state` };
  await sandbox.write("file", "");
  const { code, report } = await doctor(sandbox, ["--scheduler=local"], env);
  assert.equal(code, 1);
  const row = check(report, "state-folder");
  assert.equal(row.status, "problem");
  assert.match(row.text, /cannot be written: Not a directory/);
  assert.match(row.todo!, /RDG_STATE_DIR/);
});

Deno.test("rdg doctor says what HOME is wanted for where it is unset", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  await using child = start(["env", "-u", "HOME", "-u", "RDG_STATE_DIR", ...rdg, "doctor"], {
    sandbox,
  });
  assert.equal((await child.status()).code, 1);
  assert.match(child.stdout, /problem {2}state-folder .*HOME is not set/);
});

Deno.test("rdg doctor without HOME looks for debugpy where rdg debug's programs would", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const words = ["-u", "HOME", "-u", "XDG_CACHE_HOME", ...rdg, "doctor", "--json", python.path];
  await using child = start(["env", ...words], { sandbox });
  await child.status();
  const { data } = check(JSON.parse(child.stdout), "interpreter");
  const code = "import os; print(os.path.expanduser('~/.cache/rdg/debugpy'))";
  const home = await runToEnd(["env", "-u", "HOME", python.path, "-c", code]);
  assert.equal(String(data.copy).slice(0, String(data.copy).lastIndexOf("/")), home.stdout.trim());
});

Deno.test("rdg doctor tries the port of a session that listens", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const free = closed.addr.port;
  closed.close();
  const add = (pid: number, port: number) =>
    writeRecord(
      sandbox.state,
      record({ uid: Deno.uid(), pid, state: "listening", address: { host: "127.0.0.1", port } }),
    );
  await add(42, listener.addr.port);
  const open = check((await doctor(sandbox, ["--scheduler=local"])).report, "ports");
  assert.equal(open.status, "ok");
  assert.match(open.text, new RegExp(`n1:${listener.addr.port} can be reached`));
  await add(43, free);
  const shut = check((await doctor(sandbox, ["--scheduler=local"])).report, "ports");
  assert.equal(shut.status, "note");
  assert.match(shut.text, new RegExp(`n1:${free} cannot be reached .*refused`, "i"));
});

Deno.test("rdg doctor tells current editor files from those of another version and by hand", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const look = async () =>
    (await doctor(sandbox, ["--scheduler=local"])).report.checks
      .filter(({ group }) => group === "editor");
  assert.equal((await runRdg(["init", "--editor=vscode"], { sandbox })).code, 0);
  const path = `${sandbox.dir}/.vscode/launch.json`;
  const text = await Deno.readTextFile(path);
  const [current] = await look();
  assert.deepEqual([current!.name, current!.status], ["vscode", "ok"]);
  // An entry of rdg's is gone.
  const data = JSON.parse(text);
  data.configurations.pop();
  await Deno.writeTextFile(path, JSON.stringify(data));
  const [changed] = await look();
  assert.deepEqual([changed!.name, changed!.status], ["vscode", "note"]);
  assert.match(changed!.todo ?? "", /rdg init/);
  assert.equal(await Deno.readTextFile(path), JSON.stringify(data));
});

Deno.test("rdg doctor lists the plugins that can be used, and says of the others why not", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const none = (await doctor(sandbox, ["--scheduler=local"])).report;
  assert.equal(none.checks.some(({ name }) => name === "plugins"), false);
  const config = `${sandbox.dir}/config`;
  const folder = `${config}/rdg/plugins`;
  await Deno.mkdir(`${folder}/tinyq`, { recursive: true });
  const example = new URL("../../plugins/examples/tinyq/plugin.ts", import.meta.url);
  await Deno.copyFile(example, `${folder}/tinyq/plugin.ts`);
  await Deno.writeTextFile(`${folder}/broken.ts`, "");
  await Deno.writeTextFile(`${folder}/.hidden`, "");
  // Whatever the umask: what others can write is refused.
  for (const path of [config, `${config}/rdg`, folder, `${folder}/tinyq`]) {
    await Deno.chmod(path, 0o755);
  }
  for (const path of [`${folder}/tinyq/plugin.ts`, `${folder}/broken.ts`]) {
    await Deno.chmod(path, 0o644);
  }
  const { report } = await doctor(sandbox, ["--scheduler=local"], { XDG_CONFIG_HOME: config });
  const rows = report.checks.filter(({ name }) => name === "plugins");
  assert.deepEqual(rows.map(({ status }) => status), ["ok", "note"]);
  assert.deepEqual(rows[0]!.data.names, ["tinyq"]);
  assert.match(rows[1]!.text, /Passed over the plugin in .*broken\.ts: /);
  assert.match(rows[1]!.todo ?? "", /rdg plugin list/);
});

Deno.test("rdg doctor LOGIN says that ssh is missing, or that the host does not answer", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const env = await laptopPath(sandbox);
  const without = check((await doctor(sandbox, ["nowhere.invalid"], env)).report, "login");
  assert.equal(without.status, "problem");
  assert.match(without.text, /"ssh".*not on PATH/);
});
