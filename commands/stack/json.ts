/**
 * One look at a job as data for programs. Pure.
 *
 * @module
 */

import { formatRanks } from "../_ranks.ts";
import type { Marks } from "./changes.ts";
import type { Group } from "./merge.ts";
import type { Process, Snapshot } from "./snapshot.ts";

/**
 * Puts one look into plain data.
 *
 * @param snapshot What was found.
 * @param more Places of the main threads, marks since the last look, and lines on absent ranks.
 * @returns The object that `--json` prints.
 */
export function asJson(
  snapshot: Snapshot,
  more: { groups: readonly Group[]; marks: Marks | undefined; absent: readonly string[] },
): Record<string, unknown> {
  return {
    job: snapshot.job,
    time: new Date(snapshot.time).toISOString(),
    groups: more.groups.map(({ processes, frames }) => ({
      count: processes.length,
      ranks: formatRanks(processes.flatMap(({ rank }) => rank === null ? [] : [rank])),
      processes: processes.map(({ node, pid }) => ({ node, pid })),
      frames,
    })),
    processes: snapshot.answered.map((process) => ({
      ...identity(process),
      command: process.name,
      via: process.via,
      osThreads: process.osThreads,
      ...(more.marks ? { change: more.marks.get(process.key) ?? null } : {}),
      cut: process.dump.cut,
      threads: process.dump.threads,
    })),
    missing: snapshot.missing.map((process) => ({
      ...identity(process),
      outcome: process.outcome,
      reason: process.reason,
    })),
    notes: more.absent,
  };
}

function identity({ rank, node, pid, child, crash }: Process): Record<string, unknown> {
  return { rank, node, pid, child, ...crash ? { crash } : {} };
}
