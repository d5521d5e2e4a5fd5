/**
 * Asks an editor for a session for each rank, a few at a time, and knows again those that it opens: by
 * a key that only they have. Touches the connection that it is given.
 *
 * @module
 */

import type { Message } from "../dap.ts";
import type { Outlet } from "../outlet.ts";
import { pause } from "../stream.ts";
import type { Hub } from "./hub.ts";
import type { Member } from "./member.ts";
import { Slots } from "./slots.ts";

/** What {@linkcode Invitations} needs. */
export interface InvitationsOptions {
  /** The ranks. */
  hub: Hub;
  /** The way out to the editor. */
  outlet: Outlet;
  /** Its attach request. */
  attach: Message;
  /** How it is asked. */
  by: "startDebugging" | "debugpyAttach";
  /** The local port. */
  port: number;
}

/** Child sessions that the editor is asked for before it has opened the first of them. */
const atOnce = 8;
/** Milliseconds after which the next one is asked for all the same. */
const openMs = 2000;
/** Milliseconds after which an editor that has opened no child session is told so. */
const silentMs = 10_000;

/** Arguments that belong to the parent alone. */
const ownArguments = [
  ..."host port listen processId subProcessId rdgToken rdgSession".split(" "),
  ..."preLaunchTask postDebugTask restart request".split(" "),
];

/** What an editor is asked for. */
export class Invitations {
  readonly #o: InvitationsOptions;
  readonly #secrets = new Map<string, Member>();
  readonly #given = new Map<Member, string>();
  readonly #pending = new Map<number, (answer: Message) => void>();
  readonly #slots = new Slots(atOnce);
  #over = false;

  /** @param options The editor and the ranks. */
  constructor(options: InvitationsOptions) {
    this.#o = options;
  }

  /**
   * The process that a session was asked for.
   *
   * @param secret The key in its attach arguments.
   * @returns The process; undefined for a key that wasn't given.
   */
  memberOf(secret: string): Member | undefined {
    return this.#secrets.get(secret);
  }

  /** Asks for a session for each rank that has none yet, who crashed first at the beginning. */
  update(): void {
    this.#invite().catch(() => {}); // The editor has gone.
  }

  /** Takes an answer of the editor's. */
  hear(answer: Message): void {
    this.#pending.get(Number(answer["request_seq"]))?.(answer);
  }

  /** Asks for nothing any more, and lets in none. */
  end(): void {
    this.#over = true;
    this.#secrets.clear();
  }

  async #invite(): Promise<void> {
    const { hub, outlet } = this.#o;
    const news = hub.ready.filter((member) => !this.#given.has(member));
    if (this.#over || news.length === 0) return;
    const first = this.#given.size === 0;
    for (const member of news) {
      const secret = `${member.label.replace(" ", "-")}-${crypto.randomUUID()}`;
      this.#given.set(member, secret);
      this.#secrets.set(secret, member);
    }
    if (first) {
      const warning = hub.manyWarning(news.length);
      if (warning) await outlet.say(warning);
      pause(silentMs).then(() => this.#complain()).catch(() => {});
    }
    for (const member of news) {
      await this.#slots.take();
      if (this.#over) return;
      if (member.stage === "gone") this.#slots.give();
      else await this.#ask(member);
    }
  }

  async #ask(member: Member): Promise<void> {
    const { outlet, by } = this.#o;
    const configuration = this.#configuration(member);
    const free = () => this.#slots.give();
    if (by === "debugpyAttach") {
      const { pid } = member.session;
      await outlet.tell("debugpyAttach", { ...configuration, subProcessId: pid });
      pause(openMs / atOnce).then(free);
      return;
    }
    const { promise: answer, resolve } = Promise.withResolvers<Message>();
    await outlet.ask("startDebugging", { request: "attach", configuration }, (seq) => {
      this.#pending.set(seq, resolve);
      answer.then(() => this.#pending.delete(seq));
    });
    Promise.race([answer, pause(openMs)]).then(free);
    answer.then((message) => {
      if (message.success !== false || this.#over) return;
      return outlet.say(`your editor opened no session for ${member.label}: ${message.message}`);
    }).catch(() => {});
  }

  #configuration(member: Member): Record<string, unknown> {
    const { attach, port } = this.#o;
    const args = { ...attach.arguments as Record<string, unknown> };
    for (const key of ownArguments) delete args[key];
    const { host, port: own } = (args.connect ?? {}) as Record<string, unknown>;
    return {
      type: "debugpy",
      ...args,
      request: "attach",
      name: member.name,
      // What the person wrote is kept: there may be a tunnel of theirs in front.
      connect: { host: host ?? "127.0.0.1", port: own ?? port },
      rdgSession: this.#given.get(member),
    };
  }

  async #complain(): Promise<void> {
    if (this.#over || this.#o.hub.everAttached) return;
    await this.#o.outlet.say(
      "your editor has opened no session for a rank so far. If it can't, end this one and start " +
        "rdg connect with --merge: all ranks in one session.",
    );
  }
}
