/**
 * The example of an editor in README, "Writing a plugin", end to end: added by the real command, and
 * `rdg init` writes its file, in a project where the person has one of their own and where not.
 */

import assert from "node:assert/strict";
import { profile } from "../../../commands/plugin/checks/editor.ts";
import quill from "../../plugins/examples/quill/plugin.ts";
import { examples, pluginHome } from "./_home.ts";

const file = ".quill.conf";
const own = await Deno.readTextFile(`${examples}/quill/testdata/own.conf`);

Deno.test("an editor of one's own: from rdg plugin test to rdg init --remove", async (t) => {
  await using home = await pluginHome({ debugpy: null });
  const { sandbox } = home;
  const env = { XDG_CONFIG_HOME: `${sandbox.env.HOME}/settings` };
  const rdg = (...words: string[]) => home.rdg(words, { env });
  const path = `${sandbox.dir}/${file}`;
  const read = () => Deno.readTextFile(path);

  await t.step("its cases hold, and it is added", async () => {
    const tested = await rdg("plugin", "test", `${examples}/quill`);
    assert.deepEqual([tested.code, /^12 checks, all well$/m.test(tested.stderr)], [0, true]);
    const added = await rdg("plugin", "add", "--yes", `${examples}/quill`);
    assert.equal(added.code, 0, added.stderr);
    assert.match(added.stderr, /^ {2}may start: nothing\n {2}edits: \.quill\.conf$/m);
    assert.ok((await Deno.stat(`${env.XDG_CONFIG_HOME}/rdg/plugins/quill`)).isDirectory);
  });
  await t.step("its file is made, found again, and taken away", async () => {
    for (const name of ["quill", "ql"]) {
      const made = await rdg("init", `--editor=${name}`);
      assert.deepEqual([made.code, made.stderr], [
        0,
        `Wrote ${file} (Quill)\nIn Quill: press F8 and choose "rdg: Attach".\n`,
      ]);
      const text = await read();
      assert.match(text, /^\[debug "rdg: Attach"\]\nadapter = "debugpy"\nhost = "127\.0\.0\.1"$/m);
      assert.ok(text.includes(`local = "${sandbox.dir}"\n`), text);
      // Without being named: its file is there.
      assert.match((await rdg("init")).stderr, /^\.quill\.conf needs no change \(Quill\)$/m);
      assert.equal(await read(), text);
      assert.equal((await rdg("init", "--remove")).stderr, `Removed ${file}\n`);
      await assert.rejects(read);
    }
  });
  await t.step("what the person has in it stays, comments included", async () => {
    await Deno.writeTextFile(path, own);
    assert.match((await rdg("init")).stderr, /^Changed \.quill\.conf \(Quill\)$/m);
    const text = await read();
    assert.ok(text.startsWith(own), text);
    assert.match((await rdg("init")).stderr, /needs no change/);
    assert.match((await rdg("init", "--remove")).stderr, /^Changed \.quill\.conf$/m);
    assert.equal(await read(), own);
  });
  await t.step("an entry that they changed stays as well, until they say --force", async () => {
    assert.equal((await rdg("init")).code, 0);
    const mine = (await read()).replace("port = 5678", "port = 7777 # a tunnel of mine");
    await Deno.writeTextFile(path, mine);
    const left = /^\[debug "rdg: Attach"\] in \.quill\.conf was changed by hand: left as it is/m;
    assert.match((await rdg("init")).stderr, left);
    assert.equal(await read(), mine);
    assert.match((await rdg("init", "--remove")).stderr, left);
    assert.match(await read(), /^port = 7777 # a tunnel of mine$/m);
    assert.equal((await rdg("init", "--remove", "--force")).code, 0);
    assert.equal(await read(), own);
  });
  await t.step("what is no file of Quill's is refused, and stays", async () => {
    await Deno.writeTextFile(path, "<html>\n");
    const { code, stderr } = await rdg("init");
    assert.equal(code, 1);
    assert.match(stderr, /\.quill\.conf": line 1 is neither a section nor a value nor a comment$/m);
    assert.equal(await read(), "<html>\n");
  });
});

Deno.test("quill.remove(quill.apply()) gives any file of the person's back, byte by byte", () => {
  const texts = {
    "nothing but a mark": "\uFEFF",
    "no end of the last line": own.trimEnd(),
    "an end of its own": `${own}\n\n  \n`,
    "Windows": own.replaceAll("\n", "\r\n"),
    "Windows, no end, a mark": `\uFEFF${own.trimEnd().replaceAll("\n", "\r\n")}`,
    "a comment alone": "# nothing yet",
    "one value": "theme=dark",
  };
  for (const [name, oldText] of Object.entries(texts)) {
    const { text } = quill.apply({ file, oldText, profile });
    assert.ok(text !== null && text.length > oldText.length && text.startsWith(oldText), name);
    assert.equal(text.replaceAll("\r\n", "").includes("\n"), !oldText.includes("\r\n"), name);
    assert.equal(quill.apply({ file, oldText: text, profile }).text, text, name);
    const { text: back } = quill.remove({ file, oldText: text, profile });
    assert.equal(back, oldText === "\uFEFF" ? null : oldText, name);
  }
});

Deno.test("quill.remove() leaves a question that a section of the person's asks, too", () => {
  const { text } = quill.apply({ file, oldText: own, profile });
  const mine = `${text}\n[debug "mine"]\nport = "\${ask:computeNodePort}"\n`;
  const { text: left, notes } = quill.remove({ file, oldText: mine, profile });
  const [, ...sections] = (left ?? "").slice(own.length).split(/^\[/m);
  assert.deepEqual(sections.map((section) => section.split("]")[0]), [
    'ask "computeNodePort"',
    'debug "mine"',
  ]);
  assert.deepEqual(notes, [
    '[ask "computeNodePort"] in .quill.conf stays: another section uses it',
  ]);
});
