/**
 * Signal names as they are typed: `USR2`, `SIGUSR2`, `RTMIN+6`, `40`. Linux numbers. Pure.
 *
 * @module
 */

import { usageError } from "../plugins/error.ts";

/** The first real-time signal with glibc (the C library keeps 32 and 33 for itself). */
const rtmin = 34;
const rtmax = 64;

/** What wakes a program unless `--signal` names another: RTMIN+6. */
export const defaultSignal: number = rtmin + 6;

/** What makes a program write its stacks unless `--stack-signal` names another: RTMIN+7. */
export const defaultStackSignal: number = rtmin + 7;

// deno-fmt-ignore
const names = [
  "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
  "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU",
  "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/**
 * Reads a signal.
 *
 * @param text What was typed.
 * @param flag The flag it was typed for, without dashes.
 * @returns Its number on Linux.
 * @throws {RdgError} `usage` when there is no such signal or a program can't catch it.
 */
export function parseSignal(text: string, flag: string): number {
  const name = text.toUpperCase().replace(/^SIG/, "");
  const [, base, sign, offset] = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name) ?? [];
  const number = base
    ? (base === "MIN" ? rtmin : rtmax) + (sign === "-" ? -1 : 1) * Number(offset ?? 0)
    : /^\d{1,3}$/.test(name)
    ? Number(name)
    : names.indexOf(name);
  const exists = number > 0 && number <= rtmax && number !== 32 && number !== 33;
  const hint = `--${flag}=RTMIN+6, or another signal that your program doesn't use`;
  if (!exists) throw usageError(`Cannot use "--${flag}=${text}": there is no such signal`, hint);
  if (["KILL", "STOP"].includes(names[number] ?? "")) {
    throw usageError(`Cannot use "--${flag}=${text}": no program can catch it`, hint);
  }
  return number;
}
