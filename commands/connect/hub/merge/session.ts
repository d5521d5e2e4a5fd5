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
import type { Member } from "../member.ts";
import { type Breakpoint, Breakpoints } from "./breakpoints.ts";
import { Events } from "./events.ts";
import { Ids } from "./ids.ts";
import { Peer } from "./peer.ts";
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

/** How often, and how long after, a rank is tried again that can't be attached to. */
const maxTries = 5;
const againMs = 2000;

/** Requests that go to all ranks and are repeated for those that come later. */
const settings = new Set([
  "setBreakpoints",
  "setFunctionBreakpoints",
  "setExceptionBreakpoints",
  "setDebuggerProperty",
  "setPydevdSourceMap",
]);

/** Arguments that are none of the ranks' business. */
const ownArguments = ["rdgToken", "rdgSession", "host", "port", "listen", "processId"];

/** The session. */
export class Merged implements Main {
  readonly #o: MergedOptions;
  readonly #ids = new Ids<Peer>();
  readonly #breakpoints = new Breakpoints<Peer>();
  readonly #events: Events;
  readonly #peers = new Map<Member | number, Peer>();
  #latest: Peer | null = null;
  readonly #ended = new Set<Member>();
  readonly #resting = new Set<Member>();
  readonly #tries = new Map<Member, number>();
  readonly #done = Promise.withResolvers<void>();
  #configured = false;
  #over = false;

