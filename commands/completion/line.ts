/**
 * Takes a command line apart that isn't finished: what was given, what the cursor's word belongs to, and
 * which places for words a usage line has. Pure.
 *
 * @module
 */

import type { Flags } from "../_args.ts";

/** What stands before the cursor. */
export interface Line {
  /** The word being typed. */
  current: string;
  /** Words that are no flags, before it. */
  positional: string[];
  /** Index of the first of them among all words; -1 without one. */
  first: number;
  /** Names of flags that were given. */
  given: Set<string>;
  /** The flag whose value is being typed as a word of its own. */
  open: string | undefined;
  /** Flags can't follow any more. */
  flagsOver: boolean;
}

/**
 * Reads the words of a command, as far as the cursor.
 *
 * @param words The words after the command's name, the last one being typed.
 * @param options The command's flags, and whether its first word that is no flag begins another
 * program's line.
 * @returns What stands before the cursor.
 */
export function readLine(
  words: readonly string[],
  { flags, passThrough }: { flags: Flags; passThrough: boolean },
): Line {
  const current = words.at(-1) ?? "";
  const line: Line = {
    current,
    positional: [],
    first: -1,
    given: new Set(),
    open: undefined,
    flagsOver: false,
  };
  const byLetter = (letter: string) =>
    Object.keys(flags).find((name) => flags[name]?.short === letter);
  for (let at = 0; at < words.length - 1; at++) {
    const word = words[at]!;
    if (line.flagsOver || !word.startsWith("-") || word === "-") {
      if (line.first < 0) line.first = at;
      line.positional.push(word);
      if (passThrough) line.flagsOver = true;
      continue;
    }
    if (word === "--") {
      line.flagsOver = true;
      continue;
    }
    const long = word.startsWith("--");
    const name = long ? word.slice(2).split("=")[0]! : byLetter(word.at(-1)!);
    if (name === undefined) continue;
    line.given.add(name);
    if (flags[name]?.type !== "string" || word.includes("=")) continue;
    if (at === words.length - 2) line.open = name;
    at++;
  }
  return line;
}

/** A place for a word that is no flag. */
export interface Place {
  /** What may stand there: names of kinds, or words themselves. */
  names: string[];
  /** Whether more of the same may follow. */
  again: boolean;
}

/**
 * Reads the places for words out of a usage line: `[flags] [[USER@]LOGIN] [JOB]`.
 *
 * @param usage The line.
 * @returns The places, in order.
 */
export function placesOf(usage: string): Place[] {
  const places: Place[] = [];
  for (const token of usage.split(" ")) {
    const text = token.replaceAll(/\[|\]|USER@/g, "");
    if (!/^[A-Za-z]/.test(text) || text === "flags") continue;
    places.push({ names: text.replace("…", "").split("|"), again: text.endsWith("…") });
  }
  // A login node may be left out, and so may any number of what may come again.
  for (const [index, { names, again }] of places.entries()) {
    const next = places[index + 1];
    if (next && (again || names.includes("LOGIN"))) names.push(...next.names);
  }
  return places;
}

/**
 * The place for one more word.
 *
 * @param places All places.
 * @param index How many words there are already.
 * @returns It; undefined where no word may follow.
 */
export function placeAt(places: readonly Place[], index: number): Place | undefined {
  return places.slice(0, index + 1).find(({ again }) => again) ?? places[index];
}
