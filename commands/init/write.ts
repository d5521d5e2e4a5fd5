/**
 * Puts planned changes on the disk, and says what was done.
 *
 * @module
 */

import { ExitCode, RdgError } from "../../plugins/error.ts";
import { ChangedError, parentOf } from "./files.ts";
import { type Change, editorFileError, planChanges, type Task } from "./plan.ts";
import type { Surroundings } from "./places.ts";

/** How often everything is worked out anew because a file changed meanwhile. */
const attempts = 3;

/** A change that was made, with what it took. */
export interface Done {
  /** The change. */
  change: Change;
  /** What happened to the file. */
  did: "made" | "edited" | "removed" | "nothing";
  /** Where the old file went, if it was malformed. */
  asideTo?: string;
}

/**
 * Works out the changes and makes them. A file that changes while this happens is read again.
 *
 * @param task What is to be done.
 * @param around Where.
 * @returns What was done, a file each.
 * @throws {RdgError} when a file can't be written, or keeps changing.
 */
export async function makeChanges(task: Task, around: Surroundings): Promise<Done[]> {
  const done = new Map<string, Done>();
  for (let attempt = 1;; attempt++) {
    const changes = await planChanges(task, around);
    try {
      for (const change of changes) {
        const result = await makeChange(change, { task, around });
        if (result.did !== "nothing" || !done.has(change.target)) done.set(change.target, result);
      }
      return [...done.values()];
    } catch (error) {
      if (!(error instanceof ChangedError)) throw error;
      if (attempt < attempts) continue;
      throw new RdgError("Cannot write: a file changed each time just before it was written", {
        code: "changed",
        exitCode: ExitCode.generic,
        hint: "close the program that writes it, and run rdg init again; nothing was overwritten",
        cause: error,
      });
    }
  }
}

async function makeChange(
  change: Change,
  { task, around }: { task: Task; around: Surroundings },
): Promise<Done> {
  const { files } = around;
  const { before, after, target, path } = change;
  if (after === (before?.text ?? null)) return { change, did: "nothing" };
  try {
    if (after === null && change.behind === null && change.names === 1) {
      await files.remove(target, before!.bytes);
      if (task.action === "remove") await removeFolders(parentOf(path), around);
      return { change, did: "removed" };
    }
    // Behind a link of the person's an empty file stays: rdg made neither. So does one with a second name.
    const bytes = new TextEncoder().encode(after ?? "");
    if (before === null) {
      const made = await files.makeFolder(parentOf(target));
      try {
        await files.write(target, { bytes, before: null });
      } catch (error) {
        for (const folder of made.toReversed()) await files.removeEmptyFolder(folder);
        throw error;
      }
      return { change, did: "made" };
    }
    const asideTo = change.malformed === undefined
      ? undefined
      : await files.setAside(path, before.bytes);
    await files.write(target, { bytes, before: before.bytes });
    return { change, did: "edited", ...(asideTo === undefined ? {} : { asideTo }) };
  } catch (error) {
    if (error instanceof ChangedError) throw error;
    throw editorFileError("write", change, error);
  }
}

/** Removes folders that are empty now, up to the project or home. */
async function removeFolders(folder: string, around: Surroundings): Promise<void> {
  const { root, home, config, files } = around;
  const stop = [root, home, config, "/"];
  for (let at = folder; !stop.includes(at); at = parentOf(at)) {
    // A link to a folder is the person's.
    if (await files.kind(at) !== "folder" || (await files.list(at)).length > 0) return;
    await files.removeEmptyFolder(at);
  }
}
