/**
 * What `rdg connect` says while it stays: lines, and on a terminal one line below them that changes.
 *
 * @module
 */

import { duration, printable } from "../_columns.ts";
import type { Host } from "../_host.ts";

/** What the status line shows. */
export interface Status {
  /** The job as people write it; empty outside of one. */
  job: string;
  /** The node. */
  node: string;
  /** The rank; null without one. */
  rank: number | null;
  /** The way. */
  way: string;
  /** The editor that is attached; null where none is. */
  attached: string | null;
  /** Seconds left of the job; undefined where it has no limit. */
  leftS: number | undefined;
}

/**
 * Writes the status as one line.
 *
 * @param status The status.
 * @returns The line.
 */
export function statusLine(status: Status): string {
  const { job, node, rank, way, attached, leftS } = status;
  return printable([
    job ? `job ${job}` : "no job",
    node,
    ...rank === null ? [] : [`rank ${rank}`],
    way,
    attached === null ? "not attached" : `attached: ${attached}`,
    ...leftS === undefined ? [] : [`${duration(leftS)} left`],
  ].join(" · "));
}

/** Lines that stay, and one that changes. */
export class Board {
  readonly #host: Host;
  readonly #drawn: boolean;
  #line = "";

  /**
   * Makes a board with nothing on it.
   *
   * @param host The world.
   * @param options `still` draws no status line.
   */
  constructor(host: Host, options: { still: boolean }) {
    this.#host = host;
    this.#drawn = !options.still && host.terminal.live && host.terminal.draw !== undefined;
  }

  /** Writes a line that stays. */
  say(line: string): void {
    const { terminal } = this.#host;
    if (this.#line) terminal.draw?.("\r\x1b[2K");
    terminal.say(line);
    if (this.#line) terminal.draw?.(this.#line);
  }

  /** Shows the status, or a line made of one already; null takes the line away. */
  show(status: Status | string | null): void {
    if (!this.#drawn) return;
    const { terminal } = this.#host;
    // A terminal that knows no size says 0.
    const width = terminal.columns > 20 ? terminal.columns - 1 : 79;
    const line = typeof status === "string" ? printable(status) : status && statusLine(status);
    const text = line?.slice(0, width) ?? "";
    if (text === this.#line) return;
    terminal.draw!(`\r\x1b[2K${text && terminal.style("dim", text)}`);
    this.#line = text && terminal.style("dim", text);
  }
}
