/**
 * What lies in the folder of drop-in plugins. Reads the folder's names.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import { ok, type Row } from "./row.ts";

/**
 * Looks into the folder.
 *
 * @param host The world.
 * @returns One row with the names; none where nothing is there.
 */
export async function pluginRows(host: Host): Promise<Row[]> {
  const home = host.env("HOME");
  const config = host.env("XDG_CONFIG_HOME") || (home ? `${home}/.config` : null);
  if (config === null) return [];
  const folder = `${config}/rdg/plugins`;
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) if (!/^[._]/.test(name)) names.push(name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  if (names.length === 0) return [];
  names.sort();
  const text = `in ${folder}: ${names.join(", ")}`;
  return [ok({ group: "rdg", name: "plugins" }, text, { folder, names })];
}
