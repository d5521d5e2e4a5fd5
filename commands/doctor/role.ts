/**
 * Which of the three machines this is: a laptop, a login node, or inside a job. By the environment and
 * the programs on PATH.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import { allSchedulers, openScheduler } from "../_scheduler.ts";
import type { SchedulerPlugin } from "../../plugins/contract.ts";
import { isOnPath } from "../../plugins/host.ts";
import { currentScheduler, firstSet, jobId } from "../../plugins/schedulers.ts";
import { ok, type Row } from "./row.ts";

/** What this machine is to rdg. */
export interface Role {
  /** Which of the three. */
  kind: "laptop" | "login" | "job";
  /** The scheduler that is here; `local` on a laptop. */
  scheduler: SchedulerPlugin;
  /** The job that rdg runs in; null outside one, and where no variable tells. */
  job: string | null;
  /** The node as the scheduler calls it; null outside a job. */
  node: string | null;
  /** Why. */
  reason: string;
}

/**
 * Finds the role.
 *
 * @param wanted What `--scheduler` says; undefined without it.
 * @param host The world.
 * @returns The role.
 * @throws {RdgError} `usage` for a name that no scheduler has.
 */
export async function findRole(wanted: string | undefined, host: Host): Promise<Role> {
  const schedulers = await allSchedulers(host);
  const scheduler = await openScheduler(wanted, host);
  const env: Record<string, string | undefined> = {};
  for (const { job } of schedulers) {
    const names = [job.present, job.job, job.absent, job.arrayIndex, job.node].flat(2);
    for (const name of names) if (name !== undefined) env[name] = host.env(name);
  }
  const inside = currentScheduler(env, schedulers);
  const variable = (names: readonly string[]) => names.find((name) => env[name]) ?? "a variable";
  if (inside.name !== "local") {
    return {
      kind: "job",
      scheduler,
      job: jobId(inside, env) ?? null,
      node: firstSet(inside.job.node, env) ?? null,
      reason: `${variable(inside.job.present.flat())} is set`,
    };
  }
  const outside = { job: null, node: null };
  if (scheduler.name === "local") {
    const reason = wanted || host.env("RDG_SCHEDULER")
      ? "you said so"
      : "no scheduler's program is on PATH";
    return { kind: "laptop", scheduler, ...outside, reason };
  }
  const path = host.env("PATH") ?? "";
  const program = scheduler.detect.find((name) => isOnPath(name, path));
  const reason = program ? `"${program}" is on PATH` : "you named its scheduler";
  return { kind: "login", scheduler, ...outside, reason };
}

/**
 * The row that says it.
 *
 * @param role From {@linkcode findRole}.
 * @param hostname This machine's name.
 * @returns The row.
 */
export function roleRow(role: Role, hostname: string): Row {
  const { kind, scheduler, job, node } = role;
  const what = {
    laptop: `${hostname} has no scheduler: a laptop or workstation`,
    login: `${hostname} is a login node of ${scheduler.name}`,
    job: `in ${job === null ? "a job" : `job ${job}`} of ${scheduler.name}, on ${node ?? hostname}`,
  }[kind];
  return ok({ group: "here", name: "role" }, `${what} (${role.reason})`, {
    role: kind,
    scheduler: scheduler.name,
    job,
    node,
    hostname,
  });
}
