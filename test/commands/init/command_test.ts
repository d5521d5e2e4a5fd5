/**
 * `rdg init` with a host and a disk made of literals: which editors it chooses, what it says, what it
 * refuses. Touches nothing.
 *
 * @module
 */

import assert from "node:assert/strict";
import { parse, run } from "../../../commands/init/command.ts";
import { ChangedError, type Files } from "../../../commands/init/files.ts";
import { RdgError } from "../../../plugins/error.ts";
import { type Disk, literalHost, literalParts, memoryFiles } from "./_host.ts";
import { files, init, launch, plain, project, refusal } from "./_init.ts";

Deno.test("parse() reads lists of editors, repeated and separated by commas", () => {
  assert.deepEqual(parse(["--editor=zed, vim", "-e", "hx"]).editors, ["zed", "vim", "hx"]);
  assert.deepEqual(parse([]), plain);
  assert.deepEqual(parse(["--remove", "--dry-run", "--force"]), {
    ...plain,
    remove: true,
    dryRun: true,
    force: true,
  });
});

Deno.test("parse() refuses words, empty lists and flags that don't go together", () => {
  const wrong: [string[], RegExp, string | undefined][] = [
    [["neovim"], /takes only flags/, "--editor=neovim"],
    [["--editor=,"], /names no editor/, undefined],
    [["--print", "--remove"], /"--print" with "--remove"/, undefined],
    [["--print", "--dry-run"], /"--print" with "--dry-run"/, undefined],
    [["--editors=x"], /unknown flag/, "--editor, or rdg init --help"],
  ];
  for (const [argv, message, hint] of wrong) {
    assert.throws(() => parse(argv), (error) => {
      assert.ok(error instanceof RdgError);
      assert.match(error.message, message);
      assert.equal(error.hint, hint);
      assert.equal(error.exitCode, 2);
      return true;
    });
  }
});

Deno.test("run() sets up VS Code where nothing says otherwise, and again changes nothing", async () => {
  const disk = project();
  const first = await init(disk);
  assert.equal(first.code, 0);
  assert.equal(first.out, "");
  assert.equal(first.said[0], "Wrote .vscode/launch.json (VS Code)");
  const text = disk[launch];
  const again = await init(disk);
  assert.equal(again.said[0], ".vscode/launch.json needs no change (VS Code)");
  assert.equal(disk[launch], text);
  assert.deepEqual(files(disk), [launch]);
});

Deno.test("run() finds the editors that project and terminal show", async () => {
  const cases: [Disk, Record<string, string>, string[]][] = [
    [{ "/home/ada/proj/.zed": null }, {}, [".zed/debug.json"]],
    [{}, { TERM_PROGRAM: "vscode" }, [".vscode/launch.json"]],
    [{}, { TERM_PROGRAM: "Apple_Terminal" }, [".vscode/launch.json"]],
    [{ "/home/ada/proj/a.sublime-project": "{}" }, {}, ["a.sublime-project"]],
    [{ "/home/ada/proj/.helix": null, "/home/ada/proj/.kateproject": "{}" }, {}, [
      ".helix/languages.toml",
      ".kateproject",
    ]],
    // One program alone on PATH is clear enough.
    [{ "/usr/bin/hx": { program: true } }, { PATH: "/bin:/usr/bin" }, [".helix/languages.toml"]],
    // Code and Cursor share a file, so there is nothing to choose.
    [
      { "/usr/bin/code": { program: true }, "/usr/bin/cursor": { program: true } },
      { PATH: "/usr/bin" },
      [".vscode/launch.json"],
    ],
    [{ "/home/ada/.emacs.d/elpa/dap-mode-0.8/x": "" }, {}, [".vscode/launch.json"]],
  ];
  for (const [more, env, expected] of cases) {
    const disk = project(more);
    await init(disk, {}, { env });
    const written = files(disk).filter((path) => disk[path] !== (more as Disk)[path]);
    assert.deepEqual(written, expected.map((path) => `/home/ada/proj/${path}`));
  }
});

