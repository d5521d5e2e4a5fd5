/**
 * What `rdg init` has put into the editors' files of this folder: whether it is there, and as this
 * version of rdg would write it. Reads files.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import { type Files, systemFiles } from "../init/files.ts";
import { Ownership } from "../init/ownership.ts";
import { surroundings } from "../init/places.ts";
import { planChanges } from "../init/plan.ts";
import { attachProfile } from "../init/profile.ts";
import { editors } from "../../plugins/editors.ts";
import { note, ok, type Place, problem, type Row } from "./row.ts";
import type { Role } from "./role.ts";

/**
 * Looks at the editors' files.
 *
 * @param role What this machine is.
 * @param host The world.
 * @param files The disk.
 * @returns One row for each set of files that rdg has entries in; one where it has none.
 */
export async function editorRows(
  role: Role,
  host: Host,
  files: Files = systemFiles,
): Promise<Row[]> {
  const around = await surroundings(host, files);
  const place: Place = { group: "editor", name: "editor" };
  const profile = attachProfile({
    localRoot: around.root,
    realRoot: await files.realPath(around.root),
  });
  const own = new Ownership(editors, { around, profile });
  const rows: Row[] = [];
  const seen = new Set<string>();
  for (const plugin of editors) {
    const key = JSON.stringify(plugin.files);
    if (seen.has(key) || !await own.isSetUp(plugin)) continue;
    seen.add(key);
    const where: Place = { group: "editor", name: plugin.name };
    try {
      const task = { plugins: [plugin], profile, action: "apply", force: false } as const;
      const changes = await planChanges(task, around);
      const shown = changes.map((change) => change.shown).join(", ");
      const data = { files: changes.map((change) => change.shown) };
      const broken = changes.find(({ malformed }) => malformed !== undefined);
      const old = changes.filter(({ before, after }) => before?.text !== after);
      const byHand = changes.flatMap(({ notes }) => notes);
      if (broken) {
        rows.push(problem(where, `${broken.shown} can't be read: ${broken.malformed}`, {
          todo: "mend it, or rdg init, which keeps it as .bak and writes a new one",
          data,
        }));
      } else if (old.length > 0) {
        rows.push(note(where, `${shown}: rdg's entries are of another version`, {
          todo: `rdg init --editor=${plugin.name}`,
          data,
        }));
      } else if (byHand.length > 0) {
        rows.push(note(where, `${shown}: changed by hand, and left alone`, { data }));
      } else rows.push(ok(where, `${shown}: rdg's entries are there and current`, data));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      rows.push(problem(where, message, { todo: "rdg init --dry-run shows more" }));
    }
  }
  if (rows.length > 0) return rows;
  if (role.kind === "job") {
    return [ok(place, "nothing of rdg's in this folder: no need to, in a job")];
  }
  return [
    note(place, `nothing of rdg's in ${around.root}`, {
      todo: "rdg init, in the project's folder, on the machine where your editor runs",
    }),
  ];
}
