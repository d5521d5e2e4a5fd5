/**
 * All ranks in one session of the editor: requests go to the rank that they are about, or to all;
 * answers and events come back with the numbers of all ranks kept apart. Touches the connections of the
 * editor and of the ranks.
 *
 * @module
 */

import type { Message, MessageReader } from "../../dap.ts";
import type { Outlet } from "../../outlet.ts";
import { pause } from "../../stream.ts";
import { obey, readOrder, type Reply, usage } from "../asked.ts";
import type { Hub, Main } from "../hub.ts";
import { type Breakpoint, Breakpoints } from "./breakpoints.ts";
import { Crew } from "./crew.ts";
import { Events } from "./events.ts";
import { Ids } from "./ids.ts";
import type { Peer } from "./peer.ts";
import { inward, outward, ownerOf } from "./translate.ts";

/** What a merged session needs. */
export interface MergedOptions {
  /** The ranks. */
  hub: Hub;
  /** What the editor sends from here on. */
  reader: MessageReader;
  /** The way out to it. */
  outlet: Outlet;
  /** Its `initialize` request, answered already. */
  initialize: Message;
  /** Its `attach` request. */
  attach: Message;
  /** Folder of the project on this machine. */
  localRoot: string;
  /** The local port. */
  port: number;
}

/** Milliseconds for which ranks that are slow to attach hold up the others. */
const gatherMs = 5000;

/** Requests that go to all ranks and are repeated for those that come later. */
const settings = new Set([
  "setBreakpoints",
  "setFunctionBreakpoints",
  "setExceptionBreakpoints",
  "setDebuggerProperty",
  "setPydevdSourceMap",
]);

/** The session. */
export class Merged implements Main {
  readonly #o: MergedOptions;
  readonly #ids = new Ids<Peer>();
  readonly #breakpoints = new Breakpoints<Peer>();
  readonly #events: Events;
  readonly #crew: Crew;
  #latest: Peer | null = null;
  #configured = false;
  #over = false;

