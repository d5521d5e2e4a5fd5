/**
 * Which plugins of the person's own can be used. Loads them where their folder exists.
 *
 * @module
 */

import { hasDropIns, type Host } from "../_host.ts";
import { note, ok, type Row } from "./row.ts";

/**
 * Looks into the folder.
 *
 * @param host The world.
 * @returns A row with the plugins that can be used, and one for each that can't; none without a folder.
 */
export async function pluginRows(host: Host): Promise<Row[]> {
  if (!hasDropIns(host.env)) return [];
  const { dropInPlaces, takenNames } = await import("../_drop_ins.ts");
  const { findDropIns, usePlugins } = await import("../../plugins/drop_in/load.ts");
  const { editors } = await import("../../plugins/editors.ts");
  const places = dropInPlaces(host.env);
  if (places === null) return [];
  const found = usePlugins(findDropIns(places, { taken: takenNames(editors) }));
  const names = [...found.schedulers, ...found.editors].map(({ name }) => name).sort();
  const place = { group: "rdg", name: "plugins" } as const;
  const rows = found.passedOver.map((line) =>
    note(place, line, { todo: "mend or remove it: rdg plugin list" })
  );
  if (names.length === 0) return rows;
  const { folder } = places;
  return [ok(place, `in ${folder}: ${names.join(", ")}`, { folder, names }), ...rows];
}
