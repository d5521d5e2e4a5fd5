/**
 * The connection to the login node while `rdg connect` stays: built again when it breaks. Connects, by
 * what it is given.
 *
 * @module
 */

import { ExitCode, RdgError } from "../../plugins/error.ts";
import type { Link } from "./link.ts";
import type { Board } from "./status.ts";
import { pause } from "./stream.ts";
import { lastLine } from "./text.ts";

/** What ends everything. */
export interface Stop {
  type: "stop";
}

/** What {@linkcode Login} needs. */
export interface LoginOptions {
  /** How people call the login node. */
  name: string | undefined;
  /** The connection of now. */
  link: Link;
  /** Connects anew. */
  reopen: () => Promise<Link>;
  /** Where to say so. */
  board: Board;
  /** The person's wish to end. */
  stopped: Promise<Stop>;
  /** The same. */
  signal: AbortSignal;
}

/** Milliseconds in which a Ctrl-C that has ended ssh has reached rdg too. */
const ctrlCMs = 500;

/** The login node. */
export class Login {
  readonly #o: LoginOptions;
  #link: Link;

  /** @param options The connection, and how to make it anew. */
  constructor(options: LoginOptions) {
    this.#o = options;
    this.#link = options.link;
  }

  /** The connection of now. */
  get link(): Link {
    return this.#link;
  }

  /**
   * Builds the connection again.
   *
   * @param why Why it broke.
   * @param letGo Ends what went through it.
   * @returns False when the person has had enough.
   */
  async rebuild(why: string, letGo?: () => Promise<void>): Promise<boolean> {
    const { name, reopen, board, stopped, signal } = this.#o;
    // A terminal gives Ctrl-C to ssh as well, which may be the quicker one.
    if (await Promise.race([stopped, pause(ctrlCMs)])) return false;
    board.show(null);
    board.say(`The connection to "${name}" broke (${lastLine(why)}); building it again.`);
    await letGo?.();
    const earlier = this.#link;
    await earlier.close();
    let said = "";
    for (let delay = 500;; delay = Math.min(delay * 2, 15_000)) {
      try {
        const opening = reopen();
        const link = await Promise.race([opening, stopped]);
        if ("type" in link) {
          opening.then((late) => late.close()).catch(() => {});
          return false;
        }
        this.#link = link;
        await link.bury(earlier.facts).catch(() => {});
        board.say(`Connected to "${name}" again.`);
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        if (!(error instanceof RdgError) || error.exitCode === ExitCode.permission) throw error;
        if (error.message !== said) board.say(`${error.message}; trying on.`);
        said = error.message;
      }
      if (await Promise.race([pause(delay), stopped])) return false;
    }
  }
}
