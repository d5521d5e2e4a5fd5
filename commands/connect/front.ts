/**
 * The local port: lets the owner's editors in, one at a time. Listens on 127.0.0.1.
 *
 * @module
 */

import type { Door, FrontEvent, Guest } from "./client.ts";
import { type Peer, peerUser } from "./guard.ts";
import { pause, type Stream, tcpStream } from "./stream.ts";

/** What the local port needs to know. */
export interface FrontOptions {
  /** The listening socket. */
  listener: Deno.TcpListener;
  /** The owner's number; null where nobody can be told apart. */
  uid: number | null;
  /** Serves a connection of the owner's. */
  welcome: (stream: Stream, door: Door) => Guest;
  /** Hears that an editor attached or left, and of connections that were turned away. */
  onEvent: (event: FrontEvent) => void;
  /** What another rdg connect is told that wants the same port. */
  describe: () => Record<string, unknown>;
  /** Says whose process is at the other end; the system's table when absent. */
  peer?: (ports: { client: number; own: number }) => Promise<Peer>;
}

/** Connections at the same time: an editor has one, and one for each child process and each rank. */
const maxGuests = 1024;
/** Milliseconds for which a second editor waits until the first has gone: it may be a restart. */
const handOverMs = 3000;

/** The local port at work. */
export class Front {
  readonly #options: FrontOptions;
  readonly #guests = new Set<Guest>();
  #main: Guest | null = null;
  #closed = false;

  /** @param options The socket, the session, who wants to know. */
  constructor(options: FrontOptions) {
    this.#options = options;
  }

  /** The port. */
  get port(): number {
    return this.#options.listener.addr.port;
  }

  /** The editor that is attached, as it calls itself; null where none is. */
  get attached(): string | null {
    return this.#main?.name ?? null;
  }

  /** Serves until {@linkcode close}. */
  async serve(): Promise<void> {
    while (!this.#closed) {
      let connection: Deno.TcpConn;
      try {
        connection = await this.#options.listener.accept();
      } catch (error) {
        if (this.#closed) return;
        // Out of descriptors, or a client that was gone already.
        await pause(error instanceof Deno.errors.ConnectionReset ? 0 : 100);
        continue;
      }
      this.#admit(connection).catch(() => {});
    }
  }

  /** Writes a line into every editor's debug console. */
  async say(line: string): Promise<void> {
    await Promise.all([...this.#guests].map((guest) => guest.outlet.say(line).catch(() => {})));
  }

  /** Lets no one in any more, and tells the editors. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#options.listener.close();
    await Promise.all([...this.#guests].map((guest) => guest.end("rdg connect ends")));
  }

  async #admit(connection: Deno.TcpConn): Promise<void> {
    const { uid, onEvent, peer = peerUser } = this.#options;
    const stream = tcpStream(connection);
    if (this.#guests.size >= maxGuests) return await stream.close();
    const client = (connection.remoteAddr as Deno.NetAddr).port;
    const user = uid === null ? "unknown" : await peer({ client, own: this.port });
    if (user !== "unknown" && user !== uid) {
      // A client that was gone at once (a look at whether the port is open) is nothing to speak of.
      if (user !== "nobody") onEvent({ type: "refused", why: `a process of user ${user}` });
      return await stream.close();
    }
    const guest = this.#options.welcome(stream, {
      port: this.port,
      onEvent,
      describe: this.#options.describe,
      claim: (one) => this.#claim(one),
    });
    this.#guests.add(guest);
    try {
      await guest.serve();
    } finally {
      this.#guests.delete(guest);
      if (this.#main === guest) {
        this.#main = null;
        onEvent({ type: "left", name: guest.name });
      }
      await stream.close();
    }
  }

  /** Whether a guest may attach: one at a time. */
  async #claim(guest: Guest): Promise<boolean> {
    const until = Date.now() + handOverMs;
    while (this.#main && this.#main !== guest && Date.now() < until) await pause(50);
    if (this.#main && this.#main !== guest) return false;
    this.#main = guest;
    return true;
  }
}
