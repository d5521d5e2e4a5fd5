/**
 * The ways that debug.ts compares to start a Python program. Pure, but for a free port.
 *
 * @module
 */

import { debugpyFor, type Interpreter } from "../support/python.ts";
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
}

/** Columns of the table after the first two. */
export const names = ["plain", "`rdg debug -l`", "`-p`", "`-lp`", "`debugpy --listen`"] as const;

/**
 * Makes the ways.
 *
 * @param interpreter The interpreter; debugpy's own way needs its copy.
 * @param port For debugpy's own way; 0 for any.
 * @returns One for each of {@linkcode names}.
 */
export function ways(interpreter: Interpreter, port = 0): Way[] {
  const plain: Way = { name: "", before: [], between: [], env: {}, wakes: false, listens: false };
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