Deno.test("run() asks on a terminal where it isn't clear, and only there", async () => {
  const more: Disk = { "/usr/bin/hx": { program: true }, "/usr/bin/zed": { program: true } };
  const env = { PATH: "/usr/bin" };
  const asked = project(more);
  await init(asked, {}, { env, interactive: true, ask: "zed" });
  assert.deepEqual(files(asked), ["/home/ada/proj/.zed/debug.json"]);
  const piped = project(more);
  const { said } = await init(piped, {}, { env });
  assert.match(said[0]!, /Others: --editor=zed,helix/);
  assert.deepEqual(files(piped), [launch]);
});

Deno.test("run() finds the same editors a second time", async () => {
  const cases: [Disk, string[]][] = [
    [{ "/home/ada/.emacs.d/elpa/dap-mode-0.8/x": "" }, []],
    [{ "/usr/bin/nvim": { program: true } }, []],
    [{ "/usr/bin/nvim": { program: true }, "/usr/bin/hx": { program: true } }, []],
    [{ "/home/ada/proj/.zed/settings.json": "{}" }, []],
    [{}, ["kate", "zed", "dap-mode"]],
    [{}, ["dape"]],
    [{}, ["sublime"]],
    [{}, ["neovim"]],
    [{}, ["theia"]],
  ];
  for (const [more, named] of cases) {
    const disk = project(more);
    await init(disk, { editors: named }, { env: { PATH: "/usr/bin" } });
    const after = structuredClone(disk);
    const { said } = await init(disk, {}, { env: { PATH: "/usr/bin" } });
    assert.deepEqual(disk, after, JSON.stringify([more, named, said]));
  }
});

Deno.test("run() takes names and aliases, and guesses at a wrong one", async () => {
  const disk = project();
  await init(disk, { editors: ["nvim", "emacs", "PyCharm"] });
  assert.deepEqual(files(disk), [
    "/home/ada/.config/nvim/after/plugin/rdg.lua",
    "/home/ada/.config/rdg/dape.el",
    launch,
  ]);
  assert.match(String(disk[launch]), /rdg: Attach \(dap-mode\)/);
  const error = await refusal(init(project(), { editors: ["zedd"] }));
  assert.match(error.message, /Cannot set up the editor "zedd": rdg knows vscode, cursor/);
  assert.equal(error.hint, "--editor=zed");
  assert.equal(error.exitCode, 2);
});

Deno.test("run() writes settings where XDG_CONFIG_HOME says", async () => {
  const disk = project();
  const env = { XDG_CONFIG_HOME: "/home/ada/settings/" };
  const { said } = await init(disk, { editors: ["dape"] }, { env });
  assert.match(said.join("\n"), /\(load "\/home\/ada\/settings\/rdg\/dape\.el" t\)/);
  assert.deepEqual(files(disk), ["/home/ada/settings/rdg/dape.el"]);
});

Deno.test("run() --remove leaves what was there before, for every editor at once", async () => {
  const mine = '// mine\n{ "configurations": [ { "name": "A" }, ], }';
  const before = project({ [launch]: mine, "/home/ada/proj/.kateproject": '{"name": "p"}' });
  const disk = { ...before };
  const editors = ["vscode", "emacs", "kate", "helix", "vim", "nvim", "zed", "subl"];
  await init(disk, { editors });
  assert.equal(files(disk).length, 8);
  const { said } = await init(disk, { remove: true });
  assert.deepEqual(disk, before);
  assert.ok(said.includes("Changed .vscode/launch.json"));
  assert.ok(said.includes("Removed .zed/debug.json"));
  const { said: nothing } = await init(disk, { remove: true });
  assert.deepEqual(nothing, ["There was nothing of rdg's to take out"]);
});

