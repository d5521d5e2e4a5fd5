/** `rdg install`: the launcher's text, and the real command as a child process, in a home of its own. */

import assert from "node:assert/strict";
import denoConfig from "../../../deno.json" with { type: "json" };
import {
  findMain,
  type LauncherParts,
  permissionFlags,
  type PermissionList,
  renderLauncher,
} from "../../../commands/install/launcher.ts";
import { root } from "../../support/python.ts";
import { makeSandbox, runRdg, type Sandbox, start } from "../../support/rdg.ts";

const parts: LauncherParts = {
  version: "1.2.3",
  deno: "/opt/deno",
  main: "/srv/rdg/main.ts",
  config: null,
  lock: null,
  unstable: [],
  lists: { debug: { all: true }, init: { read: true, run: ["hx"] } },
};

/** Writes a program that prints its arguments, one a line, in place of deno. */
async function fakeDeno(path: string): Promise<string> {
  await Deno.writeTextFile(path, '#!/bin/sh\nprintf "%s\\n" "$@"\n', { mode: 0o755 });
  return path;
}

/** Runs a launcher's text; returns what deno was given. */
async function launched(
  text: string,
  { sandbox, words, path }: { sandbox: Sandbox; words: readonly string[]; path?: string },
): Promise<string[]> {
  await Deno.writeTextFile(`${sandbox.dir}/rdg`, text, { mode: 0o755 });
  const env = path === undefined ? {} : { PATH: path };
  await using child = start([`${sandbox.dir}/rdg`, ...words], { sandbox, env });
  assert.equal((await child.status()).code, 0, child.stderr);
  return child.stdout.split("\n").slice(0, -1);
}

Deno.test({
  name: "permissionFlags() writes a list as flags",
  permissions: "none",
  fn() {
    const list: PermissionList = { read: true, write: false, env: ["HOME", "PATH"], run: [] };
    assert.deepEqual(permissionFlags(list), ["--allow-read", "--allow-env=HOME,PATH"]);
    assert.deepEqual(permissionFlags({ all: true, read: true }), ["--allow-all"]);
  },
});

Deno.test({
  name: "findMain() finds a checkout's, a URL's and a bundle's program",
  permissions: "none",
  fn() {
    const own = "commands/install/command.ts";
    const checkout = { main: "/a b/main.ts", config: "/a b/deno.json" };
    assert.deepEqual(findMain(`file:///a%20b/${own}`), checkout);
    const url = "https://jsr.io/@rdg/cli/1.2.3/";
    assert.deepEqual(findMain(url + own), { main: `${url}main.ts`, config: null });
    assert.deepEqual(findMain("file:///x/rdg.js"), { main: "/x/rdg.js", config: null });
  },
});

Deno.test("rdg's launcher gives each command its own list, and others none", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const deno = await fakeDeno(`${sandbox.dir}/a 'deno'`);
  const lists = denoConfig.permissions;
  const text = renderLauncher({
    ...parts,
    deno,
    lists,
    main: "/x y/main.ts",
    config: "/x y/d.json",
    lock: "/x y/d.lock",
  });
  const lock = ["--lock=/x y/d.lock", "--frozen"];
  const fixed = ["run", "-q", "--no-prompt", ...lock, "--config=/x y/d.json"];
  for (const [command, list] of Object.entries(lists)) {
    const given = await launched(text, { sandbox, words: [command, "a b", "*", ""] });
    const wanted = [...fixed, ...permissionFlags(list), "/x y/main.ts", command, "a b", "*", ""];
    assert.deepEqual(given, wanted);
  }
  for (const words of [[], ["--version"], ["nothing"], ["at*"]]) {
    const given = await launched(text, { sandbox, words });
    assert.deepEqual(given, [...fixed, "/x y/main.ts", ...words]);
  }
});

Deno.test("rdg's launcher takes the deno on PATH where the one that wrote it has gone", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  await Deno.mkdir(`${sandbox.dir}/bin`);
  await fakeDeno(`${sandbox.dir}/bin/deno`);
  const text = renderLauncher({ ...parts, deno: "/nowhere/deno", unstable: ["worker-options"] });
  const words = ["init"];
  const given = await launched(text, { sandbox, words, path: `${sandbox.dir}/bin:/usr/bin:/bin` });
  const fixed = ["run", "-q", "--no-prompt", "--no-lock", "--no-config"];
  const rest = ["--unstable-worker-options", "--allow-read", "--allow-run=hx", "/srv/rdg/main.ts"];
  assert.deepEqual(given, [...fixed, ...rest, "init"]);
});

Deno.test("rdg install writes its launcher, writes over it, and leaves another's file alone", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const file = `${sandbox.env["HOME"]}/.local/bin/rdg`;
  const first = await runRdg(["install"], { sandbox });
  assert.deepEqual([first.code, first.stdout], [0, ""]);
  assert.match(first.stderr, /^Wrote .*\/home\/\.local\/bin\/rdg\nAdd its folder to your PATH: /);
  assert.equal((await Deno.stat(file)).mode! & 0o777, 0o755);
  const text = await Deno.readTextFile(file);
  // The versions of the checkout: no registry is asked for others, at no start.
  assert.ok(text.includes(` --lock=${root}/deno.lock --frozen --config=${root}/deno.json `), text);
  assert.equal((await runRdg(["install", "--print"], { sandbox })).stdout, text);

  const env = { PATH: `${file.slice(0, -4)}:${sandbox.env["PATH"]}` };
  const again = await runRdg(["install"], { sandbox, env });
  assert.deepEqual([again.code, again.stderr], [0, `Wrote ${file}\n`]);

  await Deno.writeTextFile(file, "#!/bin/sh\necho mine\n");
  const refused = await runRdg(["install"], { sandbox });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /rdg" is not rdg's launcher\nTry: --dir=FOLDER .* --force/);
  assert.equal(await Deno.readTextFile(file), "#!/bin/sh\necho mine\n");
  assert.equal((await runRdg(["install", "--force"], { sandbox })).code, 0);
  assert.equal(await Deno.readTextFile(file), text);
  assert.deepEqual((await Array.fromAsync(Deno.readDir(file.slice(0, -4)))).length, 1);
});

Deno.test("rdg install says what is wrong with a folder or a word", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  await sandbox.write("file", "");
  const blocked = await runRdg(["install", "--dir=file/bin"], { sandbox });
  assert.equal(blocked.code, 1);
  assert.match(
    blocked.stderr,
    /^Cannot write ".*\/project\/file\/bin\/rdg"\n.*\nTry: --dir=FOLDER/,
  );
  const word = await runRdg(["install", "bin"], { sandbox });
  assert.equal(word.code, 2);
  assert.match(word.stderr, /takes flags only\nTry: --dir=bin/);
  const homeless = await runRdg(["install"], { sandbox, env: { HOME: "" } });
  assert.equal(homeless.code, 2);
  assert.match(homeless.stderr, /HOME is not set/);
});
