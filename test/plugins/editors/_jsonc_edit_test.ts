/**
 * Round trips of launch.json: what was there stays, byte for byte, and what was added is found by
 * strict readers. Reads testdata/launch.
 *
 * @module
 */

import assert from "node:assert/strict";
import { parse, type ParseError, stripComments } from "jsonc-parser";
import { editors } from "../../../plugins/editors.ts";
import { launchConfiguration, launchFile, vscode } from "../../../plugins/editors/vscode.ts";
import { profile } from "./_profile.ts";

const folder = new URL("./testdata/launch/", import.meta.url);

async function corpus(): Promise<[string, string][]> {
  const files: [string, string][] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const bytes = await Deno.readFile(new URL(name, folder));
    files.push([name, new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)]);
  }
  assert.ok(files.length >= 15);
  return files.sort(([a], [b]) => a < b ? -1 : 1);
}

function apply(oldText: string | null, force = false): string {
  return vscode.apply({ file: launchFile, oldText, profile, force }).text!;
}

/** Whether `part` is `whole` with pieces left out. */
function isSubsequence(part: string, whole: string): boolean {
  let at = 0;
  for (let index = 0; index < whole.length; index++) if (whole[index] === part[at]) at++;
  return at === part.length;
}

interface Launch {
  configurations: ({ name?: string } | null)[];
  inputs: { id: string }[];
}

/** Reads with comments and trailing commas allowed, and nothing else. */
function strict(text: string): Launch {
  const errors: ParseError[] = [];
  const value = parse(text.replace(/^\ufeff/, ""), errors, { allowTrailingComma: true });
  assert.deepEqual(errors, []);
  return value as Launch;
}

/** What has to hold for any text that is a launch.json. */
function check(before: string, name: string): void {
  const after = apply(before);
  const { configurations, inputs } = strict(after);
  assert.deepEqual(
    configurations.slice(0, 3),
    profile.entries.map((entry) => launchConfiguration(entry, profile)),
    name,
  );
  for (const { id } of profile.inputs) {
    assert.equal(inputs.filter((input) => input.id === id).length, 1, `${name}: ${id}`);
  }
  assert.ok(isSubsequence(before.replace(/\ufeff/, ""), after.replace(/\ufeff/, "")), name);
  assert.equal(apply(after), after, `${name}: a second time`);
  const back = vscode.remove({ file: launchFile, oldText: after, profile });
  assert.equal(back.text, before, `${name}: back again`);
  assert.equal(back.notes, undefined, name);
}

Deno.test("vscode.apply() and remove() keep every byte of real-world files", async () => {
  for (const [name, text] of await corpus()) check(text, name);
});

Deno.test("vscode.apply() adds text in a few places and changes nothing else", async () => {
  for (const [name, text] of await corpus()) {
    const after = apply(text);
    // Taking the new configurations' and inputs' lines out leaves the old text's values alone.
    const old = strict(text) as Partial<Launch>;
    const now = strict(after);
    assert.deepEqual(now.configurations.slice(3), old.configurations ?? [], name);
    const ids = new Set(profile.inputs.map(({ id }) => id));
    const theirs = (old.inputs ?? []).map(({ id }) => id);
    assert.deepEqual(
      now.inputs.filter(({ id }) => !ids.has(id) || theirs.includes(id)),
      old.inputs ?? [],
      name,
    );
    const comments = (source: string) => source.length - stripComments(source).length;
    assert.equal(comments(after), comments(text), name);
    const eol = /\r\n|\n|\r/.exec(text)?.[0];
    if (eol) assert.equal(after.replaceAll(eol, "").search(/[\r\n]/), -1, `${name}: line ends`);
    if (name.includes("tabs")) assert.match(after, /\r\n\t\t\{\r\n\t\t\t"name": "rdg: Attach"/);
  }
});

Deno.test("vscode.apply() makes a new file strict JSON, and remove() takes it away", () => {
  const text = apply(null);
  assert.equal(JSON.parse(text).configurations[0].name, "rdg: Attach");
  assert.equal(vscode.remove({ file: launchFile, oldText: text, profile }).text, null);
  assert.equal(apply(""), text);
  assert.equal(apply("\ufeff \n"), `\ufeff \n${text}`);
  const commented = "// only a comment\n";
  assert.equal(
    vscode.remove({ file: launchFile, oldText: apply(commented), profile }).text,
    commented,
  );
});

Deno.test("vscode.apply() leaves an entry that was changed by hand, and says so", () => {
  const mine = apply(null).replace('"remoteRoot": "."', '"remoteRoot": "/scratch/x"');
  const kept = vscode.apply({ file: launchFile, oldText: mine, profile });
  assert.equal(kept.text, mine);
  assert.match(kept.notes!.join("\n"), /"rdg: Attach" is there but differs.*--force/);
  assert.equal(apply(mine, true), apply(null));
  const left = vscode.remove({ file: launchFile, oldText: mine, profile });
  assert.deepEqual(strict(left.text!).configurations.map((c) => c?.name), ["rdg: Attach"]);
  assert.match(left.notes!.join("\n"), /was changed by hand/);
  const gone = vscode.remove({ file: launchFile, oldText: mine, profile, force: true });
  assert.equal(gone.text, null);
});

Deno.test("vscode.remove() keeps a prompt that another configuration refers to", () => {
  const text = apply(null).replace(
    '"configurations": [',
    '"configurations": [\n    { "name": "Mine", "port": "${input:localTunnelPort}" },',
  );
  const left = strict(vscode.remove({ file: launchFile, oldText: text, profile }).text!);
  assert.deepEqual(left.configurations.map((c) => c?.name), ["Mine"]);
  assert.deepEqual(left.inputs.map(({ id }) => id), ["localTunnelPort"]);
});

Deno.test("vscode.remove() keeps comments that were put between and into rdg's entries", () => {
  const between = apply(null).replace(
    '    {\n      "name": "Py',
    '    // mine\n    {\n      "name": "Py',
  );
  assert.match(vscode.remove({ file: launchFile, oldText: between, profile }).text!, /\/\/ mine/);
  const inside = apply(null).replace('"port": 5678', '"port": 5678 // mine');
  const left = vscode.remove({ file: launchFile, oldText: inside, profile });
  assert.match(left.text!, /\/\/ mine/);
  strict(left.text!);
});

Deno.test("vscode.apply() refuses what is no launch.json", () => {
  const wrong = [
    "[]",
    "1",
    '"text"',
    '{ "version" "0.2.0" }',
    '{ "configurations": {} }',
    '{ "configurations": [], "inputs": null }',
    "{} {}",
    "/* not closed",
    '{ "a": NaN }',
    "[".repeat(1_000_000),
    "\u0000",
  ];
  for (const oldText of wrong) {
    assert.throws(() => apply(oldText), SyntaxError, oldText.slice(0, 40));
    assert.throws(() => vscode.remove({ file: launchFile, oldText, profile }), SyntaxError);
  }
});

/** A small generator with a seed, so that a failure can be seen again. */
function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 12), 0x297a2d39) >>> 0;
    return ((mixed ^ (mixed >>> 15)) >>> 0) % below;
  };
}

