/**
 * Every editor's generated file against a real program under `rdg debug`: the exact attach arguments out of the file,
 * prompts filled in, stop the program at a breakpoint that was set by the local path. Starts python3,
 * and emacs for elisp.
 *
 * @module
 */

import assert from "node:assert/strict";
import { attachProfile } from "../../../commands/init/profile.ts";
import { launchConfiguration, launchFile } from "../../../plugins/editors/vscode.ts";
import { editors } from "../../../plugins/editors.ts";
import { attachAndStop, breakpointLine, type Debuggee, program, startProgram } from "./_dap.ts";
import * as resolve from "./_resolve.ts";

/** How each plugin's file is read. Plugins that write none are told apart below. */
const readers: Record<
  string,
  { file: string; read: (text: string, at: resolve.Situation) => unknown }
> = {
  vscode: { file: launchFile, read: resolve.vscode },
  neovim: { file: launchFile, read: resolve.neovim },
  vimspector: { file: ".vimspector.json", read: resolve.vimspector },
  dape: { file: "~/.config/rdg/dape.el", read: resolve.dape },
  zed: { file: ".zed/debug.json", read: resolve.zed },
  helix: { file: ".helix/languages.toml", read: resolve.helix },
  sublime: { file: "proj.sublime-project", read: resolve.sublime },
  kate: { file: ".kateproject", read: resolve.kate },
};

/** They write the very file that VS Code does. */
const likeVscode = ["cursor", "windsurf", "vscodium", "theia"];

/** dap-mode attaches by itself in its own test; the others keep no file. */
const elsewhere = ["dap-mode", "pycharm", "visual-studio"];

const needs: Record<string, { there: () => Promise<boolean>; missing: string }> = {
  dape: { there: () => resolve.has("emacs"), missing: "no emacs: apt-get install emacs-nox" },
  helix: {
    there: () => resolve.has("python3", ["-c", "import tomllib"]),
    missing: "python3 is older than 3.11 and reads no TOML",
  },
};

/** A project with a copy on "the cluster". */
async function folders(): Promise<
  AsyncDisposable & { local: string; remote: string; top: string }
> {
  const top = await Deno.realPath(await Deno.makeTempDir({ prefix: "rdg attach " }));
  const [local, remote] = [`${top}/desk/proj`, `${top}/pfs/proj`];
  for (const folder of [local, remote]) {
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(`${folder}/train.py`, program);
  }
  return { local, remote, top, [Symbol.asyncDispose]: () => Deno.remove(top, { recursive: true }) };
}

function answers({ port, token }: Debuggee, remote: string): Record<string, string> {
  return {
    localTunnelPort: String(port),
    remoteWorkspaceFolder: remote,
    computeNodeHost: "127.0.0.1",
    computeNodePort: String(port),
    rdgToken: token,
  };
}

Deno.test("every editor has a way of being tried against debugpy", () => {
  assert.deepEqual(
    editors.map(({ name }) => name).sort(),
    [...Object.keys(readers), ...likeVscode, ...elsewhere].sort(),
  );
  const profile = attachProfile({ localRoot: "/p", realRoot: "/p" });
  const texts = editors.filter(({ name }) => ["vscode", ...likeVscode].includes(name))
    .map((plugin) => plugin.apply({ file: launchFile, oldText: null, profile }).text);
  assert.equal(texts.length, 5);
  assert.equal(new Set(texts).size, 1);
});

/** Makes a test that is skipped, and says why, where something is missing. */
async function tried(
  name: string,
  fn: (t: Deno.TestContext) => Promise<void>,
  need?: { there: () => Promise<boolean>; missing: string },
): Promise<void> {
  const missing = need && !await need.there() ? need.missing : undefined;
  Deno.test({
    name: missing === undefined ? name : `${name} (skipped: ${missing})`,
    ignore: missing !== undefined,
    fn,
  });
}

for (const plugin of editors.filter(({ name }) => Object.hasOwn(readers, name))) {
  await tried(`${plugin.name}.apply() gives entries that stop at a local breakpoint`, async (t) => {
    await using place = await folders();
    const { file, read } = readers[plugin.name]!;
    // The compute node's entry maps nothing where paths are equal; here it goes through a link.
    const linked = `${place.top}/home`;
    await Deno.symlink(`${place.top}/pfs`, linked);
    const local = { attach: place.local, tunnel: place.local, node: `${linked}/proj` };
    const stopped: string[] = [];
    for (const id of ["attach", "tunnel", "node"] as const) {
      const localRoot = local[id];
      const profile = attachProfile({ localRoot, realRoot: await Deno.realPath(localRoot) });
      const text = plugin.apply({ file, oldText: null, profile }).text!;
      const { name } = profile.entries.find((entry) => entry.id === id)!;
      if (!text.includes(name) && !text.includes(`rdg-${id}`)) continue;
      await t.step(name, async () => {
        await using debuggee = await startProgram("train.py", { cwd: place.remote });
        const situation = {
          id,
          name,
          folder: localRoot,
          answers: answers(debuggee, place.remote),
        };
        const attach = await read(text, situation);
        const stop = await attachAndStop(debuggee, { attach, file: `${localRoot}/train.py` });
        assert.deepEqual(stop, {
          verified: true,
          path: `${localRoot}/train.py`,
          line: breakpointLine,
          x: "21",
        });
      });
      stopped.push(id);
    }
    const asks = !["zed", "sublime"].includes(plugin.name);
    const expected = asks ? ["attach", "tunnel", "node"] : ["attach"];
    assert.deepEqual(stopped, plugin.name === "kate" ? ["attach", "tunnel"] : expected);
  }, needs[plugin.name]);
}

Deno.test(
  "attach arguments without a mapping stop where paths are equal, and only there",
  async () => {
    await using place = await folders();
    const profile = attachProfile({ localRoot: place.remote, realRoot: place.remote });
    const node = launchConfiguration(profile.entries[2]!, profile);
    assert.equal(node.pathMappings, undefined);
    for (const [folder, stops] of [[place.remote, true], [place.local, false]] as const) {
      await using debuggee = await startProgram("train.py", { cwd: place.remote });
      const stop = await attachAndStop(debuggee, {
        attach: { ...node, rdgToken: debuggee.token },
        file: `${folder}/train.py`,
      });
      assert.equal(stop !== null, stops, folder);
    }
  },
);

Deno.test(
  'attach arguments with "." find a project that was started in its own folder',
  async () => {
    await using place = await folders();
    const profile = attachProfile({ localRoot: place.local, realRoot: place.local });
    const entry = launchConfiguration(profile.entries[0]!, profile);
    const attach = JSON.parse(JSON.stringify(entry).replace("${workspaceFolder}", place.local));
    for (const [cwd, stops] of [[place.remote, true], [place.top, false]] as const) {
      await using debuggee = await startProgram(`${place.remote}/train.py`, { cwd });
      const stop = await attachAndStop(debuggee, { attach, file: `${place.local}/train.py` });
      assert.equal(stop !== null, stops, cwd);
    }
  },
);
