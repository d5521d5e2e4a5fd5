/**
 * Finds out which editors a person uses, and turns names into plugins. Looks at files, at PATH and at
 * the environment, through what it is given.
 *
 * @module
 */

import { closest } from "../_args.ts";
import type { AttachProfile, EditorPlugin } from "../../plugins/contract.ts";
import { usageError } from "../../plugins/error.ts";
import { Ownership } from "./ownership.ts";
import { expand, type Surroundings } from "./places.ts";

/** What was found. */
export interface Findings {
  /** Editors that the project or the terminal shows to be in use, or that rdg has set up before. */
  sure: EditorPlugin[];
  /** Editors that are only installed. */
  hints: EditorPlugin[];
}

/**
 * Looks for editors. What rdg itself has written is no sign of another editor that has the same
 * folder, so that a second run finds what the first one found.
 *
 * @param plugins The editors that are known.
 * @param options Where to look, and the profile, by which rdg's own entries are known.
 * @returns Those in use, and those that are only installed.
 */
export async function findEditors(
  plugins: readonly EditorPlugin[],
  options: { around: Surroundings; profile: AttachProfile },
): Promise<Findings> {
  const { around } = options;
  const own = new Ownership(plugins, options);
  const found: Findings = { sure: [], hints: [] };
  const seen = new Set<string>();
  for (const plugin of plugins) {
    const files = JSON.stringify(plugin.files);
    const before = !seen.has(files) && await own.isSetUp(plugin);
    // What lies at home was set up for some project, not for this one.
    const here = plugin.files.some(({ path }) => !path.startsWith("~/"));
    if (before && here || await isSure(plugin, around, own)) found.sure.push(plugin);
    else if (before || await isHinted(plugin, around)) found.hints.push(plugin);
    if (plugin.files.length > 0) seen.add(files);
  }
  return found;
}

async function isSure(
  plugin: EditorPlugin,
  around: Surroundings,
  own: Ownership,
): Promise<boolean> {
  for (const [name, part] of Object.entries(plugin.detect.env ?? {})) {
    const value = around.env(name);
    if (value && value.toLowerCase().includes(part.toLowerCase())) return true;
  }
  for (const pattern of plugin.detect.files ?? []) {
    for (const path of await expand(pattern, around)) {
      if (!await own.isOwn(path)) return true;
    }
  }
  return false;
}

async function isHinted(plugin: EditorPlugin, around: Surroundings): Promise<boolean> {
  if (await anyMatch(plugin.detect.home ?? [], around)) return true;
  const folders = (around.env("PATH") ?? "").split(":").filter((folder) => folder.startsWith("/"));
  for (const program of plugin.detect.programs ?? []) {
    for (const folder of folders) {
      if (await around.files.executable(`${folder}/${program}`)) return true;
    }
  }
  return false;
}

async function anyMatch(patterns: readonly string[], around: Surroundings): Promise<boolean> {
  for (const pattern of patterns) {
    if ((await expand(pattern, around)).length > 0) return true;
  }
  return false;
}

/**
 * Turns what was given to `--editor` into plugins.
 *
 * @param names Names or aliases; an alias may stand for several.
 * @param plugins The editors that are known.
 * @returns The plugins, each once, in their own order.
 * @throws {RdgError} `usage` for a name that stands for none.
 */
export function editorsByName(
  names: readonly string[],
  plugins: readonly EditorPlugin[],
): EditorPlugin[] {
  const answersTo = (plugin: EditorPlugin) => [plugin.name, ...(plugin.aliases ?? [])];
  const wanted = new Set<EditorPlugin>();
  for (const name of names) {
    const found = plugins.filter((plugin) => answersTo(plugin).includes(name.toLowerCase()));
    if (found.length === 0) {
      const guess = closest(name.toLowerCase(), plugins.flatMap(answersTo));
      throw usageError(
        `Cannot set up the editor "${name}": rdg knows ${plugins.map((p) => p.name).join(", ")}`,
        guess === undefined
          ? "rdg init --print --editor=vscode, for an editor that reads launch.json"
          : `--editor=${guess}`,
      );
    }
    for (const plugin of found) wanted.add(plugin);
  }
  return plugins.filter((plugin) => wanted.has(plugin));
}
