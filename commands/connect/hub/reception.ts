/**
 * One connection to the local port where several ranks are served: finds out by its `attach` request
 * whether it is the editor's F5 or one of the sessions that it then opened. Touches the connection that
 * it is given.
 *
 * @module
 */

import { type Door, type Guest, occupied } from "../client.ts";
import { encode, type Message, type MessageReader, type Piece } from "../dap.ts";
import { greet, type Greeting, maxBytes, maxMessages } from "../greeting.ts";
import { Outlet } from "../outlet.ts";
import type { Stream } from "../stream.ts";
import { Child } from "./child.ts";
import type { Hub } from "./hub.ts";
import type { Member } from "./member.ts";
import { Parent } from "./parent.ts";

/** What a connection needs to know. */
export interface ReceptionOptions {
  /** The ranks of now, waited for where there are none. */
  hub: () => Promise<Hub>;
  /** The local port. */
  door: Door;
  /** Folder of the project on this machine. */
  localRoot: string;
}

/** Editors that open sessions on `debugpyAttach` and don't know `startDebugging`. */
const debugpyClients = new Set(["sublime"]);

/** What an editor is told that comes when there is no rank any more. */
const over = "All ranks have ended.";

/** One connection. */
export class Reception implements Guest {
  /** What it calls itself. */
  name = "an editor";
  /** The way out to it. */
  readonly outlet: Outlet;
  readonly #stream: Stream;
  readonly #o: ReceptionOptions;
  #end: ((why: string) => Promise<void>) | null = null;
  #over = false;

  /**
   * @param stream The connection.
   * @param options The ranks, and who wants to know.
   */
  constructor(stream: Stream, options: ReceptionOptions) {
    this.#stream = stream;
    this.#o = options;
    this.outlet = new Outlet((bytes) => stream.write(bytes));
  }