Deno.test("run() --print and --dry-run touch nothing", async () => {
  const disk = project({ [launch]: "{}\n" });
  const before = structuredClone(disk);
  const print = await init(disk, { print: true, editors: ["vscode"] });
  assert.equal(JSON.parse(print.out).configurations.length, 3);
  const dry = await init(disk, { dryRun: true, editors: ["vscode", "zed"] });
  assert.match(
    dry.out,
    /^--- a\/\.vscode\/launch\.json\n\+\+\+ b\/\.vscode\/launch\.json\n@@ -1,1 \+1,/,
  );
  assert.match(dry.out, /--- \/dev\/null\n\+\+\+ b\/\.zed\/debug\.json\n/);
  assert.equal(dry.said.at(-1), "Nothing was written (--dry-run)");
  assert.deepEqual(disk, before);
});

Deno.test("run() keeps a malformed launch.json beside the new one, never over an older copy", async () => {
  const disk = project({ [launch]: "{ broken", [`${launch}.bak`]: "older" });
  const { said } = await init(disk);
  assert.equal(disk[`${launch}.bak`], "older");
  assert.equal(disk[`${launch}.bak.1`], "{ broken");
  assert.equal(JSON.parse(String(disk[launch])).configurations.length, 3);
  assert.match(said[0]!, /^Warning: \.vscode\/launch\.json was malformed .*kept as .*\.bak\.1$/);
  const commented = project({ [launch]: "// fine\n{ /* so */ }" });
  await init(commented);
  assert.deepEqual(files(commented), [launch]);
});

Deno.test("run() refuses to touch other editors' malformed files", async () => {
  const disk = project({ "/home/ada/proj/.kateproject": "{ broken" });
  const error = await refusal(init(disk, { editors: ["kate"] }));
  assert.match(error.message, /Cannot set up "\/home\/ada\/proj\/\.kateproject": .* in line 1/);
  assert.deepEqual(files(disk), ["/home/ada/proj/.kateproject"]);
});

Deno.test("run() plans everything before it writes anything", async () => {
  const disk = project({ "/home/ada/proj/.kateproject": "[]" });
  await refusal(init(disk, { editors: ["vscode", "kate"] }));
  assert.deepEqual(files(disk), ["/home/ada/proj/.kateproject"]);
});

Deno.test("run() names what stands in the way", async () => {
  const cases: [Disk, RegExp][] = [
    [
      { "/home/ada/proj/.vscode": "a file" },
      /"\/home\/ada\/proj\/\.vscode" is a file, not a folder/,
    ],
    [{ [launch]: null }, /it is a folder/],
    [
      { [launch]: { link: "/gone" } },
      /launch\.json" is a symbolic link to "\/gone" that leads nowhere/,
    ],
    [{ [launch]: " ".repeat(9 * 1024 * 1024) }, /it has 9 MB/],
    [{ [launch]: "{}\u0000" }, /no text in UTF-8/],
  ];
  for (const [more, message] of cases) {
    const disk = project(more);
    const error = await refusal(init(disk, { editors: ["vscode"] }));
    assert.match(error.message, message);
    assert.ok(error.hint);
    assert.deepEqual(disk, project(more));
  }
});

Deno.test("run() refuses the home folder and the top, unless forced", async () => {
  for (const cwd of ["/home/ada", "/"]) {
    const error = await refusal(init({ "/home/ada": null }, {}, { cwd }));
    assert.match(error.message, /not a project/);
    assert.equal(error.exitCode, 2);
  }
  const disk: Disk = { "/home/ada": null };
  await init(disk, { force: true }, { cwd: "/home/ada" });
  assert.deepEqual(files(disk), ["/home/ada/.vscode/launch.json"]);
});

Deno.test("run() maps the resolved folder where the project is reached through a link", async () => {
  const disk: Disk = { "/pfs/ada/proj": null, "/home/ada/proj": { link: "/pfs/ada/proj" } };
  await init(disk, { editors: ["zed", "helix"] }, {
    cwd: "/pfs/ada/proj",
    env: { PWD: "/home/ada/proj" },
  });
  assert.match(
    String(disk["/pfs/ada/proj/.helix/languages.toml"]),
    /localRoot = "\/home\/ada\/proj", remoteRoot = "\/pfs\/ada\/proj"/,
  );
});

