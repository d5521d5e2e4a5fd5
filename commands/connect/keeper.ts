/**
 * Keeps the way to one session open, builds what breaks again, and notices the session's end.
 *
 * @module
 */

import type { Job } from "../../plugins/contract.ts";
import { type Door, Editor, type FrontEvent, type Guest, type Live } from "./client.ts";
import type { FindContext, NotYet } from "./find.ts";
import { findSession, type Found } from "./find_session.ts";
import type { Stop } from "./login.ts";
import { capital, lastLine } from "./text.ts";
import { readAgain, sessionKey } from "./records.ts";
import type { Status } from "./status.ts";
import type { Desk, Keeper, Over } from "./stay.ts";
import { pause, type Stream } from "./stream.ts";
import { answers, findWay, type Way } from "./ways.ts";

/** Why a way is no longer looked at. */
type End = Over | { type: "link" | "way" | "suspect"; why: string };

/** Milliseconds between two looks at the record. */
export const lookMs = 3000;
/** Every which look is followed by a knock at the session, while no editor is attached. */
const knockEvery = 5;

/** The keeper of one session. */
export class SessionKeeper implements Keeper<Found> {
  readonly #desk: Desk;
  #way: Way | null = null;
  #live: Live | null = null;
  #waiting: ((live: Live) => void)[] = [];
  #found: Found | null = null;
  #suspect: (why: string) => void = () => {};

  /** @param desk What it works with. */
  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** The job that is served. */
  get job(): Job | null {
    return this.#found?.job ?? null;
  }

