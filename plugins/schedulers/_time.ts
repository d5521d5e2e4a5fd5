/**
 * Lengths of time as schedulers print them. Pure; touches nothing.
 *
 * @module
 */

/**
 * Reads a length of time: `[DAYS-]HH:MM:SS`, `DAYS-HH[:MM]`, `MM:SS`, or a plain number of seconds.
 * Hours may exceed 24 (`120:00:00`), and seconds may have a fraction.
 *
 * @param text What the scheduler printed.
 * @returns Seconds, not negative; undefined for anything else (`UNLIMITED`, `INVALID`, `NOT_SET`, `-`).
 */
export function parseDuration(text: string): number | undefined {
  const match = /^(?:(\d+)-)?(\d+(?::\d+){0,2}(?:\.\d+)?)$/.exec(text.trim());
  if (!match) return undefined;
  const parts = match[2]!.split(":").map(Number);
  if (match[1] !== undefined) {
    const [hours = 0, minutes = 0, seconds = 0] = parts;
    return finite(((Number(match[1]) * 24 + hours) * 60 + minutes) * 60 + seconds);
  }
  return finite(parts.reduce((sum, part) => sum * 60 + part, 0));
}

/**
 * What remains of a limit.
 *
 * @param limitS Seconds allowed, if there is a limit.
 * @param elapsedS Seconds used, if known.
 * @returns Seconds left, not negative; undefined where either is unknown.
 */
export function timeLeft(
  limitS: number | undefined,
  elapsedS: number | undefined,
): number | undefined {
  if (limitS === undefined || elapsedS === undefined) return undefined;
  return Math.max(0, limitS - elapsedS);
}

function finite(seconds: number): number | undefined {
  return Number.isFinite(seconds) ? seconds : undefined;
}
