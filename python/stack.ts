/**
 * Starts the helper `node/stack.py`, which asks processes for their stacks, and reads what it says.
 * Pure: the caller runs the command, by the scheduler, over ssh or directly.
 *
 * @module
 */

import { helperSource } from "./helpers.ts";
import { pieceReader } from "./pieces.ts";
import { launchHelper, type Outcome, type Target, type WakeRequest } from "./wake.ts";

/** One process that is to be asked; `signal` is the stack signal. */
export interface StackTarget extends Target {
  /** Handed back with the answer. */
  index: number;
  /** Descriptor that its stacks are written to; null to look for it. */
  fd: number | null;
}

/** What the helper is asked to do, beside what waking takes as well. */
export interface StackRequest extends Omit<WakeRequest, "targets" | "waitS" | "stuckAfterS"> {
  /** Whom to ask. */
  targets: readonly StackTarget[];
  /** Seconds after which a process counts as silent. */
  limitS: number;
  /** Also armed processes without a record, below those. */
  children: boolean;
  /** Also armed processes of the job that are below none of them. */
  orphans: boolean;
  /** Also all other Python processes of mine in the job. */
  unarmed: boolean;
  /** Variables that are handed back for processes that nobody named: what launchers set. */
  rankVariables: readonly string[];
}

/** Why a process gave no stacks. */
export type Silence = Outcome | "unarmed" | "late" | "ended";

/** How stacks were read: by the stack signal, or from outside; `python` is its own reader (3.14). */
export type Means = "signal" | "py-spy" | "python" | "gdb";

/** What all lines about one process say. */
interface About {
  /** The node. */
  node: string;
  /** Index of the target; null for a child without a record. */
  index: number | null;
  /** Index of the target above a child; null where there is none. */
  parent: number | null;
  /** Process id: its own for a target, the node's for a child. */
  pid: number;
  /** Clock ticks since boot at which it started. */
  start: number | null;
  /** Whether it is no helper of another one's: it was named, or is a program that nobody named. */
  program: boolean;
  /** Values of the asked variables. */
  environment: Record<string, string>;
}

/** One object of the helper's. */
export type StackEvent =
  | { type: "node"; node: string }
  | About & {
    type: "stack";
    name: string;
    text: string;
    complete: boolean;
    /** By what means. */
    via: Means;
    /** Threads that the kernel knows, native ones among them; null where unknown. */
    threads: number | null;
  }
  | About & { type: "none"; outcome: Silence; detail: string }
  | { type: "done"; node: string };

/**
 * The command that runs the helper on a node.
 *
 * @param request What it should do.
 * @param python The interpreter to try first.
 * @returns Program and arguments.
 */
export function stackCommand(request: StackRequest, python: string): string[] {
  const { targets, ...rest } = request;
  const text = JSON.stringify({
    ...rest,
    processes: targets.map(({ host, pid, startTime, pidNamespace, signal, index, fd }) => {
      return [host, pid, startTime, pidNamespace, signal, index, fd];
    }),
  });
  return launchHelper({ source: helperSource("stack"), python, text });
}

/**
 * Makes a reader of the helper's stdout.
 *
 * @returns Takes one line; gives what is said by it, or null.
 */
export function stackReader(): (line: string) => StackEvent | null {
  return pieceReader() as (line: string) => StackEvent | null;
}
