/**
 * Which processes `rdg stack` asks: those that `rdg attach` would find, all of them unless fewer were
 * named; or one process of this host.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import type { Menus } from "../_job_menu.ts";
import { formatRanks, inRanks } from "../_ranks.ts";
import { openScheduler, sameNode } from "../_scheduler.ts";
import { type Selection, selectProcesses } from "../attach/select.ts";
import type { Job } from "../../plugins/contract.ts";
import { local, localJob } from "../../plugins/schedulers/local.ts";
import { readSessions, type Session, stateFolder } from "../../python/sessions.ts";
import type { StackOptions } from "./command.ts";

/** Ranks that are looked through for those without a session. */
const maxRanks = 100_000;

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
  const state = stateFolder(host.env);
  const { sessions, passedOver } = state === null
    ? { sessions: [], passedOver: [] }
    : await readSessions(state, { uid: Deno.uid() });
  for (const line of passedOver) {
    host.terminal.say(host.terminal.style("dim", `Passed over ${line}`));
  }
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

/**
 * Says which ranks have no session: that one has ended may be why the others wait.
 *
 * @param sessions The chosen processes.
 * @param options Which ranks and nodes were named.
 * @returns A line, or none.
 */
export function absentRanks(
  sessions: readonly Session[],
  options: Pick<StackOptions, "ranks" | "node" | "pids">,
): string[] {
  if (options.node !== undefined || options.pids !== undefined || sessions.length === 0) return [];
  const there = new Set(sessions.flatMap(({ rank }) => rank === null ? [] : [rank]));
  if (there.size === 0) return [];
  const size = Math.max(...sessions.map(({ worldSize }) => worldSize ?? 0));
  const named = options.ranks?.map(([, last]) => last) ?? [];
  const end = Math.min(maxRanks, Math.max(size - 1, ...named));
  const absent: number[] = [];
  for (let rank = 0; rank <= end; rank++) {
    if (!there.has(rank) && inRanks(rank, options.ranks)) absent.push(rank);
  }
  if (absent.length === 0) return [];
  const who = absent.length === 1
    ? `rank ${absent[0]}`
    : `${absent.length} ranks (${formatRanks(absent)})`;
  const of = size > 0 ? ` of ${size}` : "";
  return [`No session of ${who}${of}: never armed, not started yet, or ended`];
}

function onThisHost(pids: readonly number[], host: Host): Selection {
  const targets = pids.map((pid) => ({
    ...{ host: null, pid, startTime: null, pidNamespace: null, signal: null },
  }));
  return {
    scheduler: local,
    jobId: null,
    displayId: "local",
    groups: [{ job: localJob, nodes: [host.hostname()], targets }],
    sessions: [],
  };
}