/** Makes a JSONC text with blanks and comments in every place where they may stand. */
function generate(seed: number): string {
  const next = random(seed);
  const eol = ["\n", "\r\n", "\n"][next(3)]!;
  const style = next(4);
  const gap = (): string => {
    if (style === 0) return "";
    const parts = [
      "",
      " ",
      "  ",
      "\t",
      eol,
      eol + "    ",
      ` // c, ]}"${eol}`,
      "/* , ] } */",
      `/*${eol}*/`,
    ];
    return parts[next(style === 1 ? 6 : parts.length)]! + parts[next(6)]!;
  };
  const list = (open: string, items: string[], close: string): string => {
    const comma = items.length > 0 && style > 0 && next(3) === 0 ? `,${gap()}` : "";
    return open + gap() + items.join(`${gap()},${gap()}`) + (items.length ? gap() : "") + comma +
      close;
  };
  const pair = (key: string, value: string) => `${JSON.stringify(key)}${gap()}:${gap()}${value}`;
  const value = (depth: number): string => {
    const kind = next(depth > 2 ? 4 : 6);
    if (kind === 4) return list("[", Array.from({ length: next(3) }, () => value(depth + 1)), "]");
    if (kind === 5) {
      return list(
        "{",
        Array.from({ length: next(3) }, (_, i) => pair(`k${i}`, value(depth + 1))),
        "}",
      );
    }
    return ["null", "-1.5e3", '"a \\" // , \\u00e9 é"', "true"][kind]!;
  };
  const entry = (key: string, index: number) =>
    list("{", [pair(key, `"e${index}"`), pair("x", value(0))], "}");
  const entries = (key: string) =>
    list("[", Array.from({ length: next(4) }, (_, index) => entry(key, index)), "]");
  const pairs = [pair("version", '"0.2.0"'), pair("other", value(0))].slice(0, next(3));
  if (next(4)) pairs.splice(next(pairs.length + 1), 0, pair("configurations", entries("name")));
  if (next(2)) pairs.splice(next(pairs.length + 1), 0, pair("inputs", entries("id")));
  return (next(8) ? "" : "\ufeff") + gap() + list("{", pairs, "}") + gap();
}

Deno.test("vscode.apply() and remove() are each other's inverse on generated files", () => {
  for (let seed = 1; seed <= 3000; seed++) {
    const text = generate(seed);
    strict(text);
    check(text, `seed ${seed}: ${JSON.stringify(text)}`);
  }
});

Deno.test("remove() undoes apply() on every editor's JSON file, generated ones included", () => {
  const files = editors.flatMap((plugin) =>
    plugin.files.filter(({ path }) => /json$|project$/.test(path) && path !== launchFile)
      .map(({ path }) => ({ plugin, file: path.replace("*", "x") }))
  );
  assert.ok(files.length >= 4);
  for (const { plugin, file } of files) {
    for (let seed = 1; seed <= 300; seed++) {
      const text = file.endsWith("debug.json")
        ? `[${generate(seed).replace(/^\ufeff/, "")}]`
        : generate(seed);
      const request = { file, profile };
      // vimspector's "configurations" is an object; the generator's is a list.
      const oldText = text.replace('"configurations"', '"settings"');
      const after = plugin.apply({ ...request, oldText }).text!;
      assert.notEqual(after, oldText);
      assert.equal(plugin.apply({ ...request, oldText: after }).text, after);
      assert.equal(
        plugin.remove({ ...request, oldText: after }).text,
        oldText,
        `${plugin.name} seed ${seed}`,
      );
    }
  }
});
