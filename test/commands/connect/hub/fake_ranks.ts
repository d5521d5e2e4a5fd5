/**
 * Debuggers that answer from a table, all with the same numbers, and an editor in front of a merged
 * session; everything in memory.
 *
 * @module
 */

import { encode, type Message, MessageReader } from "../../../../commands/connect/dap.ts";
import type { Hub } from "../../../../commands/connect/hub/hub.ts";
import { Member } from "../../../../commands/connect/hub/member.ts";
import { Merged } from "../../../../commands/connect/hub/merge/session.ts";
import { Outlet } from "../../../../commands/connect/outlet.ts";
import type { Stream } from "../../../../commands/connect/stream.ts";
import type { Way } from "../../../../commands/connect/ways.ts";
import { parseRecord } from "../../../../python/sessions.ts";
import { record } from "../../../support/records.ts";

/** Both ends of a connection. */
export function pair(): [Stream, Stream] {
  const [a, b] = [new TransformStream<Uint8Array>(), new TransformStream<Uint8Array>()];
  const end = (from: TransformStream<Uint8Array>, to: TransformStream<Uint8Array>): Stream => {
    const writer = to.writable.getWriter();
    return {
      readable: from.readable,
      write: (bytes) => writer.write(bytes),
      close: async () => {
        await writer.close().catch(() => {});
      },
      reason: () => "",
    };
  };
  return [end(a, b), end(b, a)];
}

type Answer = Record<string, unknown> | string;

/** A rank's debugger: one thread, one frame and one variable, with the numbers of all others. */
export class FakeRank {
  /** The process, as the hub knows it. */
  readonly member: Member;
  /** Requests that came, in order. */
  readonly requests: Message[] = [];
  /** Answers that differ; a text is a failure. */
  readonly answers: Record<string, (args: Record<string, unknown>) => Answer> = {};
  #stream: Stream | null = null;
  #attach: Message | null = null;
  #seq = 0;

  /** @param rank Its rank. */
  constructor(readonly rank: number) {
    const text = JSON.stringify(
      record({
        rank,
        pid: 4711,
        host: `n${rank}`,
        state: "listening",
        address: { host: "n", port: 1 },
      }),
    );
    const session = parseRecord(text, { path: "", uid: null });
    if (typeof session === "string") throw new Error(session);
    this.member = new Member(session);
    this.member.way = { open: () => Promise.resolve(this.#open()) } as unknown as Way;
    this.member.turn("ready");
  }

  /** Tells something. */
  async tell(event: string, body: Record<string, unknown>): Promise<void> {
    await this.#write({ type: "event", event, body });
  }

  /** Ends the connection. */
  async hangUp(): Promise<void> {
    await this.#stream?.close();
  }

  /** The arguments of the last request of a kind. */
  last(command: string): Record<string, unknown> | undefined {
    return this.requests.findLast((one) => one.command === command)?.arguments as
      | Record<string, unknown>
      | undefined;
  }

  #open(): Stream {
    const [near, far] = pair();
    this.#stream = far;
    this.#serve(far).catch(() => {});
    return near;
  }

  async #serve(stream: Stream): Promise<void> {
    for await (const { message } of new MessageReader(stream.readable).messages()) {
      this.requests.push(message!);
      const { command = "" } = message!;
      const args = (message!.arguments ?? {}) as Record<string, unknown>;
      if (command === "attach") {
        this.#attach = message;
        await this.tell("initialized", {});
        continue;
      }
      await this.#answer(message!, this.answers[command]?.(args) ?? this.#usual(command, args));
      if (command === "configurationDone" && this.#attach) await this.#answer(this.#attach, {});
      if (command === "disconnect") await stream.close();
    }
  }

  #usual(command: string, args: Record<string, unknown>): Answer {
    switch (command) {
      case "threads":
        return { threads: [{ id: 1, name: "MainThread" }] };
      case "stackTrace":
        return { stackFrames: [{ id: 9, name: "f", line: 3 }], totalFrames: 1 };
      case "scopes":
        return { scopes: [{ name: "Locals", variablesReference: 5 }] };
      case "variables":
        return { variables: [{ name: "rank", value: `${this.rank}`, variablesReference: 0 }] };
      case "evaluate":
        return { result: `${this.rank}:${args["expression"]}`, variablesReference: 6 };
      case "setBreakpoints":
        return {
          breakpoints: (args["breakpoints"] as { line: number }[]).map(({ line }, id) => ({
            id,
            verified: true,
            line,
          })),
        };
      default:
        return {};
    }
  }

