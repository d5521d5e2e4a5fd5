/**
 * The built-in schedulers, by literal imports; which of them this process is in, and which of them
 * this machine has. Touches nothing.
 *
 * @module
 */

import { closest } from "./closest.ts";
import type { Environment, SchedulerPlugin, Variables } from "./contract.ts";
import { type RdgError, usageError } from "./error.ts";
import { flux } from "./schedulers/flux.ts";
import { htcondor } from "./schedulers/htcondor.ts";
import { local } from "./schedulers/local.ts";
import { lsf } from "./schedulers/lsf.ts";
import { pbs } from "./schedulers/pbs.ts";
import { sge } from "./schedulers/sge.ts";
import { slurm } from "./schedulers/slurm.ts";
import { torque } from "./schedulers/torque.ts";

/**
 * Every built-in scheduler, the most telling variables first, `local` last.
 *
 * Flux comes after Slurm: it is often started inside a Slurm job, whose id is the one that the login
 * node knows. Grid Engine comes late because the name of its variable, JOB_ID, is anybody's.
 */
export const schedulers: readonly SchedulerPlugin[] = [
  slurm,
  torque,
  pbs,
  lsf,
  flux,
  htcondor,
  sge,
  local,
];

/**
 * Finds the scheduler whose job this process is in.
 *
 * @param env The environment.
 * @param plugins The schedulers to choose from; the built-in ones by default.
 * @returns Its plugin; `local` outside a job.
 */
export function currentScheduler(
  env: Environment,
  plugins: readonly SchedulerPlugin[] = schedulers,
): SchedulerPlugin {
  return plugins.find((plugin) => isInside(plugin, env)) ?? local;
}

/**
 * Chooses the scheduler to ask: the one named, else the one whose job this is, else the one whose
 * programs are here, else none (`local`).
 *
 * A scheduler whose first `detect` program is here goes before one of which only another is.
 *
 * @param options `name` is what `--scheduler` said; `RDG_SCHEDULER` in `env` counts where it is
 * absent; `isOnPath` says whether a program can be found; `plugins` are the schedulers to choose from.
 * @returns The plugin.
 * @throws {RdgError} `usage` for a name that no scheduler has.
 */
export function chooseScheduler(options: {
  name?: string | undefined;
  env: Environment;
  isOnPath: (program: string) => boolean;
  plugins?: readonly SchedulerPlugin[];
}): SchedulerPlugin {
  const { env, isOnPath, plugins = schedulers } = options;
  const name = options.name || env["RDG_SCHEDULER"];
  if (name) {
    const named = plugins.find((plugin) => plugin.name === name);
    if (named) return named;
    throw unknownScheduler(name, { fromFlag: Boolean(options.name), plugins });
  }
  const inside = plugins.find((plugin) => isInside(plugin, env));
  if (inside) return inside;
  return plugins.find(({ detect: [first] }) => first !== undefined && isOnPath(first)) ??
    plugins.find(({ detect }) => detect.slice(1).some(isOnPath)) ?? local;
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

/**
 * The unique id of the job that an environment belongs to, that of the array's element where it is
 * one; the same that {@linkcode SchedulerPlugin.list} gives.
 *
 * @param plugin The scheduler.
 * @param env The environment.
 * @returns The id; undefined where no variable holds it (HTCondor: `jobFile`).
 */
export function jobId({ job }: SchedulerPlugin, env: Environment): string | undefined {
  const id = firstSet(job.job, env);
  const index = firstSet(job.arrayIndex, env);
  if (!id || !job.elementId || !index || job.noArrayIndex?.includes(index)) return id;
  return job.elementId.replaceAll("{job}", () => id).replaceAll("{index}", () => index);
}

function isInside({ job }: SchedulerPlugin, env: Environment): boolean {
  return job.present.length > 0 &&
    job.present.every((names) => firstSet(names, env) !== undefined) &&
    !job.absent?.some((name) => env[name]);
}

function unknownScheduler(
  name: string,
  options: { fromFlag: boolean; plugins: readonly SchedulerPlugin[] },
): RdgError {
  const names = options.plugins.map((plugin) => plugin.name);
  const guess = closest(name.toLowerCase(), names);
  const given = options.fromFlag ? "--scheduler=" : "RDG_SCHEDULER=";
  return usageError(
    `Cannot use "${given}${name}": there is no such scheduler`,
    guess ? `${given}${guess}` : `${given.slice(0, -1)} with one of: ${names.join(", ")}`,
  );
}
