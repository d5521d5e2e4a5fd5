/**
 * Plugins that are at fault, through the real command: each is named with its path and its reason, and
 * what the person wanted to do goes on.
 */

import assert from "node:assert/strict";
import { rdg, start } from "../../support/rdg.ts";
import { editor, examples, type PluginHome, pluginHome, scheduler } from "./_home.ts";

/** A plugin's source and what is said of it. */
type Bad = readonly [string, RegExp];

const broken: Readonly<Record<string, Bad>> = {
  "loops when it is loaded": [
    `while (true);\n${scheduler()}`,
    /loading it took longer than 5 s and was ended/,
  ],
  "waits for ever when it is loaded": [
    `await new Promise(() => {});\n${scheduler()}`,
    /loading it (?:took longer than 5 s and was ended|ended its process)/,
  ],
  "fills the memory": [
    `const all = []; while (true) all.push(new Array(1e6).fill(1.5));\n${scheduler()}`,
    /loading it used more than 256 MB and was ended/,
  ],
  "throws": ['throw new Error("no luck");', /it cannot be loaded: Error: no luck/],
  "is no TypeScript": [
    "export default {",
    /it cannot be loaded: .*SyntaxError: .*/,
  ],
  "exports nothing": ["export const plugin = {};", /it has no default export that is an object/],
  "has another contract": [
    scheduler({ contract: "2" }),
    /its contract is 2: want 1, the one that this version of rdg knows/,
  ],
  "is of no kind": [scheduler({ kind: '"theme"' }), /its member kind is "theme": want "scheduler"/],
  "lacks a function": [scheduler({ list: "undefined" }), /its member list is nothing: want a func/],
  "has a name with blanks": [scheduler({ name: '"a b"' }), /its member name is "a b": want lower-/],
  "names a program with a flag": [
    scheduler({ programs: '["sh -c"]' }),
    /its member programs\[0\] is "sh -c": want a program's name/,
  ],
  "writes outside of the project": [
    editor({ files: '[{ path: "../.bashrc" }]' }),
    /its member files\[0\]\.path is "\.\.\/\.bashrc": want a path below the project/,
  ],
  "writes into Git's folder": [
    editor({ files: '[{ path: ".git/hooks/post-commit" }]' }),
    /its member files\[0\]\.path is "\.git.*: want a path that does not lead into Git's folder/,
  ],
  "writes into Git's folder by another name": [
    editor({ files: '[{ path: ".GIT/config" }]' }),
    /files\[0\]\.path is "\.GIT\/config": want a path that does not lead into Git's folder/,
  ],
  "writes into Git's folder by a pattern": [
    editor({ files: '[{ path: "*/config" }]' }),
    /files\[0\]\.path is "\*\/config": want a path that does not lead into Git's folder/,
  ],
  "answers for rdg": [
    `JSON.stringify = () => '{"thrown":{"name":1,"message":null}}';\n${scheduler()}`,
    /its process answered with what is no answer/,
  ],
  "imports under a foreign name": [
    `import π from "npm:left-pad";\n${scheduler()}`,
    /line 1 imports something/,
  ],
  "hides text in its summary": [
    scheduler({ summary: '"good\\u001b[2Kbad"' }),
    /its member summary is .*: want one line of text/,
  ],
  "takes a built-in's name": [
    scheduler({ name: '"slurm"' }),
    /"slurm" is the name of a built-in scheduler/,
  ],
  "takes a built-in's other name": [
    editor({ aliases: '["hx"]' }),
    /"hx" is the name of a built-in editor/,
  ],
  "imports a package": [
    `import pad from "npm:left-pad";\n${scheduler()}`,
    /line 1 imports something: a plugin is one file, and imports types only/,
  ],
  "imports later": [
    scheduler({ list: '() => import("node:fs")' }),
    /line \d+ imports something/,
  ],
  "reads the environment": [
    scheduler({ summary: 'Deno.env.get("HOME")' }),
    /it cannot be loaded: .*Deno/,
  ],
  "looks at the clock": [
    scheduler({ summary: "String(Date.now())" }),
    /it cannot be loaded: Error: a plugin has no clock/,
  ],
  "makes code from text": [
    scheduler({ summary: '(() => 1).constructor("return \\"x\\"")()' }),
    /it cannot be loaded: Error: a plugin has no code made from strings/,
  ],
  "ends its process": [
    scheduler({ summary: "process.exit(0)" }),
    /it cannot be loaded: .*process/,
  ],
};