  /** @param options The editor and the ranks. */
  constructor(options: MergedOptions) {
    this.#o = options;
    this.#events = new Events({
      ids: this.#ids,
      breakpoints: this.#breakpoints,
      tell: (event, body) => options.outlet.tell(event, body),
      others: (peer) => this.#open.filter((other) => other !== peer),
      onChange: () => options.hub.changed(),
      onStop: (peer) => this.#latest = peer,
      onChild: (peer, body) => this.#adopt(peer, body),
    });
  }

  /** No child sessions here. */
  memberOf(): undefined {}

  /** How many ranks are attached and stopped. */
  get counts(): { attached: number; stopped: number } {
    const ranks = this.#open.filter(({ child }) => child === undefined);
    return {
      attached: ranks.length,
      stopped: ranks.filter(({ stoppedThread }) => stoppedThread !== null).length,
    };
  }

  /** Takes in ranks that have come since. */
  update(): void {
    if (this.#over || !this.#configured) return;
    for (const member of this.#news()) this.#join(member).catch(() => {});
  }

  /** Serves until the editor has gone, or {@linkcode end}. */
  async serve(): Promise<void> {
    const { outlet, reader } = this.#o;
    for (const member of this.#news()) this.#join(member).catch(() => {});
    // Those that aren't there by then are told later what the others are told now.
    const until = Date.now() + gatherMs;
    const coming = () => [...this.#peers.values()].some(({ open, over }) => !open && !over);
    while ((coming() || this.#peers.size === 0) && Date.now() < until) await pause(20);
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
    this.#done.resolve();
    await this.#releaseAll(undefined);
  }

  /** Tells the editor that the last rank has gone, or that rdg connect ends. */
  async end(why: string): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    const { outlet } = this.#o;
    await this.#releaseAll(undefined);
    this.#events.flush();
    await outlet.say(why).catch(() => {});
    await outlet.tell("terminated", {}).catch(() => {});
  }

  /** The ranks that can be asked, lowest first. */
  get #open(): Peer[] {
    return [...this.#peers.values()].filter(({ open }) => open)
      .sort((a, b) => (a.rank ?? 0) - (b.rank ?? 0) || (a.child ?? 0) - (b.child ?? 0));
  }

  #news(): Member[] {
    return this.#o.hub.ready.filter((member) =>
      !this.#peers.has(member) && !this.#ended.has(member) && !this.#resting.has(member) &&
      (this.#tries.get(member) ?? 0) < maxTries
    );
  }

  /** Attaches to a rank; where the editor has configured already, as it configured the others. */
  async #join(member: Member): Promise<void> {
    await this.#connect(member, { key: member, attach: this.#arguments() });
  }

  /** Attaches to a child process that a rank's debugger follows: it waits for that. */
  #adopt(peer: Peer, body: Record<string, unknown>): void {
    const pid = Number(body.subProcessId);
    this.#connect(peer.member, { key: pid, attach: body, child: pid }).catch(() => {});
  }

  async #connect(
    member: Member,
    { key, attach, child }: {
      key: Member | number;
      attach: Record<string, unknown>;
      child?: number;
    },
  ): Promise<void> {
    const { initialize, localRoot, port, hub, outlet } = this.#o;
    if (this.#peers.has(key)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const live = await member.live();
    if (!live || this.#over || this.#peers.has(key)) return;
    const peer = new Peer({
      member,
      live,
      initialize: initialize.arguments as Record<string, unknown>,
      attach,
      localRoot,
      port,
      ...(child === undefined ? {} : { child }),
      // What a rank tells while it is being configured comes after that.
      onEvent: (one, message) => void promise.then(() => this.#events.take(one, message)),
      onResumed: (one) => void promise.then(() => this.#events.resumed(one)),
      onEnd: (one) => void promise.then(() => this.#lost(key, one)),
    });
    this.#peers.set(key, peer);
    try {
      await peer.attach();
      if (this.#over) return await peer.release(undefined);
      this.#o.hub.changed();
      await this.#repeat(peer);
      await this.#done.promise;
      await peer.configure();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (child === undefined) this.#later(member);
      await peer.close();
      if (!this.#over) await outlet.say(`cannot attach to ${peer.label}: ${why}`).catch(() => {});
      if (child === undefined) hub.suspect(member);
    } finally {
      resolve();
    }
  }

  /** A rank that can't be attached to may be in somebody else's hands for a moment. */
  #later(member: Member): void {
    const tries = (this.#tries.get(member) ?? 0) + 1;
    this.#tries.set(member, tries);
    if (tries >= maxTries) return;
    this.#resting.add(member);
    pause(againMs).then(() => {
      this.#resting.delete(member);
      this.update();
    });
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

  #lost(key: Member | number, peer: Peer): void {
    if (this.#peers.get(key) === peer) this.#peers.delete(key);
    if (this.#latest === peer) this.#latest = null;
    if (peer.terminated && typeof key !== "number") this.#ended.add(key);
    this.#events.lost(peer);
    const { hub } = this.#o;
    if (!this.#over && typeof key !== "number") {
      if (peer.terminated) hub.finished(key);
      else hub.suspect(key);
    }
    hub.changed();
  }

  #arguments(): Record<string, unknown> {
    const args = { ...this.#o.attach.arguments as Record<string, unknown> };
    for (const name of ownArguments) delete args[name];
    return args;
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
        if (command === "disconnect") this.#over = true;
        await this.#releaseAll(command === "terminate" ? true : wish);
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
    const stopped = this.#latest?.open ? this.#latest : this.#open.find((one) => one.stopped.size);
    const peer = owner === undefined ? stopped ?? this.#open[0] : owner;
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
    await Promise.all(this.#open.map(async (peer) => {
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
    this.#done.resolve();
    await Promise.all(this.#open.map((peer) => peer.configure()));
    this.update();
  }

  async #threads(request: Message): Promise<void> {
    const lists = await Promise.all(this.#open.map(async (peer) => {
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
    const lists = await Promise.all(this.#open.map(async (peer) => {
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
    const done = await obey(order, this.#open.filter(({ child }) => child === undefined));
    if ("refusal" in done) await outlet.refuse(request, done.refusal);
    else await outlet.answer(request, { ...done, variablesReference: 0 });
    return true;
  }

  async #releaseAll(terminate: boolean | undefined): Promise<void> {
    await Promise.all([...this.#peers.values()].map((peer) => peer.release(terminate)));
  }
}

function failure(peer: Peer, { message = "it failed" }: Reply): string {
  return `${peer.label}: ${message}`;
}

function breakpointsOf({ success, message, body }: Reply): Breakpoint[] | string {
  return success ? (body?.["breakpoints"] ?? []) as Breakpoint[] : message ?? "it was refused";
}
