/** What `rdg connect` says that one has to press, by the editors' plugins. */

import assert from "node:assert/strict";
import { whatToPress } from "../../../commands/connect/editor.ts";
import { attachProfile } from "../../../commands/init/profile.ts";
import type { EditorPlugin } from "../../../plugins/contract.ts";
import { editors } from "../../../plugins/editors.ts";

/** A project with some files, gone at the end. */
async function project(...files: string[]): Promise<AsyncDisposable & { folder: string }> {
  const folder = await Deno.makeTempDir({ prefix: "rdg-press-" });
  for (const file of files) {
    await Deno.mkdir(`${folder}/${file}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${folder}/${file}`, "");
  }
  return { folder, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}

async function words(
  files: readonly string[],
  options: { env?: Record<string, string>; port?: number; editors?: readonly EditorPlugin[] } = {},
): Promise<string> {
  await using here = await project(...files);
  const { env = {}, port = 5678, editors: known = editors } = options;
  const look = (name: string) => env[name];
  return await whatToPress({ env: look, folder: here.folder, port, editors: known });
}

Deno.test.each([
  [{ TERM_PROGRAM: "vscode" }, /^In VS Code: press F5 with "rdg: Attach" chosen/],
  [{ TERM_PROGRAM: "vscode", CURSOR_TRACE_ID: "x" }, /^In Cursor: press F5/],
  [{ TERM_PROGRAM: "vscode", NVIM: "/run/nvim.sock" }, /^In Neovim: :DapContinue, and choose/],
  [{ ZED_TERM: "true" }, /^In Zed: press F4/],
  [{ INSIDE_EMACS: "29.1,comint" }, /^In Emacs \(dape\): M-x dape, rdg-attach$/],
  [
    { TERMINAL_EMULATOR: "JetBrains-JediTerm" },
    /^In PyCharm: debug the configuration "rdg: Attach"/,
  ],
  [{ TERM_PROGRAM: "", NVIM: "" }, /^Start "rdg: Attach" in your editor/],
])("connect.whatToPress() knows the terminal of %j", async (env, pattern) => {
  assert.match(await words([], { env: env as Record<string, string> }), pattern as RegExp);
});

Deno.test("connect.whatToPress() takes the editor that the project is set up for", async () => {
  assert.match(await words([".vscode/launch.json", ".vimspector.json"]), /^In VS Code: /);
  assert.equal(
    await words([".helix/languages.toml"]),
    "In Helix: :debug-remote 127.0.0.1:5678 rdg-attach",
  );
  assert.match(await words(["my.sublime-project"]), /^In Sublime Text: /);
  assert.match(await words([".zed/settings.json"]), /^In Zed: /, "a sign of the editor's own");
  assert.match(await words([".vscode/settings.json", ".kateproject"]), /^In Kate: /);
  const env = { ZED_TERM: "true" };
  assert.match(
    await words([".vscode/launch.json"], { env }),
    /^In Zed: /,
    "the terminal counts most",
  );
  assert.equal(
    await words([]),
    'Start "rdg: Attach" in your editor ("rdg init" makes the configuration)',
  );
});

Deno.test("connect.whatToPress() says the port where it isn't the one of rdg init", async () => {
  assert.match(
    await words([".vscode/launch.json"], { port: 21003 }),
    /; its port has to be 21003$/,
  );
  assert.match(await words([], { port: 21003 }), /; its port has to be 21003$/);
  assert.equal(
    await words([".helix/languages.toml"], { port: 21003 }),
    "In Helix: :debug-remote 127.0.0.1:21003 rdg-attach",
  );
});

Deno.test("connect.whatToPress() asks a plugin that was dropped in as well", async () => {
  const own: EditorPlugin = {
    contract: 1,
    kind: "editor",
    name: "acme",
    title: "Acme",
    summary: "",
    programs: [],
    detect: { env: { ACME: "" }, files: [".acme-*/*.conf"] },
    files: [],
    apply: ({ oldText }) => ({ text: oldText }),
    remove: ({ oldText }) => ({ text: oldText }),
    instructions: () => [],
  };
  const known = { editors: [...editors, own] };
  assert.equal(await words([".acme-1/x.conf"], known), 'In Acme: start "rdg: Attach"');
  const press = ({ name, port }: { name: string; port: unknown }) => `middle-click ${name} ${port}`;
  assert.equal(
    await words([], { env: { ACME: "1" }, port: 7000, editors: [...editors, { ...own, press }] }),
    "In Acme: middle-click rdg: Attach 7000",
  );
  const broken = () => {
    throw new Error("broken");
  };
  assert.equal(
    await words([".acme-1/x.conf"], { editors: [{ ...own, press: broken }] }),
    'In Acme: start "rdg: Attach"',
  );
});

Deno.test("each built-in editor says how to start the entry that asks nothing", () => {
  const [entry] = attachProfile({ localRoot: "/p", realRoot: "/p" }).entries;
  for (const { title, press } of editors) {
    const said = press?.(entry!) ?? "";
    assert.match(said, /"rdg: Attach|rdg-attach|127\.0\.0\.1:5678/, title);
    assert.doesNotMatch(said, /^[A-Z](?!-x|ebug)|\.$/, title);
  }
});