Deno.test("run() reads a file again that changes before it is written, and gives up in the end", async () => {
  const disk = project({ [launch]: "{}" });
  const files = memoryFiles(disk);
  let times = 0;
  const busy = (until: number): Files => ({
    ...files,
    write(path, options) {
      if (times++ < until) {
        disk[launch] = `{ "n": ${times} }`;
        return Promise.reject(new ChangedError(path));
      }
      return files.write(path, options);
    },
  });
  const { host } = literalHost({});
  const options = { ...plain, editors: ["vscode"] };
  const ask = () => Promise.resolve([]);
  await run(options, host, { files: busy(2), ask });
  assert.match(String(disk[launch]), /^\{ "n": 2,\n {2}"configurations"/);
  disk[launch] = "{}";
  times = 0;
  const error = await refusal(run(options, host, { files: busy(9), ask }));
  assert.match(error.message, /changed each time/);
  assert.equal(disk[launch], '{ "n": 3 }');
});

Deno.test("run() says what to add to a workspace file, and leaves it", async () => {
  const workspace = '{ "folders": [{ "path": "." }] }';
  const disk = project({ "/home/ada/proj/x.code-workspace": workspace });
  const { said } = await init(disk);
  assert.equal(disk["/home/ada/proj/x.code-workspace"], workspace);
  const [first, ...block] = said.find((note) => note.startsWith("x.code-workspace"))!.split("\n");
  assert.match(first!, /is a workspace file: left as it is/);
  disk["/home/ada/proj/x.code-workspace"] = `{ "folders": [],\n${block.join("\n")} }`;
  const again = await init(disk);
  assert.ok(!again.said.some((line) => line.includes("workspace file")));
});

Deno.test("run() leaves out a Helix that would refuse the file", async () => {
  const versions: [string, boolean][] = [
    ["helix 25.07.1 (a05c151b)\n", false],
    ["helix 22.12 (96ff64a8)\n", false],
    ["helix 26.1 (01234567)\n", true],
    ["helix 25.10\n", true],
    ["some other program\n", true],
  ];
  for (const [stdout, fits] of versions) {
    const asked: string[] = [];
    const { host, written } = literalHost({}, {
      runner: ({ program, args }) => {
        asked.push([program, ...args].join(" "));
        return Promise.resolve({ code: 0, stdout, stderr: "" });
      },
    });
    const disk = project();
    await run({ ...plain, editors: ["helix", "zed"] }, host, literalParts(disk));
    assert.equal(files(disk).length, fits ? 2 : 1, stdout);
    assert.equal(asked[0], "hx --version");
    assert.equal(/Helix is left out: helix 2.*--force/.test(written.said[0]!), !fits);
    if (fits) continue;
    const error = await refusal(run({ ...plain, editors: ["hx"] }, host, literalParts(disk)));
    assert.match(error.message, /^Cannot set up Helix: helix 2[\d.]+ \(\w+\) refuses/);
    await run({ ...plain, editors: ["hx"], force: true }, host, literalParts(disk));
    assert.equal(files(disk).length, 2);
  }
});

Deno.test("run() says of a full disk that room is wanted", async () => {
  const disk = project({ [launch]: "{}" });
  const full = {
    ...memoryFiles(disk),
    write: () => Promise.reject(new Error("No space left on device (os error 28)")),
  };
  const { host } = literalHost({});
  const ask = () => Promise.resolve([]);
  const error = await refusal(run({ ...plain, editors: ["vscode"] }, host, { files: full, ask }));
  assert.deepEqual([error.code, error.exitCode], ["file", 1]);
  assert.match(error.hint!, /^make room there/);
});

Deno.test("run() turns a disk that may not be written into an error about permissions", async () => {
  const disk = project({ [launch]: "{}" });
  const denied = {
    ...memoryFiles(disk),
    write: () => Promise.reject(new Deno.errors.PermissionDenied("no")),
  };
  const { host } = literalHost({});
  const ask = () => Promise.resolve([]);
  const error = await refusal(run({ ...plain, editors: ["vscode"] }, host, { files: denied, ask }));
  assert.match(error.message, /^Cannot write "\/home\/ada\/proj\/\.vscode\/launch\.json"$/);
  assert.equal(error.exitCode, 4);
});
