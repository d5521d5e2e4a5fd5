/**
 * Helix's languages.toml: the block goes where it belongs, nothing else moves, and Python's TOML
 * parser reads what comes out. Starts python3 (3.11 or later).
 *
 * @module
 */

import assert from "node:assert/strict";
import { helix } from "../../../plugins/editors/helix.ts";
import { profile } from "./_profile.ts";
import { has, readToml } from "./_resolve.ts";

const file = ".helix/languages.toml";

const debuggerTable = `[language.debugger]
name = "mine"
transport = "stdio"
command = "mine"
[[language.debugger.templates]]
name = "file"
request = "launch"
args = { program = "{0}" }
`;

/** Files in which the block finds its place. */
const corpus: Record<string, string> = {
  empty: "",
  "comments only": "# mine\n\n# yours",
  "other languages":
    '[[language]]\nname = "rust"\nauto-format = true\n\n[language-server.x]\ncommand = "x"',
  "python without a debugger":
    '[[language]] # one\nname = "python" # two\nroots = [\n  "a", # ]\n  "b",\n]\n\n# about rust\n[[language]]\nname = "rust"\n',
  "python with a debugger":
    `[[language]]\nname = 'python'\nformatter = { command = "black", args = ["-q"] }\n\n${debuggerTable}\n# about rust\n[[language]]\nname = "rust"\n[language.debugger]\nname = "lldb"\ntransport = "stdio"\ncommand = "lldb"\n`,
  "a debugger at the end, no line end": `[[language]]\nname = "python"\n${debuggerTable.trimEnd()}`,
  "texts over several lines":
    `[[language]]\nname = "rust"\ncomment = """\n[[language]]\nname = "python"\n\\"""\n"""\nother = '''\n[[language]]\n'''\n[[language]]\nname = "python"\nx = "a # \\" ]["\n`,
  "windows line ends": '[[language]]\r\nname = "python"\r\n\r\n[[language]]\r\nname = "go"\r\n',
};

function apply(oldText: string | null, force = false) {
  return helix.apply({ file, oldText, profile, force });
}

Deno.test("helix.apply() and remove() are each other's inverse", () => {
  for (const [name, text] of Object.entries(corpus)) {
    const { text: after, notes } = apply(text);
    assert.equal(notes, undefined, name);
    assert.notEqual(after, text, name);
    assert.equal(apply(after).text, after, name);
    const back = helix.remove({ file, oldText: after!, profile });
    assert.equal(back.text, text === "" ? null : text, name);
  }
});

const toml = await has("python3", ["-c", "import tomllib"]);

Deno.test({
  name: "helix.apply() adds rdg's templates to the Python debugger and changes no other value" +
    (toml ? "" : " (skipped: python3 is older than 3.11 and reads no TOML)"),
  ignore: !toml,
  async fn() {
    for (const [name, text] of Object.entries(corpus)) {
      const before = await readToml(text);
      const after = await readToml(apply(text).text!);
      type Language = { name: string; debugger?: { templates?: { name: string }[] } };
      const python = after.language.find((language: Language) => language.name === "python");
      const templates = python.debugger.templates.map((template: { name: string }) =>
        template.name
      );
      const own = before.language?.find((language: Language) => language.name === "python")
        ?.debugger;
      assert.deepEqual(
        templates,
        [...(own ? ["file"] : []), "rdg-attach", "rdg-tunnel", "rdg-node"],
        name,
      );
      assert.equal(python.debugger.name, own ? "mine" : "debugpy", name);
      python.debugger.templates.splice(own ? 1 : 0);
      if (own) assert.deepEqual(python.debugger, own, name);
      else delete python.debugger;
      const known = before.language?.some((language: Language) => language.name === "python");
      const languages = after.language.filter((language: Language) => known || language !== python);
      assert.deepEqual({ ...after, language: languages }, { language: [], ...before }, name);
    }
  },
});

Deno.test("helix.apply() leaves inline tables alone and says what to add", () => {
  const inline = [
    'language = [{ name = "python" }]\n',
    '[[language]]\nname = "python"\ndebugger = { name = "x" }\n',
    '[[language]]\nname = "python"\ndebugger.name = "x"\n',
    '[[language]]\nname = "python"\n[language.debugger]\nname = "x"\ntemplates = []\n',
  ];
  for (const text of inline) {
    const edit = apply(text);
    assert.equal(edit.text, text);
    assert.match(edit.notes!.join(), /inline.*Add to it:\n[^]*name = "rdg-attach"/);
  }
});

Deno.test("helix.apply() leaves a block that was changed by hand, unless forced", () => {
  const mine = apply(null).text!.replace("5678", "9999");
  const kept = apply(mine);
  assert.equal(kept.text, mine);
  assert.match(kept.notes!.join(), /differs/);
  assert.equal(apply(mine, true).text, apply(null).text);
  assert.equal(helix.remove({ file, oldText: mine, profile }).text, mine);
  assert.equal(helix.remove({ file, oldText: mine, profile, force: true }).text, null);
});

Deno.test("helix.apply() refuses a file with an open string or list", () => {
  for (const text of ['a = """\n', "a = [\n", 'a = "x\n']) {
    assert.throws(() => apply(text), SyntaxError, text);
  }
});