/** Whether a case loops: its full limit is waited out once, in "loops when it is loaded". */
const loops = (what: string) => what.startsWith("loops");

/** A session that is no job: what goes on beside a bad plugin. */
async function goesOn(home: PluginHome): Promise<string> {
  const { code, stdout, stderr } = await home.rdg(["sessions", "--scheduler", "local"]);
  assert.deepEqual([code, stdout], [0, ""], stderr);
  assert.match(stderr, /^No sessions\.$/m);
  return stderr;
}

Deno.test("a plugin that can't be loaded is named and passed over", async (t) => {
  for (const [what, [text, reason]] of Object.entries(broken)) {
    await t.step(what, async () => {
      await using home = await pluginHome({ debugpy: null });
      const file = await home.put("bad/plugin.ts", text);
      const listed = await home.rdg(["plugin", "list"]);
      assert.equal(listed.code, 0);
      assert.match(listed.stderr, reason);
      assert(listed.stderr.startsWith(`Not used: ${file}: `), listed.stderr);
      assert.match(listed.stdout, /^bad +- +- +put there by hand +cannot be used/m);

      const hurry = loops(what);
      const added = await home.rdg(["plugin", "add", "--yes", "--force", file], { hurry });
      assert.equal(added.code, 1, added.stderr);
      assert.match(added.stderr, hurry ? /took longer than 2 s and was ended/ : reason);
      assert.match(added.stderr, /^Cannot add ".*"/);
      assert.deepEqual((await Array.fromAsync(Deno.readDir(home.plugins))).length, 1);
    });
  }
});

Deno.test("commands name what they pass over, and do what was asked", async () => {
  await using home = await pluginHome({ debugpy: null });
  const file = await home.put("a.ts", 'throw new Error("no luck");');
  await home.put("b/README.md", "no plugin");
  await home.put("c.ts", scheduler());
  await home.put("d.ts", scheduler());
  await home.put("notes.txt", "not looked at");
  await home.put(".hidden/plugin.ts", "not looked at");
  const passedOver = [
    `Passed over the plugin in ${file}: it cannot be loaded: Error: no luck`,
    `Passed over the plugin in ${home.plugins}/b: it is a folder without plugin.ts`,
    `Passed over the plugin in ${home.plugins}/d.ts: another plugin is called "toyq"`,
  ];
  assert.equal(await goesOn(home), [...passedOver, "No sessions.", ""].join("\n"));
  const debug = await home.rdg(["debug", "sh", "-c", "echo went on"]);
  assert.deepEqual([debug.code, debug.stdout], [0, "went on\n"]);
  assert.equal(debug.stderr, `${passedOver.join("\n")}\n`);
  const quiet = await home.rdg(["debug", "--quiet", "sh", "-c", "echo went on"]);
  assert.equal(quiet.stderr, "");
  const init = await home.rdg(["init", "--editor", "vscode"]);
  assert.equal(init.code, 0);
  assert(init.stderr.startsWith(passedOver.join("\n")), init.stderr);
});

