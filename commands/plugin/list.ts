/**
 * `rdg plugin list`: every plugin that is there, also those that can't be used, with the reason.
 *
 * @module
 */

import { columns } from "../_columns.ts";
import type { Host } from "../_host.ts";
import { ExitCode } from "../../plugins/error.ts";
import { allPlugins, nameOf, noteAll, placesOf } from "./_places.ts";
import type { PluginOptions } from "./command.ts";
import { readRecord, sourceText } from "./store.ts";

/**
 * Lists them, each loaded anew.
 *
 * @param options Whether as JSON: `{folder, plugins: [{name, kind, summary, programs, path, from,
 * commit, usable, reason}]}`.
 * @param host The world.
 * @returns 0.
 */
export async function list(options: PluginOptions, host: Host): Promise<number> {
  const places = placesOf(host);
  const plugins = [];
  const all = allPlugins(places);
  if (all.length > 0) noteAll(places);
  for (const found of all) {
    const { entry, manifest, reason } = found;
    const record = await readRecord(entry.top);
    plugins.push({
      name: nameOf(found),
      kind: manifest?.data.kind ?? null,
      summary: manifest?.data.summary ?? null,
      programs: manifest?.data.programs ?? [],
      path: entry.path ?? entry.top,
      from: sourceText(record),
      commit: record?.commit ?? null,
      usable: manifest !== undefined,
      reason: reason ?? null,
    });
  }
  const { terminal } = host;
  if (options.json) {
    terminal.out(`${JSON.stringify({ folder: places.folder, plugins }, null, 2)}\n`);
    return ExitCode.ok;
  }
  if (plugins.length === 0) {
    terminal.say(`No plugins in ${places.folder}.`);
    return ExitCode.ok;
  }
  const rows = plugins.map(({ name, kind, programs, from, summary }) => [
    name,
    kind ?? "-",
    programs.join(",") || "-",
    from,
    summary ?? "cannot be used, see below",
  ]);
  const table = [["NAME", "KIND", "MAY START", "FROM", "WHAT"], ...rows];
  terminal.out(`${columns(table, terminal.outLive ? terminal.columns : Infinity).join("\n")}\n`);
  for (const { path, reason } of plugins) {
    if (reason !== null) terminal.say(terminal.style("yellow", `Not used: ${path}: ${reason}`));
  }
  return ExitCode.ok;
}
