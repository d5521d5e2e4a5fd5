/**
 * Writes one look at a job for a terminal: who is where in one line each, then the trees. Pure.
 *
 * @module
 */

import { columns, cut, duration, printable } from "../_columns.ts";
import type { Frame } from "../../python/dump.ts";
import { type Branch, groupsOf, type Merged } from "./merge.ts";
import { fold, placer, whereIs } from "./places.ts";
import {
  type Answered,
  crashesOf,
  mainOf,
  namer,
  type Process,
  type Snapshot,
} from "./snapshot.ts";
import type { Marks } from "./changes.ts";

/** How to write. */
export interface TextOptions {
  /** Fold nothing, and write whole paths. */
  verbose: boolean;
  /** What changed since the last look; undefined for the first. */
  marks?: Marks | undefined;
  /** Columns to stay within. */
  width: number;
}

/** Places that are listed at the top, beside the trees. */
const maxGroups = 12;

/**
 * Writes one look.
 *
 * @param snapshot What was found.
 * @param merged The same, merged.
 * @param options How.
 * @returns Lines.
 */
export function renderText(snapshot: Snapshot, merged: Merged, options: TextOptions): string[] {
  const who = namer(snapshot);
  const place = options.verbose
    ? ({ file, line }: Frame) => file && `${file}:${line ?? "?"}`
    : placer(framesOf(snapshot));
  const groups = groupsOf(merged.main.processes.length > 0 ? merged.main : merged.children);
  const context = { who, place, options };
  const lines = crashLines(snapshot, who);
  lines.push(
    ...groups.slice(0, maxGroups).map(({ processes, frames }) =>
      printable(
        `${who(processes)} in ${whereIs(frames, place)}${marksOf(processes, options.marks)}`,
      )
    ),
  );
  if (groups.length > maxGroups) lines.push(`… and ${groups.length - maxGroups} more places`);
  lines.push(...section("Main threads", merged.main, context));
  lines.push(...section("Helper processes, main threads", merged.children, context));
  // Marks are about main threads.
  const unmarked = { ...context, options: { ...options, marks: undefined } };
  lines.push(...section("Other threads", merged.others, unmarked));
  return lines.map((line) => cut(line, options.width));
}

/**
 * Writes which processes gave nothing, and what is doubtful about those that did.
 *
 * @param snapshot What was found.
 * @returns Lines.
 */
export function renderMissing(snapshot: Snapshot): string[] {
  const who = namer(snapshot);
  const reasons = new Map<string, Process[]>();
  const add = (reason: string, process: Process) => {
    reasons.set(reason, [...reasons.get(reason) ?? [], process]);
  };
  for (const process of snapshot.missing) add(`No stacks of %: ${process.reason}`, process);
  for (const process of snapshot.answered) {
    if (process.dump.threads.length === 0) {
      add("No stacks of %: what came back holds no thread", process);
    } else if (!mainOf(process) && process.dump.cut) {
      add(`%: the main thread is not among the 100 that Python shows${more(process)}`, process);
    } else if (process.dump.cut) add(`%: cut short, threads are missing${more(process)}`, process);
    if (process.via !== "signal") {
      const means = process.via === "python" ? "Python's own reader" : process.via;
      add(`%: read from outside by ${means}`, process);
    }
  }
  return [...reasons].map(([reason, processes]) =>
    printable(reason.replace("%", () => withNodes(processes)))
  );

  /** A rank that is silent is looked for on its node next. */
  function withNodes(processes: readonly Process[]): string {
    const [only] = processes;
    const names = who(processes);
    if (processes.length > 1 || only!.node === "" || names.startsWith("PID")) return names;
    return `${names} (PID ${only!.pid} on ${only!.node})`;
  }
}

/** How many threads are not shown; the kernel's number holds native ones, which have no Python stack. */
function more({ dump, osThreads }: Answered): string {
  const hidden = (osThreads ?? 0) - dump.threads.length;
  return hidden > 0 ? `; ${hidden} of ${osThreads} threads (native ones included) not shown` : "";
}

/** Crashes that are listed at the top. */
const maxCrashes = 4;

