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

Deno.test("rdg init writes through a link to a folder", async () => {
  await using place = await world();
  const dotfiles = `${place.project}/../dotfiles`;
  await Deno.mkdir(dotfiles);
  await Deno.symlink("../dotfiles", `${place.project}/.vscode`);
  assert.equal((await place.init()).code, 0);
  assert.ok((await Deno.lstat(`${place.project}/.vscode`)).isSymlink);
  assert.equal(JSON.parse(await Deno.readTextFile(`${dotfiles}/launch.json`)).version, "0.2.0");
  assert.equal((await place.init("--remove")).code, 0);
  assert.ok((await Deno.lstat(`${place.project}/.vscode`)).isSymlink);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(dotfiles)), []);
});

Deno.test("rdg init never writes into something else that a link leads to", async () => {
  await using place = await world();
  const bashrc = await Deno.realPath(`${place.project}/..`) + "/.bashrc";
  await Deno.writeTextFile(bashrc, "alias ll='ls -l'\n");
  await Deno.mkdir(`${place.project}/.vscode`);
  await Deno.symlink(bashrc, place.launch);
  for (const flags of [[], ["--force"], ["--remove", "--force"]]) {
    const { code, said } = await place.init(...flags);
    assert.equal(code, flags.includes("--remove") ? 0 : 1, said);
    if (code === 1) {
      assert.ok(
        said.startsWith(`Cannot set up "${place.launch}", a symbolic link to "${bashrc}": `),
        said,
      );
      assert.match(said, /\nTry: let it lead to such a file, or take the link away/);
    } else {
      assert.equal(said.match(/cannot be understood/g)?.length, 1, said);
    }
    assert.equal(await Deno.readTextFile(bashrc), "alias ll='ls -l'\n");
  }
  const names = (await Array.fromAsync(Deno.readDir(`${place.project}/.vscode`))).map((e) =>
    e.name
  );
  assert.deepEqual(names, ["launch.json"]);
});

Deno.test("rdg init names both ends of a link to a file that may not be written", async () => {
  await using place = await world();
  const target = await Deno.realPath(`${place.project}/..`) + "/launch.json";
  await Deno.writeTextFile(target, "{}");
  await Deno.chmod(target, 0o444);
  await Deno.mkdir(`${place.project}/.vscode`);
  await Deno.symlink(target, place.launch);
  const { code, said } = await place.initWithoutPowers();
  assert.equal(code, 4, said);
  assert.ok(
    said.startsWith(`Cannot write "${place.launch}", a symbolic link to "${target}"\n`),
    said,
  );
  assert.equal(await Deno.readTextFile(target), "{}");
});

Deno.test("rdg init keeps a hard link, and sets nothing aside that has a second name", async () => {
  await using place = await world();
  const other = `${place.project}/other.json`;
  const text = async () => [await Deno.readTextFile(place.launch), await Deno.readTextFile(other)];
  await Deno.mkdir(`${place.project}/.vscode`);
  await Deno.writeTextFile(other, "{}");
  await Deno.link(other, place.launch);
  const { ino } = await Deno.stat(other);
  assert.equal((await place.init()).code, 0);
  const [now, there] = await text();
  assert.equal(now, there);
  assert.match(now!, /"rdg: Attach"/);
  assert.equal((await place.init("--remove")).code, 0);
  assert.deepEqual(await text(), ["{}", "{}"]);
  // All of it is rdg's own: an empty file stays, for its other name.
  await Deno.writeTextFile(other, "");
  await place.init();
  await place.init("--remove");
  assert.deepEqual(await text(), ["", ""]);
  assert.equal((await Deno.stat(place.launch)).ino, ino);
  await Deno.writeTextFile(other, "alias ll='ls -l'\n");
  const refused = await place.init("--force");
  assert.equal(refused.code, 1);
  assert.match(
    refused.said,
    /; a file with a second name \(a hard link\) is not set aside\nTry: mend it/,
  );
  assert.deepEqual(await text(), Array(2).fill("alias ll='ls -l'\n"));
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
    }, /launch\.json" is a symbolic link to "nowhere" that leads nowhere/],
    [async () => {
      await Deno.mkdir(folder);
      await Deno.symlink("launch.json", place.launch);
    }, /launch\.json" is a symbolic link to "launch\.json" that leads in a circle/],
    [() => Deno.symlink("gone", folder), /vscode" is a symbolic link to "gone" that leads nowhere/],
    [async () => {
      await Deno.mkdir(folder);
      await Deno.symlink("..", place.launch);
    }, /launch\.json", a symbolic link to ".*\/my project": it is a folder/],
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
