/**
 * The session that an editor's F5 opens where several ranks are served: it has no program of its own,
 * asks the editor to open one session a rank, and acts on all of them. Touches the connection that it is
 * given.
 *
 * @module
 */

import type { Message, MessageReader } from "../dap.ts";
import type { Outlet } from "../outlet.ts";
import { pause } from "../stream.ts";
import { obey, onEach, readOrder, type Reply, usage, who } from "./asked.ts";
import type { Child } from "./child.ts";
import type { Hub } from "./hub.ts";
import type { Member } from "./member.ts";

/** What a parent session needs. */
export interface ParentOptions {
  /** The ranks. */
  hub: Hub;
  /** What the editor sends from here on. */
  reader: MessageReader;
  /** The way out to it. */
  outlet: Outlet;
  /** Its attach request. */
  attach: Message;
  /** How it is asked for child sessions. */
  by: "startDebugging" | "debugpyAttach";
  /** The local port. */
  port: number;
}

/** The one thread that stands for all ranks. */
const threadId = 1;
/** Child sessions that the editor is asked for before it has opened the first of them. */
const atOnce = 8;
/** Milliseconds after which the next one is asked for all the same. */
const openMs = 2000;
/** Milliseconds until an editor has told what it wants, at the most. */
const configureMs = 5000;
/** Milliseconds in which ranks that stop one after another count as one stop. */
const gatherMs = 100;
/** Milliseconds after which an editor that has opened no child session is told so. */
const silentMs = 10_000;

/** Arguments that belong to the parent alone. */
const ownArguments = [
  ..."host port listen processId subProcessId rdgToken rdgSession".split(" "),
  ..."preLaunchTask postDebugTask restart request".split(" "),
];

/** Its answers to requests that only a program could serve. */
const empty: Record<string, Record<string, unknown>> = {
  setFunctionBreakpoints: { breakpoints: [] },
  setExceptionBreakpoints: {},
  setInstructionBreakpoints: { breakpoints: [] },
  setDataBreakpoints: { breakpoints: [] },
  setDebuggerProperty: {},
  stackTrace: { stackFrames: [], totalFrames: 0 },
  scopes: { scopes: [] },
  variables: { variables: [] },
  modules: { modules: [], totalModules: 0 },
  loadedSources: { sources: [] },
  completions: { targets: [] },
  stepInTargets: { targets: [] },
  gotoTargets: { targets: [] },
};

/** The parent session. */
export class Parent {
  readonly #o: ParentOptions;
  readonly #secrets = new Map<string, Member>();
  readonly #opened = new Map<Member, string>();
  readonly #pending = new Map<number, (answer: Message) => void>();
  readonly #configured = Promise.withResolvers<void>();
  #slots = atOnce;
  #queue: (() => void)[] = [];
  #shown: string | null = null;
  #gathering = false;
  #over = false;

  /** @param options The editor and the ranks. */
  constructor(options: ParentOptions) {
    this.#o = options;
  }

  /**
   * The process that a child session is for.
   *
   * @param secret What its attach arguments hold.
   * @returns The process; undefined for a key that this parent didn't give.
   */
  memberOf(secret: string): Member | undefined {
    return this.#secrets.get(secret);
  }

