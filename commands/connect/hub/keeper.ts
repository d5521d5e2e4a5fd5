/**
 * Keeps the ways to the ranks of a job open and serves them together at the one local port, until the
 * last one has gone.
 *
 * @module
 */

import { duration } from "../../_columns.ts";
import { formatRanks } from "../../_ranks.ts";
import type { Menus } from "../../_job_menu.ts";
import { ExitCode, RdgError } from "../../../plugins/error.ts";
import type { Job } from "../../../plugins/contract.ts";
import type { Door, FrontEvent, Guest } from "../client.ts";
import { type FindContext, jobOf, type NotYet } from "../find.ts";
import { lookMs } from "../keeper.ts";
import type { Desk, Keeper, Over } from "../stay.ts";
import { pause, type Stream } from "../stream.ts";
import { findRanks, type FoundRanks } from "./choose.ts";
import { Fleet } from "./fleet.ts";
import { Hub } from "./hub.ts";
import type { Member } from "./member.ts";
import { Reception } from "./reception.ts";
import { Restart, restartMs } from "./restart.ts";
import { capital } from "../text.ts";

/** Milliseconds for which ranks that are about to be there hold up the others. */
const gatherMs = 15_000;
/** Milliseconds between two looks while ranks are expected. */
const soonMs = 1000;

/** The keeper of several ranks. */
export class RanksKeeper implements Keeper<FoundRanks> {
  readonly #desk: Desk;
  readonly #menus: Menus;
  #found: FoundRanks | null = null;
  #fleet: Fleet | null = null;
  #hub: Hub | null = null;
  #served = Promise.withResolvers<Hub>();
  #told = "";
  #announced = false;

  /**
   * @param desk What it works with.
   * @param menus Asks the person.
   */
  constructor(desk: Desk, menus: Menus) {
    this.#desk = desk;
    this.#menus = menus;
  }

  /** The job that is served. */
  get job(): Job | null {
    const found = this.#found;
    return found && jobOf(found.chosen, found.sessions[0]!);
  }

