/**
 * What the system tells of processes on this host: what `/proc` shows, and whether there is one of a
 * number. Deno itself tells only with all permissions (2.9.6); under a list of permissions `cat`,
 * `readlink` and `kill` are asked. No process is sent a signal.
 *
 * @module
 */

import type { Runner } from "../plugins/host.ts";

/** A process as `/proc/PID/stat` shows it. */
export interface ProcessState {
  /** One letter: `R`, `S`, `Z` for one that has ended and is not waited for, … */
  state: string;
  /** Clock ticks from boot to its start. */
  startTime: number;
}

/**
 * Looks at processes.
 *
 * @param pids Their ids.
 * @param runner Starts programs.
 * @returns What is known by id: null for one that `/proc` doesn't show, which {@linkcode noneOf} tells
 * more of; none where the system doesn't tell.
 */
export async function processStates(
  pids: readonly number[],
  runner: Runner,
): Promise<Map<number, ProcessState | null>> {
  const found = new Map<number, ProcessState | null>();
  const refused: number[] = [];
  await Promise.all(pids.map(async (pid) => {
    try {
      const state = readStat(await Deno.readTextFile(`/proc/${pid}/stat`));
      if (state) found.set(pid, state);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) found.set(pid, null);
      else if (error instanceof Deno.errors.NotCapable) refused.push(pid);
    }
  }));
  if (refused.length === 0) return found;
  const args = refused.map((pid) => `/proc/${pid}/stat`);
  const output = await runner({ program: "cat", args, env: { LC_ALL: "C" } }).catch(() => null);
  if (!output) return found;
  for (const pid of refused) {
    const line = output.stdout.split("\n").find((text) => text.startsWith(`${pid} (`));
    const state = line === undefined ? null : readStat(line);
    if (state) found.set(pid, state);
    // A process that goes while it is looked at has "No such process".
    else if (new RegExp(`/proc/${pid}/stat'?: No such `).test(output.stderr)) found.set(pid, null);
  }
  return found;
}

/**
 * Asks the kernel which numbers no process has. `/proc` doesn't tell: mounted with `hidepid` it hides
 * some that live, a person's own among them (those in a user namespace beside, or that can't be traced).
 *
 * @param pids Their ids, as this process counts them.
 * @param runner Starts programs.
 * @returns Those that surely don't exist.
 */
export async function noneOf(pids: readonly number[], runner: Runner): Promise<Set<number>> {
  const none = new Set<number>();
  const refused: number[] = [];
  for (const pid of pids) {
    try {
      Deno.kill(pid, 0);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) none.add(pid);
      else if (error instanceof Deno.errors.NotCapable) refused.push(pid);
    }
  }
  if (refused.length === 0) return none;
  const args = ["-0", ...refused.map(String)];
  const output = await runner({ program: "kill", args, env: { LC_ALL: "C" } }).catch(() => null);
  for (const pid of refused) {
    // procps: "kill: (7): No such process"; util-linux: "kill: sending signal to 7 failed: No such process".
    if (new RegExp(`\\b${pid}\\b.*: No such `).test(output?.stderr ?? "")) none.add(pid);
  }
  return none;
}

/**
 * Says whether a session's process has ended, or its number was given to another one.
 *
 * @param session What its record holds.
 * @param now The process that has its number now.
 */
export function hasEnded(session: { startTime: number | null }, now: ProcessState): boolean {
  return now.startTime !== session.startTime || "ZX".includes(now.state);
}

/**
 * Names the space of process ids that this process lives in; a container has its own.
 *
 * @param runner Starts programs.
 * @returns As in `pid:[4026531836]`; null where the system doesn't tell.
 */
export async function ownNamespace(runner: Runner): Promise<string | null> {
  const path = "/proc/self/ns/pid";
  try {
    return await Deno.readLink(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) return null;
  }
  const output = await runner({ program: "readlink", args: [path] }).catch(() => null);
  return output?.stdout.trim() || null;
}

/**
 * Names this boot of this machine: what tells it from another one of the same name.
 *
 * @param runner Starts programs.
 * @returns The kernel's name for it, the same in each container; null where the system doesn't tell.
 */
export async function ownBoot(runner: Runner): Promise<string | null> {
  return (await readProc("/proc/sys/kernel/random/boot_id", runner))?.trim() || null;
}

/**
 * Says since when this machine runs.
 *
 * @param runner Starts programs.
 * @returns Seconds since 1970; null where the system doesn't tell.
 */
export async function bootTime(runner: Runner): Promise<number | null> {
  const line = /^btime (\d+)$/m.exec(await readProc("/proc/stat", runner) ?? "");
  return line ? Number(line[1]) : null;
}

/**
 * Says whether `/proc` counts as this process does. In a namespace with an outer one's `/proc` its
 * numbers mean other processes.
 *
 * @param runner Starts programs.
 */
export async function countsAlike(runner: Runner): Promise<boolean> {
  return hasOneNumber(await readProc("/proc/self/status", runner) ?? "");
}

/**
 * Says whether a process has the same number for itself and for who reads this.
 *
 * @param status What `/proc/PID/status` holds. Before Linux 4.1 it doesn't tell.
 */
export function hasOneNumber(status: string): boolean {
  return !/^NSpid:\s*\d+\s+\d/m.test(status);
}

async function readProc(path: string, runner: Runner): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) return null;
  }
  const output = await runner({ program: "cat", args: [path] }).catch(() => null);
  return output?.code === 0 ? output.stdout : null;
}

/**
 * Reads what `/proc/PID/stat` holds.
 *
 * @param line Its text.
 * @returns The process; null for a text that is none.
 */
export function readStat(line: string): ProcessState | null {
  // The program's name, in brackets, may hold anything: the fields are counted from behind it.
  const [state = "", ...fields] = line.slice(line.lastIndexOf(")") + 2).split(" ");
  const startTime = Number(fields[18]);
  return state !== "" && Number.isFinite(startTime) ? { state, startTime } : null;
}
