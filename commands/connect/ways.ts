/**
 * The ways from the login node to a session's port: straight (`ssh -W` through it), by a relay that the
 * scheduler starts inside the job, or by a relay over ssh to the node. Tries one after the other.
 *
 * @module
 */

import type { Job, SchedulerPlugin } from "../../plugins/contract.ts";
import { ExitCode, RdgError } from "../../plugins/error.ts";
import { checkDeclared } from "../../plugins/host.ts";
import { relayCommand } from "../../python/relay.ts";
import type { Session } from "../../python/sessions.ts";
import { encode, type Message, MessageReader } from "./dap.ts";
import type { Link } from "./link.ts";
import { Relay } from "./mux.ts";
import { pause, type Stream } from "./stream.ts";

/** Names of the ways, in the order in which they are tried. */
export const wayNames = ["direct", "relay", "jump"] as const;

/** One of the ways. */
export type WayName = typeof wayNames[number];

/** A way that works. */
export interface Way {
  /** Its name. */
  readonly name: WayName;
  /** Opens a connection to the session's port; rejects with the reason. */
  open(): Promise<Stream>;
  /** What the session answered to `initialize`; absent before it was asked. */
  hello?: Record<string, unknown>;
  /** Settles when the way itself has broken, apart from the link below it: why. */
  readonly broken: Promise<string>;
  /** Ends it, and what it started on the far side. */
  close(): Promise<void>;
}

/** Relays that several sessions of one node share. */
export interface Relays {
  /**
   * Gives the relay of a node, started where there is none yet.
   *
   * @param key The way and the node.
   * @param start Starts it.
   * @returns The relay, and how to say that it isn't needed any more.
   */
  share(
    key: string,
    start: () => Promise<Relay>,
  ): Promise<{ relay: Relay; release: () => Promise<void> }>;
}

/** How to find a way. */
export interface FindOptions {
  /** The way that was asked for. */
  via: WayName | undefined;
  /** Hears why one failed. */
  onFailure: (name: WayName, reason: string) => void;
  /** The way to try first. */
  first?: WayName;
  /** Relays to share with other sessions. */
  relays?: Relays;
}

/** Where to go. */
export interface Destination {
  /** A session that listens. */
  session: Session;
  /** Its job; null outside of one. */
  job: Job | null;
  /** The scheduler that the job belongs to. */
  scheduler: SchedulerPlugin;
}

/** Milliseconds that the straight way may take: a firewall that drops packets never answers. */
const directMs = 4000;
/** Milliseconds until a relay has to be there: the scheduler waits up to 15 s for room. */
const relayMs = 25_000;
/** Milliseconds for the session's own first answer. */
const answerMs = 8000;

/**
 * Finds a way that works: one through which the session answers.
 *
 * @param link The login node.
 * @param destination The session.
 * @param options The way that was asked for, and who hears why one failed.
 * @returns The way.
 * @throws {RdgError} `unreachable` with every way's reason.
 */
export async function findWay(
  link: Link,
  destination: Destination,
  options: FindOptions,
): Promise<Way> {
  const reasons: string[] = [];
  const { first, relays } = options;
  const order = first ? [first, ...wayNames.filter((name) => name !== first)] : wayNames;
  for (const name of options.via ? [options.via] : order) {
    let way: Way | null = null;
    try {
      way = await make(name, link, { destination, ask: options.via === "jump", relays });
      way.hello = await knock(way, name === "direct" ? directMs : answerMs);
      return way;
    } catch (error) {
      await way?.close();
      const reason = words(error);
      reasons.push(`${name}: ${reason}`);
      if (!options.via) options.onFailure(name, reason);
    }
  }
  const { session } = destination;
  throw new RdgError(
    `Cannot reach port ${session.address!.port} on ${session.host}` +
      (options.via ? ` by way "${options.via}"` : ""),
    {
      code: "unreachable",
      exitCode: ExitCode.scheduler,
      hint: session.ownNetwork
        ? "start the program's container with the host's network (podman run --network=host): " +
          "now it has one of its own"
        : options.via
        ? "leave --via out: the ways are then tried one after the other"
        : "see whether the program still runs: rdg sessions",
      cause: reasons.join("\n"),
    },
  );
}

/** The last line of an error that says something. */
function words(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split("\n").filter((line) => line.trim()).at(-1) ?? "no reason given";
}

