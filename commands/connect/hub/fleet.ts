/**
 * The processes that are served together: wakes those that sleep by one call, notices who comes,
 * restarts and goes. Asks the login node.
 *
 * @module
 */

import { inRanks } from "../../_ranks.ts";
import { sessionsOf } from "../../attach/jobs.ts";
import { waitsForCrash } from "../../attach/select.ts";
import type { Menus } from "../../_job_menu.ts";
import type { Session } from "../../../python/sessions.ts";
import { capital } from "../text.ts";
import { sessionKey } from "../records.ts";
import type { Desk } from "../stay.ts";
import { pause } from "../stream.ts";
import { answers, type WayName } from "../ways.ts";
import type { FoundRanks } from "./choose.ts";
import { compareMembers, Member } from "./member.ts";
import { Reach } from "./reach.ts";
import { JobRecords } from "./records.ts";
import { wakeAll } from "./wake_all.ts";

/** What {@linkcode Fleet} needs. */
export interface FleetOptions {
  /** The desk of the command. */
  desk: Desk;
  /** Asks the person; it never has to. */
  menus: Menus;
  /** The job and its processes. */
  found: FoundRanks;
  /** Hears of each that can be reached now, or has gone. */
  onChange: (member: Member) => void;
}

/** The processes. */
export class Fleet {
  readonly #o: FleetOptions;
  readonly #members = new Map<string, Member>();
  readonly #records: JobRecords;
  readonly #missed = new Map<Member, number>();
  readonly #stuck = new Set<Member>();
  readonly #reach: Reach;
  #down = false;
  #turn = 0;