  /** Serves until the editor has gone, or {@linkcode end}. */
  async serve(): Promise<void> {
    const { outlet, attach, reader } = this.#o;
    await outlet.tell("initialized", {});
    await outlet.answer(attach, {});
    const late = setTimeout(() => this.#configured.resolve(), configureMs);
    this.#open().catch(() => {});
    try {
      for await (const { message } of reader.messages()) {
        if (message?.type === "response") {
          this.#pending.get(Number(message["request_seq"]))?.(message);
        } else if (message?.type === "request") {
          // Not waited for: a rank that takes its time must not hold up "disconnect".
          const last = message.command === "disconnect";
          const served = this.#serve(message).catch(() => {});
          if (last) await served;
          if (last) break;
        }
      }
    } catch {
      // It speaks no DAP any more: as if it had gone.
    }
    clearTimeout(late);
    this.#over = true;
    this.#configured.resolve();
    await this.#releaseAll(undefined);
    this.#secrets.clear();
  }

  /** Looks at what has changed: ranks that have come, stopped, gone on. */
  update(): void {
    if (this.#over) return;
    this.#open().catch(() => {});
    if (this.#gathering) return;
    this.#gathering = true;
    pause(gatherMs).then(() => {
      this.#gathering = false;
      return this.#tellState();
    }).catch(() => {});
  }

  /** Tells the editor that it is over, and its children too. */
  async end(why: string): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    const { outlet } = this.#o;
    await this.#releaseAll(undefined);
    await outlet.say(why).catch(() => {});
    await outlet.tell("terminated", {}).catch(() => {});
  }

  /** Asks for a session for each rank that has none yet, who crashed first at the beginning. */
  async #open(): Promise<void> {
    await this.#configured.promise;
    const { hub, outlet } = this.#o;
    const news = hub.ready.filter((member) => !this.#opened.has(member));
    if (this.#over || news.length === 0) return;
    const first = this.#opened.size === 0;
    for (const member of news) {
      const secret = `${member.label.replace(" ", "-")}-${crypto.randomUUID()}`;
      this.#opened.set(member, secret);
      this.#secrets.set(secret, member);
    }
    if (first) {
      const warning = hub.manyWarning(news.length);
      if (warning) await outlet.say(warning);
      pause(silentMs).then(() => this.#complain()).catch(() => {});
    }
    for (const member of news) {
      if (this.#slots === 0) await new Promise<void>((resolve) => this.#queue.push(resolve));
      else this.#slots--;
      if (this.#over) return;
      await this.#ask(member);
    }
  }

  async #ask(member: Member): Promise<void> {
    const { outlet, by } = this.#o;
    const configuration = this.#configuration(member);
    const free = () => {
      const next = this.#queue.shift();
      if (next) next();
      else this.#slots++;
    };
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
      rdgSession: this.#opened.get(member),
    };
  }

  async #complain(): Promise<void> {
    if (this.#over || this.#o.hub.everAttached) return;
    await this.#o.outlet.say(
      "your editor has opened no session for a rank so far. If it can't, end this one and start " +
        "rdg connect with --merge: all ranks in one session.",
    );
  }

  /** One stop for all: "continue" and "pause" of this session act on every rank. */
  async #tellState(): Promise<void> {
    const { hub, outlet } = this.#o;
    if (this.#over) return;
    const stopped = hub.children.filter(({ stop }) => stop !== null);
    const words = stopped.length === 0
      ? null
      : `${stopped.length} of ${hub.children.length} stopped: ${who(stopped)}`;
    if (words === this.#shown) return;
    this.#shown = words;
    if (words === null) {
      await outlet.tell("continued", { threadId, allThreadsContinued: true });
    } else {
      await outlet.tell("stopped", {
        reason: "pause",
        description: words,
        threadId,
        allThreadsStopped: true,
        preserveFocusHint: true,
      });
    }
  }

  async #serve(request: Message): Promise<void> {
    const { outlet, hub } = this.#o;
    const { command = "" } = request;
    const args = (request.arguments ?? {}) as Record<string, unknown>;
    const known = empty[command];
    if (known) return await outlet.answer(request, known);
    switch (command) {
      case "configurationDone":
        await outlet.answer(request, {});
        return this.#configured.resolve();
      case "setBreakpoints":
        return await outlet.answer(request, { breakpoints: unverified(args) });
      case "threads":
        return await outlet.answer(request, {
          threads: [{ id: threadId, name: this.#threadName() }],
        });
      case "continue":
      case "next":
      case "stepIn":
      case "stepOut":
        return await this.#onAll(request, (child) => child.resume(command));
      case "pause":
        return await this.#onAll(request, (child) => child.halt());
      case "evaluate":
        return await this.#evaluate(request, String(args.expression ?? ""));
      case "terminate":
        await this.#releaseAll(true);
        await outlet.answer(request, {});
        return await outlet.tell("terminated", {});
      case "disconnect": {
        const { terminateDebuggee } = args;
        this.#over = true;
        await this.#releaseAll(
          typeof terminateDebuggee === "boolean" ? terminateDebuggee : undefined,
        );
        return await outlet.answer(request, {});
      }
      default:
        await outlet.refuse(
          request,
          `"${command}" belongs to one rank: choose its session (${hub.size} ranks)`,
        );
    }
  }

  #threadName(): string {
    const { hub } = this.#o;
    return this.#shown === null ? `all ${hub.size} ranks` : `all ranks: ${this.#shown}`;
  }

  async #onAll(request: Message, act: (child: Child) => Promise<Reply | null>): Promise<void> {
    const { outlet } = this.#o;
    const bad = await onEach(this.#o.hub.children, act);
    await outlet.answer(request, { allThreadsContinued: true });
    for (const line of bad) await outlet.say(`${request.command} failed: ${line}`);
  }

  async #evaluate(request: Message, expression: string): Promise<void> {
    const { hub, outlet } = this.#o;
    const order = readOrder(expression);
    const done = order
      ? await obey(order, hub.children)
      : { refusal: `This session stands for all ranks: ${usage}.` };
    if ("refusal" in done) await outlet.refuse(request, done.refusal);
    else await outlet.answer(request, { ...done, variablesReference: 0 });
  }

  async #releaseAll(terminate: boolean | undefined): Promise<void> {
    await this.#o.hub.release(terminate);
  }
}

/** What a session without a program says of breakpoints: the ranks' own sessions know. */
function unverified(args: Record<string, unknown>): Record<string, unknown>[] {
  const wanted = Array.isArray(args.breakpoints) ? args.breakpoints : [];
  return wanted.map(({ line }) => ({
    verified: false,
    line,
    message: "set in the session of each rank",
  }));
}
