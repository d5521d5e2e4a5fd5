/**
 * Why a process gave no stacks, in words, and what the command ends with for it. Pure.
 *
 * @module
 */

import { ExitCode } from "../../plugins/error.ts";
import type { Missing } from "./snapshot.ts";

/**
 * Says why.
 *
 * @param outcome The word for programs.
 * @param context What the helper added, and the job's id.
 * @returns A sentence without a capital or a period.
 */
export function reasonOf(
  outcome: Missing["outcome"],
  { detail, job }: { detail: string; job: string },
): string {
  const more = detail ? `: ${detail}` : "";
  switch (outcome) {
    case "gone":
      return "the process has ended";
    case "ended":
      return "it ended while it was asked";
    case "reused":
      return "it has ended, and its number belongs to another process now";
    case "not-here":
      return job === "local" ? "there is no such process here" : `job ${job} has no such process`;
    case "hidden":
      return "/proc does not show it (hidepid), so nothing of it can be checked";
    case "not-mine":
      return "it belongs to somebody else";
    case "other-job":
      return `it belongs to job ${detail}`;
    case "no-job":
      return `it does not belong to job ${job}`;
    case "stopped":
      return detail || "the process is stopped";
    case "late":
      return `no answer in time${more}`;
    case "no-ptrace":
    case "no-gdb":
    case "cannot-inject":
    case "queued":
    case "unarmed":
    case "failed":
      return detail || "it can't be asked";
    case "no-answer":
      return `its node did not answer${more}`;
    default:
      return `${outcome}${more}`;
  }
}

/**
 * What the command ends with.
 *
 * @param missing Those that gave nothing.
 * @returns 0 where everybody answered, else the code for the first that didn't.
 */
export function exitCodeOf([first]: readonly Missing[]): ExitCode {
  switch (first?.outcome) {
    case undefined:
      return ExitCode.ok;
    case "gone":
    case "ended":
    case "reused":
    case "not-here":
    case "other-job":
    case "no-job":
      return ExitCode.notFound;
    case "hidden":
    case "not-mine":
    case "no-ptrace":
      return ExitCode.permission;
    case "late":
      return ExitCode.timeout;
    case "no-answer":
      return ExitCode.scheduler;
    default:
      return ExitCode.generic;
  }
}
