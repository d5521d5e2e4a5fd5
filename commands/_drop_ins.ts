/**
 * The person's own plugins for the commands. Loaded only where their folder exists. Touches what
 * `plugins/drop_in` touches, and names the plugins that are passed over on stderr.
 *
 * @module
 */

import { configFolder, type Host } from "./_host.ts";
import type { EditorPlugin, SchedulerPlugin } from "../plugins/contract.ts";
import { type DropInPlaces, findDropIns, type Taken, usePlugins } from "../plugins/drop_in/load.ts";
import { schedulers } from "../plugins/schedulers.ts";

/** Plugins that can be used. */
export interface DropIns {
  /** Schedulers. */
  schedulers: SchedulerPlugin[];
  /** Editors. */
  editors: EditorPlugin[];
}

/**
 * Where plugins are looked for.
 *
 * @param env Looks up a variable.
 * @returns The places; null where the environment names no home.
 */
export function dropInPlaces(env: Host["env"]): DropInPlaces | null {
  const config = configFolder(env);
  if (config === null) return null;
  const home = env("HOME");
  const cache = absolute(env("XDG_CACHE_HOME")) ?? (home && `${home}/.cache`);
  const upTo = home && config.startsWith(`${home}/`) ? home : config;
  return {
    folder: `${config}/rdg/plugins`,
    upTo,
    cache: cache ? `${cache}/rdg/plugins.json` : null,
    uid: userId(upTo),
  };
}

/**
 * Finds the plugins that can be used, and names the others.
 *
 * @param host The world.
 * @param options The built-in editors, where editors are wanted; `quiet` names none.
 * @returns The plugins.
 */
export function openDropIns(
  host: Host,
  options: { editors?: readonly EditorPlugin[]; quiet?: boolean } = {},
): DropIns {
  const places = dropInPlaces(host.env);
  if (places === null) return { schedulers: [], editors: [] };
  const found = findDropIns(places, { taken: takenNames(options.editors ?? []) });
  const { passedOver, ...usable } = usePlugins(found);
  if (!options.quiet) {
    for (const line of passedOver) host.terminal.say(host.terminal.style("yellow", line));
  }
  return usable;
}

/**
 * Names that a plugin can't have.
 *
 * @param editors The built-in editors.
 * @returns The names by kind, editors' other names included.
 */
export function takenNames(editors: readonly EditorPlugin[]): Taken {
  return {
    scheduler: schedulers.map(({ name }) => name),
    editor: editors.flatMap(({ name, aliases }) => [name, ...aliases ?? []]),
  };
}

/** Who I am; where that may not be asked, whom the home belongs to. */
function userId(home: string): number | null {
  if (Deno.build.os === "windows") return null;
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "uid" });
  if (state === "granted") return Deno.uid();
  try {
    return Deno.statSync(home).uid;
  } catch {
    return -1;
  }
}

function absolute(path: string | undefined): string | undefined {
  return path?.startsWith("/") ? path : undefined;
}
