/**
 * The ranks' debuggers that a merged session is attached to: joins those that come, tries again those
 * that can't be attached to yet, takes in the child processes that they follow, and notices who goes.
 * Touches the connections that it opens.
 *
 * @module
 */

import type { Message } from "../../dap.ts";
import { pause } from "../../stream.ts";
import type { Hub } from "../hub.ts";
import type { Member } from "../member.ts";
import type { Events } from "./events.ts";
import { Peer } from "./peer.ts";

/** What {@linkcode Crew} needs. */
export interface CrewOptions {
  /** The ranks. */
  hub: Hub;
  /** The editor's `initialize` request. */
  initialize: Message;
  /** Its `attach` request. */
  attach: Message;
  /** Folder of the project on this machine. */
  localRoot: string;
  /** The local port. */
  port: number;
  /** Hears what they tell. */
  events: Events;
  /** Tells one that has come what the others were told before. */
  brief: (peer: Peer) => Promise<void>;
  /** Says a line to the editor. */
  say: (line: string) => Promise<void>;
}

/** How often, and how long after, a rank is tried again that can't be attached to. */
const maxTries = 5;
const againMs = 2000;

/** Arguments that are none of the ranks' business. */
const ownArguments = ["rdgToken", "rdgSession", "host", "port", "listen", "processId"];

/** Whom to attach to: a rank, or the child process of one, by its id. */
interface Berth {
  member: Member;
  attach: Record<string, unknown>;
  child?: number;
}

/** The debuggers. */
export class Crew {
  readonly #o: CrewOptions;
  readonly #peers = new Map<Member | string, Peer>();
  readonly #ended = new Set<Member>();
  readonly #resting = new Set<Member>();
  readonly #tries = new Map<Member, number>();
  readonly #configured = Promise.withResolvers<void>();
  #over = false;

  /** @param options The editor's wishes, and who wants to hear. */
  constructor(options: CrewOptions) {
    this.#o = options;
  }

  /** Those that can be asked, the lowest rank first. */
  get open(): Peer[] {
    return [...this.#peers.values()].filter(({ open }) => open)
      .sort((a, b) => (a.rank ?? 0) - (b.rank ?? 0) || (a.child ?? 0) - (b.child ?? 0));
  }

  /** Whether any is about to be attached to, or none is there at all. */
  get coming(): boolean {
    const all = [...this.#peers.values()];
    return all.length === 0 || all.some(({ open, over }) => !open && !over);
  }

  /** Attaches to the ranks that can be reached now. */
  join(): void {
    if (this.#over) return;
    for (const member of this.#news()) {
      const attach = { ...this.#o.attach.arguments as Record<string, unknown> };
      for (const name of ownArguments) delete attach[name];
      this.#connect({ member, attach }).catch(() => {});
    }
  }

  /** Attaches to a child process that a rank's debugger follows: it waits for that. */
  adopt(peer: Peer, body: Record<string, unknown>): void {
    const child = Number(body.subProcessId);
    this.#connect({ member: peer.member, attach: body, child }).catch(() => {});
  }

  /** Breakpoints are set, in those as well that come later. */
  async configure(): Promise<void> {
    this.#configured.resolve();
    await Promise.all(this.open.map((peer) => peer.configure()));
  }

  /** Lets all programs go, or ends them. */
  async release(terminate: boolean | undefined): Promise<void> {
    await Promise.all([...this.#peers.values()].map((peer) => peer.release(terminate)));
  }

  /** Takes nobody in any more. */
  end(): void {
    this.#over = true;
    this.#configured.resolve();
  }

  #news(): Member[] {
    return this.#o.hub.ready.filter((member) =>
      !this.#peers.has(member) && !this.#ended.has(member) && !this.#resting.has(member) &&
      (this.#tries.get(member) ?? 0) < maxTries
    );
  }

  async #connect(berth: Berth): Promise<void> {
    const { member, attach, child } = berth;
    const { initialize, localRoot, port, hub, events, brief, say } = this.#o;
    // Two nodes may give the same number.
    const key = child === undefined ? member : `${member.key} ${child}`;
    if (this.#peers.has(key)) return;
    const live = await member.live();
    if (!live || this.#over || this.#peers.has(key)) return;
    const { promise: aboard, resolve } = Promise.withResolvers<void>();
    const peer = new Peer({
      member,
      live,
      initialize: initialize.arguments as Record<string, unknown>,
      attach,
      localRoot,
      port,
      ...(child === undefined ? {} : { child }),
      // What a rank tells while it is being configured comes after that.
      onEvent: (one, message) => void aboard.then(() => events.take(one, message)),
      onResumed: (one) => void aboard.then(() => events.resumed(one)),
      onEnd: (one) => void aboard.then(() => this.#lost(key, one)),
    });
    this.#peers.set(key, peer);
    try {
      await peer.attach();
      if (this.#over) return await peer.release(undefined);
      hub.changed();
      await brief(peer);
      await this.#configured.promise;
      await peer.configure();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (child === undefined) this.#later(member);
      await peer.close();
      if (!this.#over) await say(`cannot attach to ${peer.label}: ${why}`).catch(() => {});
      if (child === undefined) hub.suspect(member);
    } finally {
      resolve();
    }
  }

  /** A rank that can't be attached to may be in somebody else's hands for a moment. */
  #later(member: Member): void {
    const tries = (this.#tries.get(member) ?? 0) + 1;
    this.#tries.set(member, tries);
    if (tries >= maxTries) return;
    this.#resting.add(member);
    pause(againMs).then(() => {
      this.#resting.delete(member);
      // Before that, the others are still being joined.
      this.#configured.promise.then(() => this.join());
    });
  }

  #lost(key: Member | string, peer: Peer): void {
    if (this.#peers.get(key) === peer) this.#peers.delete(key);
    const { hub, events } = this.#o;
    events.lost(peer);
    if (typeof key !== "string") {
      if (peer.terminated) this.#ended.add(key);
      if (!this.#over) peer.terminated ? hub.finished(key) : hub.suspect(key);
    }
    hub.changed();
  }
}
