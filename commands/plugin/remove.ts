/**
 * `rdg plugin remove`: takes plugins away; what was put or changed there by hand only when told so.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import { ExitCode, RdgError } from "../../plugins/error.ts";
import { allPlugins, byName, nameOf, noteAll, placesOf } from "./_places.ts";
import type { PluginOptions } from "./command.ts";
import { isChanged, readRecord } from "./store.ts";

/**
 * Removes them.
 *
 * @param options The names, and whether to take away what is not `add`'s.
 * @param host The world.
 * @returns 0.
 * @throws {RdgError} for a name that there is not, and for what was put or changed there by hand; then
 * nothing is removed.
 */
export async function remove(options: PluginOptions, host: Host): Promise<number> {
  const places = placesOf(host);
  const all = allPlugins(places);
  const chosen = new Set(options.words.map((name) => byName(name, all)));
  for (const found of chosen) {
    const record = await readRecord(found.entry.top);
    if (options.force || record && !await isChanged(found.entry.top, record)) continue;
    throw new RdgError(
      `Cannot remove "${nameOf(found)}": ${
        record ? "it was changed since it was added" : "you put it there by hand"
      }`,
      {
        code: "changed",
        exitCode: ExitCode.generic,
        hint: `rdg plugin remove --force ${nameOf(found)} deletes ${found.entry.top}`,
      },
    );
  }
  for (const found of chosen) {
    await Deno.remove(found.entry.top, { recursive: true });
    host.terminal.say(`Removed ${nameOf(found)} (${found.entry.top})`);
  }
  noteAll(places);
  return ExitCode.ok;
}
