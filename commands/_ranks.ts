/**
 * Reads lists of ranks, as `--rank` takes them. Pure.
 *
 * @module
 */

import { usageError } from "../plugins/error.ts";

/** First and last rank of a range, both included. */
export type RankRange = readonly [number, number];

/**
 * Reads a list of ranks: `0`, `0,3`, `0-3,8`.
 *
 * @param text What was typed.
 * @returns The ranges.
 * @throws {RdgError} `usage` for anything else.
 */
export function parseRanks(text: string): RankRange[] {
  return text.split(",").map((part) => {
    const match = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (!match || last < first) {
      throw usageError(`Cannot use "--rank=${text}": want ranks as in 0 or 0,3 or 0-3`);
    }
    return [first, last];
  });
}

/**
 * Says whether a rank is in a list.
 *
 * @param ranges The list.
 * @param rank A rank; null for a process without one, which is in no list.
 * @returns Whether it is.
 */
export function includesRank(ranges: readonly RankRange[], rank: number | null): boolean {
  return rank !== null && ranges.some(([first, last]) => rank >= first && rank <= last);
}
