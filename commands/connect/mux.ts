/**
 * Many connections over one program's stdin and stdout: the near end of `python/node/relay.py`.
 * Touches the program that it is given.
 *
 * @module
 */

import { concat, indexOf } from "./bytes.ts";
import { lastLine } from "./text.ts";
import { pause, type ProgramStream, type Stream } from "./stream.ts";

const kinds = { open: 0, data: 1, close: 2, ping: 3 } as const;
const headSize = 9;
const chunkSize = 65_536;

/** A sign of life; the far end gives up after two minutes without one. */
const pingMs = 20_000;

interface Channel {
  controller: ReadableStreamDefaultController<Uint8Array>;
  opened: (reason: string | null) => void;
  reason: string;
  closed: boolean;
}

/** A relay that runs. */
export class Relay {
  /** Settles when it has ended: why. */
  readonly ended: Promise<string>;
  readonly #program: ProgramStream;
  readonly #channels = new Map<number, Channel>();
  #next = 1;
  #over = false;

  private constructor(program: ProgramStream, rest: AsyncIterable<Uint8Array>) {
    this.#program = program;
    this.ended = this.#run(rest);
    const timer = setInterval(() => this.#send(0, kinds.ping).catch(() => {}), pingMs);
    Deno.unrefTimer(timer);
    this.ended.finally(() => clearInterval(timer));
  }

  /**
   * Waits until a relay says that it is there.
   *
   * @param program The program that runs it, possibly with other people's lines in front.
   * @param options What its line ends in, and how long to wait.
   * @returns The relay.
   * @throws {Error} with what the program complained about; it has been ended then.
   */
  static async start(
    program: ProgramStream,
    options: { nonce: string; timeoutMs: number },
  ): Promise<Relay> {
    const bytes = program.readable[Symbol.asyncIterator]();
    const mark = new TextEncoder().encode(`\nrdg-relay ${options.nonce}\n`);
    let seen: Uint8Array = new Uint8Array(0);
    const find = async () => {
      while (true) {
        const { done, value } = await bytes.next();
        if (done) return null;
        seen = concat(seen, value);
        const at = indexOf(seen, mark);
        if (at >= 0) return seen.subarray(at + mark.length);
        seen = seen.slice(-65_536);
      }
    };
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), options.timeoutMs);
    });
    const rest = await Promise.race([find(), late]);
    clearTimeout(timer);
    if (!rest) {
      const code = rest === null ? await program.ended : null;
      const why = program.reason() || lastLine(new TextDecoder().decode(seen));
      await program.close();
      throw new Error(
        why ||
          (code === null
            ? `no answer within ${options.timeoutMs / 1000} s`
            : `it ended with exit code ${code}`),
      );
    }
    return new Relay(
      program,
      (async function* () {
        if (rest.length > 0) yield rest;
        for await (const more of { [Symbol.asyncIterator]: () => bytes }) yield more;
      })(),
    );
  }

  /**
   * Opens a connection on the far side.
   *
   * @param targets Addresses to try there, in order; those that the relay was started with when absent.
   * @returns The stream.
   * @throws {Error} when the far side can't connect: why.
   */
  async open(targets?: readonly (readonly [string, number])[]): Promise<Stream> {
    if (this.#over) throw new Error(this.#program.reason() || "the relay has ended");
    const id = this.#next++;
    const channel: Channel = {
      controller: undefined!,
      opened: () => {},
      reason: "",
      closed: false,
    };
    const opened = new Promise<string | null>((resolve) => channel.opened = resolve);
    const readable = new ReadableStream<Uint8Array>({
      start: (controller) => void (channel.controller = controller),
      cancel: () => this.#close(id),
    });
    this.#channels.set(id, channel);
    const told = targets === undefined ? "" : JSON.stringify(targets);
    await this.#send(id, kinds.open, new TextEncoder().encode(told));
    const failure = await opened;
    if (failure !== null) throw new Error(failure || "the relay has ended");
    return {
      readable,
      write: async (bytes) => {
        if (channel.closed) throw new Error("the connection has ended");
        for (let at = 0; at < bytes.length; at += chunkSize) {
          await this.#send(id, kinds.data, bytes.subarray(at, at + chunkSize));
        }
      },
      close: () => this.#close(id),
      reason: () => channel.reason,
    };
  }

  /** Ends the relay and all its connections. */
  async close(): Promise<void> {
    await this.#program.close();
    await Promise.race([this.ended, pause(1000)]);
  }

  async #close(id: number): Promise<void> {
    const channel = this.#channels.get(id);
    if (!channel) return;
    this.#finish(id, "");
    await this.#send(id, kinds.close).catch(() => {});
  }

  #finish(id: number, reason: string): void {
    const channel = this.#channels.get(id);
    if (!channel) return;
    this.#channels.delete(id);
    channel.closed = true;
    channel.reason = reason;
    channel.opened(reason);
    try {
      channel.controller.close();
    } catch {
      // Its reader has cancelled it.
    }
  }

  async #send(id: number, kind: number, data: Uint8Array = new Uint8Array(0)): Promise<void> {
    const frame = new Uint8Array(headSize + data.length);
    const view = new DataView(frame.buffer);
    view.setUint32(0, id);
    view.setUint8(4, kind);
    view.setUint32(5, data.length);
    frame.set(data, headSize);
    await this.#program.write(frame);
  }

  async #run(input: AsyncIterable<Uint8Array>): Promise<string> {
    let buffer: Uint8Array = new Uint8Array(0);
    try {
      for await (const bytes of input) {
        buffer = buffer.length === 0 ? bytes : concat(buffer, bytes);
        while (buffer.length >= headSize) {
          const view = new DataView(buffer.buffer, buffer.byteOffset);
          const end = headSize + view.getUint32(5);
          // A line feed follows each frame: schedulers hand output on by lines.
          if (buffer.length <= end) break;
          this.#take(view.getUint32(0), view.getUint8(4), buffer.slice(headSize, end));
          buffer = buffer.subarray(end + 1);
        }
      }
    } catch {
      // The pipe broke: the same as its end.
    }
    this.#over = true;
    const code = await Promise.race([this.#program.ended, pause(1000)]);
    const reason = this.#program.reason() ||
      (code === false ? "it went silent" : `it ended with exit code ${code}`);
    for (const id of [...this.#channels.keys()]) this.#finish(id, reason);
    return reason;
  }

  #take(id: number, kind: number, data: Uint8Array): void {
    const channel = this.#channels.get(id);
    if (!channel) return;
    if (kind === kinds.open) channel.opened(null);
    else if (kind === kinds.data) channel.controller.enqueue(data);
    else if (kind === kinds.close) this.#finish(id, new TextDecoder().decode(data));
  }
}