  /** How things stand. */
  get status(): Status | null {
    if (!this.#found || !this.#way || !this.#live) return null;
    const { session, job } = this.#found;
    return {
      job: job?.displayId ?? "",
      node: session.host,
      rank: session.rank,
      way: this.#way.name,
      attached: this.#desk.front.attached,
      leftS: this.#desk.limit.leftS,
    };
  }

  /** Finds the session. */
  async find(context: FindContext): Promise<Found | NotYet> {
    const { options } = this.#desk;
    return await findSession({ ...options, quiet: options.json }, context);
  }

  /** Lets an editor in. */
  welcome(stream: Stream, door: Door): Guest {
    const localRoot = this.#desk.host.cwd();
    return new Editor(stream, { door, localRoot, live: () => this.#whenLive() });
  }

  /** Looks after a session whose end of a connection was closed. */
  onFront(event: FrontEvent): void {
    if (event.type === "closed") this.#suspect("its end of the connection was closed");
    if (event.type === "unreachable") this.#suspect(event.why);
  }

  /** Ends the way. */
  async close(): Promise<void> {
    await this.#way?.close();
    this.#way = null;
  }

  /** Serves one session until it ends. */
  async serve(found: Found): Promise<Over> {
    const { limit, board, done, stopped } = this.#desk;
    this.#found = found;
    limit.of(found.job);
    const over = this.#untilOver(found);
    try {
      // Who ends it waits for no answer of the login node's.
      return await Promise.race([over, stopped]);
    } finally {
      over.catch(() => {});
      this.#live = null;
      done.add(sessionKey(found.session));
      await this.close();
      this.#found = null;
      board.show(null);
    }
  }

  async #untilOver(found: Found): Promise<Over> {
    const { login, board } = this.#desk;
    let first = true;
    // Nobody waits for this any more once the person has ended it: nothing is begun or said then.
    while (this.#found === found) {
      if (!this.#way) {
        const built = await this.#build(found, !first);
        if (built) return built;
        if (!first) await this.#untilLeft(found);
        if (this.#found !== found) break;
        this.#announce(found, first);
        first = false;
      }
      const noticed = await this.#watch(found);
      this.#live = null;
      const end = await this.#behind(noticed);
      if (end.type === "stop" || end.type === "gone") return end;
      if (end.type === "link") {
        if (!await this.#rebuild(end.why)) return { type: "stop" };
      } else if (end.type === "way") {
        board.say(`The way to ${found.session.host} broke (${end.why}).`);
      }
      const now = await readAgain(login.link, found.record).catch(() => undefined);
      if (now === null) return { type: "gone", why: `${name(found)} has ended.` };
      if (end.type === "suspect" && this.#way && await answers(this.#way)) continue;
      if (await this.#hasEnded(found)) return { type: "gone", why: `${name(found)} has ended.` };
      await this.close();
    }
    return { type: "stop" };
  }

  async #rebuild(why: string): Promise<boolean> {
    this.#live = null;
    return await this.#desk.login.rebuild(why, () => this.close());
  }

  /** What is behind an end: the connection below, where it was the editor's that was noticed first. */
  async #behind(end: End): Promise<End> {
    if (end.type !== "way" && end.type !== "suspect") return end;
    const { login, stopped } = this.#desk;
    const broken = login.link.broken.then((why): End => ({ type: "link", why }));
    // A terminal gives Ctrl-C to ssh as well, which may be the quicker one.
    return await Promise.race([stopped, broken, pause(100)]) || end;
  }

  /** Whether a record goes within a moment: a program says goodbye before it has ended. */
  async #hasEnded(found: Found): Promise<boolean> {
    for (let tries = 0; tries < 4; tries++) {
      const record = await readAgain(this.#desk.login.link, found.record).catch(() => undefined);
      if (record === null) return true;
      await pause(300);
    }
    return false;
  }

  /** Waits, not for ever, until the far side has noticed that the editor of before has gone. */
  async #untilLeft(found: Found): Promise<void> {
    for (let tries = 0; tries < 40; tries++) {
      const record = await readAgain(this.#desk.login.link, found.record).catch(() => undefined);
      if (record?.state !== "attached") break;
      await pause(200);
    }
    // debugpy's adapter takes a moment longer than the program.
    await pause(200);
  }

  /** Makes a way; why the session is over, where none can be made any more. */
  async #build(found: Found, again: boolean): Promise<Over | null> {
    const { options, login, board, stopped } = this.#desk;
    while (true) {
      const failures: string[] = [];
      try {
        const way = findWay(login.link, found, {
          via: options.via,
          onFailure: (way, reason) => {
            // Of a session that may have ended, they are told only once it turns out that it hasn't.
            if (again) failures.push(`Not ${way}: ${reason}.`);
            else board.say(`Not ${way}: ${reason}.`);
          },
        });
        const result = await Promise.race([way, stopped]);
        if ("type" in result) {
          way.then((late) => late.close()).catch(() => {});
          return result;
        }
        for (const line of failures) board.say(line);
        this.#way = result;
        return null;
      } catch (error) {
        // What looks like the node's fault may be that of the connection below.
        const broken = await Promise.race([login.link.broken, pause(200)]);
        if (broken !== false) {
          if (!await this.#rebuild(broken)) return { type: "stop" };
          continue;
        }
        const record = await readAgain(login.link, found.record).catch(() => undefined);
        if (record === null) return { type: "gone", why: `${name(found)} has ended.` };
        if (!again) throw error;
        return { type: "gone", why: `${name(found)} does not answer any more.` };
      }
    }
  }

  /** Waits for whatever ends the state of things. */
  async #watch(found: Found): Promise<End> {
    const way = this.#way!;
    let over = false;
    const live: Live = {
      open: () => way.open(),
      token: found.session.token,
      remoteRoot: found.session.remotePath,
      alive: () => !over && this.#live === live,
    };
    this.#live = live;
    for (const tell of this.#waiting.splice(0)) tell(live);
    const suspect = new Promise<End>((resolve) => {
      this.#suspect = (why) => resolve({ type: "suspect", why });
    });
    const state = { over: false };
    const mark = <T>(end: T): T => {
      over = true;
      return end;
    };
    try {
      return await Promise.race([
        this.#desk.stopped,
        suspect,
        this.#desk.login.link.broken.then((why): End => mark({ type: "link", why })),
        way.broken.then((why): End => mark({ type: "way", why: lastLine(why) })),
        this.#lookAfter(found, state),
      ]);
    } finally {
      state.over = true;
      this.#suspect = () => {};
    }
  }

  /** Looks at the record now and then; settles when the session has gone. */
  async #lookAfter(found: Found, state: { over: boolean }): Promise<End> {
    let missing = 0;
    let seen = false;
    for (let count = 1;; count++) {
      await pause(missing > 0 ? 500 : lookMs);
      if (state.over) return { type: "stop" } satisfies Stop;
      const record = await readAgain(this.#desk.login.link, found.record).catch(() => undefined);
      if (record) {
        seen = true;
        missing = 0;
      } else if (record === null && (seen || found.session.path === "") && ++missing >= 2) {
        return { type: "gone", why: `${name(found)} has ended.` };
      }
      // A program that was killed leaves its record behind.
      const idle = this.#desk.front.attached === null && count % knockEvery === 0;
      if (idle && this.#way && !await answers(this.#way)) {
        return { type: "suspect", why: "it does not answer" };
      }
    }
  }

  #announce(found: Found, first: boolean): void {
    const { options, host, board, front, limit } = this.#desk;
    const { session, job } = found;
    const state = session.state === "crashed" && session.exception
      ? `; it has crashed: ${session.exception}`
      : session.state === "attached" && first
      ? "; another debugger is attached to it, and has to disconnect first"
      : "";
    board.say(
      first
        ? `Connected to ${lowerName(found)} on ${session.host} (PID ${session.pid}), way: ` +
          `${this.#way!.name}${state}`
        : `Connected to ${session.host} again, way: ${this.#way!.name}`,
    );
    if (options.json) {
      host.terminal.out(`${
        JSON.stringify({
          event: first ? "ready" : "again",
          host: "127.0.0.1",
          port: front.port,
          way: this.#way!.name,
          job: job?.displayId ?? session.job.display,
          node: session.host,
          pid: session.pid,
          rank: session.rank,
          state: session.state,
          remotePath: session.remotePath,
          exception: session.exception,
          leftS: limit.leftS ?? null,
        })
      }\n`);
    }
    if (first) this.#desk.ready();
    this.#desk.tick();
  }

  #whenLive(): Promise<Live> {
    if (this.#live) return Promise.resolve(this.#live);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

function name(found: Found): string {
  return capital(lowerName(found));
}

function lowerName({ session, job }: Found): string {
  const rank = session.rank === null ? "the session" : `rank ${session.rank}`;
  return job ? `${rank} of job ${job.displayId}` : rank;
}
