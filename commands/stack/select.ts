/**
 * Which processes `rdg stack` asks: those that `rdg attach` would find, all of them unless fewer were
 * named; or one process of this host.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import type { Menus } from "../_job_menu.ts";
import { mySessions, withoutOtherBoots } from "../_records.ts";
import { openScheduler, sameNode } from "../_scheduler.ts";
import { type Selection, selectProcesses, unknownProcess } from "../attach/select.ts";
import type { Job } from "../../plugins/contract.ts";
import { local, localJob } from "../../plugins/schedulers/local.ts";
import { stateFolder } from "../../python/sessions.ts";
import type { StackOptions } from "./command.ts";

/**
 * Chooses the processes: one call of the scheduler, none for a PID without a job.
 *
 * @param options What was typed.
 * @param context The world, and who asks the person.
 * @returns Whom to ask.
 * @throws {RdgError} `not-found`, `permission` or `usage`.
 */
export async function choose(
  options: StackOptions,
  { host, menus }: { host: Host; menus: Menus },
): Promise<Selection> {
  if (options.job === undefined && options.pids !== undefined) {
    return onThisHost(options.pids, host);
  }
  const wanted = options.scheduler ?? (options.job === "local" ? "local" : undefined);
  const scheduler = await openScheduler(wanted, host);
  const sessions = await withoutOtherBoots(await mySessions(stateFolder(host.env), { host }), host);
  const context = { scheduler, sessions, host, menus, command: "stack" as const };
  const selection = await selectProcesses(
    { ...options, all: true, anybody: isWide(options) },
    context,
  );
  if (!isWide(options) || selection.sessions.length === 0) return selection;
  // Whoever has no session may be on any node of the job.
  const nodes = (job: Job) =>
    job.nodes.filter((node) => options.node === undefined || sameNode(node, options.node));
  const groups = selection.groups.map((group) => ({ ...group, nodes: nodes(group.job) }));
  return { ...selection, groups };
}

/** Whether all Python processes of the job are wanted, prepared by rdg or not. */
export function isWide({ inject, pids, ranks, job }: StackOptions): boolean {
  return inject === true && pids === undefined && ranks === undefined && job !== "local";
}

function onThisHost(pids: readonly number[], host: Host): Selection {
  return {
    scheduler: local,
    jobId: null,
    displayId: "local",
    groups: [{ job: localJob, nodes: [host.hostname()], targets: pids.map(unknownProcess) }],
    sessions: [],
  };
}