async function make(
  name: WayName,
  link: Link,
  options: RelayOptions,
): Promise<Way> {
  if (name === "direct") return direct(link, options.destination);
  return await relayed(name, link, options);
}

function direct(link: Link, { session }: Destination): Way {
  const { host, port } = session.address!;
  if (isLoopback(host) && session.hostname !== link.facts.hostname) {
    throw new Error(`it listens on ${session.host}'s own loopback only`);
  }
  return {
    name: "direct",
    open: () => link.connect({ host, port }),
    broken: new Promise(() => {}),
    close: () => Promise.resolve(),
  };
}

interface RelayOptions {
  destination: Destination;
  ask: boolean;
  relays: Relays | undefined;
}

async function relayed(
  name: "relay" | "jump",
  link: Link,
  options: RelayOptions,
): Promise<Way> {
  const { destination: { session }, relays } = options;
  const start = () => startRelay(name, link, options);
  if (!relays) {
    const relay = await start();
    return { name, open: () => relay.open(), broken: relay.ended, close: () => relay.close() };
  }
  const { relay, release } = await relays.share(`${name} ${session.host}`, start);
  const targets = targetsOn(session);
  return { name, open: () => relay.open(targets), broken: relay.ended, close: release };
}

async function startRelay(
  name: "relay" | "jump",
  link: Link,
  { destination, ask }: RelayOptions,
): Promise<Relay> {
  const { session, job, scheduler } = destination;
  const nonce = crypto.randomUUID();
  const command = relayCommand({ nonce, targets: targetsOn(session), python: session.executable });
  let program;
  if (name === "relay") {
    // A component of a heterogeneous job has an id that no other program takes: only 8+1 says it.
    const id = job?.displayId.includes("+") ? job.displayId : job?.id;
    const spec = id === undefined ? null : scheduler.relay?.(
      { job: id, nodes: [session.host], jobNodes: job!.nodes },
      command,
    );
    if (!spec) throw new Error(`${scheduler.name} starts no relay inside a job from outside`);
    checkDeclared(spec, scheduler);
    program = await link.start(spec);
  } else {
    program = link.startOn(session.host, command, { ask });
  }
  return await Relay.start(program, { nonce, timeoutMs: ask ? 180_000 : relayMs });
}

/** Addresses to try on the session's own node. */
function targetsOn(session: Session): [string, number][] {
  const { host, port } = session.address!;
  // A session that is reached by its node's name listens on every address, loopback included.
  const own = [session.host, session.hostname].includes(host);
  return own ? [["127.0.0.1", port], [host, port]] : [[host, port]];
}

function isLoopback(host: string): boolean {
  return host.startsWith("127.") || host === "localhost" || host === "::1";
}

/**
 * Asks whether the session still answers.
 *
 * @param way A way to it.
 * @returns Whether it does.
 */
export async function answers(way: Way): Promise<boolean> {
  return await knock(way, answerMs).then(() => true, () => false);
}

/** Says hello and goodbye in DAP: whoever answers that is a debugger. Returns what it can do. */
async function knock(way: Way, timeoutMs: number): Promise<Record<string, unknown>> {
  let stream: Stream | undefined;
  let given = false;
  const talk = (async () => {
    stream = await way.open();
    if (given) {
      await stream.close();
      return {};
    }
    await stream.write(encode(hello));
    for await (const { message } of new MessageReader(stream.readable).messages()) {
      if (message?.type === "response" && message.command === "initialize") {
        await stream.write(encode(goodbye));
        return (message.body ?? {}) as Record<string, unknown>;
      }
    }
    await pause(100); // The program may still be saying why.
    throw new Error(stream.reason() || "the connection was closed at once");
  })();
  const late = (async (): Promise<never> => {
    await pause(timeoutMs);
    throw new Error(stream?.reason() || `no answer within ${timeoutMs / 1000} s`);
  })();
  try {
    return await Promise.race([talk, late]);
  } finally {
    given = true;
    talk.catch(() => {});
    late.catch(() => {});
    await stream?.close();
  }
}

const hello: Message = {
  seq: 1,
  type: "request",
  command: "initialize",
  arguments: { clientID: "rdg-connect", adapterID: "debugpy", pathFormat: "path" },
};
const goodbye: Message = { seq: 2, type: "request", command: "disconnect", arguments: {} };
