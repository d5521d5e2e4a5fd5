/**
 * Plugins on the disk: where each came from, whether it is still as it was put there, and how one
 * takes its place in one step. Touches the folder of plugins.
 *
 * @module
 */

import type { DropInPlaces } from "../../plugins/drop_in/load.ts";
import type { PluginFiles } from "./fetch.ts";
import type { PluginSource } from "./source.ts";

/** Beside the plugin: where it came from. */
const recordName = ".rdg.json";

/** Where an added plugin came from. */
export interface PluginRecord {
  /** Version of this form. */
  format: 1;
  /** What `rdg plugin add` was given. */
  source: PluginSource;
  /** The commit. */
  commit?: string;
  /** SHA-256 of its files as they were put there. */
  digest: string;
}

/**
 * Puts files into a folder of their own beside the plugins, where nothing loads them.
 *
 * @param files The plugin's files.
 * @param options The places, and the record to put beside them.
 * @returns The folder, to be moved or removed.
 */
export async function stage(
  files: PluginFiles,
  options: { places: DropInPlaces; record: Omit<PluginRecord, "format" | "digest"> },
): Promise<string> {
  const { places, record } = options;
  await Deno.mkdir(places.folder, { recursive: true, mode: 0o700 });
  await sweep(places.folder);
  const folder = `${places.folder}/.new-${crypto.randomUUID()}`;
  const made = new Set<string>();
  await Deno.mkdir(folder, { mode: 0o700 });
  for (const [path, bytes] of files) {
    const parent = `${folder}/${path}`.replace(/\/[^/]*$/, "");
    if (!made.has(parent)) await Deno.mkdir(parent, { recursive: true, mode: 0o700 });
    made.add(parent);
    await Deno.writeFile(`${folder}/${path}`, bytes, { mode: 0o600, createNew: true });
  }
  const whole: PluginRecord = { format: 1, ...record, digest: await digest(files) };
  await Deno.writeTextFile(`${folder}/${recordName}`, `${JSON.stringify(whole, null, 2)}\n`, {
    mode: 0o600,
  });
  return folder;
}

/** Takes away what an `add` left that was broken off, a day ago or more. */
async function sweep(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.startsWith(".new-")) continue;
    const { mtime } = await Deno.lstat(`${folder}/${name}`);
    if (mtime && Date.now() - mtime.getTime() < 24 * 3600 * 1000) continue;
    await Deno.remove(`${folder}/${name}`, { recursive: true });
  }
}

/**
 * Moves a staged plugin to its place; what was there before goes.
 *
 * @param staged From {@linkcode stage}.
 * @param top Its place.
 */
export async function takePlace(staged: string, top: string): Promise<void> {
  const old = `${staged}.old`;
  let before = false;
  try {
    await Deno.rename(top, old);
    before = true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  try {
    await Deno.rename(staged, top);
  } catch (error) {
    if (before) await Deno.rename(old, top);
    throw error;
  }
  if (before) await Deno.remove(old, { recursive: true });
}

/**
 * Reads where a plugin came from.
 *
 * @param top Its folder, or file.
 * @returns The record; null for one that was put there by hand.
 */
export async function readRecord(top: string): Promise<PluginRecord | null> {
  try {
    const record: PluginRecord = JSON.parse(await Deno.readTextFile(`${top}/${recordName}`));
    return record.format === 1 && typeof record.digest === "string" ? record : null;
  } catch {
    return null;
  }
}

/**
 * Says whether an added plugin was changed by hand.
 *
 * @param top Its folder.
 * @param record Where it came from.
 * @returns Whether a file differs, is new, or is gone.
 */
export async function isChanged(top: string, record: PluginRecord): Promise<boolean> {
  const files: PluginFiles = new Map();
  const read = async (below: string): Promise<void> => {
    for await (const { name, isDirectory, isFile } of Deno.readDir(`${top}/${below}`)) {
      const path = `${below}${name}`;
      if (path === recordName) continue;
      if (isDirectory) await read(`${path}/`);
      // add puts files there and nothing else: a link or a pipe is new, whatever is behind it.
      else files.set(path, isFile ? await Deno.readFile(`${top}/${path}`) : new Uint8Array());
    }
  };
  await read("");
  return await digest(files) !== record.digest;
}

/** Where a plugin came from, for people. */
export function sourceText(record: PluginRecord | null): string {
  if (record === null) return "put there by hand";
  const { source, commit } = record;
  if (source.kind === "path") return source.path;
  // A password that was typed into the address is nobody's to read over a shoulder.
  const url = source.url.replace(/:\/\/[^/@]*@/, "://");
  return `${url}${source.ref ? `#${source.ref}` : ""}${commit ? ` (${commit.slice(0, 10)})` : ""}`;
}

async function digest(files: PluginFiles): Promise<string> {
  const hex = async (bytes: BufferSource) =>
    new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
  const lines: string[] = [];
  for (const path of [...files.keys()].sort()) {
    lines.push(`${await hex(files.get(path)!)} ${path}\n`);
  }
  return await hex(new TextEncoder().encode(lines.join("")));
}
