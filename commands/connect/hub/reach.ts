/**
 * The ways to the processes that are served together: the first finds out which way works, the others
 * begin with that, a few at a time; what ranks of one node can share is shared. Connects through the
 * login node.
 *
 * @module
 */

import { jobOf } from "../find.ts";
import type { Desk } from "../stay.ts";
import { pause } from "../stream.ts";
import { lastLine } from "../text.ts";
import { findWay, type Way, type WayName } from "../ways.ts";
import type { FoundRanks } from "./choose.ts";
import type { Member } from "./member.ts";
import { RelayPool } from "./relays.ts";
import { Slots } from "./slots.ts";

/** What {@linkcode Reach} needs. */
export interface ReachOptions {
  /** The desk of the command. */
  desk: Desk;
  /** The job. */
  found: FoundRanks;
  /** Hears of each that can be reached now. */
  onReady: (member: Member) => void;
  /** Hears that a way has broken, apart from the connection below. */
  onBroken: (member: Member) => void;
  /** Hears that one can't be reached, after some tries: in words that go on after its name. */
  onFailure: (member: Member, why: string) => void;
}

/** Ways that are built at the same time. */
const atOnce = 12;
/** How often a process is tried that can't be reached although its record is there. */
const maxTries = 3;

/** The ways. */
export class Reach {
  /** The way by which the first was reached; undefined before. */
  way: WayName | undefined;
  /** Why the last one that couldn't be reached couldn't. */
  failure: unknown = null;
  readonly #o: ReachOptions;
  readonly #relays = new RelayPool();
  readonly #slots = new Slots(atOnce);
  readonly #failures = new Map<Member, number>();
  readonly #retry = new Set<Member>();
  readonly #said = new Set<string>();
  #pioneer: Promise<void> | null = null;
  #stopped = false;

  /** @param options The job, and who wants to hear. */
  constructor(options: ReachOptions) {
    this.#o = options;
  }

  /** Whether one that couldn't be reached is to be tried again, with the next look at the records. */
  wantsRetry(member: Member): boolean {
    return this.#retry.has(member);
  }

  /** The connection below has gone: what is being built comes to nothing. */
  stop(): void {
    this.#stopped = true;
  }

  /** There is another connection: the first to be reached finds out the way anew. */
  start(): void {
    this.#stopped = false;
    this.#pioneer = null;
  }

  /** Makes a way to a process. */
  async to(member: Member): Promise<void> {
    if (member.stage === "gone" || member.stage === "ready") return;
    this.#retry.delete(member);
    member.turn("reaching");
    const pioneer = this.#pioneer;
    if (pioneer) {
      await pioneer;
      await this.#slots.take();
      await this.#find(member).finally(() => this.#slots.give());
    } else {
      this.#pioneer = this.#find(member);
      await this.#pioneer;
    }
  }

  async #find(member: Member): Promise<void> {
    if (this.#unwanted(member)) return;
    const { desk, found } = this.#o;
    const { session } = member;
    const { link } = desk.login;
    const { scheduler } = found.chosen;
    try {
      const way = await findWay(link, { session, job: jobOf(found.chosen, session), scheduler }, {
        via: desk.options.via,
        relays: this.#relays,
        ...(this.way ? { first: this.way } : {}),
        onFailure: (way, reason) => this.#sayOnce(`Not ${way}: ${reason}.`),
      });
      if (this.#unwanted(member)) await way.close();
      else this.#take(member, way);
    } catch (error) {
      // What looks like the node's fault may be that of the connection below; it will be built again.
      const broken = await Promise.race([link.broken, pause(200)]);
      if (broken === false && !this.#unwanted(member)) this.#fail(member, error);
    }
  }

  #unwanted({ stage }: Member): boolean {
    return this.#stopped || stage !== "reaching";
  }

  #take(member: Member, way: Way): void {
    const { desk, onReady, onBroken } = this.#o;
    this.way ??= way.name;
    this.#failures.delete(member);
    member.way = way;
    member.turn("ready");
    way.broken.then((why) => {
      if (member.way !== way || this.#stopped) return;
      member.way = null;
      member.turn("reaching");
      desk.board.say(`The way to ${member.session.host} broke (${lastLine(why)}).`);
      onBroken(member);
    });
    onReady(member);
  }

  #fail(member: Member, error: unknown): void {
    this.failure = error;
    const failures = (this.#failures.get(member) ?? 0) + 1;
    this.#failures.set(member, failures);
    if (failures < maxTries) {
      this.#retry.add(member);
      return;
    }
    const { message, cause } = error instanceof Error ? error : new Error(String(error));
    const why = typeof cause === "string" ? cause : message;
    this.#o.onFailure(member, `cannot be reached: ${lastLine(why)}`);
  }

  #sayOnce(line: string): void {
    if (this.#said.has(line)) return;
    this.#said.add(line);
    this.#o.desk.board.say(line);
  }
}
