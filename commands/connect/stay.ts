/**
 * What `rdg connect` does until it ends, as the person sees it: finds what to serve, has it served at
 * the local port, says how things stand, and goes on to the next. How a way is kept open is the
 * business of a keeper: of one session (keeper.ts) or of many ranks (hub/keeper.ts).
 *
 * @module
 */

import type { Host } from "../_host.ts";
import type { Menus } from "../_job_menu.ts";
import type { Job } from "../../plugins/contract.ts";
import { ExitCode, RdgError } from "../../plugins/error.ts";
import type { Door, FrontEvent, Guest } from "./client.ts";
import type { ConnectOptions } from "./command.ts";
import { allEditors, forget, tellVsCode, whatToPress } from "./editor.ts";
import type { FindContext, NotYet } from "./find.ts";
import { Front } from "./front.ts";
import type { Link } from "./link.ts";
import { Login, type Stop } from "./login.ts";
import { lastLine } from "./text.ts";
import { fingerprint, readRecords } from "./records.ts";
import { Board, type Status } from "./status.ts";
import { pause, type Stream } from "./stream.ts";
import { TimeLimit } from "./time_limit.ts";

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

/** What a keeper works with. */
export interface Desk {
  /** What was typed. */
  options: ConnectOptions;
  /** The world. */
  host: Host;
  /** Where to say something. */
  board: Board;
  /** The login node. */
  login: Login;
  /** The local port. */
  front: Front;
  /** Settles when the person ends it. */
  stopped: Promise<Stop>;
  /** Sessions that were served already. */
  done: Set<string>;
  /** The time limit of the job that is served. */
  limit: TimeLimit;
  /** Says that it is ready, and what to press. */
  ready(): Promise<void>;
  /** Brings the status line up to date. */
  tick(): void;
}

/** Why something is no longer served. */
export type Over = Stop | { type: "gone"; why: string };

/** Keeps the ways to what is served. */
export interface Keeper<Found> {
  /** Finds what to serve, and wakes it if need be. */
  find(context: FindContext): Promise<Found | NotYet>;
  /** Serves it until it ends. */
  serve(found: Found): Promise<Over>;
  /** Serves a connection to the local port. */
  welcome(stream: Stream, door: Door): Guest;
  /** Hears what happens at the local port. */
  onFront(event: FrontEvent): void;
  /** The job that is served; null outside of one, or while nothing is. */
  readonly job: Job | null;
  /** How things stand; null while nothing is served. */
  readonly status: Status | string | null;
  /** Ends what it keeps. */
  close(): Promise<void>;
}

/** Milliseconds between two looks while waiting for a session, growing. */
const waitMs = [1000, 5000] as const;
/** Milliseconds after which a waiting rdg asks the scheduler again. */
const askMs = 60_000;

/** The work. */
export class Stay<Found extends object> {
  readonly #o: StayOptions;
  readonly #desk: Desk;
  readonly #keeper: Keeper<Found>;
  #endpoints: string | null = null;