Deno.test("a plugin that somebody else could have written is passed over", async () => {
  await using home = await pluginHome({ debugpy: null });
  const file = await home.put("toyq/plugin.ts", scheduler());
  const open: readonly [string, number, number][] = [
    [file, 0o620, 0o600],
    [`${home.plugins}/toyq`, 0o777, 0o700],
    [home.plugins, 0o770, 0o700],
    [`${home.sandbox.env.HOME}/.config`, 0o702 | 0o020, 0o700],
  ];
  for (const [path, bad, good] of open) {
    await Deno.chmod(path, bad);
    const said = await goesOn(home);
    assert(said.includes(`others can write ${path}: chmod go-w ${path}`), said);
    await Deno.chmod(path, good);
  }
  assert.equal(await goesOn(home), "No sessions.\n");
  await Deno.chmod(`${home.sandbox.env.HOME}/.config`, 0o777);
  const added = await home.rdg(["plugin", "add", "--yes", `${examples}/tinyq`]);
  assert.match(added.stderr, /^Added tinyq .*\nIt is not used yet: others can write .*\.config: /m);
  await home.rdg(["plugin", "remove", "--force", "tinyq"]);
  await Deno.chmod(`${home.sandbox.env.HOME}/.config`, 0o700);
  if (Deno.uid() !== 0) return;
  await Deno.chown(file, 12345, 12345);
  assert.match(await goesOn(home), /plugin\.ts belongs to another user \(uid 12345\)/);
  await Deno.chown(file, 0, 0);
  // A link is as good as what it leads to.
  const elsewhere = await home.sandbox.write("elsewhere.ts", scheduler({ name: '"toyr"' }));
  await Deno.chmod(elsewhere, 0o666);
  await Deno.symlink(elsewhere, `${home.plugins}/link.ts`);
  assert.match(await goesOn(home), /others can write .*elsewhere\.ts/);
});

/** Members of a scheduler that loads well, and what is said when it is asked for the jobs. */
const misbehaving: Readonly<Record<string, readonly [Record<string, string>, RegExp, number]>> = {
  "loops": [
    { list: "function* () { while (true); }" },
    /list\(\) took longer than 2 s and was ended/,
    1,
  ],
  "yields for ever what it didn't declare": [
    { list: 'function* () { while (true) yield { program: "sh", args: ["-c", "id"] }; }' },
    /it wants to run "sh" for plugin "toyq": it declares "toystat"/,
    1,
  ],
  "slips": [{ list: "function* () { null.x; }" }, /list\(\) threw TypeError: /, 1],
  "gives rubbish": [
    { list: 'function* () { return [{ id: 7, state: "R" }]; }' },
    /list\(\) gave rubbish: list\(\)\[0\]\.id is 7: want an id/,
    1,
  ],
  "gives a job whose id leads out of a folder": [
    {
      list: 'function* () { return [{ id: "../x", displayId: "x", name: "", state: "running", ' +
        'stateText: "R", nodes: [] }]; }',
    },
    /list\(\) gave rubbish: list\(\)\[0\]\.id is "\.\.\/x"/,
    1,
  ],
  "is no generator": [{ list: "() => []" }, /list\(\) threw TypeError: it is no generator/, 1],
  "is asynchronous": [
    { list: "async () => []" },
    /list\(\) threw TypeError: it is no generator/,
    1,
  ],
  "asks for something that is no program": [
    { list: "function* () { yield 3; }" },
    /list\(\) gave rubbish: list\(\)'s step is 3: want an object/,
    1,
  ],
  "fills the memory": [
    { list: "function* () { const all = []; while (true) all.push(new Array(1e6).fill(1.5)); }" },
    /list\(\) used more than 256 MB and was ended/,
    1,
  ],
  "fails in words": [
    {
      list: 'function* () { throw Object.assign(new Error("no \\u001b[31mserver", ' +
        '{ cause: "its words" }), { hint: "wait" }); }',
    },
    /^Cannot list your jobs: no server\n {2}its words\nTry: wait\n$/,
    5,
  ],
};

Deno.test("a scheduler's plugin that misbehaves in use is named", async (t) => {
  await using home = await pluginHome({ debugpy: null });
  for (const [what, [members, reason, code]] of Object.entries(misbehaving)) {
    await t.step(what, async () => {
      const file = await home.put("toyq.ts", scheduler(members));
      const hurry = loops(what);
      const done = await home.rdg(["attach", "7", "--scheduler", "toyq"], { hurry });
      assert.match(done.stderr, reason);
      assert.equal(done.code, code);
      if (code === 1) {
        assert(done.stderr.startsWith(`Cannot use the plugin "toyq" in ${file}: `), done.stderr);
        assert.match(done.stderr, /^Try: rdg plugin test /m);
      }
      const tested = await home.rdg(["plugin", "test", "toyq"], { hurry });
      assert.equal(tested.code, code === 5 ? 0 : 1, tested.stderr);
      // Each check is made, also after one that cost the plugin its process.
      assert.doesNotMatch(tested.stderr, /its process has ended/);
    });
  }
});

