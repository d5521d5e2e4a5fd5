/**
 * One editor's connection to the local port: its attach request is filled in, everything else passes.
 * Touches the connections that it is given.
 *
 * @module
 */

import { encode, fillIn, type Message, MessageReader, type Piece } from "./dap.ts";
import { Outlet } from "./outlet.ts";
import { pause, type Stream } from "./stream.ts";

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

/** The request that asks a port whether an rdg connect holds it. */
export const whoCommand = "rdgWho";
/** Milliseconds until the first message has come: an editor sends it at once. */
const firstMs = 10_000;
/** Bytes of a message before the attach; VS Code's has about 1,000. */
const maxBytes = 4 * 1024 * 1024;
/** Messages before the attach. */
const maxMessages = 64;
/** Milliseconds for the far side to take leave of an editor that has gone. */
const leaveMs = 1500;
/** What an editor sends that takes leave itself. */
const disconnects = /"command":\s*"disconnect"/;
/** The number of our last request to the session: no editor counts that far. */
const lastSeq = 2_000_000_000;

/** What one connection needs to know. */
export interface EditorOptions {
  /** The local port. */
  port: number;
  /** Folder of the project on this machine. */
  localRoot: string;
  /** The session of now, waited for where there is none. */
  live: () => Promise<Live>;
  /** Hears what happens. */
  onEvent: (event: FrontEvent) => void;
  /** What another rdg connect is told that wants the same port. */
  describe: () => Record<string, unknown>;
  /** Asks whether it may attach: one editor at a time, and its child sessions. */
  claim(editor: Editor, child: boolean): Promise<boolean>;
}