  /**
   * @param options What to work with.
   * @param make Makes the keeper.
   */
  constructor(options: StayOptions, make: (desk: Desk) => Keeper<Found>) {
    this.#o = options;
    const board = new Board(options.host, { still: options.options.json });
    const stopped = new Promise<Stop>((resolve) => {
      const stop = () => resolve({ type: "stop" });
      if (options.signal.aborted) stop();
      options.signal.addEventListener("abort", stop, { once: true });
    });
    const { link, reopen, signal } = options;
    const front = new Front({
      listener: options.listener,
      uid: Deno.build.os === "windows" ? null : Deno.uid(),
      welcome: (stream, door) => this.#keeper.welcome(stream, door),
      onEvent: (event) => this.#onFront(event),
      describe: () => ({
        pid: Deno.pid,
        login: options.options.login ?? "",
        job: this.#keeper.job?.displayId ?? options.options.job ?? "",
      }),
    });
    this.#desk = {
      options: options.options,
      host: options.host,
      board,
      login: new Login({ name: options.options.login, link, reopen, board, stopped, signal }),
      front,
      stopped,
      done: new Set(),
      limit: new TimeLimit(),
      ready: () => this.#sayReady(),
      tick: () => this.#tick(),
    };
    this.#keeper = make(this.#desk);
  }

  /** Works until the person ends it, or nothing is left to do. Returns the exit code. */
  async run(): Promise<number> {
    const { board, front, login } = this.#desk;
    const timer = setInterval(() => this.#tick(), 1000);
    const serving = front.serve();
    try {
      while (true) {
        const found = await this.#find();
        if (found === null) return ExitCode.ok;
        const end = await this.#keeper.serve(found).finally(() => this.#unready());
        if (end.type === "stop") return ExitCode.ok;
        board.say(end.why);
        if (!this.#o.options.wait) return ExitCode.ok;
      }
    } catch (error) {
      if (this.#o.signal.aborted) return ExitCode.ok;
      throw error;
    } finally {
      clearInterval(timer);
      board.show(null);
      await front.close();
      await serving;
      await this.#unready();
      await this.#keeper.close();
      await login.link.close();
    }
  }

  /** The next session that fits; null when the person has had enough, or none can come any more. */
  async #find(): Promise<Found | null> {
    const { options, host, menus } = this.#o;
    const { board, login, stopped, done } = this.#desk;
    let said = "";
    let seen = "";
    let asked = 0;
    let patience: number = waitMs[0];
    while (true) {
      const look = async () => {
        if (asked > 0) {
          const now = fingerprint(await readRecords(login.link));
          if (now === seen && Date.now() - asked < askMs) return null;
          seen = now;
        }
        asked = Date.now();
        return await this.#keeper.find({
          login,
          host: { ...host, terminal: { ...host.terminal, say: (line) => board.say(line) } },
          menus,
          patient: options.wait,
          done,
        });
      };
      let result;
      try {
        result = await Promise.race([look(), stopped]);
      } catch (error) {
        if (error instanceof RdgError && error.code === "connection") {
          if (!await login.rebuild(error.message)) return null;
          continue;
        }
        const over = error instanceof RdgError && error.exitCode === ExitCode.notFound;
        if (done.size > 0 && over) return null;
        throw error;
      }
      if (result && "type" in result) return null;
      if (result && !("why" in result)) return result;
      if (result && result.why !== said) {
        said = result.why;
        board.say(`Waiting for a session: ${said}.`);
      }
      if (await Promise.race([pause(patience), stopped])) return null;
      patience = Math.min(patience * 1.3, waitMs[1]);
    }
  }

  async #sayReady(): Promise<void> {
    const { host, board, front } = this.#desk;
    const { port } = front;
    const env = (key: string) => host.env(key);
    this.#endpoints = await tellVsCode(port, env);
    const then = this.#endpoints
      ? "VS Code attaches by itself"
      : await whatToPress({ env, folder: host.cwd(), port, editors: await allEditors(host) });
    board.say(`Ready on 127.0.0.1:${port}. ${then}. Ctrl-C ends this.`);
  }

  async #unready(): Promise<void> {
    if (this.#endpoints) await forget(this.#endpoints).catch(() => {});
  }

  #onFront(event: FrontEvent): void {
    const { board, front, limit } = this.#desk;
    switch (event.type) {
      case "attached":
      case "left":
        board.say(`${event.name} ${event.type}.`);
        // Who attaches late is told what was said before.
        if (event.type === "attached" && limit.late) front.say(limit.late).catch(() => {});
        break;
      case "refused":
        board.say(`Turned a connection to the local port away: ${event.why}.`);
        break;
      case "unreachable":
        board.say(`The program could not be reached: ${lastLine(event.why)}.`);
    }
    this.#keeper.onFront(event);
    this.#tick();
  }

  /** Once a second: the status line, and the warnings. */
  #tick(): void {
    const { board, front, limit, host } = this.#desk;
    const { status } = this.#keeper;
    if (status === null) return;
    board.show(status);
    const line = limit.due();
    if (line === null) return;
    board.say(host.terminal.style("yellow", `Warning: ${line}.`));
    front.say(line).catch(() => {});
  }
}
