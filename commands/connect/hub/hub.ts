/**
 * The ranks as the sessions of an editor see them: which there are, which are attached or stopped, and
 * which session stands for all. Holds no connection itself.
 *
 * @module
 */

import { pause } from "../stream.ts";
import type { Child } from "./child.ts";
import type { Fleet } from "./fleet.ts";
import type { Member } from "./member.ts";
import { sharedCapabilities } from "./capabilities.ts";

/** A session that stands for all ranks. */
export interface Main {
  /** The process that a key was given for. */
  memberOf(secret: string): Member | undefined;
  /** Looks at what has changed. */
  update(): void;
  /** How many ranks it shows itself, attached and stopped; absent where child sessions do. */
  readonly counts?: { attached: number; stopped: number };
  /** Tells the editor that it is over. */
  end(why: string): Promise<void>;
}

/** What {@linkcode Hub} needs. */
export interface HubOptions {
  /** Whether all ranks are shown in one session. */
  merge: boolean;
  /** The processes. */
  fleet: Fleet;
  /** Says a line to the person. */
  say: (line: string) => void;
  /** Hears that the status has changed. */
  onChange: () => void;
}

/** Beyond this many child sessions an editor gets slow. */
const manyRanks = 16;
/** Milliseconds for which a rank's second session waits until the first has gone: a restart. */
const handOverMs = 3000;

/** The ranks of one job. */
export class Hub {
  /** Whether all ranks are shown in one session. */
  readonly merge: boolean;
  /** Whether a rank was ever attached. */
  everAttached = false;
  readonly #o: HubOptions;
  readonly #children = new Map<Member, Child>();
  readonly #processes = new Set<Child>();
  #main: Main | null = null;
  #waiting: (() => void)[] = [];
  #over = false;

  /** @param options The processes. */
  constructor(options: HubOptions) {
    this.#o = options;
    this.merge = options.merge;
  }

  /** The ranks that can be reached, who crashed first at the beginning. */
  get ready(): Member[] {
    return this.#o.fleet.ready;
  }

  /** How many ranks there are. */
  get size(): number {
    return this.#o.fleet.members.length;
  }

  /** The lowest rank that can be reached; undefined without any. */
  get lowest(): Member | undefined {
    return this.ready.toSorted((a, b) => (a.session.rank ?? 0) - (b.session.rank ?? 0))[0];
  }

  /** The editor's sessions of ranks. */
  get children(): Child[] {
    return [...this.#children.values()].sort((a, b) => (a.rank ?? 0) - (b.rank ?? 0));
  }

  /** Ranks with a debugger attached, and those of them that are stopped. */
  get counts(): { attached: number; stopped: number } {
    return this.#main?.counts ?? {
      attached: this.children.filter(({ attached }) => attached).length,
      stopped: this.children.filter(({ stop }) => stop !== null).length,
    };
  }

  /** What every rank can do; waits for the first that can be reached. Null when all is over. */
  async capabilities(): Promise<Record<string, unknown> | null> {
    while (this.ready.length === 0) {
      if (this.#over) return null;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return sharedCapabilities(this.ready.map(({ way }) => way?.hello ?? {}));
  }

  /** The process that a child session's key was given for. */
  memberOf(secret: string): Member | undefined {
    return this.#main?.memberOf(secret);
  }

  /** Says a line to the person. */
  say(line: string): void {
    this.#o.say(`${line}.`);
  }

  /** A word on many sessions; null for few. */
  manyWarning(count: number): string | null {
    if (count <= manyRanks) return null;
    return `${count} ranks open ${count} sessions in the editor, which may get slow; fewer with ` +
      "--rank LIST, all in one session with --merge";
  }

  /** Has a session stand for all ranks while it is served; false where it comes after their end. */
  async host(main: Main, serve: () => Promise<void>): Promise<boolean> {
    if (this.#over) return false;
    this.#main = main;
    try {
      await serve();
    } finally {
      if (this.#main === main) this.#main = null;
      this.changed();
    }
    return true;
  }

  /** Counts a session as its rank's while it is served; not that of a child process of the rank's. */
  async shelter(child: Child, serve: () => Promise<void>): Promise<void> {
    if (child.process) this.#processes.add(child);
    else this.#children.set(child.member, child);
    try {
      await serve();
    } finally {
      this.#processes.delete(child);
      if (this.#children.get(child.member) === child) this.#children.delete(child.member);
      this.changed();
    }
  }

  /** Lets every program go, those that ranks have started too, and ends the editor's sessions. */
  async release(terminate: boolean | undefined): Promise<void> {
    const all = [...this.#processes, ...this.#children.values()];
    await Promise.all(all.map((child) => child.release(terminate)));
  }

  /** Whether a rank has no session; waits a moment for one that is about to go. */
  async vacant(member: Member): Promise<boolean> {
    const until = Date.now() + handOverMs;
    while (this.#children.has(member) && Date.now() < until) await pause(50);
    return !this.#children.has(member);
  }

  /** Looks after a process whose end of a connection was closed. */
  suspect(member: Member): void {
    this.#o.fleet.suspect(member).catch(() => {});
  }

  /** Takes leave of a process that its debugger says has ended. */
  finished(member: Member): void {
    this.#o.fleet.finish(member).catch(() => {});
  }

  /** Something has changed. */
  changed(): void {
    this.everAttached ||= this.children.some(({ attached }) => attached);
    this.#main?.update();
    this.#o.onChange();
    for (const tell of this.#waiting.splice(0)) tell();
  }

  /** Tells the editor that all is over. */
  async end(why: string): Promise<void> {
    this.#over = true;
    for (const tell of this.#waiting.splice(0)) tell();
    await this.#main?.end(why);
  }
}
