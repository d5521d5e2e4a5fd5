/**
 * Which scheduler to talk to. Looks for the schedulers' programs on PATH.
 *
 * @module
 */

import type { Environment, SchedulerPlugin } from "./contract.ts";
import { usageError } from "./error.ts";
import { currentScheduler } from "./schedulers.ts";

/**
 * Chooses the scheduler: the one that was asked for, else the one whose job this is, else the first
 * one whose main program is here, else `local`.
 *
 * @param schedulers All that there are; `local` last.
 * @param options What the person asked for (and by what), the environment, and how to look for a
 * program.
 * @returns The plugin.
 * @throws {RdgError} `usage` when what was asked for doesn't exist.
 */
export async function chooseScheduler(
  schedulers: readonly SchedulerPlugin[],
  options: {
    wanted?: { name: string; by: string } | undefined;
    env: Environment;
    onPath: (program: string) => Promise<boolean>;
  },
): Promise<SchedulerPlugin> {
  const { wanted } = options;
  if (wanted) {
    const found = schedulers.find(({ name }) => name === wanted.name);
    if (found) return found;
    throw usageError(
      `Cannot use ${wanted.by}=${wanted.name}: there is no such scheduler`,
      `one of ${schedulers.map(({ name }) => name).join(", ")}`,
    );
  }
  const current = currentScheduler(options.env);
  if (current.name !== "local") return current;
  for (const scheduler of schedulers) {
    const [program] = scheduler.detect;
    if (program !== undefined && await options.onPath(program)) return scheduler;
  }
  return current;
}

/**
 * Looks for a program in the folders of PATH.
 *
 * @param program Its name.
 * @param path PATH's value.
 * @returns Whether a file of that name is there; folders that can't be read are passed over.
 */
export async function isOnPath(program: string, path: string): Promise<boolean> {
  for (const folder of path.split(":")) {
    if (!folder) continue;
    try {
      const info = await Deno.stat(`${folder}/${program}`);
      if (info.isFile && ((info.mode ?? 0o111) & 0o111) !== 0) return true;
    } catch {
      // Not there.
    }
  }
  return false;
}