  async #answer(request: Message, answer: Answer): Promise<void> {
    const good = typeof answer !== "string";
    await this.#write({
      type: "response",
      "request_seq": request.seq,
      command: request.command!,
      success: good,
      ...good ? { body: answer } : { message: answer },
    });
  }

  async #write(message: Omit<Message, "seq">): Promise<void> {
    await this.#stream?.write(encode({ ...message, seq: ++this.#seq } as Message));
  }
}

/** An editor with a merged session. */
export class FakeEditor implements AsyncDisposable {
  /** Everything that it was told, in order. */
  readonly told: Message[] = [];
  readonly #ranks: FakeRank[];
  readonly #merged: Merged;
  readonly #serving: Promise<void>;
  readonly #near: Stream;
  #seq = 2;
  #watchers: (() => void)[] = [];

  /** @param ranks The ranks that are there from the start. */
  constructor(ranks: readonly FakeRank[]) {
    this.#ranks = [...ranks];
    const [near, far] = pair();
    this.#near = near;
    this.#hear(near).catch(() => {});
    const list = () => this.#ranks.map(({ member }) => member);
    const hub = {
      get ready() {
        return list().filter(({ stage }) => stage === "ready");
      },
      changed: () => {},
      suspect: () => {},
      finished: () => {},
    } as unknown as Hub;
    this.#merged = new Merged({
      hub,
      reader: new MessageReader(far.readable),
      outlet: new Outlet((bytes) => far.write(bytes)),
      initialize: { seq: 1, type: "request", command: "initialize", arguments: { clientID: "t" } },
      attach: { seq: 2, type: "request", command: "attach", arguments: { name: "x" } },
      localRoot: "/desk",
      port: 5678,
    });
    this.#serving = this.#merged.serve().finally(() => far.close());
  }

  /** A rank comes. */
  add(rank: FakeRank): void {
    this.#ranks.push(rank);
    this.#merged.update();
  }

  /** Configures as editors do, with breakpoints in one file. */
  async begin(lines: readonly number[] = []): Promise<Message> {
    await this.until(({ event }) => event === "initialized");
    const answer = await this.ask("setBreakpoints", {
      source: { path: "/desk/p.py" },
      breakpoints: lines.map((line) => ({ line })),
    });
    await this.ask("configurationDone", {});
    await this.until((message) => message["request_seq"] === 2);
    return answer;
  }

  /** Asks, and waits for the answer. */
  async ask(command: string, args: Record<string, unknown>): Promise<Message> {
    const seq = ++this.#seq;
    await this.#near.write(encode({ seq, type: "request", command, arguments: args }));
    return await this.until((message) => message["request_seq"] === seq);
  }

  /** The body of an answer, which has to be a good one. */
  async body(command: string, args: Record<string, unknown>): Promise<Record<string, unknown>> {
    const answer = await this.ask(command, args);
    if (!answer["success"]) throw new Error(`${command} failed: ${answer["message"]}`);
    return answer["body"] as Record<string, unknown>;
  }

  /** Waits for a message, also one that came already; it is taken away. */
  async until(fits: (message: Message) => boolean): Promise<Message> {
    const late = Date.now() + 10_000;
    while (true) {
      const index = this.told.findIndex(fits);
      if (index >= 0) return this.told.splice(index, 1)[0]!;
      if (Date.now() > late) throw new Error(`in vain; told: ${JSON.stringify(this.told)}`);
      let timer: ReturnType<typeof setTimeout> | undefined;
      await Promise.race([
        new Promise<void>((resolve) => this.#watchers.push(resolve)),
        new Promise<void>((resolve) => timer = setTimeout(resolve, 200)),
      ]);
      clearTimeout(timer);
    }
  }

  /** Waits for an event. */
  async event(name: string): Promise<Record<string, unknown>> {
    return (await this.until(({ event }) => event === name))["body"] as Record<string, unknown>;
  }

  /** The last rank has gone. */
  async end(): Promise<void> {
    await this.#merged.end("all have ended");
  }

  /** Goes without a word. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#near.close();
    await this.#serving;
  }

  async #hear(stream: Stream): Promise<void> {
    for await (const { message } of new MessageReader(stream.readable).messages()) {
      this.told.push(message!);
      for (const tell of this.#watchers.splice(0)) tell();
    }
  }
}
