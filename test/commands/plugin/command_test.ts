/**
 * `rdg plugin` as people type it: the real command on real folders and repositories. Starts git; works
 * in temporary folders.
 */

import assert from "node:assert/strict";
import { Pty } from "../../support/pty.ts";
import { rdg as rdgWords } from "../../support/rdg.ts";
import { editor, examples, type PluginHome, pluginHome, scheduler } from "./_home.ts";

/** A repository with a plugin; gives its address and a way to change it. */
async function repository(home: PluginHome, name: string) {
  const folder = `${home.sandbox.dir}/${name}`;
  await Deno.mkdir(`${folder}/testdata`, { recursive: true });
  const git = async (...args: string[]) => {
    const { success, stdout, stderr } = await new Deno.Command("git", {
      args: ["-C", folder, "-c", "user.name=Ada", "-c", "user.email=ada@example.com", ...args],
      env: { HOME: home.sandbox.env.HOME ?? "" },
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout).trim();
  };
  await git("init", "--quiet", "--initial-branch=main");
  return {
    address: `file://${folder}`,
    folder,
    git,
    async commit(text: string): Promise<string> {
      await Deno.writeTextFile(`${folder}/plugin.ts`, text);
      await git("add", "--all");
      await git("commit", "--quiet", "--message=x");
      return (await git("rev-parse", "HEAD")).slice(0, 10);
    },
  };
}

Deno.test("rdg plugin add shows the plugin and what it may start, and asks", async () => {
  await using home = await pluginHome({ debugpy: null });
  const shown = [
    'Plugin "tinyq": TinyQ (tq)',
    "  scheduler, contract 1",
    "  may start: tq",
    `  from: ${examples}/tinyq`,
  ].join("\n");
  const asked = await home.rdg(["plugin", "add", `${examples}/tinyq`]);
  assert.deepEqual(asked, {
    code: 2,
    stdout: "",
    stderr: `${shown}\nCannot ask "Add it?": stdin is no terminal\nTry: --yes, if you agree\n`,
  });
  assert.deepEqual(await Array.fromAsync(Deno.readDir(home.plugins)), []);
  const added = await home.rdg(["plugin", "add", "-y", `${examples}/tinyq`]);
  assert.deepEqual(
    [added.code, added.stderr],
    [0, `${shown}\nAdded tinyq in ${home.plugins}/tinyq\n`],
  );
  const { mode } = await Deno.stat(`${home.plugins}/tinyq/plugin.ts`);
  assert.equal((mode ?? 0) & 0o777, 0o600);
  assert.match(await Deno.readTextFile(`${home.plugins}/tinyq/testdata/1.4-jobs.txt`), /train/);

  const editor = await home.rdg(["plugin", "add", "-y", `${examples}/quill`]);
  assert.match(editor.stderr, /^ {2}may start: nothing\n {2}edits: \.quill\.conf$/m);
  const mighty = await home.sandbox.write(
    "m.ts",
    scheduler({
      programs: '["sh", "toystat", "/usr/bin/python3.12", "timeout", "toysh"]',
    }),
  );
  const warned = await home.rdg(["plugin", "add", "-y", mighty]);
  assert.match(
    warned.stderr,
    /^ {2}sh, \/usr\/bin\/python3\.12, timeout can do whatever you can: add it only if you trust its /m,
  );

  const listed = await home.rdg(["plugin", "list"]);
  assert.match(listed.stdout, /^NAME +KIND +MAY START +FROM +WHAT\n/);
  assert.match(listed.stdout, /^quill +editor +- +\/.*quill +Quill: \.quill\.conf$/m);
  const { plugins } = JSON.parse((await home.rdg(["plugin", "list", "--json"])).stdout);
  assert.deepEqual(
    plugins.map(({ name, kind, usable }: Record<string, unknown>) => [name, kind, usable]),
    [["quill", "editor", true], ["tinyq", "scheduler", true], ["toyq", "scheduler", true]],
  );
});

Deno.test("rdg plugin add asks on a terminal: no is no", async () => {
  await using home = await pluginHome({ debugpy: null });
  for (const [key, there] of [["n", 0], ["y", 1]] as const) {
    const { HOME, DENO_DIR } = home.sandbox.env;
    const env = ["env", `HOME=${HOME}`, `DENO_DIR=${DENO_DIR}`];
    await using terminal = new Pty([...env, ...rdgWords, "plugin", "add", `${examples}/tinyq`]);
    await terminal.waitFor(/may start: tq[^]*Add it\?/);
    await terminal.type(`${key}\r`);
    await terminal.waitFor(there ? /Added tinyq/ : /Nothing was changed/);
    assert.equal((await Array.fromAsync(Deno.readDir(home.plugins))).length, there);
  }
});

Deno.test("rdg plugin add and update follow a repository, commit by commit", async () => {
  await using home = await pluginHome({ debugpy: null });
  const repo = await repository(home, "repo");
  const first = await repo.commit(scheduler());
  await repo.git("tag", "v1");
  const add = (from: string, ...more: string[]) => home.rdg(["plugin", "add", "-y", from, ...more]);

  const added = await add(repo.address);
  assert.equal(added.code, 0, added.stderr);
  assert(added.stderr.includes(`from: ${repo.address} (${first})`), added.stderr);
  const same = await home.rdg(["plugin", "update"]);
  assert.equal(same.stderr, `toyq is as it was: ${repo.address} (${first})\n`);

  const second = await repo.commit(scheduler({ programs: '["toystat", "toyrun"]' }));
  const asked = await home.rdg(["plugin", "update"]);
  assert.match(asked.stderr, /^ {2}new: it may start toyrun$/m);
  assert.equal(asked.code, 2);
  const updated = await home.rdg(["plugin", "update", "--yes", "toyq"]);
  assert.match(updated.stderr, new RegExp(`^Updated toyq: ${first} → ${second}$`, "m"));

  const pinned = await add(`${repo.address}#v1`, "--force");
  assert(pinned.stderr.includes(`#v1 (${first})`), pinned.stderr);
  assert.match((await home.rdg(["plugin", "update"])).stderr, /^toyq is as it was/);
  const byCommit = await add(`${repo.address}#${second}`, "--force");
  assert(byCommit.stderr.includes(`(${second})`), byCommit.stderr);
  const unknown = await add(`${repo.address}#v9`, "--force");
  assert.deepEqual(
    [unknown.code, unknown.stderr],
    [
      3,
      `Cannot add ${repo.address}: it has no branch, tag or commit "v9"\n` +
      `Try: git ls-remote ${repo.address}\n`,
    ],
  );

  await repo.commit(scheduler({ name: '"slurm"' }));
  await add(`${repo.address}#v1`, "--force");
  await add(`${repo.address}#main`, "--force");
  const kept = await home.rdg(["plugin", "list"]);
  assert(kept.stdout.includes(`#v1 (${first})`), kept.stdout);
  const gone = await add("file:///nowhere/at/all");
  assert.equal(gone.code, 1);
  assert.match(gone.stderr, /^Cannot fetch file:.*: "git" exited with code 128\n {2}fatal: /);
  const left = (await Array.fromAsync(Deno.readDir(home.plugins))).map(({ name }) => name);
  assert.deepEqual(left, ["toyq"]);
});

Deno.test("rdg plugin add runs no hook, and takes no link and no hidden file", async () => {
  await using home = await pluginHome({ debugpy: null });
  const repo = await repository(home, "repo");
  const mark = `${home.sandbox.dir}/ran`;
  const template = `${home.sandbox.dir}/template/hooks`;
  await Deno.mkdir(template, { recursive: true });
  await Deno.writeTextFile(`${template}/post-checkout`, `#!/bin/sh\ntouch ${mark}\n`, {
    mode: 0o755,
  });
  await home.sandbox.write("secret.txt", "secret");
  await Deno.symlink("../../secret.txt", `${repo.folder}/testdata/1.txt`);
  await Deno.writeTextFile(`${repo.folder}/.hidden`, "x");
  await repo.commit(scheduler());
  const env = { GIT_TEMPLATE_DIR: `${home.sandbox.dir}/template`, GIT_DIR: "/nowhere" };
  const added = await home.rdg(["plugin", "add", "-y", repo.address], { env });
  assert.equal(added.code, 0, added.stderr);
  await assert.rejects(Deno.stat(mark), Deno.errors.NotFound);
  const info = await Deno.lstat(`${home.plugins}/toyq/testdata/1.txt`).catch(() => null);
  assert(!info?.isSymlink);
  if (info) {
    assert.equal(
      await Deno.readTextFile(`${home.plugins}/toyq/testdata/1.txt`),
      "../../secret.txt",
    );
  }
  await assert.rejects(Deno.lstat(`${home.plugins}/toyq/.hidden`), Deno.errors.NotFound);
});

Deno.test("rdg plugin remove and update leave alone what is the person's own", async () => {
  await using home = await pluginHome({ debugpy: null });
  const mine = await home.put("mine.ts", scheduler({ name: '"mine"' }));
  await home.rdg(["plugin", "add", "-y", `${examples}/tinyq`]);
  await Deno.writeTextFile(`${home.plugins}/tinyq/plugin.ts`, "// mine\n", { append: true });
  for (
    const [words, said] of [
      [["remove", "tinyq"], /^Cannot remove "tinyq": it was changed since it was added$/m],
      [["remove", "mine"], /^Cannot remove "mine": you put it there by hand$/m],
      [["update", "-y", "tinyq"], /^Cannot update "tinyq": it was changed since it was added$/m],
      [["update", "-y", "mine"], /^Cannot update "mine": you put it there by hand$/m],
      [["add", "-y", `${examples}/tinyq`], /^Cannot add "tinyq": there is one in .* already$/m],
    ] as const
  ) {
    const { code, stderr } = await home.rdg(["plugin", ...words]);
    assert.deepEqual([code, said.test(stderr)], [1, true], stderr);
  }
  assert.match(await Deno.readTextFile(`${home.plugins}/tinyq/plugin.ts`), /\/\/ mine\n$/);
  const anew = await home.rdg(["plugin", "update", "-y", "--force", "tinyq"]);
  assert.match(anew.stderr, /^Updated tinyq$/m);
  // Reading it would never end.
  await Deno.symlink("/dev/zero", `${home.plugins}/tinyq/link`);
  assert.equal((await home.rdg(["plugin", "remove", "tinyq"])).code, 1);
  await Deno.remove(`${home.plugins}/tinyq/link`);
  assert.equal(
    (await home.rdg(["plugin", "remove", "tinyq"])).stderr,
    `Removed tinyq (${home.plugins}/tinyq)\n`,
  );
  assert.equal((await home.rdg(["plugin", "remove", "--force", "mine"])).code, 0);
  await assert.rejects(Deno.stat(mine), Deno.errors.NotFound);
  const none = await home.rdg(["plugin", "remove", "mine"]);
  assert.deepEqual([none.code, none.stderr.split("\n")[0]], [
    3,
    'Cannot find a plugin "mine" of yours',
  ]);
});

Deno.test("rdg plugin new makes what passes its own test, type check included", async () => {
  await using home = await pluginHome({ debugpy: null });
  const { dir, env } = home.sandbox;
  for (const kind of ["scheduler", "editor"]) {
    const name = `my-${kind}`;
    const made = await home.rdg(["plugin", "new", kind, name]);
    assert.equal(made.code, 0, made.stderr);
    const tested = await home.rdg(["plugin", "test", `./${name}`]);
    assert.deepEqual([tested.code, /^\d checks, all well$/m.test(tested.stderr)], [0, true]);
    const own = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--allow-read=.", "--no-config", "--no-lock"],
      cwd: `${dir}/${name}`,
      env: { ...env },
      clearEnv: true,
    }).output();
    const text = new TextDecoder().decode(own.stdout) + new TextDecoder().decode(own.stderr);
    assert.equal(own.code, 0, text);
    assert.match(text, /[23] passed/);
    assert.equal((await home.rdg(["plugin", "add", "-y", `./${name}`])).code, 0);
    assert.equal((await home.rdg(["plugin", "test", name])).code, 0);
    const again = await home.rdg(["plugin", "new", kind, name]);
    assert.deepEqual([again.code, /is there already/.test(again.stderr)], [1, true]);
  }
});

