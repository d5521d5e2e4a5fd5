/**
 * An editor's session for one rank: everything passes between the two, and rdg's own requests (go on,
 * pause, let go: what the parent session asks for) go in between. Touches the connections that it is
 * given.
 *
 * @module
 */

import type { Door, Live } from "../client.ts";
import { fillIn, type Message, type MessageReader, type Piece } from "../dap.ts";
import type { Outlet } from "../outlet.ts";
import { Passage } from "../passage.ts";
import { pause, type Stream } from "../stream.ts";
import type { Obeying, Reply } from "./asked.ts";
import type { Member } from "./member.ts";
import { Tap, type Verdict } from "./tap.ts";

/** What a child session needs. */
export interface ChildOptions {
  /** The process. */
  member: Member;
  /** Whether it is a child process that the rank has started, not the rank itself. */
  process: boolean;
  /** How to reach it. */
  live: Live;
  /** The editor's connection. */
  editor: { stream: Stream; outlet: Outlet; reader: MessageReader };
  /** Its `initialize` request, which has been answered already, and its `attach` request. */
  opening: readonly [Piece, Piece];
  /** The local port. */
  door: Door;
  /** Folder of the project on this machine. */
  localRoot: string;
  /** Hears that its state has changed. */
  onChange: () => void;
  /** Hears that the program's end of the connection was closed. */
  onClosed: () => void;
  /** Hears that the program has ended, in debugpy's words. */
  onFinished: () => void;
}

/** Where a program is stopped. */
export interface Stopped {
  /** The thread that stopped. */
  threadId: number;
  /** As DAP calls it. */
  reason: string;
}

/** Numbers of rdg's own requests begin here: no editor counts that far. */
const firstSeq = 1_900_000_000;
/** Milliseconds that a program may take to answer one of them. */
const answerMs = 5000;
/** Milliseconds in which a program says by itself that it goes on. */
const continuedMs = 150;

/** What is worth a look. */
const wanted =
  /"request_seq":\s*19\d{8}\b|"command":\s*"(initialize|attach|continue|next|stepIn|stepOut|goto)"|"event":\s*"(stopped|continued|terminated)"/;
/** Requests after whose answer the program runs. */
const resuming = new Set(["continue", "next", "stepIn", "stepOut", "goto"]);

/** One rank's session. */
export class Child implements Obeying {
  /** The rank. */
  readonly member: Member;
  /** Whether it is a child process of the rank's. */
  readonly process: boolean;
  /** Whether the debugger has let the editor in. */
  attached = false;
  /** Where it is stopped; null while it runs. */
  stop: Stopped | null = null;
  readonly #o: ChildOptions;
  readonly #pending = new Map<number, (reply: Reply) => void>();
  readonly #over = Promise.withResolvers<void>();
  #passage: Passage | null = null;
  #seq = firstSeq;
  #initialized = false;
  #released = false;
  #continued = 0;
  #ended = false;

  /** @param options The editor and the process. */
  constructor(options: ChildOptions) {
    this.#o = options;
    this.member = options.member;
    this.process = options.process;
  }

  /** Whether it is over. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The rank; null without one. */
  get rank(): number | null {
    return this.member.session.rank;
  }

  /** How people call it. */
  get label(): string {
    return this.member.label;
  }

  /** The thread that is stopped; null while it runs. */
  get stoppedThread(): number | null {
    return this.stop?.threadId ?? null;
  }

