/**
 * One editor's connection to the local port where one session is served: its attach request is filled
 * in, everything else passes. Touches the connections that it is given.
 *
 * @module
 */

import { fillIn, type Message } from "./dap.ts";
import { greet, maxBytes } from "./greeting.ts";
import { Outlet } from "./outlet.ts";
import { Passage } from "./passage.ts";
import type { Stream } from "./stream.ts";

/** A session that can be reached. */
export interface Live {
  /** Opens a connection to its port; rejects with the reason. */
  open(): Promise<Stream>;
  /** The session's token; null where its port wants none. */
  token: string | null;
  /** Folder of the program on the node. */
  remoteRoot: string;
  /** Whether it can still be reached: false when its way has broken and is being built again. */
  alive(): boolean;
}

/** What happens at the local port. */
export type FrontEvent =
  | { type: "attached" | "left"; name: string }
  | { type: "closed" }
  | { type: "refused"; why: string }
  | { type: "unreachable"; why: string };

/** A connection that the local port let in. */
export interface Guest {
  /** What it calls itself. */
  readonly name: string;
  /** The way out to it. */
  readonly outlet: Outlet;
  /** Serves until one side has gone. */
  serve(): Promise<void>;
  /** Tells it that it is over, and closes. */
  end(why: string): Promise<void>;
}

/** What the local port offers a connection. */
export interface Door {
  /** The local port. */
  port: number;
  /** Asks whether a guest may attach: one editor at a time. */
  claim(guest: Guest): Promise<boolean>;
  /** Hears what happens. */
  onEvent: (event: FrontEvent) => void;
  /** What another rdg connect is told that wants the same port. */
  describe: () => Record<string, unknown>;
}

/** What an editor is told that has to wait for another. */
export const occupied =
  "Another editor is attached through this rdg connect. Disconnect it first; a program has " +
  "one debugger at a time.";

/** What one connection needs to know. */
export interface EditorOptions {
  /** The local port. */
  door: Door;
  /** Folder of the project on this machine. */
  localRoot: string;
  /** The session of now, waited for where there is none. */
  live: () => Promise<Live>;
}

/** One editor's connection. */
export class Editor implements Guest {
  /** What it calls itself. */
  name = "an editor";
  /** The way out to it. */
  readonly outlet: Outlet;
  readonly #stream: Stream;
  readonly #options: EditorOptions;
  #passage: Passage | null = null;
  #over = false;

  /**
   * @param stream Its connection.
   * @param options The session, and who wants to know.
   */
  constructor(stream: Stream, options: EditorOptions) {
    this.#stream = stream;
    this.#options = options;
    this.outlet = new Outlet((bytes) => stream.write(bytes));
  }

  /** Tells the editor that it is over, and closes. */
  async end(why: string): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    await this.#passage?.end(why);
    await this.#stream.close();
  }

  /** Serves until one side has gone. */
  async serve(): Promise<void> {
    const { door, live: whenLive } = this.#options;
    const { outlet } = this;
    const greeting = await greet(this.#stream, { outlet, door });
    if (!greeting || this.#over) return;
    const { reader, first, request, name } = greeting;
    this.name = name ?? this.name;
    // An editor that gives up while it waits for a session must be noticed, so reading goes on.
    const second = reader.next(maxBytes);
    const given = second.then((piece) => piece ? new Promise<never>(() => {}) : null);
    const live = await Promise.race([whenLive(), given]);
    if (!live || this.#over) return;
    let session: Stream;
    try {
      session = await live.open();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      await outlet.refuse(request, `rdg cannot reach the program: ${why}`).catch(() => {});
      door.onEvent({ type: "unreachable", why });
      return;
    }
    this.#passage = new Passage({
      editor: { stream: this.#stream, outlet, reader, before: [Promise.resolve(first), second] },
      session,
      attach: (attach) => this.#attach(attach, live),
      alive: live.alive,
      onClosed: () => door.onEvent({ type: "closed" }),
    });
    await this.#passage.run();
    this.#over = true;
  }

  async #attach(request: Message, live: Live): Promise<Message | null> {
    const { door, localRoot } = this.#options;
    const filled = fillIn(request.arguments, {
      token: live.token,
      localRoot,
      remoteRoot: live.remoteRoot,
      port: door.port,
    });
    const child = filled.subProcessId !== undefined;
    if (!child && !await door.claim(this)) {
      await this.outlet.refuse(request, occupied);
      return null;
    }
    if (!child) door.onEvent({ type: "attached", name: this.name });
    return { ...request, arguments: filled };
  }
}
