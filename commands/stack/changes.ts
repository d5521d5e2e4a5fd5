/**
 * What changed between two looks at a job. Pure.
 *
 * @module
 */

import { mainOf, type Process, type Snapshot } from "./snapshot.ts";

/** What became of a process since the last look. */
export type Mark =
  | { kind: "new" }
  | { kind: "moved" }
  | { kind: "same"; forS: number };

/** Marks by the process's key. */
export type Marks = ReadonlyMap<string, Mark>;

/** What has to be remembered from one look to the next. */
export type Memory = ReadonlyMap<string, { process: Process; place: string; since: number }>;

/**
 * Compares a look with what is remembered.
 *
 * A process that is at the same line again may have been elsewhere in between: "same" doesn't prove
 * that it hangs, "moved" proves that it doesn't.
 *
 * @param snapshot The new look.
 * @param memory What the last call returned; undefined for the first look.
 * @returns Marks (none for the first look), those that answered before and are in the new look no
 * more, and what to remember.
 */
export function compare(
  snapshot: Snapshot,
  memory: Memory | undefined,
): { marks: Marks | undefined; ended: Process[]; memory: Memory } {
  const marks = new Map<string, Mark>();
  const next = new Map<string, { process: Process; place: string; since: number }>();
  for (const process of snapshot.answered) {
    const threads = mainOf(process) ? [mainOf(process)!] : process.dump.threads;
    const place = JSON.stringify(threads.map(({ frames }) => frames));
    const before = memory?.get(process.key);
    const same = before?.place === place;
    next.set(process.key, { process, place, since: same ? before.since : snapshot.time });
    marks.set(
      process.key,
      before === undefined
        ? { kind: "new" }
        : same
        ? { kind: "same", forS: Math.round((snapshot.time - before.since) / 1000) }
        : { kind: "moved" },
    );
  }
  const there = new Set([...snapshot.answered, ...snapshot.missing].map(({ key }) => key));
  const ended = [...memory?.values() ?? []].map(({ process }) => process)
    .filter(({ key }) => !there.has(key));
  // One that is silent for a moment is compared with where it was before.
  for (const [key, value] of memory ?? []) {
    if (!next.has(key) && there.has(key)) next.set(key, value);
  }
  return { marks: memory && marks, ended, memory: next };
}