  /**
   * Serves until one side has gone.
   *
   * @throws {Error} where the process can't be reached: why.
   */
  async serve(): Promise<void> {
    const { editor, live, opening, onChange, onClosed } = this.#o;
    const tap = new Tap((head) => wanted.test(head), (message) => this.#see(message));
    try {
      const session = await live.open();
      this.#passage = new Passage({
        editor: { ...editor, before: opening.map((piece) => Promise.resolve(piece)) },
        session,
        attach: (request) => Promise.resolve(this.#fill(request)),
        alive: live.alive,
        onClosed,
        tap: (bytes) => tap.feed(bytes),
      });
      await this.#passage.run();
    } finally {
      this.#ended = true;
      this.attached = false;
      this.stop = null;
      for (const settle of this.#pending.values()) settle(failed("its session has ended"));
      this.#pending.clear();
      this.#over.resolve();
      onChange();
    }
  }

  /** Sends the program a request of rdg's own. */
  async ask(command: string, args: Record<string, unknown>): Promise<Reply> {
    if (!this.#passage || this.#ended) return failed("it has no session");
    const seq = this.#seq++;
    const answer = new Promise<Reply>((resolve) => this.#pending.set(seq, resolve));
    try {
      await this.#passage.send({ seq, type: "request", command, arguments: args });
      const reply = await Promise.race([answer, pause(answerMs)]);
      return reply || failed(`no answer within ${answerMs / 1000} s`);
    } catch {
      return failed("its connection has ended");
    } finally {
      this.#pending.delete(seq);
    }
  }

  /** Has a stopped program go on, and the editor know. */
  async resume(command: "continue" | "next" | "stepIn" | "stepOut"): Promise<Reply | null> {
    const { stop } = this;
    if (!stop) return null;
    const before = this.#continued;
    const reply = await this.ask(command, { threadId: stop.threadId });
    if (!reply.success) return reply;
    if (this.#continued === before) await pause(continuedMs);
    if (this.#continued === before && !this.stop && !this.#ended) {
      const body = { threadId: stop.threadId, allThreadsContinued: true };
      await this.#o.editor.outlet.tell("continued", body).catch(() => {});
    }
    return reply;
  }

  /** Has a running program stop. */
  async halt(): Promise<Reply | null> {
    return this.stop || !this.attached ? null : await this.ask("pause", { threadId: 1 });
  }

  /**
   * Lets the program go, in the editor's place, and ends the editor's session.
   *
   * @param terminate Whether the program is to end; undefined leaves that to debugpy.
   */
  async release(terminate: boolean | undefined): Promise<void> {
    const args = terminate === undefined ? {} : { terminateDebuggee: terminate };
    this.#released = true;
    if (this.#passage && !this.#ended) {
      await this.ask("disconnect", args);
      await Promise.race([this.#over.promise, pause(500)]);
    }
    await this.end("the parent session has ended");
  }

  /** Tells the editor that it is over, and closes. */
  async end(why: string): Promise<void> {
    await this.#passage?.end(why);
  }

  #fill(request: Message): Message {
    const { live, localRoot, door, member } = this.#o;
    const args = { ...request.arguments as Record<string, unknown> };
    delete args.rdgToken;
    // Made by rdg for editors that want one; debugpy's own names a child process of the program.
    if (args.subProcessId === member.session.pid) delete args.subProcessId;
    return {
      ...request,
      arguments: fillIn(args, {
        token: live.token,
        localRoot,
        remoteRoot: live.remoteRoot,
        port: door.port,
      }),
    };
  }

  #see(message: Message): Verdict {
    if (message.type === "event") {
      this.#event(message);
      return "pass";
    }
    const { command = "", request_seq: seq, success } = message;
    const own = this.#pending.get(Number(seq));
    const mine = own !== undefined || Number(seq) >= firstSeq && Number(seq) < firstSeq + 1e8;
    if (command === "initialize" && !this.#initialized) {
      this.#initialized = true;
      return success ? "swallow" : "pass";
    }
    if (command === "attach" && success) {
      this.attached = true;
      this.#o.onChange();
    } else if (resuming.has(command) && success && this.stop) {
      this.stop = null;
      this.#o.onChange();
    }
    own?.(message as unknown as Reply);
    return mine ? "swallow" : "pass";
  }

  #event({ event, body }: Message): void {
    if (event === "stopped") {
      const { threadId, reason } = body as Stopped;
      this.stop = { threadId, reason };
    } else if (event === "continued") {
      this.#continued++;
      this.stop = null;
    } else {
      this.stop = null;
      this.attached = false;
      if (!this.#released && !this.#passage?.leaving) this.#o.onFinished();
    }
    this.#o.onChange();
  }
}

function failed(message: string): Reply {
  return { success: false, message };
}