  /** @param options The editor and the ranks. */
  constructor(options: MergedOptions) {
    this.#o = options;
    this.#events = new Events({
      ids: this.#ids,
      breakpoints: this.#breakpoints,
      tell: (event, body) => options.outlet.tell(event, body),
      others: (peer) => this.#crew.open.filter((other) => other !== peer),
      onChange: () => options.hub.changed(),
      onStop: (peer) => this.#latest = peer,
      onChild: (peer, body) => this.#crew.adopt(peer, body),
    });
    this.#crew = new Crew({
      ...options,
      events: this.#events,
      brief: (peer) => this.#repeat(peer),
      say: (line) => options.outlet.say(line),
    });
  }

  /** No child sessions here. */
  memberOf(): undefined {}

  /** How many ranks are attached and stopped. */
  get counts(): { attached: number; stopped: number } {
    const ranks = this.#crew.open.filter(({ child }) => child === undefined);
    return {
      attached: ranks.length,
      stopped: ranks.filter(({ stoppedThread }) => stoppedThread !== null).length,
    };
  }

  /** Takes in ranks that have come since. */
  update(): void {
    if (this.#configured) this.#crew.join();
  }

  /** Serves until the editor has gone, or {@linkcode end}. */
  async serve(): Promise<void> {
    const { outlet, reader } = this.#o;
    this.#crew.join();
    // Those that aren't there by then are told later what the others are told now.
    const until = Date.now() + gatherMs;
    while (this.#crew.coming && Date.now() < until) await pause(20);
    await outlet.tell("initialized", {});
    try {
      for await (const { message } of reader.messages()) {
        if (message?.type !== "request") continue;
        const served = this.#serve(message).catch(() => {});
        // Those before have to be through; afterwards, a rank that takes its time holds up no other.
        if (!this.#configured || message.command === "disconnect") await served;
        if (message.command === "disconnect") break;
      }
    } catch {
      // It speaks no DAP any more: as if it had gone.
    }
    this.#over = true;
    this.#crew.end();
    await this.#crew.release(undefined);
  }

  /** Tells the editor that the last rank has gone, or that rdg connect ends. */
  async end(why: string): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    const { outlet } = this.#o;
    this.#crew.end();
    await this.#crew.release(undefined);
    this.#events.flush();
    await outlet.say(why).catch(() => {});
    await outlet.tell("terminated", {}).catch(() => {});
  }

  /** Tells a rank what the editor has told the others so far. */
  async #repeat(peer: Peer): Promise<void> {
    for (const wanted of this.#breakpoints.wanted) {
      const key = this.#breakpoints.keyOf(wanted);
      const reply = await peer.ask(wanted.command, wanted.args);
      this.#breakpoints.take(key, { owner: peer, said: breakpointsOf(reply) });
      for (const breakpoint of this.#breakpoints.answer(key)) {
        await this.#o.outlet.tell("breakpoint", { reason: "changed", breakpoint });
      }
    }
  }

  async #serve(request: Message): Promise<void> {
    const { outlet } = this.#o;
    const { command = "" } = request;
    const args = (request.arguments ?? {}) as Record<string, unknown>;
    if (settings.has(command)) return await this.#set(request, args);
    switch (command) {
      case "configurationDone":
        return await this.#configurationDone(request);
      case "threads":
        return await this.#threads(request);
      case "pause":
        return await this.#pause(request, args);
      case "evaluate":
        if (await this.#console(request, String(args.expression ?? ""))) return;
        break;
      case "modules":
      case "loadedSources":
        return await this.#joined(request, args);
      case "cancel":
        return await outlet.answer(request, {});
      case "terminate":
      case "disconnect": {
        const { terminateDebuggee } = args;
        const wish = typeof terminateDebuggee === "boolean" ? terminateDebuggee : undefined;
        if (command === "disconnect") {
          this.#over = true;
          this.#crew.end();
        }
        await this.#crew.release(command === "terminate" ? true : wish);
        return await outlet.answer(request, {});
      }
    }
    await this.#forward(request, args);
  }

  /** Has the rank that a request is about serve it. */
  async #forward(request: Message, args: Record<string, unknown>): Promise<void> {
    const { outlet } = this.#o;
    const { command = "" } = request;
    const owner = ownerOf(args, this.#ids);
    const stopped = this.#latest?.open
      ? this.#latest
      : this.#crew.open.find((one) => one.stopped.size);
    const peer = owner === undefined ? stopped ?? this.#crew.open[0] : owner;
    const own = peer && inward(args, { ids: this.#ids, owner: peer });
    if (!peer?.open || own === null) {
      return await outlet.refuse(
        request,
        peer === undefined
          ? "There is no rank to ask."
          : "That isn't valid any more: its rank has gone on, or has ended.",
      );
    }
    if (command === "evaluate" && !("frameId" in args) && peer.stopped.size === 0) {
      return await outlet.refuse(
        request,
        `No rank is stopped: choose a frame of one that is. ${usage}.`,
      );
    }
    if ("threadId" in args || "frameId" in args) this.#latest = peer;
    // A value may take as long as it takes to compute.
    const reply = await peer.ask(command, own as Record<string, unknown>, Infinity);
    if (!reply.success) return await outlet.refuse(request, failure(peer, reply));
    const body = outward(reply.body ?? {}, { ids: this.#ids, owner: peer });
    // The other ranks don't go on.
    const all = command === "continue" ? { allThreadsContinued: false } : {};
    await outlet.answer(request, { ...body as Record<string, unknown>, ...all });
  }

  async #set(request: Message, args: Record<string, unknown>): Promise<void> {
    const { command = "" } = request;
    const key = this.#breakpoints.ask({ command, args });
    await Promise.all(this.#crew.open.map(async (peer) => {
      const reply = await peer.ask(command, args);
      this.#breakpoints.take(key, { owner: peer, said: breakpointsOf(reply) });
    }));
    const list = Array.isArray(args.breakpoints);
    await this.#o.outlet.answer(
      request,
      list ? { breakpoints: this.#breakpoints.answer(key) } : {},
    );
  }

  async #configurationDone(request: Message): Promise<void> {
    const { outlet, attach } = this.#o;
    this.#configured = true;
    await outlet.answer(request, {});
    await outlet.answer(attach, {});
    await this.#crew.configure();
    this.update();
  }

  async #threads(request: Message): Promise<void> {
    const lists = await Promise.all(this.#crew.open.map(async (peer) => {
      const { success, body } = await peer.ask("threads", {}, 1500);
      // One that hangs in native code is shown as it was.
      const threads = (body?.["threads"] ?? []) as { id: number; name: string }[];
      if (success) peer.threads = new Map(threads.map(({ id, name }) => [id, name]));
      return [...peer.threads].map(([local, name]) => ({
        id: this.#ids.give("thread", { owner: peer, local }),
        name: `${peer.label}: ${name}`,
      }));
    }));
    await this.#o.outlet.answer(request, { threads: lists.flat() });
  }

  /** A rank stops as a whole, so a thread of one that is stopped needs only be shown. */
  async #pause(request: Message, args: Record<string, unknown>): Promise<void> {
    const found = this.#ids.find("thread", Number(args.threadId));
    if (!found || found.owner.stopped.size === 0) return await this.#forward(request, args);
    await this.#o.outlet.answer(request, {});
    await this.#events.showStopped(found.owner, Number(found.local));
  }

  async #joined(request: Message, args: Record<string, unknown>): Promise<void> {
    const { command = "" } = request;
    const name = command === "modules" ? "modules" : "sources";
    const seen = new Set<unknown>();
    const lists = await Promise.all(this.#crew.open.map(async (peer) => {
      const { body } = await peer.ask(command, args);
      return (outward(body ?? {}, { ids: this.#ids, owner: peer }) as Record<string, unknown>)[
        name
      ];
    }));
    const all = (lists.flat() as ({ path?: string } | undefined)[]).filter((one) => {
      if (!one || one.path && seen.has(one.path)) return false;
      seen.add(one.path);
      return true;
    });
    await this.#o.outlet.answer(request, { [name]: all });
  }

  /** What was typed for rdg itself. */
  async #console(request: Message, expression: string): Promise<boolean> {
    const order = readOrder(expression);
    if (!order) return false;
    const { outlet } = this.#o;
    const done = await obey(order, this.#crew.open.filter(({ child }) => child === undefined));
    if ("refusal" in done) await outlet.refuse(request, done.refusal);
    else await outlet.answer(request, { ...done, variablesReference: 0 });
    return true;
  }
}

function failure(peer: Peer, { message = "it failed" }: Reply): string {
  return `${peer.label}: ${message}`;
}

function breakpointsOf({ success, message, body }: Reply): Breakpoint[] | string {
  return success ? (body?.["breakpoints"] ?? []) as Breakpoint[] : message ?? "it was refused";
}
