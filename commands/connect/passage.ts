/**
 * The two directions between an editor and one session, from the first message until one side has
 * gone: nothing is changed but the attach request. Touches the connections that it is given.
 *
 * @module
 */

import { encode, type Message, type MessageReader, NotDap, type Piece } from "./dap.ts";
import { maxBytes, maxMessages } from "./greeting.ts";
import type { Outlet } from "./outlet.ts";
import { pause, type Stream } from "./stream.ts";

/** Milliseconds for the far side to take leave of an editor that has gone. */
const leaveMs = 1500;
/** The number of our last request to the session: no editor counts that far. */
const lastSeq = 2_000_000_000;

/** What passes. */
export interface PassageOptions {
  /** The editor. */
  editor: {
    /** Its connection. */
    stream: Stream;
    /** The way out to it. */
    outlet: Outlet;
    /** What it sends. */
    reader: MessageReader;
    /** What has been read of it already. */
    before: readonly Promise<Piece | null>[];
  };
  /** The session's connection. */
  session: Stream;
  /** Fills in an attach request; null where it was refused. */
  attach: (request: Message) => Promise<Message | null>;
  /** Whether the session can still be reached. */
  alive: () => boolean;
  /** Hears that the session's side has ended after an attach that the editor hadn't ended. */
  onClosed: () => void;
  /** Sees what comes from the session, and gives what is to be passed on. */
  tap?: (bytes: Uint8Array) => Uint8Array[];
}

/** One editor's way to one session. */
export class Passage {
  /** Whether the editor has gone. */
  gone = false;
  readonly #o: PassageOptions;
  #over = false;
  #attached = false;
  #saidGoodbye = false;

  /** @param options Both sides. */
  constructor(options: PassageOptions) {
    this.#o = options;
  }

  /** Whether the editor has taken leave of the program, which then says "terminated" as well. */
  get leaving(): boolean {
    return this.gone || this.#saidGoodbye;
  }

  /** Passes everything on until one side has gone. */
  async run(): Promise<void> {
    const back = this.#back();
    try {
      await this.#forth();
    } catch {
      // The session's side has gone; the other direction says so.
    }
    if (this.gone) await this.#takeLeave(back);
    await back;
  }

  /** Sends the session a message of rdg's own. */
  async send(message: Message): Promise<void> {
    await this.#o.session.write(encode(message));
  }

  /** Tells the editor that it is over, and closes. */
  async end(why: string): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    const { editor: { outlet, stream }, session } = this.#o;
    if (!outlet.terminated && !outlet.within) {
      const farewell = (async () => {
        await outlet.say(why);
        await outlet.tell("terminated", {});
      })().catch(() => {});
      await Promise.race([farewell, pause(500)]);
    }
    await session.close();
    await stream.close();
  }

  /**
   * Detaches in the place of an editor that just closed its connection: whoever comes next must not be
   * told that the program is being debugged already.
   */
  async #takeLeave(back: Promise<void>): Promise<void> {
    if (this.#attached) {
      if (!this.#saidGoodbye) {
        const head = { seq: lastSeq, type: "request", command: "disconnect" };
        await this.send({ ...head, arguments: { terminateDebuggee: false } }).catch(() => {});
      }
      await Promise.race([back, pause(leaveMs)]);
    }
    await this.#o.session.close();
  }

  /** Everything from the editor, message by message: rdg's own may come between two of them. */
  async *#incoming(): AsyncGenerator<Piece> {
    const { editor: { reader, before } } = this.#o;
    let count = 0;
    for (const piece of before) {
      const next = await piece;
      if (!next) return;
      yield next;
      count++;
    }
    while (this.#attached || count++ < maxMessages) {
      const piece = await reader.next(this.#attached ? undefined : maxBytes);
      if (!piece) return;
      yield piece;
    }
  }

  async #forth(): Promise<void> {
    const { session, attach } = this.#o;
    try {
      for await (const { bytes, message } of this.#incoming()) {
        const command = message?.type === "request" ? message.command : undefined;
        if (command === "disconnect") this.#saidGoodbye = true;
        if (command !== "attach" || this.#attached) {
          await session.write(bytes);
          continue;
        }
        const filled = await attach(message!);
        if (!filled) continue;
        this.#attached = true;
        await session.write(encode(filled));
      }
      this.gone = true;
    } catch (error) {
      // What is no DAP any more is as good as gone; what the session refuses to take is not.
      if (error instanceof NotDap) this.gone = true;
      else throw error;
    }
  }

  async #back(): Promise<void> {
    const { editor: { outlet, stream }, session, tap, alive, onClosed } = this.#o;
    try {
      for await (const bytes of session.readable) {
        for (const part of tap ? tap(bytes) : [bytes]) {
          // What comes after the editor has gone is read all the same: it is the far side's goodbye.
          await outlet.pass(part).catch(() => {});
        }
      }
    } catch {
      // The pipe broke.
    }
    if (this.#attached && !this.#over) onClosed();
    if (!this.gone && !this.#over && !outlet.terminated && !outlet.within) {
      // A way that broke says so a moment after its streams have ended.
      await pause(300);
      const again = !alive();
      const words = again
        ? "the connection to the program was lost; it is being built again"
        : `the program's end of the connection was closed${
          session.reason() ? ` (${session.reason().split("\n").at(-1)})` : ""
        }`;
      await outlet.say(words).catch(() => {});
      await outlet.tell("terminated", again ? { restart: true } : {}).catch(() => {});
    }
    this.#over = true;
    await session.close();
    await stream.close();
  }
}
