/**
 * What a program holds while it runs: memory, threads, other processes. Starts one; reads `/proc`.
 *
 * @module
 */

import { TextLineStream } from "../support/lines.ts";
import type { Interpreter } from "../support/python.ts";
import type { Sandbox } from "../support/rdg.ts";
import { type Way, words } from "./_ways.ts";

/** What was seen. */
export interface Standing {
  /** VmRSS of the program, kB. */
  rss: number;
  /** Its proportional share, kB. */
  pss: number;
  /** Its threads. */
  threads: number;
  /** Processes beside it that were started with it and still run. */
  others: number;
}

/**
 * Starts a program that says "ready" and waits for input, looks, and lets it end.
 *
 * @param way How to start it.
 * @param options The interpreter, the sandbox and the script.
 * @returns What was seen.
 */
export async function standing(
  way: Way,
  options: { interpreter: Interpreter; sandbox: Sandbox; script: string },
): Promise<Standing> {
  const [program = "", ...args] = words(way, options);
  const mark = crypto.randomUUID();
  const child = new Deno.Command(program, {
    args,
    cwd: options.sandbox.dir,
    env: { ...options.sandbox.env, ...way.env, BENCH_MARK: mark },
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const said = new TextLineStream(child.stdout);
  try {
    await said.next(/^ready$/);
    const folder = `/proc/${child.pid}`;
    return {
      rss: field(`${folder}/status`, "VmRSS"),
      pss: field(`${folder}/smaps_rollup`, "Pss"),
      threads: field(`${folder}/status`, "Threads"),
      others: marked(mark).filter((pid) => pid !== child.pid).length,
    };
  } finally {
    await child.stdin.close();
    await child.status;
    await said.cancel();
  }
}

/** A number out of one of the kernel's tables. */
function field(path: string, name: string): number {
  return Number(
    new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(Deno.readTextFileSync(path))?.[1] ?? NaN,
  );
}

/** Processes that have the mark in their environment. */
function marked(mark: string): number[] {
  const pids: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (Deno.readTextFileSync(`/proc/${name}/environ`).includes(mark)) pids.push(Number(name));
    } catch {
      // It has ended, or is somebody else's.
    }
  }
  return pids;
}
