/**
 * The built-in schedulers, by literal imports, and which of them this process is in. Touches nothing.
 *
 * @module
 */

import type { Environment, SchedulerPlugin, Variables } from "./contract.ts";
import { local } from "./schedulers/local.ts";
import { slurm } from "./schedulers/slurm.ts";

/** Every built-in scheduler, the most telling variables first, `local` last. */
export const schedulers: readonly SchedulerPlugin[] = [slurm, local];

/**
 * Finds the scheduler whose job this process is in.
 *
 * @param env The environment.
 * @returns Its plugin; `local` outside a job.
 */
export function currentScheduler(env: Environment): SchedulerPlugin {
  return schedulers.find(({ job }) =>
    job.present.length > 0 &&
    job.present.every((names) => firstSet(names, env) !== undefined) &&
    !job.absent?.some((name) => env[name])
  ) ?? local;
}

/**
 * Looks variables up.
 *
 * @param names Candidates.
 * @param env The environment.
 * @returns The value of the first one that is set and not empty.
 */
export function firstSet(names: Variables | undefined, env: Environment): string | undefined {
  for (const name of names ?? []) {
    const value = env[name];
    if (value) return value;
  }
  return undefined;
}
