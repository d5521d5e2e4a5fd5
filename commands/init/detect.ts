/**
 * Finds out which editors a person uses, and turns names into plugins. Looks at files, at PATH and at
 * the environment, through what it is given.
 *
 * @module
 */

import { closest } from "../_args.ts";
import type { EditorPlugin } from "../../plugins/contract.ts";
import { usageError } from "../../plugins/error.ts";
import type { Files } from "./files.ts";

/** Where to look. */
export interface Surroundings {
  /** The project's folder. */
  root: string;
  /** The person's home; undefined where there is none. */
  home: string | undefined;
  /** Where settings lie: `~/.config` unless XDG_CONFIG_HOME says otherwise. */
  config: string | undefined;
  /** Looks up a variable. */
  env(name: string): string | undefined;
  /** The disk. */
  files: Files;
}

/** What was found. */
export interface Findings {
  /** Editors that the project or the terminal shows to be in use. */
  sure: EditorPlugin[];
  /** Editors that are only installed. */
  hints: EditorPlugin[];
}

/**
 * Looks for editors.
 *
 * @param plugins The editors that are known.
 * @param around Where to look.
 * @returns Those in use, and those that are only installed.
 */
export async function findEditors(
  plugins: readonly EditorPlugin[],
  around: Surroundings,
): Promise<Findings> {
  const found: Findings = { sure: [], hints: [] };
  for (const plugin of plugins) {
    if (await isSure(plugin, around)) found.sure.push(plugin);
    else if (await isHinted(plugin, around)) found.hints.push(plugin);
  }
  return found;
}

async function isSure(plugin: EditorPlugin, around: Surroundings): Promise<boolean> {
  for (const [name, part] of Object.entries(plugin.detect.env ?? {})) {
    const value = around.env(name);
    if (value && value.toLowerCase().includes(part.toLowerCase())) return true;
  }
  return await anyMatch(plugin.detect.files ?? [], around);
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
 * Finds the paths that a plugin's pattern stands for.
 *
 * @param pattern Relative to the project or beginning with `~/`; `*` within a name.
 * @param around Where to look.
 * @returns Absolute paths of what exists.
 */
export async function expand(pattern: string, around: Surroundings): Promise<string[]> {
  const start = absolute(pattern, around);
  if (start === undefined) return [];
  let paths = [""];
  for (const part of start.split("/").slice(1)) {
    const next: string[] = [];
    for (const path of paths) {
      if (!part.includes("*")) {
        next.push(`${path}/${part}`);
        continue;
      }
      const wanted = new RegExp(`^${part.split("*").map(RegExp.escape).join(".*")}$`, "s");
      const names = await around.files.list(path || "/");
      next.push(...names.filter((name) => wanted.test(name)).map((name) => `${path}/${name}`));
    }
    paths = next;
  }
  const existing: string[] = [];
  for (const path of paths) {
    if (await around.files.kind(path) !== null) existing.push(path);
  }
  return existing;
}

/**
 * Makes a plugin's path absolute.
 *
 * @returns The path; undefined for one at home where there is no home.
 */
export function absolute(path: string, around: Surroundings): string | undefined {
  if (path.startsWith("~/.config/") && around.config !== undefined) {
    return around.config + path.slice("~/.config".length);
  }
  if (path.startsWith("~/")) {
    return around.home === undefined ? undefined : around.home + path.slice(1);
  }
  return `${around.root === "/" ? "" : around.root}/${path}`;
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
