/**
 * One of the processes that are served together: usually a rank. Pure, apart from what it is given.
 *
 * @module
 */

import type { Session } from "../../../python/sessions.ts";
import type { Live } from "../client.ts";
import { sessionKey } from "../records.ts";
import type { Way } from "../ways.ts";

/**
 * How far a process is: it sleeps, is being woken, waits for a crash of its own, is being reached, can
 * be reached, or has gone.
 */
export type Stage = "asleep" | "waking" | "uncrashed" | "reaching" | "ready" | "gone";

/** One process. */
export class Member {
  /** What tells it from all others. */
  readonly key: string;
  /** How far it is. */
  stage: Stage = "asleep";
  /** The way to it; null while there is none. */
  way: Way | null = null;
  /** Its record, as it was last read. */
  session: Session;
  /** Milliseconds since 1970 at which it was first seen crashed; null before. */
  crashedAt: number | null = null;
  #waiting: (() => void)[] = [];

  /** @param session Its record. */
  constructor(session: Session) {
    this.key = sessionKey(session);
    this.session = session;
    this.update(session);
  }

  /** Takes over a record that was read again. */
  update(session: Session): void {
    this.session = session;
    if (session.state === "crashed") this.crashedAt ??= session.changed * 1000;
  }

  /** `rank 3`, or `process 4711` without a rank. */
  get label(): string {
    return label(this.session);
  }

  /** What an editor's session for it is called: `rank 3 · n2 · 4711`. */
  get name(): string {
    const { rank, host, pid } = this.session;
    return `${rank === null ? "process" : `rank ${rank}`} · ${host} · ${pid}`;
  }

  /** Goes to another stage; who waits for it is told. */
  turn(stage: Stage): void {
    this.stage = stage;
    if (stage === "ready" || stage === "gone") {
      for (const tell of this.#waiting.splice(0)) {
        tell();
      }
    }
  }

  /**
   * Waits until it can be reached.
   *
   * @returns How to; null where it has gone.
   */
  async live(): Promise<Live | null> {
    while (this.stage !== "ready" || !this.way) {
      if (this.stage === "gone") return null;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    const { way, session } = this;
    return {
      open: () => way.open(),
      token: session.token,
      remoteRoot: session.remotePath,
      alive: () => this.way === way,
    };
  }
}

function label({ rank, pid }: Session): string {
  return rank === null ? `process ${pid}` : `rank ${rank}`;
}

/** Order in which members are shown: who crashed first, then by rank. */
export function compareMembers(a: Member, b: Member): number {
  const crash = (a.crashedAt ?? Infinity) - (b.crashedAt ?? Infinity);
  if (crash) return crash; // NaN, of two that haven't crashed, counts as none
  return (a.session.rank ?? 0) - (b.session.rank ?? 0) || a.session.created - b.session.created ||
    a.session.pid - b.session.pid;
}
