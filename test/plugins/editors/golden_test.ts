/**
 * The new file of every editor, whole, as it was looked at and found right. `UPDATE_GOLDEN=1` writes
 * testdata/golden anew. Also: the programs that are at hand read their file.
 *
 * @module
 */

import assert from "node:assert/strict";
import { editors } from "../../../plugins/editors.ts";
import { linked, profile } from "./_profile.ts";
import { has, pipe } from "./_resolve.ts";

const folder = new URL("./testdata/golden/", import.meta.url);

/** Each editor's files by name of the golden one, a file that several share once. */
function fresh(): Map<string, string> {
  const texts = new Map<string, string>();
  for (const plugin of editors) {
    const own = ["cursor", "windsurf", "vscodium", "theia"].includes(plugin.name);
    for (const { path, fresh } of own ? [] : plugin.files) {
      const file = (fresh ?? (path.includes("*") ? "" : path)).replace("${folder}", "proj");
      if (!file) continue;
      const last = file.slice(file.lastIndexOf("/") + 1);
      texts.set(`${plugin.name}.${last}`, plugin.apply({ file, oldText: null, profile }).text!);
    }
    const lines = plugin.instructions(profile);
    assert.ok(lines.length > 0 && lines.every((line) => line.length > 0), plugin.name);
    texts.set(`${plugin.name}.txt`, lines.join("\n") + "\n");
  }
  return texts;
}

Deno.test("apply() and instructions() give the golden texts", async () => {
  const texts = fresh();
  if (Deno.env.get("UPDATE_GOLDEN")) {
    await Deno.mkdir(folder, { recursive: true });
    for (const [name, text] of texts) await Deno.writeTextFile(new URL(name, folder), text);
  }
  for (const [name, text] of texts) {
    assert.equal(text, await Deno.readTextFile(new URL(name, folder)), name);
  }
  const known = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  assert.deepEqual(known.sort(), [...texts.keys()].sort());
});

Deno.test("apply() shows every prompt of an entry, or leaves the entry out", () => {
  const more = {
    ...profile,
    entries: [...profile.entries, {
      id: "rank",
      name: "rdg: Rank",
      host: "127.0.0.1",
      port: 5678,
      extra: { rdgRank: { input: "rank" } },
    }],
    inputs: [...profile.inputs, { id: "rank", description: "Which rank" }],
  };
  for (const plugin of editors) {
    for (const { path, fresh } of plugin.files) {
      if (path.includes("*") || path.endsWith(".lua")) continue;
      const text = plugin.apply({ file: fresh ?? path, oldText: null, profile: more }).text!;
      const asks = !["zed", "dap-mode"].includes(plugin.name);
      assert.equal(text.includes("rdgRank"), asks, plugin.name);
    }
  }
});

Deno.test("apply() maps the resolved folder in every editor that can reach a compute node", () => {
  for (const plugin of editors) {
    for (const { path, fresh } of plugin.files) {
      if (path.includes("*") || path.endsWith(".lua") || path.endsWith(".el")) continue;
      if (["zed", "dap-mode", "kate"].includes(plugin.name)) continue;
      const file = fresh ?? path;
      assert.match(
        plugin.apply({ file, oldText: null, profile: linked }).text!,
        /\/pfs\/homes\/ada/,
      );
      assert.doesNotMatch(plugin.apply({ file, oldText: null, profile }).text!, /pfs/);
    }
  }
});

Deno.test("neovim.apply() says when nvim-dap can't read the file", () => {
  const neovim = editors.find(({ name }) => name === "neovim")!;
  const notes = (oldText: string) =>
    neovim.apply({ file: ".vscode/launch.json", oldText, profile }).notes?.join() ?? "";
  for (const hard of ['{ "a": 1, }', '{ "a": 1 // b\n}', "{ /* a */ }"]) {
    assert.match(notes(hard), /nvim-dap reads neither/);
  }
  assert.equal(notes('// a\n{\n  // b\n  "a": "//"\n}\n'), "");
});

/** A stand-in for nvim-dap, of which only what the drop-in touches is there. */
const stub = (providers: boolean) => `
package.loaded["dap"] = { adapters = {}, providers = ${providers ? "{}" : "nil"} }
local loaded = vim.NIL
package.loaded["dap.ext.vscode"] = { load_launchjs = function(_, map) loaded = map end }
dofile("rdg.lua")
vim.bo.filetype = "python"
local found
package.loaded["dap"].adapters.debugpy(function(adapter) found = adapter end,
  { connect = { host = "127.0.0.1", port = "5678" } })
io.stdout:write(vim.fn.json_encode({ adapter = found, loaded = loaded,
  entries = vim.fn.json_decode(vim.fn.readfile(".vscode/launch.json")).configurations }))
vim.cmd("qall!")
`;

const nvim = await has("nvim");

Deno.test({
  name: "neovim.apply() gives Lua and JSON that Neovim itself reads" +
    (nvim ? "" : " (skipped: no nvim: apt-get install neovim)"),
  ignore: !nvim,
  async fn() {
    const top = await Deno.makeTempDir({ prefix: "rdg-nvim-" });
    try {
      await Deno.mkdir(`${top}/.vscode`);
      const texts = fresh();
      await Deno.writeTextFile(`${top}/rdg.lua`, texts.get("neovim.rdg.lua")!);
      await Deno.writeTextFile(`${top}/.vscode/launch.json`, texts.get("neovim.launch.json")!);
      for (const providers of [false, true]) {
        await Deno.writeTextFile(`${top}/test.lua`, stub(providers));
        const out = JSON.parse(
          await pipe("nvim", {
            args: ["--headless", "-u", "NONE", "-i", "NONE", "-c", "luafile test.lua"],
            stdin: "",
            cwd: top,
            env: { HOME: top, XDG_STATE_HOME: top },
          }),
        );
        assert.deepEqual(out.adapter, { type: "server", host: "127.0.0.1", port: 5678 });
        assert.deepEqual(out.loaded, providers ? null : { debugpy: ["python"] });
        assert.equal(out.entries.length, 3);
      }
    } finally {
      await Deno.remove(top, { recursive: true });
    }
  },
});

const vim = await has("vim.nox", ["--version"]) ? "vim.nox" : "vim";
const vimReads = await has(vim, [
  "--not-a-term",
  "-es",
  "-u",
  "NONE",
  "-c",
  "if !has('python3')|cq|endif",
  "-c",
  "qa!",
]);

Deno.test({
  name: "vimspector.apply() gives JSON that a Vim with Python 3 reads" +
    (vimReads ? "" : " (skipped: no Vim with Python 3: apt-get install vim-nox)"),
  ignore: !vimReads,
  async fn() {
    const top = await Deno.makeTempDir({ prefix: "rdg-vim-" });
    try {
      await Deno.writeTextFile(
        `${top}/.vimspector.json`,
        fresh().get("vimspector..vimspector.json")!,
      );
      const read = "py3 import json, vim; open('out', 'w').write(" +
        "' '.join(json.load(open('.vimspector.json'))['adapters']))";
      await pipe(vim, {
        args: ["--not-a-term", "-es", "-u", "NONE", "-i", "NONE", "-c", read, "-c", "qa!"],
        stdin: "",
        cwd: top,
      });
      assert.equal(await Deno.readTextFile(`${top}/out`), "rdg-attach rdg-tunnel rdg-node");
    } finally {
      await Deno.remove(top, { recursive: true });
    }
  },
});