  /** @param options The job, and who wants to hear. */
  constructor(options: FleetOptions) {
    this.#o = options;
    const { desk, found } = options;
    this.#records = new JobRecords(desk.login.link.facts.state, found.sessions[0]!);
    this.#reach = new Reach({
      desk,
      found,
      onReady: options.onChange,
      onBroken: (member) => {
        this.#untilLeft().then(() => this.#reach.to(member)).catch(() => {});
      },
      onFailure: (member, why) => this.end(member, why),
    });
  }

  /** All that haven't gone, who crashed first at the beginning, then by rank. */
  get members(): Member[] {
    return [...this.#members.values()].filter(({ stage }) => stage !== "gone")
      .sort(compareMembers);
  }

  /** Those that can be reached. */
  get ready(): Member[] {
    return this.members.filter(({ stage }) => stage === "ready");
  }

  /** Why the last one that couldn't be reached couldn't. */
  get failure(): unknown {
    return this.#reach.failure;
  }

  /** The way by which they are reached; undefined before the first is. */
  get way(): WayName | undefined {
    return this.#reach.way;
  }

  /**
   * Takes processes in: those that sleep are woken, those that listen are reached.
   *
   * @param sessions Their records.
   */
  async take(sessions: readonly Session[]): Promise<void> {
    const members = sessions.map((session) => {
      const member = new Member(session);
      this.#members.set(member.key, member);
      return member;
    });
    const asleep: Member[] = [];
    const awake: Member[] = [];
    for (const member of members.sort(compareMembers)) {
      if (waitsForCrash(member.session)) member.turn("uncrashed");
      else if (member.session.state === "armed") asleep.push(member);
      else awake.push(member);
    }
    await Promise.all([this.#wake(asleep), ...awake.map((member) => this.#reach.to(member))]);
  }

  /** Whether any is about to be there: its debugger is loading, or a way to it is being made. */
  get coming(): boolean {
    return this.members.some((member) =>
      member.stage === "reaching" || member.stage === "waking" && !this.#stuck.has(member)
    );
  }

  /**
   * Looks at the records.
   *
   * @returns Milliseconds until the next look should come, at most; undefined for the usual time.
   */
  async look(): Promise<number | undefined> {
    const { desk, found } = this.#o;
    const all = await this.#records.read(desk.login.link);
    if (all === null || this.#down) return;
    const wanted = sessionsOf(found.chosen, { sessions: all, host: found.host }).filter((session) =>
      inRanks(session.rank, desk.options.ranks) && !desk.done.has(sessionKey(session))
    );
    const byKey = new Map(wanted.map((session) => [sessionKey(session), session]));
    let missing = false;
    for (const member of this.members) {
      const session = byKey.get(member.key);
      if (session) {
        this.#missed.delete(member);
        member.update(session);
        this.#proceed(member);
      } else {
        const count = (this.#missed.get(member) ?? 0) + 1;
        this.#missed.set(member, count);
        if (count >= 2) this.end(member, "has ended");
        missing = true;
      }
    }
    const news = wanted.filter((session) => !this.#members.has(sessionKey(session)));
    for (const { rank, host, pid } of news) {
      desk.board.say(
        `${rank === null ? "A process" : `Rank ${rank}`} started on ${host} (PID ${pid}).`,
      );
    }
    if (news.length > 0) this.take(news).catch((error) => desk.board.say(error.message));
    await this.#knockAtOne();
    return missing ? 500 : undefined;
  }

  /**
   * Looks after a process whose end of a connection was closed.
   *
   * @param member The process.
   */
  async suspect(member: Member): Promise<void> {
    // A program says goodbye before it has ended.
    for (let tries = 0; tries < 4; tries++) {
      await pause(300);
      await this.look();
      if (member.stage !== "ready" || !member.way) return;
    }
    const { way } = member;
    if (!way || await answers(way) || member.way !== way || this.#down) return;
    this.end(member, "does not answer any more");
  }

  /**
   * Takes leave of a process whose debugger says that it has ended. One that was killed leaves its
   * record behind, and debugpy's adapter may answer on as long as an editor is connected.
   *
   * @param member The process.
   */
  async finish(member: Member): Promise<void> {
    for (let tries = 0; tries < 4 && member.stage !== "gone"; tries++) {
      await pause(300);
      await this.look();
    }
    this.end(member, "has ended");
  }

  /** Takes all ways down: the connection below has gone. */
  async fall(): Promise<void> {
    this.#down = true;
    this.#reach.stop();
    const ways = this.ready.map((member) => {
      const { way } = member;
      member.way = null;
      member.turn("reaching");
      return way;
    });
    await Promise.all(ways.map((way) => way?.close()));
  }

  /**
   * Goes on over a new connection: builds the ways again, and wakes those again that may not have had
   * their signal when the one before broke.
   *
   * @throws {RdgError} where the scheduler starts nothing in the job.
   */
  async rise(): Promise<void> {
    this.#down = false;
    this.#reach.start();
    await this.#untilLeft();
    // It has broken again; the next one goes on.
    if (this.#down) return;
    const { members } = this;
    const asleep = members.filter((one) => one.stage === "waking" && !this.#stuck.has(one));
    const again = members.filter(({ stage }) => stage === "reaching");
    await Promise.all([this.#wake(asleep), ...again.map((member) => this.#reach.to(member))]);
  }

  /**
   * Takes leave of a process.
   *
   * @param member The process.
   * @param why In words that go on after its name.
   */
  end(member: Member, why: string): void {
    if (member.stage === "gone") return;
    const { way } = member;
    member.way = null;
    member.turn("gone");
    this.#o.desk.done.add(member.key);
    this.#o.desk.board.say(`${capital(member.label)} ${why}.`);
    way?.close().catch(() => {});
    this.#o.onChange(member);
  }

  /** Ends all ways. */
  async close(): Promise<void> {
    await this.fall();
    for (const member of this.members) {
      this.#o.desk.done.add(member.key);
      member.turn("gone");
    }
  }

  /** Goes on with one whose record has changed. */
  #proceed(member: Member): void {
    const { state, address } = member.session;
    const listens = state !== "armed" && address !== null;
    if (!listens) return;
    if (member.stage === "uncrashed" && member.session.exception) {
      this.#o.desk.board.say(`${capital(member.label)} has crashed: ${member.session.exception}`);
    }
    const late = ["asleep", "waking", "uncrashed"].includes(member.stage);
    const again = member.stage === "reaching" && this.#reach.wantsRetry(member);
    if (late || again) this.#reach.to(member).catch(() => {});
  }

  async #wake(members: readonly Member[]): Promise<void> {
    if (members.length === 0) return;
    const { desk, menus, found } = this.#o;
    for (const member of members) member.turn("waking");
    const by = (session: Session) => this.#members.get(sessionKey(session));
    const reaching: Promise<void>[] = [];
    await wakeAll(members.map(({ session }) => session), {
      found,
      menus,
      state: desk.login.link.facts.state,
      timeoutS: desk.options.timeoutS,
      onReady: (session) => {
        const member = by(session);
        if (member?.stage !== "waking") return;
        member.update(session);
        reaching.push(this.#reach.to(member));
      },
      onTrouble: (session, why, stuck) => {
        const member = by(session);
        if (member?.stage !== "waking") return;
        if (stuck) this.#stuck.add(member);
        if (why === "has ended" || why.startsWith("cannot be woken")) this.end(member, why);
        else desk.board.say(`${capital(member.label)} ${why}.`);
      },
    });
    await Promise.all(reaching);
  }

  /** A program that was killed leaves its record behind: in turn, one that is idle is asked. */
  async #knockAtOne(): Promise<void> {
    const idle = this.ready.filter(({ session }) => session.state !== "attached");
    const member = idle[this.#turn++ % Math.max(idle.length, 1)];
    if (!member?.way || this.#turn % 2 === 0) return;
    const { way } = member;
    if (await answers(way) || await answers(way) || member.way !== way || this.#down) return;
    this.end(member, "does not answer any more");
  }

  /** Waits, not for ever, until the far sides have noticed that the editors of before have gone. */
  async #untilLeft(): Promise<void> {
    for (let tries = 0; tries < 40; tries++) {
      const records = await this.#records.read(this.#o.desk.login.link);
      const attached = records?.some((session) =>
        session.state === "attached" &&
        this.#members.get(sessionKey(session))?.stage === "reaching"
      );
      if (!attached) break;
      await pause(200);
    }
    // debugpy's adapter takes a moment longer than the program.
    await pause(200);
  }
}