Deno.test("rdg plugin test finds what breaks the contract", async () => {
  await using home = await pluginHome({ debugpy: null });
  const remembers = await home.sandbox.write(
    "remembers.ts",
    `let count = 0;\n${
      scheduler({
        list: `function* () {
          count++;
          const { code } = yield { program: "toystat", args: [String(count)] };
          if (code) throw new Error("failed");
          return [];
        }`,
      })
    }`,
  );
  const one = await home.rdg(["plugin", "test", remembers]);
  assert.equal(one.code, 1);
  assert.match(one.stderr, /not ok {2}list\(\) asks .*\n +it says something else a second time$/m);

  // What one check brings about shows in a later one, which the other start came to with less behind it.
  const counts = scheduler({
    list: `function* () {
      yield { program: "toystat", args: [] };
      globalThis.count = (globalThis.count ?? 0) + 1;
      throw new Error("failed");
    }`,
    canonicalId: "() => `${globalThis.count ?? 0}`",
  });
  const later = await home.rdg(["plugin", "test", await home.sandbox.write("counts.ts", counts)]);
  assert.equal(later.code, 1);
  assert.match(
    later.stderr,
    /not ok {2}canonicalId\(\) .*\n +it says something else a second time$/m,
  );

  const silent = scheduler({
    list: 'function* () { yield { program: "toystat", args: [] }; return []; }',
  });
  const two = await home.rdg(["plugin", "test", await home.sandbox.write("silent.ts", silent)]);
  assert.match(two.stderr, /a program that fails with code 1 passes for a list of jobs/);

  const jobs = ["7", "8"].map((id) => ({
    ...{ id, displayId: id, name: "train", state: "running", stateText: "R", nodes: ["n1"] },
    workDir: "/home/ada/a-long-name-of-a-folder",
  }));
  await Deno.mkdir(`${home.sandbox.dir}/cases/testdata`, { recursive: true });
  await home.sandbox.write("cases/plugin.ts", scheduler());
  const lines = Array.from({ length: 30 }, (_, index) => `line ${index}`);
  const named = (all: readonly string[]) => [{ ...jobs[0], name: all.join("\n") }];
  const cases: Readonly<Record<string, readonly [unknown, RegExp]>> = {
    "a.json": [
      { call: "list", args: [{}], programs: [], gives: [] },
      /it asks for "toystat", which/,
    ],
    "b.json": [
      { call: "list", args: [{}], programs: [{ run: ["toystat", "-x"], stdout: "[]" }], gives: [] },
      /it runs \["toystat"\], want \["toystat","-x"\]/,
    ],
    "c.json": [
      { call: "list", args: [{}], programs: [{ stdout: "[]" }, {}], gives: [] },
      /it never asks for one of the programs/,
    ],
    "d.json": [
      { call: "list", args: [{}], programs: [{ stdout: { file: "../../x" } }], gives: [] },
      /"\.\.\/\.\.\/x" is not in testdata/,
    ],
    "e.json": [{ call: "helper", gives: null }, /it calls "helper", which the plugin has not/],
    "f.json": [{ call: "list" }, /it needs "gives" or "throws"/],
    "g.json": [
      { call: "list", args: [{}], programs: [{ missing: true }], throws: "on PATH" },
      /^ {2}ok {6}testdata\/g\.json$/m,
    ],
    "h.json": [
      {
        call: "list",
        args: [{}],
        programs: [{ stdout: JSON.stringify(jobs) }],
        gives: jobs.map((job, at) => at === 1 ? { ...job, leftS: 60 } : job),
      },
      /it gives nothing, want 60, at \[1\]\.leftS$/m,
    ],
    "i.json": [
      {
        call: "list",
        args: [{}],
        programs: [{ stdout: JSON.stringify(named(lines)) }],
        gives: named(lines.with(2, "another")),
      },
      /it gives "line 2", want "another", at \[0\]\.name, line 3$/m,
    ],
  };
  for (const [name, [text]] of Object.entries(cases)) {
    await home.sandbox.write(`cases/testdata/${name}`, JSON.stringify(text));
  }
  const three = await home.rdg(["plugin", "test", "./cases"]);
  assert.equal(three.code, 1);
  for (const [, reason] of Object.values(cases)) assert.match(three.stderr, reason);
});

