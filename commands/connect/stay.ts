/**
 * What `rdg connect` does until it ends: finds a session, keeps a way to it open, builds what breaks
 * again, and goes on to the next one.
 *
 * @module
 */

import { duration } from "../_columns.ts";
import type { Host } from "../_host.ts";
import type { Menus } from "../_job_menu.ts";
import { ExitCode, RdgError } from "../../plugins/error.ts";
import type { ConnectOptions } from "./command.ts";
import { allEditors, forget, tellVsCode, whatToPress } from "./editor.ts";
import { findSession, type Found } from "./find.ts";
import type { FrontEvent, Live } from "./client.ts";
import { Front } from "./front.ts";
import type { Link } from "./link.ts";
import { fingerprint, readAgain, readRecords, sessionKey } from "./records.ts";
import { Board } from "./status.ts";
import { pause } from "./stream.ts";
import { answers, findWay, type Way } from "./ways.ts";

/** What {@linkcode Stay} works with; it closes the link and the socket. */
export interface StayOptions {
  /** What was typed. */
  options: ConnectOptions;
  /** The world. */
  host: Host;
  /** The login node. */
  link: Link;
  /** The local port. */
  listener: Deno.TcpListener;
  /** Asks the person. */
  menus: Menus;
  /** The person's wish to end. */
  signal: AbortSignal;
  /** Connects to the login node anew. */
  reopen: () => Promise<Link>;
}

/** Why a session is no longer served. */
type End =
  | { type: "stop" }
  | { type: "link" | "way" | "suspect"; why: string }
  | { type: "gone"; why: string };

/** Milliseconds between two looks at the record. */
const lookMs = 3000;
/** Every which look is followed by a knock at the session, while no editor is attached. */
const knockEvery = 5;
/** Milliseconds between two looks while waiting for a session, growing. */
const waitMs = [1000, 5000] as const;
/** Milliseconds after which a waiting rdg asks the scheduler again. */
const askMs = 60_000;
/** Seconds before the time limit at which to warn. */
const warnings = [600, 120] as const;

/** The work. */
export class Stay {
  readonly #o: StayOptions;
  readonly #board: Board;
  readonly #front: Front;
  readonly #stopped: Promise<End>;
  readonly #done = new Set<string>();
  #link: Link;
  #way: Way | null = null;
  #live: Live | null = null;
  #waiting: ((live: Live) => void)[] = [];
  #found: Found | null = null;
  #endpoints: string | null = null;
  #suspect: (why: string) => void = () => {};
  #limit: number | null = null;
  #warned = new Set<number>();

