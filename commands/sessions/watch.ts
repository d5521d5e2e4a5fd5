/**
 * `rdg sessions --watch`: looks again and again until Ctrl-C, or until nobody reads it. On a terminal the picture replaces the one
 * before; nothing of the terminal is changed that would have to be put back.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import { cut, duration } from "../_columns.ts";
import type { Listing, Look } from "./look.ts";

/** Waits between two looks; resolves to false to end. */
export type Pause = (ms: number) => Promise<boolean>;

/** Pause between two pictures on a terminal: reading the records costs the scheduler nothing. */
const liveMs = 2000;

/** The same elsewhere, where each one stays. */
const plainMs = 10_000;

/** What {@linkcode watch} needs. */
export interface WatchOptions {
  /** Looks, given what was found before. */
  look: (before: Listing | undefined) => Promise<Look>;
  /** The table of a look, or what stands in its place, for a width. */
  lines: (look: Look, width: number) => string[];
  /** Prints a look where there is no terminal. */
  print: (look: Look) => void;
  /** Whether pictures replace each other. */
  live: boolean;
  /** The world. */
  host: Host;
  /** Waits. */
  pause?: Pause;
}

/**
 * Looks and shows until it is told to end.
 *
 * @param options How.
 */
export async function watch(options: WatchOptions): Promise<void> {
  const { live, host, pause = untilResize } = options;
  let before: Listing | undefined;
  let first = true;
  do {
    const found = await options.look(before);
    before = found.listing;
    if (!live) {
      options.print(found);
      if (found.note !== null) host.terminal.say(found.note);
      continue;
    }
    // What stood on the screen moves up, out of the way, and can be read again afterwards.
    if (first) host.terminal.out("\n".repeat(host.terminal.rows ?? 24));
    first = false;
    host.terminal.out(picture(found, options));
  } while (!host.terminal.unread && await pause(live ? liveMs : plainMs));
}

/** One picture in one piece: over the old one, line by line, so that nothing flickers. */
function picture(found: Look, { host, lines }: WatchOptions): string {
  const { columns: width, rows: height = 24 } = host.terminal;
  const clock = new Date(host.now()).toLocaleTimeString("en-GB");
  const age = found.listing ? duration((host.now() - found.listing.at) / 1000) : null;
  const head = [
    clock,
    ...age === null ? [] : [`jobs as of ${age} ago`],
    "Ctrl-C ends this",
  ].join(" · ");
  const note = found.note === null ? [] : ["", ...found.note.split("\n")];
  // One line for the cursor, which is also where a long wait is shown.
  const room = Math.max(1, height - note.length - 3);
  const table = lines(found, width);
  const shown = table.length > room
    ? [...table.slice(0, room - 1), `… and ${table.length - room + 1} more`]
    : table;
  const all = [head, "", ...shown, ...note].map((line) => `\x1b[2K${cut(line, width)}\n`);
  return `\x1b[H${all.slice(0, Math.max(1, height - 1)).join("")}\x1b[J`;
}

/** Waits, no longer than until the terminal gets another size. */
async function untilResize(ms: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  Deno.addSignalListener("SIGWINCH", resolve);
  await promise;
  clearTimeout(timer);
  Deno.removeSignalListener("SIGWINCH", resolve);
  return true;
}
