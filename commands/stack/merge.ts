/**
 * Merges the stacks of many processes into one tree: equal frames become one, and the tree branches
 * where the processes part. Pure.
 *
 * @module
 */

import { type Answered, compareProcesses, mainOf, type Snapshot } from "./snapshot.ts";
import type { Frame, Thread } from "../../python/dump.ts";

/** A frame that some stacks share, and all frames outside it. */
export interface Branch {
  /** The frame; null at the root. */
  frame: Frame | null;
  /** Processes of which a stack passes here, in the order of their ranks. */
  processes: Answered[];
  /** Number of threads that pass here. */
  threads: number;
  /** Processes of which a stack ends here: this is where they are. */
  ends: Answered[];
  /** Where they call on from here, the fewest processes first. */
  children: Branch[];
}

/** Processes that are at the same place. */
export interface Group {
  /** Who. */
  processes: Answered[];
  /** Where, the innermost frame first. */
  frames: Frame[];
}

/** One look, merged. */
export interface Merged {
  /** Main threads of programs and ranks. */
  main: Branch;
  /** Main threads of helper processes. */
  children: Branch;
  /** All other threads. */
  others: Branch;
}

/** A stack of one process, the innermost frame first. */
export interface Stack {
  /** Whose it is. */
  process: Answered;
  /** Its frames. */
  frames: readonly Frame[];
}

/**
 * Merges one look at a job.
 *
 * @param snapshot What was found.
 * @returns Three trees.
 */
export function mergeSnapshot({ answered }: Pick<Snapshot, "answered">): Merged {
  const mains = answered.flatMap((process) => {
    const thread = mainOf(process);
    return thread ? [{ process, frames: framesOf(thread) }] : [];
  });
  const others = answered.flatMap((process) =>
    process.dump.threads.filter(({ main }) => !main).map((thread) => ({
      process,
      frames: framesOf(thread),
    }))
  );
  return {
    main: mergeStacks(mains.filter(({ process }) => !process.child)),
    children: mergeStacks(mains.filter(({ process }) => process.child)),
    others: mergeStacks(others),
  };
}

/**
 * Merges stacks.
 *
 * @param stacks The stacks; a process may have several.
 * @returns The root of the tree.
 */
function mergeStacks(stacks: readonly Stack[]): Branch {
  const order = [...stacks].sort((a, b) => compareProcesses(a.process, b.process));
  return build(null, { stacks: order, depth: 0 });
}

/**
 * Lists the places where stacks end.
 *
 * @param root A tree.
 * @returns The groups, the fewest processes first.
 */
export function groupsOf(root: Branch): Group[] {
  const groups: Group[] = [];
  const visit = (branch: Branch, outer: readonly Frame[]) => {
    const frames = branch.frame ? [branch.frame, ...outer] : outer;
    if (branch.ends.length > 0) groups.push({ processes: branch.ends, frames: [...frames] });
    for (const child of branch.children) visit(child, frames);
  };
  visit(root, []);
  return groups.sort((a, b) => compareSizes(a.processes, b.processes));
}

/** Equal stacks of 512 ranks are walked together, level by level. */
function build(
  frame: Frame | null,
  { stacks, depth }: { stacks: readonly Stack[]; depth: number },
): Branch {
  const ends: Stack[] = [];
  const below = new Map<string, Stack[]>();
  for (const stack of stacks) {
    const next = stack.frames.at(-1 - depth);
    if (!next) {
      ends.push(stack);
      continue;
    }
    const key = `${next.function}\0${next.line}\0${next.file}`;
    const same = below.get(key);
    if (same) same.push(stack);
    else below.set(key, [stack]);
  }
  const children = [...below.values()].map((same) =>
    build(same[0]!.frames.at(-1 - depth)!, { stacks: same, depth: depth + 1 })
  );
  return {
    frame,
    processes: distinct(stacks),
    threads: stacks.length,
    ends: distinct(ends),
    children: children.sort((a, b) => compareSizes(a.processes, b.processes)),
  };
}

/** A thread's frames, with a word in the place of frames that are not there. */
function framesOf({ frames, cut, note }: Thread): Frame[] {
  const word = (text: string): Frame => ({ file: "", line: null, function: text });
  if (frames.length === 0) return [word(`(${note ?? "no Python frame"})`)];
  return cut ? [...frames, word("(outer frames are missing)")] : frames;
}

function distinct(stacks: readonly Stack[]): Answered[] {
  return [...new Set(stacks.map(({ process }) => process))];
}

/** The first crash first, then the fewest. */
function compareSizes(a: readonly Answered[], b: readonly Answered[]): number {
  const crashed = (some: readonly Answered[]) =>
    Math.min(...some.map(({ crash }) => crash?.time ?? Number.MAX_SAFE_INTEGER));
  if (crashed(a) !== crashed(b)) return crashed(a) - crashed(b);
  if (a.length !== b.length) return a.length - b.length;
  return a[0] && b[0] ? compareProcesses(a[0], b[0]) : 0;
}
