/**
 * What `rdg init` tells the person: what was done and what to do next, or what to add by hand.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import type { AttachProfile, EditorPlugin } from "../../plugins/contract.ts";
import { ExitCode } from "../../plugins/error.ts";
import type { Surroundings } from "./places.ts";
import type { Task } from "./plan.ts";
import type { Done } from "./write.ts";

/** Prints the text of new files, one after the other. */
export function printFresh(
  plugins: readonly EditorPlugin[],
  { profile, around, host }: { profile: AttachProfile; around: Surroundings; host: Host },
): number {
  const folder = around.root.split("/").findLast((part) => part !== "") ?? "project";
  const printed = new Set<string>();
  for (const plugin of plugins) {
    for (const { path, fresh } of plugin.files) {
      const file = (fresh ?? (path.includes("*") ? "" : path)).replace("${folder}", folder);
      const text = file && plugin.apply({ file, oldText: null, profile }).text;
      if (!text || printed.has(file + text)) continue;
      printed.add(file + text);
      host.terminal.say(`${plugin.title}, ${file}:`);
      host.terminal.out(text);
    }
    for (const line of advice(plugin, { profile, around })) host.terminal.say(line);
  }
  return ExitCode.ok;
}

/** Says what was done, and what to do next. */
export function report(
  done: readonly Done[],
  { task, around, host, named }: {
    task: Task;
    around: Surroundings;
    host: Host;
    named: boolean;
  },
): void {
  const { say } = host.terminal;
  for (const { change, did, asideTo } of done) {
    const titles = [...new Set(change.plugins.map(({ title }) => title))];
    const who = task.action === "apply" || named ? ` (${titles.join(", ")})` : "";
    if (asideTo !== undefined) {
      say(
        host.terminal.style("yellow", "Warning: ") +
          `${change.shown} was malformed (${change.malformed}): kept as ${change.shown}${
            asideTo.slice(change.path.length)
          }`,
      );
    }
    if (did === "made") say(`Wrote ${change.shown}${who}`);
    else if (did === "edited") say(`Changed ${change.shown}${who}`);
    else if (did === "removed") {
      const everywhere = change.shown.startsWith("~");
      say(`Removed ${change.shown}${who}${everywhere ? ", which served every project" : ""}`);
    } else if (task.action === "apply" && change.notes.length === 0) {
      say(`${change.shown} needs no change${who}`);
    }
    for (const note of change.notes) say(note);
  }
  if (task.action === "remove") {
    if (done.every(({ did }) => did === "nothing")) say("There was nothing of rdg's to take out");
    return;
  }
  for (const plugin of task.plugins) {
    for (const line of advice(plugin, { profile: task.profile, around })) say(line);
  }
}

/** A plugin's instructions, settings named where they really are. */
function advice(
  plugin: EditorPlugin,
  { profile, around }: { profile: AttachProfile; around: Surroundings },
): string[] {
  const { config, home } = around;
  const usual = config === undefined || config === `${home}/.config`;
  return plugin.instructions(profile).map((line) =>
    usual ? line : line.replaceAll("~/.config/", `${config}/`)
  );
}
