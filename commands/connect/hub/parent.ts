/**
 * The session that an editor's F5 opens where several ranks are served: it has no program of its own,
 * has the editor open one session a rank, and acts on all of them. Touches the connection that it is
 * given.
 *
 * @module
 */

import type { Message, MessageReader } from "../dap.ts";
import { pause } from "../stream.ts";
import { obey, onEach, readOrder, type Reply, usage, who } from "./asked.ts";
import type { Child } from "./child.ts";
import type { Main } from "./hub.ts";
import { Invitations, type InvitationsOptions } from "./invitations.ts";
import type { Member } from "./member.ts";

/** What a parent session needs. */
export interface ParentOptions extends InvitationsOptions {
  /** What the editor sends from here on. */
  reader: MessageReader;
}

/** The one thread that stands for all ranks. */
const threadId = 1;
/** Milliseconds until an editor has told what it wants, at the most. */
const configureMs = 5000;
/** Milliseconds in which ranks that stop one after another count as one stop. */
const gatherMs = 100;

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
export class Parent implements Main {
  readonly #o: ParentOptions;
  readonly #invitations: Invitations;
  #configured = false;
  #shown: string | null = null;
  #gathering = false;
  #over = false;

  /** @param options The editor and the ranks. */
  constructor(options: ParentOptions) {
    this.#o = options;
    this.#invitations = new Invitations(options);
  }

  /**
   * The process that a child session is for.
   *
   * @param secret What its attach arguments hold.
   * @returns The process; undefined for a key that this parent didn't give.
   */
  memberOf(secret: string): Member | undefined {
    return this.#invitations.memberOf(secret);
  }

  /** Serves until the editor has gone, or {@linkcode end}. */
  async serve(): Promise<void> {
    const { outlet, attach, reader } = this.#o;
    await outlet.tell("initialized", {});
    await outlet.answer(attach, {});
    const late = setTimeout(() => this.#configure(), configureMs);
    try {
      for await (const { message } of reader.messages()) {
        if (message?.type === "response") {
          this.#invitations.hear(message);
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
    this.#invitations.end();
    await this.#o.hub.release(undefined);
  }

  /** Looks at what has changed: ranks that have come, stopped, gone on. */
  update(): void {
    if (this.#over) return;
    if (this.#configured) this.#invitations.update();
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
    this.#invitations.end();
    const { outlet, hub } = this.#o;
    await hub.release(undefined);
    await outlet.say(why).catch(() => {});
    await outlet.tell("terminated", {}).catch(() => {});
  }

  /** The editor has told what it wants, or takes its time. */
  #configure(): void {
    this.#configured = true;
    this.#invitations.update();
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
        return this.#configure();
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
        await hub.release(true);
        await outlet.answer(request, {});
        return await outlet.tell("terminated", {});
      case "disconnect": {
        const { terminateDebuggee } = args;
        this.#over = true;
        this.#invitations.end();
        await hub.release(typeof terminateDebuggee === "boolean" ? terminateDebuggee : undefined);
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