  /** Tells it that it is over, and closes. */
  async end(why: string): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    await this.#end?.(why);
    await this.#stream.close();
  }

  /** Serves until one side has gone. */
  async serve(): Promise<void> {
    const { door } = this.#o;
    const { outlet } = this;
    const greeting = await greet(this.#stream, { outlet, door });
    if (!greeting || this.#over) return;
    this.name = greeting.name ?? this.name;
    if (greeting.request.command !== "initialize") {
      return await outlet.refuse(greeting.request, 'The first request is "initialize".');
    }
    // An editor that gives up while it waits for a session must be noticed, so reading goes on.
    const second = greeting.reader.next(maxBytes);
    const given = second.then((piece) => piece ? new Promise<never>(() => {}) : null);
    const found = await this.#untilReady(given);
    if (!found || this.#over) return;
    const { hub, capabilities } = found;
    await outlet.answer(greeting.request, capabilities);
    const attach = await this.#untilAttach(greeting.reader, second);
    if (attach && !this.#over) await this.#admit(greeting, { attach, hub });
  }

  /** Waits for ranks that can be reached, also those of the next job; null where `given` up first. */
  async #untilReady(
    given: Promise<null>,
  ): Promise<{ hub: Hub; capabilities: Record<string, unknown> } | null> {
    while (true) {
      const hub = await Promise.race([this.#o.hub(), given]);
      if (!hub) return null;
      const left = given.then(() => "left" as const);
      const capabilities = await Promise.race([hub.capabilities(), left]);
      if (capabilities === "left") return null;
      if (capabilities) return { hub, capabilities };
    }
  }

  /** Reads up to the `attach` request; null where it never comes. */
  async #untilAttach(
    reader: MessageReader,
    second: Promise<Piece | null>,
  ): Promise<Piece | null> {
    let next = second;
    for (let count = 1; count < maxMessages; count++) {
      const piece = await next;
      const message = piece?.message;
      if (!piece || message?.type !== "request") return null;
      if (message.command === "attach") return piece;
      if (message.command === "disconnect") {
        await this.outlet.answer(message, {});
        return null;
      }
      await this.outlet.refuse(message, 'Several ranks are served here: "attach" comes first.');
      next = reader.next(maxBytes);
    }
    return null;
  }

  async #admit(
    greeting: Greeting,
    { attach, hub }: { attach: Piece; hub: Hub },
  ): Promise<void> {
    const { door } = this.#o;
    const message = attach.message!;
    const args = (message.arguments ?? {}) as Record<string, unknown>;
    if (typeof args.rdgSession === "string") {
      const member = hub.memberOf(args.rdgSession);
      if (member) return await this.#child(greeting, { attach, member, hub });
      return await this.outlet.refuse(
        message,
        "The session that this one belongs to has ended. Start debugging anew.",
      );
    }
    if (!await door.claim(this)) return await this.outlet.refuse(message, occupied);
    door.onEvent({ type: "attached", name: this.name });
    const by = hub.merge ? "merge" : childrenOf(greeting.request, args);
    if (by === "merge") return await this.#merged(greeting, { attach: message, hub });
    if (by === null) return await this.#lowest(greeting, { attach, hub });
    const parent = new Parent({
      hub,
      reader: greeting.reader,
      outlet: this.outlet,
      attach: message,
      by,
      port: door.port,
    });
    this.#end = (why) => parent.end(why);
    if (!await hub.host(parent, () => parent.serve())) await this.outlet.refuse(message, over);
  }

  async #merged(
    greeting: Greeting,
    { attach, hub }: { attach: Message; hub: Hub },
  ): Promise<void> {
    const { localRoot, door } = this.#o;
    const { Merged } = await import("./merge/session.ts");
    const merged = new Merged({
      hub,
      reader: greeting.reader,
      outlet: this.outlet,
      initialize: greeting.request,
      attach,
      localRoot,
      port: door.port,
    });
    this.#end = (why) => merged.end(why);
    if (!await hub.host(merged, () => merged.serve())) await this.outlet.refuse(attach, over);
  }

  /** For an editor that opens no further sessions: the lowest rank, and a word on the others. */
  async #lowest(
    greeting: Greeting,
    { attach, hub }: { attach: Piece; hub: Hub },
  ): Promise<void> {
    const member = hub.lowest;
    if (!member) return await this.outlet.refuse(attach.message!, over);
    const line = `${this.name} opens no sessions of its own for further ranks (startDebugging): ` +
      `this is ${member.label} of ${hub.size}. For all ranks in one session: rdg connect --merge`;
    hub.say(line);
    await this.outlet.say(line);
    await this.#child(greeting, { attach, member, hub });
  }

  async #child(
    greeting: Greeting,
    { attach, member, hub }: { attach: Piece; member: Member; hub: Hub },
  ): Promise<void> {
    const { door, localRoot } = this.#o;
    const { outlet } = this;
    const message = attach.message!;
    const args = (message.arguments ?? {}) as Record<string, unknown>;
    // A child process of the rank's, which debugpy follows: not the rank itself.
    const process = typeof args.subProcessId === "number" &&
      args.subProcessId !== member.session.pid;
    const live = await member.live();
    if (!live) return await outlet.refuse(message, `${member.name} has ended.`);
    if (!process && !await hub.vacant(member)) {
      return await outlet.refuse(message, `${member.name} has a session in this editor already.`);
    }
    const child = new Child({
      member,
      process,
      live,
      editor: { stream: this.#stream, outlet, reader: greeting.reader },
      opening: [greeting.first, { bytes: encode(message), message }],
      door,
      localRoot,
      onChange: () => hub.changed(),
      onClosed: () => hub.suspect(member),
      onFinished: () => void (process || hub.finished(member)),
    });
    this.#end = (why) => child.end(why);
    try {
      await hub.shelter(child, () => child.serve());
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      await outlet.refuse(message, `rdg cannot reach ${member.name}: ${why}`).catch(() => {});
      door.onEvent({ type: "unreachable", why: `${member.name}: ${why}` });
      hub.suspect(member);
    }
  }
}

/**
 * How an editor is asked for a session for each rank: by DAP's own reverse request, by debugpy's event
 * (whoever wants child processes by it says `subProcess: true`), or not at all.
 */
function childrenOf(
  initialize: Message,
  args: Record<string, unknown>,
): "startDebugging" | "debugpyAttach" | null {
  const client = (initialize.arguments ?? {}) as Record<string, unknown>;
  if (client.supportsStartDebuggingRequest === true) return "startDebugging";
  const known = debugpyClients.has(String(client.clientID).toLowerCase());
  return known || args.subProcess === true ? "debugpyAttach" : null;
}
