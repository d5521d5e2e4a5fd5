/**
 * Runs a command to its end and tells rdg's own lines from the program's. Starts processes.
 *
 * @module
 */

import type { StartOptions } from "./rdg.ts";

/** What came of a command. */
export interface Outcome {
  /** Exit code; 128 + n when signal n ended it. */
  code: number;
  /** The signal that ended it. */
  signal: string | null;
  /** Its stdout, one character a byte. */
  stdout: string;
  /** Its stderr, one character a byte; addresses of objects replaced. */
  stderr: string;
}

/**
 * Runs a command.
 *
 * @param command Its words.
 * @param options Where and how; `timeoutMs` is 60 seconds unless told.
 * @returns What came of it.
 * @throws {Error} when it takes too long.
 */
export async function outcome(
  command: readonly string[],
  options: StartOptions & { timeoutMs?: number },
): Promise<Outcome> {
  const [program = "", ...args] = command;
  const child = new Deno.Command(program, {
    args,
    cwd: options.cwd ?? options.sandbox.dir,
    env: { ...options.sandbox.env, ...options.env },
    clearEnv: true,
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, options.timeoutMs ?? 60_000);
  try {
    if (options.stdin !== undefined) {
      const writer = child.stdin.getWriter();
      const text = new TextEncoder().encode(options.stdin);
      writer.write(text).then(() => writer.close()).catch(() => {});
    }
    const { code, signal, stdout, stderr } = await child.output();
    const latin = new TextDecoder("latin1");
    const told = latin.decode(stderr).replace(/0x[0-9a-f]{6,}/g, "0x…");
    if (late) throw new Error(`It didn't end: ${command.join(" ")}; stderr:\n${told}`);
    return { code, signal, stdout: latin.decode(stdout), stderr: told };
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Takes out what rdg printed: blocks and lines that begin with `[rdg]`.
 *
 * @param stderr A program's stderr.
 * @returns What the program itself wrote.
 */
export function withoutRdg(stderr: string): string {
  return stderr
    .replace(
      /\[Lite Debugger\] Armed and ready!\n(?: .*\n)+\nTo activate the debugger, run:\n.*\n\n/g,
      "",
    )
    .replace(
      /\n(?:\[Post-Mortem Debugger\].*\n)?--- Python Debugger Info ---\n[^]*?\nScript .*\n(?:\(.*\)\n)?\n/g,
      "",
    )
    .replace(/^\[rdg\] .*\n/gm, "");
}