  /** How things stand: `job 7 · 4 ranks · 3 attached · 1 stopped · direct · 59:53 left`. */
  get status(): string | null {
    if (!this.#announced || !this.#hub || !this.#fleet) return null;
    const { front, limit } = this.#desk;
    const { attached, stopped } = this.#hub.counts;
    const waiting = this.#fleet.members.length - this.#fleet.ready.length;
    return [
      this.job ? `job ${this.job.displayId}` : "no job",
      count(this.#fleet.members.length),
      ...waiting > 0 ? [`${waiting} not there yet`] : [],
      ...this.#fleet.way ? [this.#fleet.way] : [],
      front.attached === null ? "not attached" : `${attached} attached: ${front.attached}`,
      ...stopped > 0 ? [`${stopped} stopped`] : [],
      ...limit.leftS === undefined ? [] : [`${duration(limit.leftS)} left`],
    ].join(" · ");
  }

  /** Finds the ranks. */
  find(context: FindContext): Promise<FoundRanks | NotYet> {
    return findRanks(this.#desk.options, context);
  }

  /** Lets an editor in. */
  welcome(stream: Stream, door: Door): Guest {
    const localRoot = this.#desk.host.cwd();
    return new Reception(stream, { hub: () => this.#served.promise, door, localRoot });
  }

  /** Nothing: the ranks' own sessions say so. */
  onFront(_: FrontEvent): void {}

  /** Ends the ways. */
  async close(): Promise<void> {
    await this.#fleet?.close();
  }

  /** Serves the ranks until the last one has gone. */
  async serve(found: FoundRanks): Promise<Over> {
    const desk = this.#desk;
    this.#found = found;
    desk.limit.of(this.job);
    const fleet = new Fleet({
      desk,
      menus: this.#menus,
      found,
      onChange: (member) => this.#changed(member),
    });
    this.#fleet = fleet;
    const hub = new Hub({
      merge: desk.options.merge === true,
      fleet,
      say: (line) => desk.board.say(line),
      onChange: () => desk.tick(),
    });
    this.#hub = hub;
    try {
      const restart = new Restart({ found, link: () => desk.login.link });
      if (await Promise.race([desk.stopped, restart.prepare()])) return { type: "stop" };
      const over = await this.#begin(found, fleet);
      if (over) return over;
      this.#served.resolve(hub);
      return await this.#watch(fleet, restart);
    } finally {
      // Who comes from now on waits for the next ranks.
      this.#served = Promise.withResolvers();
      await hub.end(`the ranks of ${this.#title()} have ended`);
      await fleet.close();
      desk.board.show(null);
      this.#hub = null;
      this.#fleet = null;
      this.#found = null;
      this.#announced = false;
    }
  }

  /** Wakes and reaches; says what came of it. What ends it, if anything. */
  async #begin(found: FoundRanks, fleet: Fleet): Promise<Over | null> {
    const { board, options, host, login, stopped } = this.#desk;
    if (found.missing.length > 0) {
      const some = formatRanks(found.missing);
      board.say(
        `No session of ${found.missing.length === 1 ? "rank" : "ranks"} ${some}: never ` +
          "armed, not started yet, or ended. They are served as they come.",
      );
    }
    const asleep = found.sessions.filter(({ state, modes }) =>
      state === "armed" && modes.some((mode) => mode !== "post-mortem")
    );
    if (asleep.length > 0 && !options.json) board.say(`Waking ${count(asleep.length)}…`);
    let failure = await this.#gather(fleet, fleet.take(found.sessions));
    while (fleet.ready.length === 0) {
      // What looks like the ranks' fault may be that of the connection below.
      const broken = await Promise.race([stopped, login.link.broken, pause(200)]);
      if (broken === false) break;
      const rebuilt = typeof broken === "string" &&
        await login.rebuild(broken, () => fleet.fall());
      if (!rebuilt) return { type: "stop" };
      failure = await this.#gather(fleet, fleet.rise());
    }
    if (await Promise.race([stopped, pause(0)])) return { type: "stop" };
    if (failure && fleet.ready.length === 0) throw failure;
    if (failure) board.say(message(failure));
    if (fleet.ready.length === 0 && !fleet.members.some(({ stage }) => stage === "uncrashed")) {
      if (fleet.failure) throw fleet.failure;
      throw new RdgError(`Cannot connect to ${this.#title()}: none of its ranks can be reached`, {
        code: "not-woken",
        exitCode: ExitCode.notFound,
        hint: "rdg sessions shows how they are",
      });
    }
    const warning = options.merge ? null : this.#hub?.manyWarning(fleet.members.length);
    if (warning) board.say(host.terminal.style("yellow", `Warning: ${warning}.`));
    this.#announce();
    await this.#desk.ready();
    this.#desk.tick();
    return null;
  }

  /** Waits for the ranks, not for those that are slow; what has failed, if anything. */
  async #gather(fleet: Fleet, work: Promise<void>): Promise<unknown> {
    let failure: unknown = null;
    const done = work.catch((error) => failure = error).then(() => true);
    const begun = Date.now();
    while (!await Promise.race([done, pause(100), this.#desk.stopped])) {
      const slow = Date.now() - begun > gatherMs || !fleet.coming;
      if (fleet.ready.length > 0 && slow) break;
    }
    return failure;
  }

  /** Waits for whatever changes the state of things. */
  async #watch(fleet: Fleet, restart: Restart): Promise<Over> {
    const { login, stopped, options, board } = this.#desk;
    let waiting = false;
    let wait: number = lookMs;
    // The ways fall at once, so that editors are told to come again.
    const watched = () =>
      login.link.broken.then((why) => {
        fleet.fall().catch(() => {});
        return { type: "link" as const, why };
      });
    let broken = watched();
    while (true) {
      const what = await Promise.race([stopped, broken, pause(wait)]);
      if (what && what.type === "stop") return what;
      if (what) {
        if (!await login.rebuild(what.why, () => fleet.fall())) return { type: "stop" };
        broken = watched();
        const risen = fleet.rise().catch((error) => board.say(message(error)));
        if (await Promise.race([stopped, risen, pause(gatherMs)])) return { type: "stop" };
        this.#announce();
        continue;
      }
      const next = await Promise.race([stopped, fleet.look()]);
      if (typeof next === "object") return next;
      wait = next ?? lookMs;
      this.#desk.tick();
      if (fleet.members.length > 0) {
        waiting = false;
        restart.came(fleet.members.map(({ session }) => session));
        continue;
      }
      const more = !options.wait && await Promise.race([stopped, restart.mayCome()]);
      if (typeof more === "object") return more;
      if (!more) return { type: "gone", why: `All ranks of ${this.#title()} have ended.` };
      if (!waiting) {
        board.say(
          `All ranks have ended; waiting up to ${restartMs / 1000} s for torchrun to restart them.`,
        );
      }
      waiting = true;
      wait = soonMs;
    }
  }

  #changed(member: Member): void {
    this.#hub?.changed();
    if (this.#announced) this.#announce(member);
    this.#desk.tick();
  }

  /** Says which ranks there are: whole sentences for people, one object for programs. */
  #announce(news?: Member): void {
    const { board, options, host, front, limit } = this.#desk;
    const fleet = this.#fleet!;
    const first = !this.#announced;
    this.#announced = true;
    if (first) {
      const nodes = new Set(fleet.members.map(({ session }) => session.host)).size;
      board.say(
        `Connected to ${count(fleet.ready.length)} of ${this.#title()} on ` +
          `${nodes} node${nodes === 1 ? "" : "s"}, way: ${fleet.way ?? "none yet"}`,
      );
      for (const { label, session } of fleet.ready.filter(({ crashedAt }) => crashedAt !== null)) {
        board.say(`${capital(label)} has crashed: ${session.exception}`);
      }
    } else if (news?.stage === "ready") {
      board.say(`Connected to ${news.name}, way: ${news.way?.name}`);
    }
    if (!options.json) return;
    const ranks = fleet.members.map((member) => ({
      rank: member.session.rank,
      node: member.session.host,
      pid: member.session.pid,
      state: member.stage === "ready" ? member.session.state : member.stage,
      way: member.way?.name ?? null,
      remotePath: member.session.remotePath,
      exception: member.session.exception,
    }));
    const text = JSON.stringify(ranks);
    if (text === this.#told) return;
    this.#told = text;
    host.terminal.out(`${
      JSON.stringify({
        event: first ? "ready" : "ranks",
        host: "127.0.0.1",
        port: front.port,
        way: fleet.way ?? null,
        job: this.#found!.display,
        merge: options.merge === true,
        ranks,
        leftS: limit.leftS ?? null,
      })
    }\n`);
  }

  #title(): string {
    return this.job ? `job ${this.#found!.display}` : "this host";
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function count(ranks: number): string {
  return `${ranks} rank${ranks === 1 ? "" : "s"}`;
}
