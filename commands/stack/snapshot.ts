/**
 * What was found out about a job's processes at one moment, and how they are called. Pure.
 *
 * @module
 */

import { formatRanks } from "../_ranks.ts";
import type { Dump, Thread } from "../../python/dump.ts";
import type { Means, Silence } from "../../python/stack.ts";

/** Which process is meant. */
export interface Process {
  /** Tells it apart from every other one, and from an earlier one with its number. */
  key: string;
  /** Rank within the program; a child's is that of the process above it. */
  rank: number | null;
  /** Its node. */
  node: string;
  /** Its process id. */
  pid: number;
  /** Whether it has no record of its own: a worker that a program started. */
  child: boolean;
  /** The crash that it waits with; absent where there is none. */
  crash?: Crash;
}

/** An exception that nobody caught. */
export interface Crash {
  /** Seconds since 1970, by the node's clock. */
  time: number;
  /** One line about it. */
  exception: string;
}

/** A process that answered. */
export interface Answered extends Process {
  /** Its command line. */
  name: string;
  /** Where its threads are. */
  dump: Dump;
  /** How they were read. */
  via: Means;
  /** Threads that the kernel knows, native ones among them; null where unknown. */
  osThreads: number | null;
}

/** A process that gave no stacks. */
export interface Missing extends Process {
  /** Why, in a word for programs. */
  outcome: Silence | "no-answer";
  /** Why, for people. */
  reason: string;
}

/** One look at a job. */
export interface Snapshot {
  /** The job's id, as people write it. */
  job: string;
  /** Milliseconds since 1970. */
  time: number;
  /** Those that answered. */
  answered: Answered[];
  /** Those that didn't. */
  missing: Missing[];
}

/** PIDs that are listed in one label. */
const maxPids = 4;

/**
 * The thread in which a process began.
 *
 * @param process The process.
 * @returns The thread; undefined where the dump doesn't hold it.
 */
export function mainOf({ dump }: Answered): Thread | undefined {
  return dump.threads.find(({ main }) => main);
}

/**
 * Makes the function that says who some processes are.
 *
 * @param snapshot All processes: a rank that two of them have, and a node that is the only one, say
 * nothing.
 * @returns Takes processes; gives `rank 37`, `511 ranks (0-36,38-511)`, `PID 12 on n1` and the like.
 */
export function namer(
  { answered, missing }: Pick<Snapshot, "answered" | "missing">,
): (processes: readonly Process[]) => string {
  const all: Process[] = [...answered, ...missing];
  const nodes = new Set(all.map(({ node }) => node));
  const count = new Map<number, number>();
  for (const { rank, child } of all) {
    if (rank !== null && !child) count.set(rank, (count.get(rank) ?? 0) + 1);
  }
  const isRank = ({ rank, child }: Process) => rank !== null && !child && count.get(rank) === 1;
  const total = all.filter(isRank).length;
  const single = (process: Process) => {
    const where = nodes.size > 1 ? ` on ${process.node}` : "";
    if (process.rank === null) return `PID ${process.pid}${where}`;
    return `PID ${process.pid}${where} (${process.child ? "below " : ""}rank ${process.rank})`;
  };
  return (processes) => {
    const ranks = processes.filter(isRank).map(({ rank }) => rank!);
    const others = processes.filter((process) => !isRank(process));
    const parts: string[] = [];
    if (ranks.length === 1) parts.push(`rank ${ranks[0]}`);
    else if (ranks.length === total && total > 1) parts.push(`all ${total} ranks`);
    else if (ranks.length > 1) parts.push(`${ranks.length} ranks (${formatRanks(ranks)})`);
    if (others.length === 1) parts.push(single(others[0]!));
    else if (others.length > 1) {
      const some = others.slice(0, maxPids).map(single).join(", ");
      const more = others.length > maxPids ? ", …" : "";
      parts.push(`${others.length} processes (${some}${more})`);
    }
    return parts.join(" and ");
  };
}

/** Those that wait with a crash, the first crash first. */
export function crashesOf(
  { answered, missing }: Pick<Snapshot, "answered" | "missing">,
): Process[] {
  const all: Process[] = [...answered, ...missing];
  return all.filter(({ crash }) => crash).sort((a, b) =>
    a.crash!.time - b.crash!.time || compareProcesses(a, b)
  );
}

/** Order of rank, node, process. */
export function compareProcesses(a: Process, b: Process): number {
  const rank = ({ rank }: Process) => rank ?? Number.MAX_SAFE_INTEGER;
  return rank(a) - rank(b) || Number(a.child) - Number(b.child) ||
    byNumber.compare(a.node, b.node) || a.pid - b.pid || 0;
}

const byNumber = new Intl.Collator("en", { numeric: true });
