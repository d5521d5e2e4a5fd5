/**
 * What the ranks tell by themselves, as one session tells it: stops, threads, output, ends. Keeps in
 * mind what the editor was told is stopped.
 *
 * @module
 */

import type { Message } from "../../dap.ts";
import type { Breakpoint, Breakpoints } from "./breakpoints.ts";
import type { Ids } from "./ids.ts";
import { type OutputBody, Prefixer } from "./output.ts";
import type { Peer } from "./peer.ts";
import { outward } from "./translate.ts";

type Body = Record<string, unknown>;

/** What {@linkcode Events} works with. */
export interface EventsOptions {
  /** The numbers. */
  ids: Ids<Peer>;
  /** The breakpoints. */
  breakpoints: Breakpoints<Peer>;
  /** Tells the editor. */
  tell: (event: string, body: Body) => Promise<void>;
  /** The other ranks. */
  others: (peer: Peer) => Peer[];
  /** Hears that ranks stopped or went on. */
  onChange: () => void;
  /** Hears which rank stopped last. */
  onStop: (peer: Peer) => void;
  /** Hears of a child process that a rank's debugger follows. */
  onChild: (peer: Peer, body: Body) => void;
}

/** Events that tell the editor of connections that it doesn't have. */
const dropped = new Set(["debugpySockets", "debugpyWaitingForServer", "capabilities"]);

/** The events of all ranks. */
export class Events {
  readonly #o: EventsOptions;
  readonly #output: Prefixer;
  readonly #modules = new Set<string>();
  #queue: Promise<void> = Promise.resolve();
  #named = false;

  /** @param options Who wants to know. */
  constructor(options: EventsOptions) {
    this.#o = options;
    this.#output = new Prefixer((body) => void this.#tell("output", body));
  }

  /** Shows what waits for the end of its line. */
  flush(): void {
    this.#output.flush();
  }

  /**
   * Takes an event of a rank's.
   *
   * @param peer The rank.
   * @param message The event.
   */
  take(peer: Peer, message: Message): Promise<void> {
    return this.#next(() => this.#take(peer, message));
  }

  async #take(peer: Peer, message: Message): Promise<void> {
    const { event = "" } = message;
    const raw = (message.body ?? {}) as Body;
    if (dropped.has(event)) return;
    const body = () => outward(raw, { ids: this.#o.ids, owner: peer }) as Body;
    switch (event) {
      case "stopped":
        return await this.#stopped(peer, raw);
      case "continued":
        return await this.#resumed(peer);
      case "output":
        return await this.#printed(peer, raw as OutputBody);
      case "process":
        if (this.#named) return;
        this.#named = true;
        return await this.#tell("process", raw);
      case "thread":
        return await this.#tell("thread", body());
      case "module":
        return await this.#module(raw, body);
      case "breakpoint": {
        const changed = this.#o.breakpoints.change(peer, raw.breakpoint as Breakpoint);
        if (changed) await this.#tell("breakpoint", { reason: "changed", breakpoint: changed });
        return;
      }
      case "exited":
        return; // that of one rank isn't that of all
      case "terminated":
        return await this.#terminated(peer);
      case "debugpyAttach":
        return this.#o.onChild(peer, raw);
      case "progressStart":
      case "progressUpdate":
      case "progressEnd":
        return await this.#tell(event, { ...raw, progressId: `${peer.label}/${raw.progressId}` });
      default:
        await this.#tell(event, body());
    }
  }

  /** A rank goes on: as a whole, whatever the thread that was told to. */
  resumed(peer: Peer): Promise<void> {
    return this.#next(() => this.#resumed(peer));
  }

  /** Shows a thread of a rank that is stopped anyway. */
  async showStopped(peer: Peer, local: number): Promise<void> {
    peer.stopped.add(local);
    const threadId = this.#o.ids.give("thread", { owner: peer, local });
    await this.#tell("stopped", { reason: "pause", threadId, allThreadsStopped: false });
  }

  /** A rank's connection has ended. */
  lost(peer: Peer): Promise<void> {
    return this.#next(() => this.#lost(peer));
  }

  /** One after the other, in the order in which they came. */
  #next(work: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(work, work);
    return this.#queue;
  }

  async #resumed(peer: Peer): Promise<void> {
    const { ids, onChange } = this.#o;
    const gone = [...peer.stopped];
    if (gone.length === 0) return;
    peer.stopped.clear();
    ids.forget(peer, ["frame", "variables", "target"]);
    for (const local of gone) {
      const threadId = ids.give("thread", { owner: peer, local });
      await this.#tell("continued", { threadId, allThreadsContinued: false });
    }
    onChange();
  }

  async #lost(peer: Peer): Promise<void> {
    const { ids, breakpoints, onChange } = this.#o;
    this.#output.flush();
    peer.stopped.clear();
    for (const { id } of ids.all("thread", peer)) {
      await this.#tell("thread", { reason: "exited", threadId: id });
    }
    ids.forget(peer);
    for (const breakpoint of breakpoints.forget(peer)) {
      await this.#tell("breakpoint", { reason: "changed", breakpoint });
    }
    onChange();
  }

  async #stopped(peer: Peer, raw: Body): Promise<void> {
    const { ids, breakpoints, others, onStop, onChange } = this.#o;
    const { threadId: local, hitBreakpointIds, description, text } = raw;
    if (typeof local !== "number") return;
    // A person who looks at one rank isn't torn away by the next one that stops.
    const looking = others(peer).some(({ stopped }) => stopped.size > 0) || peer.stopped.size > 0;
    peer.stopped.add(local);
    if (!looking) onStop(peer);
    const hit = Array.isArray(hitBreakpointIds)
      ? { hitBreakpointIds: breakpoints.ids(peer, hitBreakpointIds) }
      : {};
    await this.#tell("stopped", {
      ...raw,
      ...hit,
      ...(typeof description === "string" ? { description: `${peer.label}: ${description}` } : {}),
      ...(typeof text === "string" ? { text } : {}),
      threadId: ids.give("thread", { owner: peer, local }),
      // The other ranks run on.
      allThreadsStopped: false,
      preserveFocusHint: looking || raw.preserveFocusHint === true,
    });
    onChange();
  }

  async #printed(peer: Peer, raw: OutputBody): Promise<void> {
    if (raw.category === "telemetry") return;
    const { ids } = this.#o;
    const body = outward(raw, { ids, owner: peer }) as OutputBody;
    // A value that can be unfolded is a message of its own.
    if (body["variablesReference"]) {
      await this.#tell("output", {
        ...body,
        output: `[${peer.rank ?? peer.label}] ${body.output}`,
      });
    } else {
      this.#output.take(peer.child === undefined ? `${peer.rank ?? peer.label}` : peer.label, body);
    }
  }

  /** One module in many ranks is one module. */
  async #module(raw: Body, body: () => Body): Promise<void> {
    const { path, name } = (raw.module ?? {}) as { path?: string; name?: string };
    const key = `${raw.reason} ${path ?? name}`;
    if (this.#modules.has(key)) return;
    this.#modules.add(key);
    await this.#tell("module", body());
  }

  async #terminated(peer: Peer): Promise<void> {
    peer.terminated = true;
    this.#output.flush();
    const output = `rdg: ${peer.label} has ended\n`;
    await this.#tell("output", { category: "important", output });
    await peer.close();
  }

  async #tell(event: string, body: Body): Promise<void> {
    await this.#o.tell(event, body).catch(() => {}); // The editor has gone.
  }
}