  /** @param options What to work with. */
  constructor(options: StayOptions) {
    this.#o = options;
    this.#link = options.link;
    this.#board = new Board(options.host, { still: options.options.json });
    this.#stopped = new Promise((resolve) => {
      const stop = () => resolve({ type: "stop" });
      if (options.signal.aborted) stop();
      options.signal.addEventListener("abort", stop, { once: true });
    });
    this.#front = new Front({
      listener: options.listener,
      localRoot: options.host.cwd(),
      uid: Deno.build.os === "windows" ? null : Deno.uid(),
      live: () => this.#whenLive(),
      onEvent: (event) => this.#onFront(event),
      describe: () => ({
        pid: Deno.pid,
        login: options.options.login ?? "",
        job: this.#found?.job?.displayId ?? options.options.job ?? "",
      }),
    });
  }

  /** Works until the person ends it, or nothing is left to do. Returns the exit code. */
  async run(): Promise<number> {
    const timer = setInterval(() => this.#tick(), 1000);
    const serving = this.#front.serve();
    try {
      while (true) {
        const found = await this.#find();
        if (found === null) return ExitCode.ok;
        const end = await this.#serve(found);
        if (end.type === "stop") return ExitCode.ok;
        this.#board.say(end.why);
        if (!this.#o.options.wait) return ExitCode.ok;
      }
    } catch (error) {
      if (this.#o.signal.aborted) return ExitCode.ok;
      throw error;
    } finally {
      clearInterval(timer);
      this.#board.show(null);
      await this.#front.close();
      await serving;
      if (this.#endpoints) await forget(this.#endpoints).catch(() => {});
      await this.#way?.close();
      await this.#link.close();
    }
  }

  /** The next session that fits; null when the person has had enough, or none can come any more. */
  async #find(): Promise<Found | null> {
    const { options, host, menus } = this.#o;
    let said = "";
    let seen = "";
    let asked = 0;
    let patience: number = waitMs[0];
    while (true) {
      const look = async () => {
        if (asked > 0) {
          const now = fingerprint(await readRecords(this.#link));
          if (now === seen && Date.now() - asked < askMs) return null;
          seen = now;
        }
        asked = Date.now();
        const quiet = options.json;
        return await findSession({ ...options, quiet }, {
          link: this.#link,
          host: { ...host, terminal: { ...host.terminal, say: (line) => this.#board.say(line) } },
          menus,
          patient: options.wait,
          done: this.#done,
        });
      };
      let result;
      try {
        result = await Promise.race([look(), this.#stopped]);
      } catch (error) {
        if (error instanceof RdgError && error.code === "connection") {
          if (!await this.#rebuild(error.message)) return null;
          continue;
        }
        const over = error instanceof RdgError && error.exitCode === ExitCode.notFound;
        if (this.#done.size > 0 && over) return null;
        throw error;
      }
      if (result && "type" in result) return null;
      if (result && "session" in result) return result;
      if (result && result.why !== said) {
        said = result.why;
        this.#board.say(`Waiting for a session: ${said}.`);
      }
      if (await Promise.race([pause(patience), this.#stopped])) return null;
      patience = Math.min(patience * 1.3, waitMs[1]);
    }
  }

  /** Serves one session until it ends. */
  async #serve(found: Found): Promise<End> {
    this.#found = found;
    const { leftS } = found.job ?? {};
    this.#limit = leftS === undefined ? null : Date.now() + leftS * 1000;
    this.#warned = new Set();
    let first = true;
    try {
      while (true) {
        if (!this.#way) {
          const built = await this.#build(found, !first);
          if (built) return built;
          if (!first) await this.#untilLeft(found);
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
          this.#board.say(`The way to ${found.session.host} broke (${end.why}).`);
        }
        const now = await readAgain(this.#link, found.record).catch(() => undefined);
        if (now === null) return { type: "gone", why: `${name(found)} has ended.` };
        if (end.type === "suspect" && this.#way && await answers(this.#way)) continue;
        if (await this.#hasEnded(found)) return { type: "gone", why: `${name(found)} has ended.` };
        await this.#way?.close();
        this.#way = null;
      }
    } finally {
      this.#live = null;
      this.#done.add(sessionKey(found.session));
      await this.#way?.close();
      this.#way = null;
      if (this.#endpoints) await forget(this.#endpoints).catch(() => {});
      this.#found = null;
      this.#board.show(null);
    }
  }

  /**
   * What is behind an end: a Ctrl-C, which a terminal gives to ssh as well; the connection below, where
   * it was the editor's that was noticed first.
   */
  async #behind(end: End): Promise<End> {
    if (end.type === "stop" || end.type === "gone") return end;
    const links = end.type === "link" ? [] : [
      this.#link.broken.then((why): End => ({ type: "link", why })),
    ];
    return await Promise.race([this.#stopped, ...links, pause(100)]) || end;
  }

  /** Whether a record goes within a moment: a program says goodbye before it has ended. */
  async #hasEnded(found: Found): Promise<boolean> {
    for (let tries = 0; tries < 4; tries++) {
      const record = await readAgain(this.#link, found.record).catch(() => undefined);
      if (record === null) return true;
      await pause(300);
    }
    return false;
  }

  /** Waits, not for ever, until the far side has noticed that the editor of before has gone. */
  async #untilLeft(found: Found): Promise<void> {
    for (let tries = 0; tries < 40; tries++) {
      const record = await readAgain(this.#link, found.record).catch(() => undefined);
      if (record?.state !== "attached") break;
      await pause(200);
    }
    // debugpy's adapter takes a moment longer than the program.
    await pause(200);
  }

  /** Makes a way; why the session is over, where none can be made any more. */
  async #build(found: Found, again: boolean): Promise<End | null> {
    const { options } = this.#o;
    while (true) {
      const failures: string[] = [];
      try {
        const way = findWay(this.#link, found, {
          via: options.via,
          onFailure: (way, reason) => {
            // Of a session that may have ended, they are told only once it turns out that it hasn't.
            if (again) failures.push(`Not ${way}: ${reason}.`);
            else this.#board.say(`Not ${way}: ${reason}.`);
          },
        });
        const result = await Promise.race([way, this.#stopped]);
        if ("type" in result) {
          way.then((late) => late.close()).catch(() => {});
          return result;
        }
        for (const line of failures) this.#board.say(line);
        this.#way = result;
        return null;
      } catch (error) {
        // What looks like the node's fault may be that of the connection below.
        const broken = await Promise.race([this.#link.broken, pause(200)]);
        if (broken !== false) {
          if (!await this.#rebuild(broken)) return { type: "stop" };
          continue;
        }
        const record = await readAgain(this.#link, found.record).catch(() => undefined);
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
        this.#stopped,
        suspect,
        this.#link.broken.then((why): End => mark({ type: "link", why })),
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
      if (state.over) return { type: "stop" };
      const record = await readAgain(this.#link, found.record).catch(() => undefined);
      if (record) {
        seen = true;
        missing = 0;
      } else if (record === null && (seen || found.session.path === "") && ++missing >= 2) {
        return { type: "gone", why: `${name(found)} has ended.` };
      }
      // A program that was killed leaves its record behind.
      const idle = this.#front.attached === null && count % knockEvery === 0;
      if (idle && this.#way && !await answers(this.#way)) {
        return { type: "suspect", why: "it does not answer" };
      }
    }
  }

  /** Builds the connection to the login node again; false when the person has had enough. */
  async #rebuild(why: string): Promise<boolean> {
    const { options, reopen } = this.#o;
    this.#live = null;
    this.#board.show(null);
    this.#board.say(
      `The connection to "${options.login}" broke (${lastLine(why)}); building it again.`,
    );
    await this.#way?.close();
    this.#way = null;
    const earlier = this.#link;
    await earlier.close();
    let said = "";
    for (let delay = 500;; delay = Math.min(delay * 2, 15_000)) {
      try {
        const link = await Promise.race([reopen(), this.#stopped]);
        if ("type" in link) return false;
        this.#link = link;
        await link.bury(earlier.facts).catch(() => {});
        this.#board.say(`Connected to "${options.login}" again.`);
        return true;
      } catch (error) {
        if (this.#o.signal.aborted) return false;
        if (!(error instanceof RdgError) || error.exitCode === ExitCode.permission) throw error;
        if (error.message !== said) this.#board.say(`${error.message}; trying on.`);
        said = error.message;
      }
      if (await Promise.race([pause(delay), this.#stopped])) return false;
    }
  }

  #announce(found: Found, first: boolean): void {
    const { options, host } = this.#o;
    const { session, job } = found;
    const { port } = this.#front;
    const state = session.state === "crashed" && session.exception
      ? `; it has crashed: ${session.exception}`
      : session.state === "attached" && first
      ? "; another debugger is attached to it, and has to disconnect first"
      : "";
    this.#board.say(
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
          port,
          way: this.#way!.name,
          job: job?.displayId ?? session.job.display,
          node: session.host,
          pid: session.pid,
          rank: session.rank,
          state: session.state,
          remotePath: session.remotePath,
          exception: session.exception,
          leftS: this.#left() ?? null,
        })
      }\n`);
    }
    if (first) this.#sayReady(port);
    this.#tick();
  }

  async #sayReady(port: number): Promise<void> {
    const { host } = this.#o;
    const env = (key: string) => host.env(key);
    this.#endpoints = await tellVsCode(port, env);
    const then = this.#endpoints
      ? "VS Code attaches by itself"
      : await whatToPress({ env, folder: host.cwd(), port, editors: await allEditors(host) });
    this.#board.say(`Ready on 127.0.0.1:${port}. ${then}. Ctrl-C ends this.`);
  }

  #whenLive(): Promise<Live> {
    if (this.#live) return Promise.resolve(this.#live);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #onFront(event: FrontEvent): void {
    switch (event.type) {
      case "attached":
      case "left":
        this.#board.say(`${event.name} ${event.type}.`);
        if (event.type === "attached") this.#sayLimit();
        break;
      case "refused":
        this.#board.say(`Turned a connection to the local port away: ${event.why}.`);
        break;
      case "closed":
        this.#suspect("its end of the connection was closed");
        break;
      case "unreachable":
        this.#board.say(`The program could not be reached: ${lastLine(event.why)}.`);
        this.#suspect(event.why);
    }
    this.#tick();
  }

  #left(): number | undefined {
    return this.#limit === null ? undefined : Math.max(0, (this.#limit - Date.now()) / 1000);
  }

  /** Once a second: the status line, and the warnings. */
  #tick(): void {
    const found = this.#found;
    if (!found || !this.#way || !this.#live) return;
    const leftS = this.#left();
    this.#board.show({
      job: found.job?.displayId ?? "",
      node: found.session.host,
      rank: found.session.rank,
      way: this.#way.name,
      attached: this.#front.attached,
      leftS,
    });
    const due = warnings.filter((at) => leftS !== undefined && leftS <= at);
    const news = due.filter((at) => !this.#warned.has(at));
    for (const at of due) this.#warned.add(at);
    if (news.length === 0) return;
    const line = `job ${found.job!.displayId} reaches its time limit in ${duration(leftS)}`;
    this.#board.say(this.#o.host.terminal.style("yellow", `Warning: ${line}.`));
    this.#front.say(line).catch(() => {});
  }

  /** Tells an editor that attaches late what was said before. */
  #sayLimit(): void {
    const leftS = this.#left();
    if (leftS === undefined || leftS > warnings[0]) return;
    const line = `job ${this.#found?.job?.displayId} reaches its time limit in ${duration(leftS)}`;
    this.#front.say(line).catch(() => {});
  }
}

function name(found: Found): string {
  const text = lowerName(found);
  return text[0]!.toUpperCase() + text.slice(1);
}

function lowerName({ session, job }: Found): string {
  const rank = session.rank === null ? "the session" : `rank ${session.rank}`;
  return job ? `${rank} of job ${job.displayId}` : rank;
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)!.replace(/\.$/, "");
}
