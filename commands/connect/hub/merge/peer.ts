/**
 * rdg as the client of one rank's debugger: requests, answers and events. Touches the connection that
 * it opens.
 *
 * @module
 */

import type { Live } from "../../client.ts";
import { encode, fillIn, type Message, MessageReader } from "../../dap.ts";
import { pause, type Stream } from "../../stream.ts";
import type { Obeying, Reply } from "../asked.ts";
import type { Member } from "../member.ts";

/** What a connection to a rank needs. */
export interface PeerOptions {
  /** The process. */
  member: Member;
  /** How to reach it. */
  live: Live;
  /** Arguments of `initialize`. */
  initialize: Record<string, unknown>;
  /** Arguments of `attach`, as the editor gave them. */
  attach: Record<string, unknown>;
  /** Folder of the project on this machine. */
  localRoot: string;
  /** The local port. */
  port: number;
  /** The process id of a child of the rank's, where it is one. */
  child?: number;
  /** Hears each event. */
  onEvent: (peer: Peer, message: Message) => void;
  /** Hears that the program goes on. */
  onResumed: (peer: Peer) => void;
  /** Hears that the connection has ended. */
  onEnd: (peer: Peer) => void;
}

/** Milliseconds that a rank may take to answer; one that hangs in native code never does. */
const answerMs = 5000;
/** Milliseconds for `attach`: debugpy waits for its program. */
const attachMs = 20_000;

/** Requests after which a program runs. */
const resuming = new Set(["continue", "next", "stepIn", "stepOut", "goto", "restartFrame"]);

/** A rank's debugger. */
export class Peer implements Obeying {
  /** The process. */
  readonly member: Member;
  /** Whether breakpoints can be set in it. */
  open = false;
  /** Whether it said itself that the program has ended. */
  terminated = false;
  /** Its threads by number, as it named them last. */
  threads = new Map<number, string>();
  /** Threads that the editor was told are stopped, the one that stopped first at the beginning. */
  readonly stopped = new Set<number>();
  readonly #o: PeerOptions;
  readonly #pending = new Map<number, (reply: Reply) => void>();
  readonly #initialized = Promise.withResolvers<void>();
  #stream: Stream | null = null;
  #seq = 0;
  #configured = false;
  #over = false;

  /** @param options The process, and who wants to hear. */
  constructor(options: PeerOptions) {
    this.#o = options;
    this.member = options.member;
  }

  /** Its rank; null without one. */
  get rank(): number | null {
    return this.member.session.rank;
  }

  /** How people call it. */
  get label(): string {
    const { child } = this.#o;
    return child === undefined ? this.member.label : `${this.member.label} child ${child}`;
  }

  /** The process id of a child of the rank's; undefined for the rank itself. */
  get child(): number | undefined {
    return this.#o.child;
  }

  /** The thread that is stopped; null while it runs. */
  get stoppedThread(): number | null {
    return [...this.stopped][0] ?? null;
  }

  /** Whether the connection has ended. */
  get over(): boolean {
    return this.#over;
  }

  /**
   * Connects and attaches, up to the point where breakpoints can be set.
   *
   * @throws {Error} why it can't.
   */
  async attach(): Promise<void> {
    const { live, initialize, attach, localRoot, port } = this.#o;
    this.#stream = await live.open();
    this.#read(this.#stream).catch(() => {});
    const hello = await this.ask("initialize", {
      ...initialize,
      // Children are opened by the event instead.
      supportsStartDebuggingRequest: false,
    });
    if (!hello.success) throw new Error(hello.message);
    const args = fillIn(attach, {
      token: live.token,
      localRoot,
      remoteRoot: live.remoteRoot,
      port,
    });
    const attached = this.ask("attach", args, attachMs).then(({ success, message }) => {
      if (!success) throw new Error(message);
    });
    attached.catch(() => {}); // told below, or by the end of the connection
    await Promise.race([
      this.#initialized.promise,
      attached.then(() => this.#initialized.promise),
    ]);
    this.open = true;
  }

  /** Says that breakpoints are set, once. */
  async configure(): Promise<void> {
    if (this.#configured || !this.open) return;
    this.#configured = true;
    await this.ask("configurationDone", {});
  }

  /** Asks for something. */
  async ask(
    command: string,
    args: Record<string, unknown>,
    timeoutMs: number = answerMs,
  ): Promise<Reply> {
    const stream = this.#stream;
    if (!stream || this.#over) return { success: false, message: "its connection has ended" };
    const seq = ++this.#seq;
    const answer = new Promise<Reply>((resolve) => this.#pending.set(seq, resolve));
    try {
      await stream.write(encode({ seq, type: "request", command, arguments: args }));
      const reply = timeoutMs === Infinity
        ? await answer
        : await Promise.race([answer, pause(timeoutMs)]);
      return reply || { success: false, message: `no answer within ${timeoutMs / 1000} s` };
    } catch {
      return { success: false, message: "its connection has ended" };
    } finally {
      this.#pending.delete(seq);
    }
  }

  /** Has a stopped program go on. */
  async resume(): Promise<Reply | null> {
    const threadId = this.stoppedThread;
    return threadId === null ? null : await this.ask("continue", { threadId });
  }

  /** Has a running program stop. */
  async halt(): Promise<Reply | null> {
    return this.stoppedThread === null ? await this.ask("pause", { threadId: 1 }) : null;
  }

  /** Lets the program go, or ends it, and closes. */
  async release(terminate: boolean | undefined): Promise<void> {
    if (!this.#over && this.open) {
      await this.ask(
        "disconnect",
        terminate === undefined ? {} : { terminateDebuggee: terminate },
        3000,
      );
    }
    await this.close();
  }

  /** Closes as it is. */
  async close(): Promise<void> {
    await this.#stream?.close();
    this.#end();
  }

  async #read(stream: Stream): Promise<void> {
    try {
      for await (const { message } of new MessageReader(stream.readable).messages()) {
        if (!message) continue;
        if (message.type === "response") {
          const { success, command = "" } = message;
          if (success && resuming.has(command)) this.#o.onResumed(this);
          this.#pending.get(Number(message["request_seq"]))?.(message as unknown as Reply);
        } else if (message.type === "event") {
          if (message.event === "initialized") this.#initialized.resolve();
          else this.#o.onEvent(this, message);
        } else {
          await this.#refuse(stream, message);
        }
      }
    } catch {
      // The same as the end of the connection.
    }
    this.#end();
    await stream.close();
  }

  async #refuse(stream: Stream, { seq, command = "" }: Message): Promise<void> {
    const head = { seq: ++this.#seq, type: "response", "request_seq": seq, command };
    await stream.write(encode({ ...head, success: false, message: "not supported" }));
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.open = false;
    this.#initialized.reject(new Error("its connection has ended"));
    this.#initialized.promise.catch(() => {});
    for (const settle of this.#pending.values()) {
      settle({ success: false, message: "its connection has ended" });
    }
    this.#o.onEnd(this);
  }
}
