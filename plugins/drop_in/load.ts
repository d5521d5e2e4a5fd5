/**
 * Finds, checks and loads the person's own plugins. Reads their folder and what is kept of them;
 * starts a plugin only where nothing is known of it yet, or when one of its functions is called.
 *
 * @module
 */

import type { EditorPlugin, SchedulerPlugin } from "../contract.ts";
import { type Entry, listEntries, whoElse } from "./folder.ts";
import { Manifests, readSource } from "./manifests.ts";
import { editorOf, type Manifest, schedulerOf, type Source } from "./stand_in.ts";

/** Where to look. */
export interface DropInPlaces {
  /** The folder of plugins. */
  folder: string;
  /** The highest folder that nobody else may write: the home, where the plugins are below it. */
  upTo: string;
  /** Where what is known of them is kept; null for nowhere. */
  cache: string | null;
  /** The person's user id; null where there is none. */
  uid: number | null;
}

/** One plugin of the folder, usable or not. */
export interface Found {
  /** Its place. */
  entry: Entry;
  /** What it says of itself, where it can be used. */
  manifest?: Manifest;
  /** Why it can't be used, with a small first letter. */
  reason?: string;
}

/** Names that are taken, by kind. */
export type Taken = Readonly<Record<"scheduler" | "editor", readonly string[]>>;

/**
 * Looks at every plugin in the folder.
 *
 * @param places Where.
 * @param options Names of built-in plugins; `anew` starts each of them.
 * @returns All of them, in the order of their names.
 */
export function findDropIns(
  places: DropInPlaces,
  options: { taken: Taken; anew?: boolean },
): Found[] {
  const { folder } = places;
  let entries: Entry[];
  try {
    entries = listEntries(folder);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const entry = { name: "plugins", top: folder, path: null };
    return [{ entry, reason: `it cannot be read (${error.message})` }];
  }
  const manifests = new Manifests(places.cache);
  const names = { scheduler: new Set<string>(), editor: new Set<string>() };
  const found = entries.map((entry): Found => {
    const { path } = entry;
    if (path === null) return { entry, reason: "it is a folder without plugin.ts" };
    let known;
    try {
      const reason = whoElse(path, places);
      if (reason !== null) return { entry, reason };
      known = manifests.of(path, options);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return { entry, reason: `it cannot be read (${error.message})` };
    }
    if ("reason" in known) return { entry, reason: known.reason };
    const { data } = known;
    const clash = takenName(data, options.taken);
    if (clash !== undefined) {
      return { entry, reason: `"${clash}" is the name of a built-in ${data.kind}` };
    }
    if (names[data.kind].has(data.name)) {
      return { entry, reason: `another plugin is called "${data.name}"` };
    }
    names[data.kind].add(data.name);
    return { entry, manifest: known };
  });
  manifests.save();
  return found;
}

/**
 * Says which of a plugin's names a built-in plugin has.
 *
 * @param data What it says of itself.
 * @param taken Names of built-in plugins.
 * @returns The name; undefined where all are free.
 */
export function takenName(data: Manifest["data"], taken: Taken): string | undefined {
  const aliases = data.kind === "editor" ? data.aliases ?? [] : [];
  return [data.name, ...aliases].find((name) => taken[data.kind].includes(name));
}

/**
 * Makes the plugins that can be used.
 *
 * @param found From {@linkcode findDropIns}.
 * @returns Schedulers and editors, and a line for each plugin that is passed over.
 */
export function usePlugins(
  found: readonly Found[],
): { schedulers: SchedulerPlugin[]; editors: EditorPlugin[]; passedOver: string[] } {
  const schedulers: SchedulerPlugin[] = [];
  const editors: EditorPlugin[] = [];
  const passedOver: string[] = [];
  for (const { entry, manifest, reason } of found) {
    const { path } = entry;
    if (!manifest || path === null) {
      passedOver.push(`Passed over the plugin in ${entry.top}: ${reason}`);
      continue;
    }
    const source: Source = { ...manifest, path, read: () => readSource(path) };
    const { data } = manifest;
    if (data.kind === "scheduler") schedulers.push(schedulerOf(data, source));
    else editors.push(editorOf(data, source));
  }
  return { schedulers, editors, passedOver };
}
