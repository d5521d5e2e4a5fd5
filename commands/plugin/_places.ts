/**
 * The person's plugins as `rdg plugin` sees them: all of them, each looked at anew. Reads the folder
 * of plugins and starts each plugin.
 *
 * @module
 */

import { dropInPlaces, takenNames } from "../_drop_ins.ts";
import { closest } from "../_args.ts";
import type { Host } from "../_host.ts";
import { editors } from "../../plugins/editors.ts";
import { ExitCode, RdgError } from "../../plugins/error.ts";
import {
  type DropInPlaces,
  findDropIns,
  type Found,
  type Taken,
} from "../../plugins/drop_in/load.ts";

/**
 * Where plugins are.
 *
 * @param host The world.
 * @returns The places.
 * @throws {RdgError} `not-found` where the environment names no home.
 */
export function placesOf(host: Host): DropInPlaces {
  const places = dropInPlaces(host.env);
  if (places) return places;
  throw new RdgError("Cannot find your plugins: there is no home folder", {
    code: "not-found",
    exitCode: ExitCode.notFound,
    hint: "set HOME, or XDG_CONFIG_HOME",
  });
}

/** Names of all built-in plugins. */
export function builtIn(): Taken {
  return takenNames(editors);
}

/** All plugins that are there, each started anew. */
export function allPlugins(places: DropInPlaces): Found[] {
  return findDropIns(places, { taken: builtIn(), anew: true });
}

/**
 * Looks at every plugin again and notes which programs they declare, for the launcher of `rdg install`.
 *
 * @param places Where they are.
 * @returns All of them.
 */
export function noteAll(places: DropInPlaces): Found[] {
  const found = findDropIns(places, { taken: builtIn() });
  const usable = found.flatMap(({ manifest }) => manifest ?? []);
  const programs = [...new Set(usable.flatMap(({ data }) => data.programs))].sort();
  const file = `${places.folder}.programs`;
  const temporary = `${file}.${crypto.randomUUID()}.tmp`;
  try {
    if (usable.length === 0) {
      Deno.removeSync(file);
    } else {
      Deno.writeTextFileSync(temporary, programs.join(","), { mode: 0o600 });
      Deno.renameSync(temporary, file);
    }
  } catch {
    // There is none yet, or the folder can't be written: what was asked for is done all the same.
  }
  return found;
}

/** What a plugin is called: by itself, or, where it can't be used, by its place. */
export function nameOf({ manifest, entry }: Found): string {
  return manifest?.data.name ?? entry.name;
}

/**
 * Finds a plugin by name.
 *
 * @param name The name that it gives itself, or that of its file or folder.
 * @param all All plugins.
 * @param hint What to do where there is none; undefined to guess.
 * @returns The plugin.
 * @throws {RdgError} `not-found`.
 */
export function byName(name: string, all: readonly Found[], hint?: string): Found {
  const found = all.find((one) => one.manifest?.data.name === name) ??
    all.find(({ entry }) => entry.name === name);
  if (found) return found;
  throw new RdgError(`Cannot find a plugin "${name}" of yours`, {
    code: "not-found",
    exitCode: ExitCode.notFound,
    hint: hint ?? closest(name, all.map(nameOf)) ?? "rdg plugin list",
  });
}
