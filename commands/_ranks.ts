/**
 * Rank lists as they are typed, `0,3-5`, and who of them is missing. Pure.
 *
 * @module
 */

import { usageError } from "../plugins/error.ts";

/** First and last rank of a range, both included. */
export type RankRange = [first: number, last: number];

/** Ranks that are looked through for those without a session. */
const maxRanks = 100_000;

/**
 * Reads a rank list.
 *
 * @param text What was typed: numbers and ranges, separated by commas.
 * @returns The ranges as typed.
 * @throws {RdgError} `usage` when it is anything else.
 */
export function parseRanks(text: string): RankRange[] {
  return text.split(",").map((part) => {
    const [, first, last] = /^\s*(\d{1,9})(?:-(\d{1,9}))?\s*$/.exec(part) ?? [];
    const range: RankRange = [Number(first), Number(last ?? first)];
    if (first === undefined || range[1] < range[0]) {
      throw usageError(`Cannot use "--rank=${text}": want numbers and ranges`, "--rank=0,3-5");
    }
    return range;
  });
}

/**
 * Tells whether a rank is in a list.
 *
 * @param rank The rank; null for a process without one, which counts as rank 0.
 * @param ranges The list; undefined takes every rank in.
 * @returns Whether it is.
 */
export function inRanks(rank: number | null, ranges: readonly RankRange[] | undefined): boolean {
  return ranges === undefined ||
    ranges.some(([first, last]) => (rank ?? 0) >= first && (rank ?? 0) <= last);
}

/**
 * Writes ranks the way {@linkcode parseRanks} reads them, as short as it goes.
 *
 * @param ranks The ranks, in any order.
 * @returns `0-36,38-511`.
 */
export function formatRanks(ranks: readonly number[]): string {
  const order = [...new Set(ranks)].sort((a, b) => a - b);
  const ranges: RankRange[] = [];
  for (const rank of order) {
    const last = ranges.at(-1);
    if (last && last[1] === rank - 1) last[1] = rank;
    else ranges.push([rank, rank]);
  }
  return ranges.map(([first, last]) => first === last ? `${first}` : `${first}-${last}`).join(",");
}

/**
 * Says which ranks have no session: that one has ended may be why the others wait.
 *
 * @param sessions The sessions that were chosen.
 * @param wanted The ranks that were asked for; undefined for all.
 * @returns A line, or none; none where no session has a rank.
 */
export function absentRanks(
  sessions: readonly { rank: number | null; worldSize: number | null }[],
  wanted: readonly RankRange[] | undefined,
): string[] {
  const there = new Set(sessions.flatMap(({ rank }) => rank === null ? [] : [rank]));
  if (there.size === 0) return [];
  const size = Math.max(...sessions.map(({ worldSize }) => worldSize ?? 0));
  const end = Math.min(maxRanks, Math.max(size - 1, ...(wanted ?? []).map(([, last]) => last)));
  const absent: number[] = [];
  for (let rank = 0; rank <= end; rank++) {
    if (!there.has(rank) && inRanks(rank, wanted)) absent.push(rank);
  }
  if (absent.length === 0) return [];
  const who = absent.length === 1
    ? `rank ${absent[0]}`
    : `${absent.length} ranks (${formatRanks(absent)})`;
  const of = size > 0 ? ` of ${size}` : "";
  return [`No session of ${who}${of}: never armed, not started yet, or ended`];
}
