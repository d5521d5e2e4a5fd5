/**
 * The errors that scheduler plugins throw, in one form. Pure; touches nothing.
 *
 * @module
 */

import type { RunOutput } from "../contract.ts";
import { ExitCode, RdgError } from "../error.ts";

/** How much of an unreadable output is shown. */
const excerptLength = 300;

/**
 * Makes the error for a program that ended with a status that isn't 0.
 *
 * @param action What was attempted: `Cannot list jobs`.
 * @param options The program, what came out of it, and what to try.
 * @returns The error (exit code 5), to be thrown.
 */
export function commandFailed(
  action: string,
  options: { program: string; output: RunOutput; hint: string },
): RdgError {
  const { program, output, hint } = options;
  const said = output.stderr.trim() || excerpt(output.stdout);
  return new RdgError(`${action}: "${program}" exited with code ${output.code}`, {
    code: "scheduler",
    exitCode: ExitCode.scheduler,
    hint,
    ...(said ? { cause: said } : {}),
  });
}

/**
 * Makes the error for an output that can't be understood.
 *
 * @param action What was attempted: `Cannot list jobs`.
 * @param options The program, its stdout, what was wanted (`"JSON"`), and what to try.
 * @returns The error (exit code 5), to be thrown.
 */
export function unreadable(
  action: string,
  options: { program: string; stdout: string; wanted: string; hint?: string },
): RdgError {
  const said = excerpt(options.stdout);
  return new RdgError(`${action}: "${options.program}" did not print ${options.wanted}`, {
    code: "scheduler",
    exitCode: ExitCode.scheduler,
    hint: options.hint ??
      `run "${options.program}" by hand to see whether it is healthy, or name the scheduler with --scheduler`,
    ...(said ? { cause: said } : {}),
  });
}

/** The beginning of a text, for a person to look at. */
function excerpt(text: string): string {
  const trimmed = text.trim();
  return trimmed.length > excerptLength ? `${trimmed.slice(0, excerptLength)} …` : trimmed;
}
