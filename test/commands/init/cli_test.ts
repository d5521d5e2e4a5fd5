/**
 * `rdg init` as people run it: a child process on real folders. Starts deno; works in temporary
 * folders.
 *
 * @module
 */

import assert from "node:assert/strict";
import { makeSandbox, powerless, rdg, start } from "../../support/rdg.ts";

interface World extends AsyncDisposable {
  project: string;
  launch: string;
  init(...flags: string[]): Promise<{ code: number; out: string; said: string }>;
  /** The same without root's power to write where a mode forbids it. */
  initWithoutPowers: World["init"];
}

/** A home with an empty project, a blank in its name; no editor is seen. */
async function world(): Promise<World> {
  const sandbox = await makeSandbox({ debugpy: null });
  const project = `${sandbox.dir}/my project`;
  await Deno.mkdir(project);
  const run = async (before: readonly string[], flags: readonly string[]) => {
    const words = [...before, ...rdg, "init", ...flags];
    const env = { PATH: "/nowhere", PWD: project };
    await using child = start(words, { sandbox, env, cwd: project });
    const { code } = await child.status();
    return { code, out: child.stdout, said: child.stderr };
  };
  return {
    project,
    launch: `${project}/.vscode/launch.json`,
    init: (...flags) => run([], flags),
    initWithoutPowers: (...flags) => run(powerless, flags),
    [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
  };
}

Deno.test("rdg init makes, keeps and takes away launch.json", async () => {
  await using place = await world();
  assert.equal((await place.init()).code, 0);
  const text = await Deno.readTextFile(place.launch);
  assert.deepEqual(
    JSON.parse(text).configurations.map(({ name }: { name: string }) => name),
    [
      "rdg: Attach",
      "Python Debugger: Remote Attach (via SSH Tunnel)",
      "Python Debugger: Attach to Compute Node",
    ],
  );
  const again = await place.init();
  assert.match(again.said, /needs no change/);
  assert.equal(await Deno.readTextFile(place.launch), text);
  const removed = await place.init("--remove");
  assert.equal(removed.said, "Removed .vscode/launch.json\n");
  assert.deepEqual(await Array.fromAsync(Deno.readDir(place.project)), []);
});

Deno.test("rdg init keeps a link, its target's mode, and every byte", async () => {
  await using place = await world();
  const dotfiles = `${place.project}/../dotfiles`;
  await Deno.mkdir(dotfiles);
  await Deno.mkdir(`${place.project}/.vscode`);
  const before =
    '\ufeff// mine\r\n{\r\n\t"configurations": [\r\n\t\t{ "name": "A", },\r\n\t],\r\n}';
  await Deno.writeTextFile(`${dotfiles}/launch.json`, before);
  await Deno.chmod(`${dotfiles}/launch.json`, 0o600);
  await Deno.symlink("../../dotfiles/launch.json", place.launch);
  const { code, said } = await place.init();
  assert.equal(code, 0, said);
  assert.ok((await Deno.lstat(place.launch)).isSymlink);
  assert.equal((await Deno.stat(place.launch)).mode! & 0o7777, 0o600);
  assert.match(await Deno.readTextFile(place.launch), /\r\n\t\t\t"name": "rdg: Attach"/);
  await place.init("--remove");
  assert.ok((await Deno.lstat(place.launch)).isSymlink);
  assert.equal(await Deno.readTextFile(`${dotfiles}/launch.json`), before);
});

Deno.test("rdg init sets a malformed launch.json aside", async () => {
  await using place = await world();
  await Deno.mkdir(`${place.project}/.vscode`);
  await Deno.writeTextFile(place.launch, '{ "version": }');
  const { code, said } = await place.init();
  assert.equal(code, 0);
  assert.match(said, /^Warning: \.vscode\/launch\.json was malformed \(ValueExpected in line 1/);
  assert.equal(await Deno.readTextFile(`${place.launch}.bak`), '{ "version": }');
  assert.equal(JSON.parse(await Deno.readTextFile(place.launch)).version, "0.2.0");
});

Deno.test("rdg init refuses what it can't edit, and says what to do", async () => {
  await using place = await world();
  const folder = `${place.project}/.vscode`;
  const cases: [() => Promise<unknown>, RegExp][] = [
    [() => Deno.writeTextFile(folder, "a file"), /"[^"]*\.vscode" is a file, not a folder/],
    [() => Deno.mkdir(place.launch, { recursive: true }), /it is a folder/],
    [async () => {
      await Deno.mkdir(folder);
      await Deno.symlink("nowhere", place.launch);
    }, /a symbolic link that leads nowhere/],
    [async () => {
      await Deno.mkdir(folder);
      await Deno.symlink("launch.json", place.launch);
    }, /a symbolic link that leads nowhere/],
    [async () => {
      await Deno.mkdir(folder);
      const file = await Deno.create(place.launch);
      await file.truncate(50 * 1024 * 1024);
      file.close();
    }, /it has 50 MB/],
    [async () => {
      await Deno.mkdir(folder);
      await Deno.writeFile(place.launch, new Uint8Array([0x7b, 0xe9, 0x7d]));
    }, /it is no text in UTF-8\n.*--force/],
  ];
  for (const [prepare, message] of cases) {
    await prepare();
    const { code, said, out } = await place.init("--editor=vscode");
    assert.equal(code, 1, said);
    assert.equal(out, "");
    assert.match(said, message);
    assert.match(said, /\nTry: /);
    await Deno.remove(folder, { recursive: true });
  }
  assert.equal((await place.init("--editor=vscodee")).code, 2);
});

Deno.test("rdg init --force sets aside what is no UTF-8", async () => {
  await using place = await world();
  await Deno.mkdir(`${place.project}/.vscode`);
  const bytes = new Uint8Array([0x7b, 0xe9, 0x7d]);
  await Deno.writeFile(place.launch, bytes);
  assert.equal((await place.init("--force")).code, 0);
  assert.deepEqual(await Deno.readFile(`${place.launch}.bak`), bytes);
});

Deno.test("rdg init in a read-only folder ends with exit code 4 and changes nothing", async () => {
  await using place = await world();
  for (const path of [place.project, `${place.project}/.vscode`, place.launch]) {
    if (path === place.launch) await Deno.writeTextFile(path, "{}");
    else await Deno.mkdir(path, { recursive: true });
    await Deno.chmod(path, path === place.launch ? 0o444 : 0o555);
    const { code, said } = await place.initWithoutPowers("--editor=vscode");
    await Deno.chmod(path, 0o755);
    assert.equal(code, 4, said);
    assert.match(said, /^Cannot write ".*launch\.json"\n.*denied.*\nTry: /s);
  }
  assert.equal(await Deno.readTextFile(place.launch), "{}");
});