/** Members of an editor that loads well, and what is said when it is to set itself up. */
const badEditors: Readonly<Record<string, readonly [Record<string, string>, RegExp]>> = {
  "loops": [{ apply: "() => { while (true); }" }, /apply\(\) took longer than 2 s/],
  "slips": [{ apply: "() => null.x" }, /apply\(\) threw TypeError/],
  "gives rubbish": [{ apply: '() => "text"' }, /apply\(\) gave rubbish: apply\(\) is "text": want/],
  "gives no text": [{ apply: "() => ({})" }, /apply\(\)\.text is nothing: want a text or null/],
  "gives a promise": [
    { apply: "async () => ({})" },
    /apply\(\) threw TypeError: it gave a promise/,
  ],
};

Deno.test("an editor's plugin that misbehaves is left out, the others are set up", async (t) => {
  await using home = await pluginHome({ debugpy: null });
  const { dir } = home.sandbox;
  for (const [what, [members, reason]] of Object.entries(badEditors)) {
    await t.step(what, async () => {
      const file = await home.put("toyed.ts", editor(members));
      const hurry = loops(what);
      const both = await home.rdg(["init", "--editor", "toyed,zed"], { hurry });
      assert.equal(both.code, 0, both.stderr);
      assert.match(both.stderr, reason);
      assert(both.stderr.startsWith(`Passed over ToyEd: Cannot use the plugin "toyed" in ${file}`));
      assert.match(await Deno.readTextFile(`${dir}/.zed/debug.json`), /rdg: Attach/);
      await Deno.remove(`${dir}/.zed`, { recursive: true });
      const alone = await home.rdg(["init", "--editor", "toyed"], { hurry });
      assert.equal(alone.code, 1);
      assert.match(alone.stderr, reason);
      assert.deepEqual(await Array.fromAsync(Deno.readDir(dir)), []);
    });
  }
});

Deno.test("a folder of plugins that can't be read is named, and the command goes on", async () => {
  await using home = await pluginHome({ debugpy: null });
  await home.put("toyq.ts", scheduler());
  await Deno.remove(home.plugins, { recursive: true });
  await Deno.writeTextFile(home.plugins, "a file");
  assert.equal(await goesOn(home), "No sessions.\n");
  await Deno.remove(home.plugins);
  await Deno.symlink("plugins", home.plugins);
  assert.equal(await goesOn(home), "No sessions.\n");
  await Deno.remove(home.plugins);
  await Deno.mkdir(home.plugins, { mode: 0o000 });
  // Without root's power to read where a mode forbids it.
  const without = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"];
  const words = [...Deno.uid() === 0 ? without : [], ...rdg, "sessions", "--scheduler", "local"];
  await using child = start(words, { sandbox: home.sandbox });
  assert.equal((await child.status()).code, 0, child.stderr);
  assert.match(child.stderr, /plugins: it cannot be read \(.*\)\nNo sessions\.\n$/);
});

Deno.test("nothing is loaded from the project that is debugged", async () => {
  await using home = await pluginHome({ debugpy: null });
  const { dir } = home.sandbox;
  for (const folder of [".config/rdg/plugins", "rdg/plugins", "plugins", ".rdg/plugins"]) {
    await Deno.mkdir(`${dir}/${folder}`, { recursive: true });
    await Deno.writeTextFile(`${dir}/${folder}/toyq.ts`, scheduler());
  }
  for (const value of [".config", "", "./.config"]) {
    const env = { XDG_CONFIG_HOME: value };
    const done = await home.rdg(["attach", "--scheduler=toyq"], { env });
    assert.equal(done.code, 2);
    assert.match(done.stderr, /there is no such scheduler/);
  }
});