Deno.test("rdg plugin test takes an empty list of notes for none, in an editor's case", async () => {
  await using home = await pluginHome({ debugpy: null });
  await Deno.mkdir(`${home.sandbox.dir}/toyed/testdata`, { recursive: true });
  const apply = '() => ({ text: "toy", notes: [] })';
  await home.sandbox.write("toyed/plugin.ts", editor({ apply }));
  for (const [name, gives] of [["good", { text: "toy" }], ["bad", { text: "other" }]] as const) {
    const text = { call: "apply", args: [{ file: ".toy.json", oldText: null }], gives };
    await home.sandbox.write(`toyed/testdata/${name}.json`, JSON.stringify(text));
  }
  const { code, stderr } = await home.rdg(["plugin", "test", "./toyed"]);
  assert.equal(code, 1);
  assert.match(stderr, /^ {2}ok {6}testdata\/good\.json$/m);
  assert.match(stderr, /not ok {2}testdata\/bad\.json\n +it gives .*"toy".*, want .*"other"/);
  // A folder here isn't a plugin's name.
  const named = await home.rdg(["plugin", "test", "toyed"]);
  assert.equal(named.code, 3);
  assert.match(named.stderr, /^Try: rdg plugin test \.\/toyed$/m);
});

Deno.test("rdg plugin tells what to type", async () => {
  await using home = await pluginHome({ debugpy: null });
  for (
    const [words, said] of [
      [[], 'Cannot run "rdg plugin": it does not say what to do\nTry: rdg plugin --help\n'],
      [["ad"], 'Cannot run "rdg plugin ad": there is no such word\nTry: rdg plugin add\n'],
      [["new", "theme", "x"], /^Cannot make a "theme"/],
      [["new", "scheduler", "Big"], /^Cannot call a plugin "Big": want lower-case/],
      [["new", "scheduler", "slurm"], /^Cannot call a plugin "slurm": a built-in/],
      [["add"], /^Cannot run "rdg plugin add" with 0 words/],
    ] as const
  ) {
    const { code, stdout, stderr } = await home.rdg(["plugin", ...words]);
    assert.deepEqual([code, stdout], [2, ""]);
    if (typeof said === "string") assert.equal(stderr, said);
    else assert.match(stderr, said);
  }
  const nothing = await home.rdg(["plugin", "add", "./nothing"]);
  assert.deepEqual([nothing.code, nothing.stderr.split("\n")[0]], [
    3,
    `Cannot add "${home.sandbox.dir}/nothing": it is not there`,
  ]);
  const nowhere = await home.rdg(["plugin", "new", "scheduler", "tinyq"], { cwd: "/proc" });
  assert.equal(nowhere.code, 1);
  assert.match(
    nowhere.stderr,
    /^Cannot write "\/proc\/tinyq"\n.*\nTry: go to a folder that you can write\n$/,
  );
});
