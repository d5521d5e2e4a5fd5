/**
 * The one error class of rdg. Touches nothing.
 *
 * A person reads three things: what happened (`message`, the attempted action first), why (`cause`,
 * usually the last lines a program wrote to stderr), and what to do (`hint`).
 *
 * @module
 */

/** What each exit code of rdg means. `rdg debug` returns the program's own code instead. */
export const ExitCode = {
  ok: 0,
  generic: 1,
  usage: 2,
  notFound: 3,
  permission: 4,
  scheduler: 5,
  timeout: 6,
} as const;

/** One of the values of {@linkcode ExitCode}. */
export type ExitCode = typeof ExitCode[keyof typeof ExitCode];

/** Details of an {@linkcode RdgError} beside its message. */
export interface RdgErrorOptions {
  /** Stable name of the failure, for `--json`: `"not-found"`, `"usage"`, … */
  code: string;
  /** What the process should exit with. */
  exitCode: ExitCode;
  /** What the person can do about it; a sentence without a final period. */
  hint?: string | undefined;
  /** Why it happened: the underlying error, or what a program printed. */
  cause?: unknown;
}

/** An error that is meant to be read by the person who runs rdg. */
export class RdgError extends Error {
  /** Stable name of the failure. */
  readonly code: string;
  /** What the process should exit with. */
  readonly exitCode: ExitCode;
  /** What the person can do about it. */
  readonly hint: string | undefined;

  /**
   * Makes one, to be thrown.
   *
   * @param message What happened: the attempted action first, no final period.
   * @param options The code, exit code, hint and cause.
   */
  constructor(message: string, options: RdgErrorOptions) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = "RdgError";
    this.code = options.code;
    this.exitCode = options.exitCode;
    this.hint = options.hint;
  }
}

/**
 * Makes an error for a wrong command line (exit code 2).
 *
 * @param message What is wrong with it.
 * @param hint What to type instead.
 * @returns The error, to be thrown.
 */
export function usageError(message: string, hint?: string): RdgError {
  return new RdgError(message, { code: "usage", exitCode: ExitCode.usage, hint });
}

/** An error as `--json` shows it. */
export interface JsonError {
  /** Stable name of the failure; `internal` for one of rdg's own. */
  code: string;
  /** What rdg exits with. */
  exitCode: ExitCode;
  /** What happened. */
  message: string;
  /** Why, as far as it is known. */
  cause: string | null;
  /** What the person can do. */
  hint: string | null;
}

/**
 * Puts an error into the form a program reads.
 *
 * @param error Anything that was thrown.
 * @returns Plain data.
 */
export function errorAsJson(error: unknown): JsonError {
  const known = error instanceof RdgError;
  return {
    code: known ? error.code : "internal",
    exitCode: known ? error.exitCode : ExitCode.generic,
    message: error instanceof Error ? error.message : String(error),
    cause: error instanceof Error ? causeOf(error) ?? null : null,
    hint: known && error.hint ? error.hint : null,
  };
}

/** A program may print a whole page in one line. */
function shortened(line: string): string {
  return line.length > 400 ? `${line.slice(0, 400)}…` : line;
}

function causeOf({ cause }: Error): string | undefined {
  if (cause === undefined) return undefined;
  return (cause instanceof Error ? cause.message : String(cause)).trimEnd();
}

/**
 * Puts an error into the form a person reads.
 *
 * @param error Anything that was thrown.
 * @param options `verbose` adds the stack trace.
 * @returns Lines without a final newline.
 */
export function formatError(error: unknown, options: { verbose?: boolean } = {}): string {
  const lines: string[] = [];
  if (error instanceof Error) {
    lines.push(error.message);
    const cause = causeOf(error);
    if (cause !== undefined) {
      lines.push(...cause.split("\n").slice(-8).map((line) => `  ${shortened(line)}`));
    }
    if (error instanceof RdgError && error.hint) lines.push(`Try: ${error.hint}`);
    if (options.verbose && error.stack) lines.push(error.stack);
  } else {
    lines.push(String(error));
  }
  return lines.join("\n");
}
