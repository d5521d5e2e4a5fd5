/**
 * `rdg plugin add`: gets a plugin, looks at it without letting it do anything, shows it, asks, and
 * puts it in its place.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import { ExitCode, RdgError } from "../../plugins/error.ts";
import { pluginFileIn } from "../../plugins/drop_in/folder.ts";
import type { PluginData } from "../../plugins/drop_in/forms.ts";
import { takenName } from "../../plugins/drop_in/load.ts";
import { learn } from "../../plugins/drop_in/manifests.ts";
import { allPlugins, builtIn, noteAll, placesOf } from "./_places.ts";
import { confirmed, describePlugin } from "./_show.ts";
import type { PluginOptions } from "./command.ts";
import { fetchPlugin } from "./fetch.ts";
import { parseSource, type PluginSource } from "./source.ts";
import { sourceText, stage, takePlace } from "./store.ts";

/**
 * Adds one.
 *
 * @param options What was typed.
 * @param host The world.
 * @returns 0.
 * @throws {RdgError} when it is no plugin that can be used, or the person says no; nothing is changed.
 */
export async function add(options: PluginOptions, host: Host): Promise<number> {
  const [typed = ""] = options.words;
  const source = absoluteSource(parseSource(typed, isThere), host);
  const places = placesOf(host);
  const { files, commit } = await fetchPlugin(source, host);
  const record = { source, ...commit === undefined ? {} : { commit } };
  const staged = await stage(files, { places, record });
  try {
    const data = lookAt(staged, typed);
    const same = allPlugins(places).find(({ manifest }) =>
      manifest?.data.name === data.name && manifest.data.kind === data.kind
    );
    const top = `${places.folder}/${data.name}`;
    const inTheWay = same?.entry.top ?? (isThere(top) ? top : undefined);
    if (inTheWay !== undefined && (!options.force || inTheWay !== top)) {
      throw new RdgError(`Cannot add "${data.name}": there is one in ${inTheWay} already`, {
        code: "exists",
        exitCode: ExitCode.generic,
        hint: inTheWay === top
          ? `rdg plugin update ${data.name}, or --force to replace it`
          : `rdg plugin remove --force ${data.name}`,
      });
    }
    const from = sourceText({ format: 1, digest: "", ...record });
    for (const line of describePlugin(data, from)) host.terminal.say(line);
    await confirmed(inTheWay === undefined ? "Add it?" : "Replace it?", { ...options, host });
    await takePlace(staged, top);
    host.terminal.say(`Added ${data.name} in ${top}`);
    const there = noteAll(places).find(({ entry }) => entry.top === top);
    if (there?.reason !== undefined) {
      host.terminal.say(host.terminal.style("yellow", `It is not used yet: ${there.reason}`));
    }
  } finally {
    await Deno.remove(staged, { recursive: true }).catch(() => {});
  }
  return ExitCode.ok;
}

/**
 * Loads a staged plugin, to see what it says of itself.
 *
 * @param staged Its folder.
 * @param shown What the person calls it.
 * @returns What it says of itself.
 * @throws {RdgError} `plugin` where it can't be used.
 */
export function lookAt(staged: string, shown: string): PluginData {
  const known = learn(pluginFileIn(staged)!);
  const clash = "reason" in known ? undefined : takenName(known.data, builtIn());
  const reason = "reason" in known
    ? known.reason
    : clash === undefined
    ? undefined
    : `"${clash}" is the name of a built-in ${known.data.kind}`;
  if (reason === undefined) return (known as { data: PluginData }).data;
  throw new RdgError(`Cannot add "${shown}": ${reason}`, {
    code: "plugin",
    exitCode: ExitCode.generic,
    hint: "tell its author; README, Writing a plugin, says what is wanted",
  });
}

/** A path that holds from wherever `rdg plugin update` is run. */
function absoluteSource(source: PluginSource, host: Host): PluginSource {
  if (source.kind === "git" || source.path.startsWith("/")) return source;
  const path = source.path.startsWith("~/")
    ? `${host.env("HOME")}${source.path.slice(1)}`
    : `${host.cwd()}/${source.path.replace(/^(?:\.\/+)+/, "")}`;
  return { kind: "path", path: path.replace(/(?<=.)\/+\.?$/, "") };
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
