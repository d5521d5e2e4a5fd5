/**
 * Sessions on the login node over as few ssh connections as its sshd allows. Each connection carries
 * `MaxSessions` of them (sshd_config(5); 10 where nobody said otherwise), and each node's relay is one:
 * where one is refused, another connection is opened, without a question to the person. (What `ssh -W`
 * forwards is no session and has no such limit.)
 *
 * Starts ssh. Touches the folder that it is given.
 *
 * @module
 */

import { feed } from "./link.ts";
import { lastLine } from "./text.ts";
import { bootstrap } from "./shell.ts";
import { pause, type ProgramStream } from "./stream.ts";

/** What {@linkcode SshSessions} needs. */
export interface SshSessionsOptions {
  /** The host, as ssh is told it. */
  login: string;
  /** Starts ssh. */
  spawn: (args: readonly string[]) => ProgramStream;
  /** Arguments for a connection of its own. */
  own: readonly string[];
  /** Arguments for one that goes through what follows, and never makes a connection itself. */
  shared: readonly string[];
  /** How to get onto the connection that is there; empty for what the person's configuration says. */
  first: readonly string[];
  /** Folder for the sockets of further connections; null where ssh shares none. */
  folder: string | null;
  /** Milliseconds until a session has to be there; 25 s when absent. */
  heardMs?: number;
}

/** What ssh says where sshd lets no further session through a connection. */
const full = /Session open refused by peer/;

/** Arguments for a connection that carries one session alone. */
const unshared = ["-o", "ControlMaster=no", "-o", "ControlPath=none"];
/** Arguments for one that asks the person nothing. */
const silent = ["-o", "BatchMode=yes"];

/** A session that has begun to speak, or has ended. */
interface Begun {
  session: ProgramStream;
  ended: boolean;
}

/** The sessions. */
export class SshSessions {
  readonly #o: SshSessionsOptions;
  /** Further connections; each is held by a session that does nothing. */
  readonly #holders: ProgramStream[] = [];
  /** How to get onto the connection that was opened last. */
  #latest: readonly string[];
  /** Whether a connection carries one session only. */
  #single = false;
  /** Why no further connection can be had: tried once, for sites count failed logins. */
  #failure: Error | null = null;
  #closed = false;
  #queue: Promise<unknown> = Promise.resolve();

  /** @param options How to start ssh. */
  constructor(options: SshSessionsOptions) {
    this.#o = options;
    this.#latest = options.first;
  }

  /**
   * Starts a script in a session.
   *
   * @param script Lines of POSIX shell; an empty line stands before what it prints.
   * @returns The session; one that has ended says why.
   * @throws {Error} where there is no room for it, or it doesn't begin in time.
   */
  async start(script: string): Promise<ProgramStream> {
    const { folder, own, shared } = this.#o;
    if (folder === null) return (await this.#begin(own, script)).session;
    const tried = this.#latest;
    const begun = await this.#begin([...shared, ...tried], script);
    if (!isRefused(begun)) return begun.session;
    const turn = this.#queue.then(() => this.#startElsewhere(script, tried));
    this.#queue = turn.catch(() => {});
    return await turn;
  }

  /** Ends the further connections. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#holders.map((holder) => holder.close()));
  }

  /** Starts a script where there is room; one after the other, so that they share what is opened. */
  async #startElsewhere(script: string, tried: readonly string[]): Promise<ProgramStream> {
    const { shared } = this.#o;
    if (this.#latest !== tried) {
      const begun = await this.#begin([...shared, ...this.#latest], script);
      if (!isRefused(begun)) return begun.session;
    }
    if (!this.#single) {
      const holder = await this.#open();
      const begun = await this.#begin([...shared, ...this.#latest], script);
      if (!isRefused(begun)) return begun.session;
      this.#single = true;
      await holder.close();
    }
    return (await this.#logIn(unshared, script)).session;
  }

  /** Opens a further connection. */
  async #open(): Promise<ProgramStream> {
    const { folder, first } = this.#o;
    const socket = ["-S", `${folder}/ssh-${this.#holders.length + 1}`];
    const sharing = [...socket, "-M", "-o", "ControlPersist=no"];
    const { session: holder, ended } = await this.#logIn(sharing, "cat");
    if (ended) throw this.#failure = noFurther(holder.reason());
    this.#holders.push(holder);
    this.#latest = socket;
    holder.ended.then(() => {
      if (this.#latest === socket) this.#latest = first;
    });
    return holder;
  }

  /** Starts a script over a connection of its own; one that gave no answer isn't tried again. */
  async #logIn(args: readonly string[], script: string): Promise<Begun> {
    if (this.#failure) throw this.#failure;
    try {
      return await this.#begin([...this.#o.own, ...args, ...silent], script);
    } catch (error) {
      if (this.#closed) throw error;
      throw this.#failure = noFurther(error instanceof Error ? error.message : String(error));
    }
  }

  /** Starts a script, and waits until it has begun or ended. */
  async #begin(args: readonly string[], script: string): Promise<Begun> {
    const { spawn, login, heardMs = 25_000 } = this.#o;
    if (this.#closed) throw closedMeanwhile();
    const program = spawn([...args, login, bootstrap]);
    feed(program, `echo\n${script}`);
    const reader = program.readable.getReader();
    const first = await Promise.race([reader.read(), pause(heardMs)]);
    if (first === false) {
      await program.close();
      throw new Error(program.reason() || `no answer within ${heardMs / 1000} s`);
    }
    if (this.#closed) {
      await program.close();
      throw closedMeanwhile();
    }
    if (first.done) await program.ended;
    return { session: { ...program, readable: goesOn(reader, first) }, ended: first.done };
  }
}

function noFurther(why: string): Error {
  return new Error(
    'the login node takes no more sessions over one ssh connection ("MaxSessions"), and a further ' +
      `one has to do without a question to you: ${lastLine(why)}. Log in by a key, or take fewer ` +
      "nodes at once (--rank LIST)",
  );
}

function closedMeanwhile(): Error {
  return new Error("the connection has ended");
}

function isRefused({ session, ended }: Begun): boolean {
  return ended && full.test(session.reason());
}

/** A stream of which the first piece has been read already. */
function goesOn(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  first: ReadableStreamReadResult<Uint8Array>,
): ReadableStream<Uint8Array> {
  let next: ReadableStreamReadResult<Uint8Array> | undefined = first;
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = next ?? await reader.read();
      next = undefined;
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (why) => reader.cancel(why),
  });
}
