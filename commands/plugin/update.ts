/**
 * `rdg plugin update`: gets added plugins again, says what changed, and asks before it replaces one.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import { ExitCode, RdgError } from "../../plugins/error.ts";
import type { PluginData } from "../../plugins/drop_in/forms.ts";
import type { Found } from "../../plugins/drop_in/load.ts";
import { allPlugins, byName, nameOf, noteAll, placesOf } from "./_places.ts";
import { confirmed, describePlugin, filesOf } from "./_show.ts";
import { lookAt } from "./add.ts";
import type { PluginOptions } from "./command.ts";
import { fetchPlugin } from "./fetch.ts";
import { isChanged, type PluginRecord, readRecord, sourceText, stage, takePlace } from "./store.ts";

/**
 * Updates them.
 *
 * @param options The names; none: all that were added.
 * @param host The world.
 * @returns 0; 1 where one of several could not be updated.
 * @throws {RdgError} where the one that was named can't be updated.
 */
export async function update(options: PluginOptions, host: Host): Promise<number> {
  const places = placesOf(host);
  const all = allPlugins(places);
  const named = options.words.map((name) => byName(name, all));
  let failed = false;
  for (const found of named.length > 0 ? named : all) {
    const record = await readRecord(found.entry.top);
    if (record === null) {
      if (named.length > 0) {
        throw new RdgError(`Cannot update "${nameOf(found)}": you put it there by hand`, {
          code: "no-source",
          exitCode: ExitCode.generic,
          hint: "rdg plugin add --force SOURCE replaces it, from then on it can be updated",
        });
      }
      continue;
    }
    try {
      await updateOne(found, { record, options, host });
    } catch (error) {
      if (!(error instanceof RdgError) || named.length === 1 || error.code === "usage") throw error;
      failed = true;
      host.terminal.say(host.terminal.style("yellow", error.message));
    }
  }
  noteAll(places);
  return failed ? ExitCode.generic : ExitCode.ok;
}

async function updateOne(
  found: Found,
  { record, options, host }: { record: PluginRecord; options: PluginOptions; host: Host },
): Promise<void> {
  const { top } = found.entry;
  const name = nameOf(found);
  const { files, commit } = await fetchPlugin(record.source, host);
  const source = { source: record.source, ...commit === undefined ? {} : { commit } };
  const staged = await stage(files, { places: placesOf(host), record: source });
  try {
    const fresh = await readRecord(staged);
    const changedHere = await isChanged(top, record);
    if (fresh?.digest === record.digest && !changedHere) {
      host.terminal.say(`${name} is as it was: ${sourceText(fresh)}`);
      return;
    }
    if (changedHere && !options.force) {
      throw new RdgError(`Cannot update "${name}": it was changed since it was added`, {
        code: "changed",
        exitCode: ExitCode.generic,
        hint: `rdg plugin update --force ${name} gives these changes up`,
      });
    }
    const data = lookAt(staged, sourceText(fresh));
    if (found.manifest && data.name !== found.manifest.data.name) {
      throw new RdgError(`Cannot update "${name}": it calls itself "${data.name}" now`, {
        code: "plugin",
        exitCode: ExitCode.generic,
        hint: `rdg plugin remove ${name}, and add it again`,
      });
    }
    for (const line of describePlugin(data, sourceText(fresh))) host.terminal.say(line);
    for (const line of changes(found.manifest?.data, data)) {
      host.terminal.say(host.terminal.style("yellow", line));
    }
    await confirmed(`Update ${name}?`, { ...options, host });
    await takePlace(staged, top);
    const step = record.commit && commit && record.commit !== commit
      ? `: ${record.commit.slice(0, 10)} → ${commit.slice(0, 10)}`
      : "";
    host.terminal.say(`Updated ${name}${step}`);
  } finally {
    await Deno.remove(staged, { recursive: true }).catch(() => {});
  }
}

/** What it may do that it could not before. */
function changes(before: PluginData | undefined, after: PluginData): string[] {
  if (before === undefined) return [];
  const added = (now: readonly string[], then: readonly string[]) =>
    now.filter((one) => !then.includes(one));
  const programs = added(after.programs, before.programs);
  const files = added(filesOf(after), filesOf(before));
  return [
    ...programs.length > 0 ? [`  new: it may start ${programs.join(", ")}`] : [],
    ...files.length > 0 ? [`  new: it edits ${files.join(", ")}`] : [],
  ];
}
