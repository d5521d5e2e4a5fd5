/**
 * The questions that PBS Pro, OpenPBS and Torque are asked in the same way. Describes qselect, and qstat
 * as Torque knows it.
 *
 * @module
 */

import type { Steps } from "../contract.ts";
import { commandFailed, unreadable } from "./_failure.ts";
import { type JobTable, readXml } from "./_pbs.ts";

/** What to do when qselect or qstat fails. */
export const pbsHint =
  'run "qstat" by hand on a login node, or name the scheduler: --scheduler=slurm';

/**
 * The ids of a person's jobs, arrays not taken apart. The same program in PBS Pro and Torque.
 *
 * @param user The person.
 * @returns Ids with the server's name.
 * @throws {RdgError} `scheduler` when qselect fails.
 */
export function* selectJobs(user: string): Steps<string[]> {
  const output = yield { program: "qselect", args: ["-u", user] };
  if (output.code !== 0) {
    throw commandFailed("Cannot list jobs", { program: "qselect", output, hint: pbsHint });
  }
  const lines = output.stdout.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const ids = lines.filter((line) => /^\d+(\[\d*\])?(\.[\w.-]+)?$/.test(line));
  if (ids.length === 0 && lines.length > 0) {
    throw unreadable("Cannot list jobs", {
      program: "qselect",
      stdout: output.stdout,
      wanted: "job ids",
    });
  }
  return ids;
}

/**
 * Asks Torque about jobs.
 *
 * @param action What an error begins with.
 * @param ids The jobs.
 * @returns Their attributes; those that have ended meanwhile are missing.
 * @throws {RdgError} `scheduler` when qstat fails or prints something else.
 */
export function* askTorque(action: string, ids: readonly string[]): Steps<JobTable> {
  let output = yield { program: "qstat", args: ["-f", "-t", "-x", ...ids] };
  // Torque 2 doesn't take arrays apart and has no -t.
  if (output.code !== 0 && /invalid option/i.test(output.stderr)) {
    output = yield { program: "qstat", args: ["-f", "-x", ...ids] };
  }
  const table = readXml(output.stdout);
  if (table && (output.code === 0 || table.size > 0)) return table;
  if (saysUnknownJob(output.stderr)) return new Map();
  if (output.code !== 0) throw commandFailed(action, { program: "qstat", output, hint: pbsHint });
  if (output.stdout.trim() === "") return new Map();
  throw unreadable(action, { program: "qstat", stdout: output.stdout, wanted: "complete XML" });
}

/**
 * Whether every complaint is about a job that has ended meanwhile.
 *
 * @param stderr What qstat wrote there.
 */
export function saysUnknownJob(stderr: string): boolean {
  const lines = stderr.trim().split("\n");
  return lines.every((line) => /Unknown Job Id|has finished|Job has finished/i.test(line));
}