/** Who crashed, in the order of time: the others may only have followed. */
function crashLines(snapshot: Snapshot, who: (processes: readonly Process[]) => string): string[] {
  const crashes = crashesOf(snapshot);
  const lines = crashes.slice(0, maxCrashes).map((process, i) => {
    const { time, exception } = process.crash!;
    const after = i === 0 ? "" : ` ${(time - crashes[0]!.crash!.time).toFixed(1)} s later`;
    return printable(`${who([process])} crashed${after}: ${exception}`);
  });
  const more = crashes.length - lines.length;
  return more > 0 ? [...lines, `… and ${more} more crashed after that`] : lines;
}

/** All frames of a look. */
export function* framesOf({ answered }: Snapshot): Generator<Frame> {
  for (const { dump } of answered) for (const { frames } of dump.threads) yield* frames;
}

/** What every part of the output needs. */
interface Context {
  who: (processes: readonly Process[]) => string;
  place: (frame: Frame) => string;
  options: TextOptions;
}

function section(title: string, root: Branch, context: Context): string[] {
  if (root.processes.length === 0) return [];
  return ["", title, ...branches(root, { ...context, indent: "" })];
}

/** What is below a branch: its frames in a row if nobody parts, else a heading a part. */
function branches(branch: Branch, context: Context & { indent: string }): string[] {
  const { who, indent, options } = context;
  const parts = [
    ...branch.ends.length > 0 && branch.frame
      ? [{ processes: branch.ends, threads: branch.ends.length, child: null }]
      : [],
    ...branch.children.map((child) => ({ ...child, child })),
  ].sort((a, b) => a.processes.length - b.processes.length);
  return parts.flatMap(({ processes, threads, child }, i) => {
    const last = i === parts.length - 1;
    const several = threads > processes.length ? `, ${threads} threads` : "";
    const here = child === null ? " (right here)" : "";
    const marks = isLeaf(child) ? marksOf(processes, options.marks) : "";
    const head = `${indent}${last ? "└─ " : "├─ "}${who(processes)}${several}${here}${marks}`;
    const inner = `${indent}${last ? "   " : "│  "}`;
    return [head, ...(child ? row(child, { ...context, indent: inner }) : [])];
  });
}

/** Frames up to where somebody parts or ends. */
function row(branch: Branch, context: Context & { indent: string }): string[] {
  const frames: Frame[] = [];
  let end = branch;
  while (true) {
    frames.push(end.frame!);
    if (end.children.length !== 1 || end.ends.length > 0) break;
    end = end.children[0]!;
  }
  const { indent, place, options } = context;
  const shown = fold(frames, { all: options.verbose });
  const framed = shown.flatMap((line) => "folded" in line ? [] : [line]);
  const laid = columns(
    framed.map(({ frame, times }) => [
      frame.function + (times > 1 ? ` ×${times}` : ""),
      place(frame),
    ]),
    Infinity,
  );
  const lines = shown.map((line) =>
    "folded" in line ? `… ${line.folded} library frames` : laid.shift()!
  );
  return [
    ...lines.map((line) => `${indent}${line}`),
    ...end.children.length > 0 ? branches(end, context) : [],
  ];
}

/** Whether nobody parts any more below a branch. */
function isLeaf(branch: Branch | null): boolean {
  while (branch && branch.children.length === 1 && branch.ends.length === 0) {
    branch = branch.children[0]!;
  }
  return branch === null || branch.children.length === 0;
}

/**
 * Says what changed about some processes since the last look.
 *
 * @param processes Who.
 * @param marks What `compare` said; undefined for the first look.
 * @returns A word with two blanks before it; "" for the first look.
 */
export function marksOf(processes: readonly Answered[], marks: Marks | undefined): string {
  if (!marks) return "";
  const moved = processes.filter(({ key }) => marks.get(key)?.kind === "moved");
  const fresh = processes.filter(({ key }) => marks.get(key)?.kind === "new");
  if (fresh.length === processes.length) return "  + new";
  if (moved.length + fresh.length === processes.length) return "  * moved";
  if (moved.length + fresh.length > 0) {
    return `  * ${moved.length + fresh.length} of ${processes.length} moved`;
  }
  const since = processes.map(({ key }) => {
    const mark = marks.get(key);
    return mark?.kind === "same" ? mark.forS : 0;
  });
  return `  = same place for ${duration(Math.min(...since))}`;
}
