/**
 * Starts the helper `node/wake.py` and reads what it says. Pure: the caller runs the command, by the
 * scheduler, over ssh or directly.
 *
 * @module
 */

import { helperSource } from "./helpers.ts";
import { pieceReader } from "./pieces.ts";
import { parseRecord, type Session } from "./sessions.ts";

/** One process that is to be woken. */
export interface Target {
  /** Its node as the scheduler calls it; null to look for it on every node. */
  host: string | null;
  /** Its id, as it sees it. */
  pid: number;
  /** Its start time from the record; null without one. */
  startTime: number | null;
  /** Its PID namespace from the record. */
  pidNamespace: string | null;
  /** The signal from the record; null to find it out. */
  signal: number | null;
}

/** What the helper is asked to do. */
export interface WakeRequest {
  /** Unique id of the job that the processes must belong to; null outside a job. */
  job: string | null;
  /** Variables that hold the job's id. */
  jobVariables: readonly string[];
  /** Other spellings of the job's id: those of the records. */
  jobAliases: readonly string[];
  /** How an array element's id is made where those variables hold only the array's; else null. */
  element: { pattern: string; variables: readonly string[]; none: readonly string[] } | null;
  /** Variables that hold the node's name. */
  nodeVariables: readonly string[];
  /** The node's name where no variable tells (ssh). */
  node: string | null;
  /** State folder as this machine sees it. */
  state: string | null;
  /** Whom to wake. */
  targets: readonly Target[];
  /** Seconds to wait for "listening"; 0 not to wait. */
  waitS: number;
  /** Seconds after which the stacks of those that don't answer are asked for. */
  stuckAfterS: number;
  /** How to prepare processes that rdg never prepared; absent to leave them alone. */
  inject?: Injection | undefined;
}

/** How to prepare a running process. */
export interface Injection {
  /** Folder that holds `remote_debug`, as the node sees it. */
  folder: string;
  /** What of `remote_debug`'s configuration is not as usual, and `state`, the state folder. */
  config: Readonly<Record<string, unknown>>;
  /** Seconds for it. */
  limitS: number;
}

/** What became of one process. */
export type Outcome =
  | "signalled"
  | "already"
  | "gone"
  | "reused"
  | "not-mine"
  // It lives, but /proc hides it, so nothing of it can be checked.
  | "hidden"
  | "other-job"
  | "no-job"
  | "not-here"
  | "not-lite"
  | "lost"
  | "unprepared"
  | "failed"
  // Of preparing a running process: why it can't be, or that it will be.
  | "no-ptrace"
  | "no-gdb"
  | "stopped"
  | "cannot-inject"
  | "queued";

/** Whom a line is about. */
export interface About {
  /** The node. */
  node: string;
  /** The process, as it calls itself. */
  pid: number;
  /** Its PID namespace, if it was asked for by that. */
  namespace?: string | null;
}

/** One line of the helper. */
export type WakeEvent =
  | { type: "node"; node: string }
  | About & { type: "process"; outcome: Outcome; detail: string }
  | About & { type: "ready"; session: Session; login: string | null }
  | About & {
    type: "stuck";
    stacks: string | null;
    detail: string;
    opening: boolean;
    listens: boolean;
  }
  | About & { type: "ended" | "late" | "injecting" }
  | { type: "done"; node: string };

/**
 * Says whether a line is about a process; of which node is the caller's business. Containers on one node
 * begin to count at 1, each of them.
 *
 * @param event The line.
 * @param target The process.
 */
export function isAbout(
  event: About,
  { pid, pidNamespace }: Pick<Target, "pid" | "pidNamespace">,
): boolean {
  return event.pid === pid && (event.namespace ?? pidNamespace) === pidNamespace;
}

/** An argument may have 128 KiB at most (Linux); many ranks need more, so the request is cut up. */
const maxWord = 100_000;

/**
 * The shell that looks for a Python: the program's own first (it may exist in a container only, or
 * need libraries that the helper's environment lacks), then the system's. 126 and 127 are the
 * shell's and the loader's ways to say that a program couldn't be started.
 */
const launcher = [
  "source=$1; own=$2; shift 2",
  'for python in "$own" python3 /usr/bin/python3 /usr/libexec/platform-python; do',
  '  command -v "$python" >/dev/null 2>&1 || continue',
  '  "$python" -I -S -c "$source" "$@"; code=$?',
  '  case $code in 126|127) ;; *) exit "$code" ;; esac',
  "done",
  'echo "rdg-wake: no Python 3.6 or later on $(hostname)" >&2; exit 127',
].join("\n");

/**
 * The command that runs the helper on a node.
 *
 * @param request What it should do.
 * @param python The interpreter to try first.
 * @returns Program and arguments.
 */
export function wakeCommand(request: WakeRequest, python: string): string[] {
  const { targets, ...rest } = request;
  const text = JSON.stringify({
    ...rest,
    processes: targets.map(({ host, pid, startTime, pidNamespace, signal }) => {
      return [host, pid, startTime, pidNamespace, signal];
    }),
  });
  return launchHelper({ source: helperSource("wake"), python, text });
}

/**
 * The command that runs a helper on a node with whatever Python there is.
 *
 * @param options The helper's source, the interpreter to try first, and a text that may be too long for
 * one argument: the arguments, joined.
 * @returns Program and arguments.
 */
export function launchHelper(
  options: { source: string; python: string; text: string },
): string[] {
  const { source, python, text } = options;
  const words: string[] = [];
  for (let start = 0; start < text.length; start += maxWord) {
    words.push(text.slice(start, start + maxWord));
  }
  return ["sh", "-c", launcher, "rdg-wake", source, python, ...words];
}

/**
 * Makes a reader of the helper's stdout.
 *
 * @returns Takes one line; gives what is said by it, or null.
 */
export function wakeReader(): (line: string) => WakeEvent | null {
  const read = pieceReader();
  return (line) => {
    const data = read(line);
    if (data?.type !== "ready") return data && { detail: "", ...data } as unknown as WakeEvent;
    const session = parseRecord(JSON.stringify(data.record), { path: "", uid: null });
    if (typeof session === "string") return null;
    const login = typeof data.login === "string" ? data.login : null;
    const { node, pid, namespace } = data as unknown as About;
    return { type: "ready", node, pid, namespace: namespace ?? null, session, login };
  };
}
