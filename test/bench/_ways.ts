/**
 * The ways that debug.ts compares to start a Python program. Pure, but for a free port.
 *
 * @module
 */

import { cache, debugpyFor, type Interpreter } from "../support/python.ts";
import { rdg } from "../support/rdg.ts";

/** A way to start a program. */
export interface Way {
  /** Head of its column. */
  name: string;
  /** The words before the interpreter. */
  before: readonly string[];
  /** The words between the interpreter and the script. */
  between: readonly string[];
  /** More variables. */
  env: Readonly<Record<string, string>>;
  /** It can be woken by the signal. */
  wakes: boolean;
  /** It listens from the start, on the port that `between` names. */
  listens: boolean;
  /** SIGUSR1 has it listen and stop until somebody attaches: the PyPI package remote-debug. */
  stops: boolean;
}

/** Columns of the table after the first two. */
export const names = [
  "plain",
  "`rdg debug -l`",
  "`-p`",
  "`-lp`",
  "`debugpy --listen`",
  "`remote-debug -l`",
] as const;

/**
 * Folder with the PyPI package remote-debug, and what it needs, for an interpreter: an environment of
 * its own, since it has the same module name as rdg's Python part.
 *
 * @param interpreter Which one.
 * @returns The folder.
 */
export function remoteDebugFor(interpreter: Interpreter): string {
  return `${cache}/remote-debug/${interpreter.tag}`;
}

/**
 * Makes the ways.
 *
 * @param interpreter The interpreter; debugpy's own way needs its copy.
 * @param port For debugpy's own way; 0 for any.
 * @returns One for each of {@linkcode names}.
 */
export function ways(interpreter: Interpreter, port = 0): Way[] {
  const nothing = { before: [], between: [], env: {} };
  const plain: Way = { name: "", ...nothing, wakes: false, listens: false, stops: false };
  const under = (flags: string): Way => ({
    ...plain,
    before: [...rdg, "debug", "--wait-timeout=0.2", flags],
    wakes: flags.includes("l"),
  });
  return [plain, under("-l"), under("-p"), under("-lp"), {
    ...plain,
    between: ["-m", "debugpy", "--listen", `127.0.0.1:${port}`],
    env: { PYTHONPATH: debugpyFor(interpreter), PYDEVD_DISABLE_FILE_VALIDATION: "1" },
    listens: true,
  }, {
    ...plain,
    // It runs the script in its own process; the word "python" only has to be there.
    between: [`${remoteDebugFor(interpreter)}/bin/rdg`, "debug", "--lite", "python"],
    env: { PYTHONPATH: remoteDebugFor(interpreter), PYDEVD_DISABLE_FILE_VALIDATION: "1" },
    stops: true,
  }].map((way, index) => ({ ...way, name: names[index] ?? "" }));
}

/**
 * A whole command line.
 *
 * @param way How to start it.
 * @param interpreter The interpreter.
 * @param script The script's path.
 * @returns Its words.
 */
export function words(way: Way, options: { interpreter: Interpreter; script: string }): string[] {
  return [...way.before, options.interpreter.path, ...way.between, options.script];
}

/** A port that was free just now. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
