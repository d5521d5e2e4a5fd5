/** `rdg init` where an editor's file is a link, on a disk made of literals; cli_test.ts has real ones. */

import assert from "node:assert/strict";
import type { Disk } from "./_host.ts";
import { files, init, launch, project, refusal } from "./_init.ts";

Deno.test("run() changes what is behind a link only where it is the editor's file", async () => {
  const helix = "/home/ada/proj/.helix/languages.toml";
  const lua = "/home/ada/.config/nvim/after/plugin/rdg.lua";
  const behind = (path: string, target: string, text: string): Disk =>
    project({ [path]: { link: target }, [target]: text });
  const fine: [string, Disk][] = [
    ["vscode", behind(launch, "/dot/vscode-launch.json", "{}")],
    ["vscode", behind(launch, "/dot/launch.json##os.Linux", "// empty\n")],
    ["vscode", behind(launch, "/dot/debugging", '{ "configurations": [] }')],
    ["helix", behind(helix, "/dot/helix_languages.toml", "")],
    ["zed", behind("/home/ada/proj/.zed/debug.json", "/dot/zed/debug.json", "[]")],
    ["sublime", behind("/home/ada/proj/my.sublime-project", "/dot/a.sublime-project", "{}")],
  ];
  for (const [editor, disk] of fine) {
    const old = structuredClone(disk);
    await init(disk, { editors: [editor] });
    await init(disk, { editors: [editor] });
    const changed = Object.keys(disk).filter((path) => disk[path] !== old[path] && path in old);
    assert.deepEqual(changed.filter((path) => path.startsWith("/dot/")).length, 1, editor);
    await init(disk, { editors: [editor], remove: true });
    for (const path of Object.keys(old)) assert.deepEqual(disk[path], old[path]);
  }
  const wrong: [string, string, string, string][] = [
    ["vscode", launch, "/home/ada/.bashrc", "alias ll='ls -l'"],
    ["vscode", launch, "/home/ada/.bashrc", ""],
    [
      "vscode",
      launch,
      "/home/ada/proj/package.json",
      '{ "name": "a", "version": "1", "files": [] }',
    ],
    [
      "vscode",
      launch,
      "/home/ada/proj/.vscode/settings.json",
      '{ "launch": { "configurations": [] } }',
    ],
    ["vscode", launch, "/home/ada/.config/list.json", "[]"],
    ["helix", helix, "/home/ada/proj/pyproject.toml", "[project]"],
    ["neovim", lua, "/home/ada/.config/nvim/init.lua", "print(1)"],
  ];
  for (const [editor, path, target, text] of wrong) {
    for (const force of [false, true]) {
      const disk = behind(path, target, text);
      const before = structuredClone(disk);
      // A drop-in that differs is left alone with a note unless it is forced.
      if (editor !== "neovim" || force) {
        const { message, hint } = await refusal(init(disk, { editors: [editor], force }));
        assert.equal(
          message,
          `Cannot set up "${path}", a symbolic link to "${target}": neither the name nor the content is ` +
            `that of a ${path.split("/").at(-1)}`,
        );
        assert.match(hint ?? "", /take the link away/);
        assert.deepEqual(disk, before);
      }
      await init(disk, { editors: [editor], force, remove: true });
      assert.equal(disk[target], text);
    }
  }
});

Deno.test("run() sets nothing aside that is behind a link", async () => {
  const target = "/dot/launch.json";
  const disk = project({ [launch]: { link: target }, [target]: "{ broken" });
  const { message, hint } = await refusal(init(disk, { editors: ["vscode"], force: true }));
  assert.match(
    message,
    /^Cannot set up "[^"]+", a symbolic link to "\/dot\/launch\.json": .* in line 1/,
  );
  assert.match(message, /; what is behind a link is not set aside$/);
  assert.match(hint ?? "", /^mend it/);
  assert.deepEqual(files(disk), [target]);
});