/** One editor's connection. */
export class Editor {
  /** What it calls itself. */
  name = "an editor";
  /** The way out to it. */
  readonly outlet: Outlet;
  readonly #stream: Stream;
  readonly #options: EditorOptions;
  #session: Stream | null = null;
  #gone = false;
  #over = false;
  #claimed = false;
  #saidGoodbye = false;

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
    if (this.#session && !this.outlet.terminated && !this.outlet.within) {
      const farewell = (async () => {
        await this.outlet.say(why);
        await this.outlet.tell("terminated", {});
      })().catch(() => {});
      await Promise.race([farewell, pause(500)]);
    }
    await this.#session?.close();
    await this.#stream.close();
  }

  /** Serves until one side has gone. */
  async serve(): Promise<void> {
    const reader = new MessageReader(this.#stream.readable);
    const timer = setTimeout(() => this.#refuse("no DAP message came"), firstMs);
    let first: Piece | null;
    try {
      first = await reader.next(maxBytes);
    } catch (error) {
      return this.#refuse(error instanceof Error ? error.message : String(error));
    } finally {
      clearTimeout(timer);
    }
    if (!first) return;
    if (first.message?.type !== "request") return this.#refuse("it began with no request");
    if (first.message.command === whoCommand) {
      await this.outlet.answer(first.message, this.#options.describe());
      return;
    }
    const { clientName, clientID } = (first.message.arguments ?? {}) as Record<string, unknown>;
    if (typeof clientName === "string") this.name = clientName.slice(0, 40);
    else if (typeof clientID === "string") this.name = clientID.slice(0, 40);
    // An editor that gives up while it waits for a session must be noticed, so reading goes on.
    const second = reader.next(maxBytes);
    const given = second.then((piece) => piece ? new Promise<never>(() => {}) : null);
    const live = await Promise.race([this.#options.live(), given]);
    if (!live || this.#over) return;
    const incoming = this.#incoming(reader, { first, second });
    let session: Stream;
    try {
      session = await live.open();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      await this.outlet.refuse(first.message, `rdg cannot reach the program: ${why}`)
        .catch(() => {});
      this.#options.onEvent({ type: "unreachable", why });
      return;
    }
    this.#session = session;
    const back = this.#back(session, live);
    try {
      await this.#forth(incoming, { session, live });
    } catch {
      // The session's side has gone; the other direction says so.
    }
    if (this.#gone) await this.#takeLeave(session, back);
    await back;
  }

  /**
   * Detaches in the place of an editor that just closed its connection: whoever comes next must not be
   * told that the program is being debugged already.
   */
  async #takeLeave(session: Stream, back: Promise<void>): Promise<void> {
    if (this.#claimed && this.#saidGoodbye) {
      await Promise.race([back, pause(leaveMs)]);
    } else if (this.#claimed) {
      const command = "disconnect";
      const goodbye = { seq: lastSeq, type: "request", command };
      await session.write(encode({ ...goodbye, arguments: { terminateDebuggee: false } }))
        .catch(() => {});
      await Promise.race([back, pause(leaveMs)]);
    }
    await session.close();
  }

  /** Everything from the editor: messages up to its attach request, then bytes. */
  async *#incoming(
    reader: MessageReader,
    { first, second }: { first: Piece; second: Promise<Piece | null> },
  ): AsyncGenerator<Piece | Uint8Array> {
    yield first;
    let count = 1;
    let next = second;
    while (true) {
      const piece = await next;
      if (!piece) break;
      next = Promise.resolve(null);
      yield piece;
      if (piece.message?.type === "request" && piece.message.command === "attach") {
        yield* reader.rest();
        break;
      }
      if (++count > maxMessages) break;
      next = reader.next(maxBytes);
    }
    this.#gone = true;
  }

  async #forth(
    incoming: AsyncGenerator<Piece | Uint8Array>,
    { session, live }: { session: Stream; live: Live },
  ): Promise<void> {
    for await (const piece of incoming) {
      if (piece instanceof Uint8Array) {
        if (piece.length < 4096 && disconnects.test(new TextDecoder().decode(piece))) {
          this.#saidGoodbye = true;
        }
        await session.write(piece);
      } else if (piece.message?.type === "request" && piece.message.command === "attach") {
        const attach = await this.#attach(piece.message, live);
        if (attach) await session.write(encode(attach));
      } else {
        await session.write(piece.bytes);
      }
    }
  }

  async #attach(request: Message, live: Live): Promise<Message | null> {
    const { port, localRoot, claim, onEvent } = this.#options;
    const filled = fillIn(request.arguments, {
      token: live.token,
      localRoot,
      remoteRoot: live.remoteRoot,
      port,
    });
    const child = filled.subProcessId !== undefined;
    if (!await claim(this, child)) {
      await this.outlet.refuse(
        request,
        "Another editor is attached through this rdg connect. Disconnect it first; a program has " +
          "one debugger at a time.",
      );
      return null;
    }
    this.#claimed = true;
    if (!child) onEvent({ type: "attached", name: this.name });
    return { ...request, arguments: filled };
  }

  async #back(session: Stream, live: Live): Promise<void> {
    try {
      for await (const bytes of session.readable) {
        // What comes after the editor has gone is read all the same: it is the far side's goodbye.
        await this.outlet.pass(bytes).catch(() => {});
      }
    } catch {
      // The pipe broke.
    }
    if (this.#claimed && !this.#over) this.#options.onEvent({ type: "closed" });
    if (!this.#gone && !this.#over && !this.outlet.terminated && !this.outlet.within) {
      // A way that broke says so a moment after its streams have ended.
      await pause(300);
      const again = !live.alive();
      const words = again
        ? "the connection to the program was lost; it is being built again"
        : `the program's end of the connection was closed${
          session.reason() ? ` (${session.reason().split("\n").at(-1)})` : ""
        }`;
      await this.outlet.say(words).catch(() => {});
      await this.outlet.tell("terminated", again ? { restart: true } : {}).catch(() => {});
    }
    this.#over = true;
    await session.close();
    await this.#stream.close();
  }

  async #refuse(why: string): Promise<void> {
    this.#over = true;
    this.#options.onEvent({ type: "refused", why });
    await this.#stream.close();
  }
}
