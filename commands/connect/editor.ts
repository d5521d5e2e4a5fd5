/**
 * What the editor has to do, or can be made to do by itself. Writes the one file that VS Code's Python
 * debugger waits for in its integrated terminal; looks for editors' files in the project.
 *
 * @module
 */

import { hasDropIns, type Host } from "../_host.ts";
import type { AttachEntry, EditorPlugin } from "../../plugins/contract.ts";
import { attachProfile } from "../init/profile.ts";
import { usualPort } from "./port.ts";

/** Looks a variable up. */
export type Env = (name: string) => string | undefined;

/**
 * Makes VS Code attach: in its terminals, its Python debugger waits for the file that
 * VSCODE_DEBUGPY_ADAPTER_ENDPOINTS names, and attaches to the port in it when it is created
 * (vscode-python-debugger, noConfigDebugInit.ts).
 *
 * @param port The local port.
 * @param env Looks a variable up.
 * @returns The file; null outside of such a terminal, or where it can't be written.
 */
export async function tellVsCode(port: number, env: Env): Promise<string | null> {
  const path = env("VSCODE_DEBUGPY_ADAPTER_ENDPOINTS");
  if (!path) return null;
  try {
    // Only a new file counts; an old one is taken away first.
    await forget(path);
    const text = JSON.stringify({ client: { host: "127.0.0.1", port } });
    await Deno.writeTextFile(path, text, { createNew: true, mode: 0o600 });
    return path;
  } catch {
    return null;
  }
}

/** Takes the file away again. */
export async function forget(path: string): Promise<void> {
  await Deno.remove(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

/** What {@linkcode whatToPress} needs. */
export interface PressOptions {
  /** Looks a variable up. */
  env: Env;
  /** The project's folder. */
  folder: string;
  /** The local port. */
  port: number;
  /** The editors that are known, the likeliest first. */
  editors: readonly EditorPlugin[];
}

/**
 * The editors that are known: the built-in ones, and those that the person dropped in.
 *
 * @param host The world.
 * @returns Their plugins.
 */
export async function allEditors(host: Host): Promise<readonly EditorPlugin[]> {
  const { editors } = await import("../../plugins/editors.ts");
  if (!hasDropIns(host.env)) return editors;
  const { openDropIns } = await import("../_drop_ins.ts");
  return [...editors, ...openDropIns(host, { editors, quiet: true }).editors];
}

/**
 * Says what to press in the editor whose terminal this is, else in the first one that the project is
 * set up for.
 *
 * @param options Where to look.
 * @returns A sentence without a final period.
 */
export async function whatToPress(options: PressOptions): Promise<string> {
  const { env, folder, port, editors } = options;
  const { entries: [usual] } = attachProfile({ localRoot: "", realRoot: "" });
  const entry = { ...usual!, port };
  // Cursor's terminal says that it is VS Code's as well, and so does a Neovim that runs in there.
  const editor = editors.findLast((one) => isInside(one, env)) ?? await setUp(editors, folder);
  const other = port === usualPort ? "" : `; its port has to be ${port}`;
  if (!editor) {
    return `Start "${entry.name}" in your editor ("rdg init" makes the configuration)${other}`;
  }
  const words = wordsOf(editor, entry) ?? `start "${entry.name}"`;
  return `In ${editor.title}: ${words}${words.includes(String(port)) ? "" : other}`;
}

/** What the plugin says; nothing where one that was dropped in fails: it is no reason to stop. */
function wordsOf(editor: EditorPlugin, entry: AttachEntry): string | undefined {
  try {
    return editor.press?.(entry);
  } catch {
    return undefined;
  }
}

/** Whether rdg was started in an editor's own terminal. */
function isInside({ detect }: EditorPlugin, env: Env): boolean {
  return Object.entries(detect.env ?? {}).some(([name, part]) => {
    const value = env(name);
    return value !== undefined && value !== "" && value.toLowerCase().includes(part.toLowerCase());
  });
}

/** The first editor with a file of its own in the project: one that rdg fills in counts most. */
async function setUp(
  editors: readonly EditorPlugin[],
  folder: string,
): Promise<EditorPlugin | undefined> {
  const signs = [
    ({ files }: EditorPlugin) => files.map(({ path }) => path),
    ({ detect }: EditorPlugin) => detect.files ?? [],
  ];
  for (const sign of signs) {
    for (const editor of editors) {
      for (const pattern of sign(editor)) {
        if (!pattern.startsWith("~/") && await exists(folder, pattern)) return editor;
      }
    }
  }
  return undefined;
}

/** Whether something of that name is there; `*` stands for any characters within one name. */
async function exists(folder: string, pattern: string): Promise<boolean> {
  const [part = "", ...rest] = pattern.split("/");
  if (part === "") return await Deno.stat(folder).then(() => true, () => false);
  if (!part.includes("*")) return await exists(`${folder}/${part}`, rest.join("/"));
  const wanted = new RegExp(`^${part.split("*").map(RegExp.escape).join(".*")}$`, "s");
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (wanted.test(name) && await exists(`${folder}/${name}`, rest.join("/"))) return true;
    }
  } catch {
    // No such folder, or a closed one.
  }
  return false;
}
