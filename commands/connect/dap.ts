/**
 * DAP messages on the wire: taken apart, put together, and the attach request filled in. Pure, apart
 * from reading the stream that it is given.
 *
 * @module
 */

import { concat, indexOf } from "./bytes.ts";

/** A message; what it holds beside these is its own business. */
export interface Message {
  /** Its number. */
  seq: number;
  /** `request`, `response` or `event`. */
  type: string;
  /** Of a request or a response. */
  command?: string;
  /** Of an event. */
  event?: string;
  /** Of a request. */
  arguments?: unknown;
  /** Anything else. */
  [key: string]: unknown;
}

/** One message as it came. */
export interface Piece {
  /** All its bytes, the header too. */
  bytes: Uint8Array;
  /** What it says; null where it wasn't looked at, or is no JSON object. */
  message: Message | null;
}

/** Input that no DAP client sends. */
export class NotDap extends Error {}

const maxHeader = 4096;
const beginning = "content-length";
const blank = new TextEncoder().encode("\r\n\r\n");

/** Takes messages off a stream, and hands on what is left of it. */
export class MessageReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #buffer: Uint8Array = new Uint8Array(0);

  /**
   * Reads from a stream.
   *
   * @param readable The stream; nobody else reads it from now on.
   */
  constructor(readable: ReadableStream<Uint8Array>) {
    this.#reader = readable.getReader();
  }

  /**
   * Takes the next message.
   *
   * @param maxBytes How long it may be.
   * @returns The message; null at the end of the stream.
   * @throws {NotDap} as early as the bytes tell.
   */
  async next(maxBytes: number = 64 * 1024 * 1024): Promise<Piece | null> {
    while (true) {
      const size = messageSize(this.#buffer);
      if (size !== null && size > maxBytes) throw new NotDap("the message is too long");
      if (size !== null && this.#buffer.length >= size) {
        const bytes = this.#buffer.subarray(0, size);
        this.#buffer = this.#buffer.subarray(size);
        return { bytes, message: parse(bytes) };
      }
      if (!await this.#more()) return null;
    }
  }

  /** All messages until the end. */
  async *messages(): AsyncGenerator<Piece> {
    for (let piece = await this.next(); piece; piece = await this.next()) yield piece;
  }

  /** What comes from here on, as bytes. */
  async *rest(): AsyncGenerator<Uint8Array> {
    do {
      const bytes = this.#buffer;
      this.#buffer = new Uint8Array(0);
      if (bytes.length > 0) yield bytes;
    } while (await this.#more());
  }

  /** Stops reading. */
  async cancel(): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#reader.read().catch(() => ({
      done: true,
      value: undefined,
    }));
    if (done || !value) return false;
    this.#buffer = this.#buffer.length === 0 ? value : concat(this.#buffer, value);
    return true;
  }
}

/**
 * Says how long the message at the beginning of some bytes is, its header included.
 *
 * @param bytes What came.
 * @returns Its length; null where the header isn't all there.
 * @throws {NotDap} where that is no DAP header.
 */
export function messageSize(bytes: Uint8Array): number | null {
  const start = new TextDecoder().decode(bytes.subarray(0, beginning.length)).toLowerCase();
  if (!beginning.startsWith(start)) throw new NotDap("that is no DAP header");
  const end = indexOf(bytes.subarray(0, maxHeader), blank);
  if (end < 0) {
    if (bytes.length >= maxHeader) throw new NotDap("the header is too long");
    return null;
  }
  const head = new TextDecoder().decode(bytes.subarray(0, end));
  const length = /^content-length:[ \t]*(\d{1,9})[ \t]*$/im.exec(head)?.[1];
  if (length === undefined) throw new NotDap("the header names no length");
  return end + blank.length + Number(length);
}

/**
 * Puts a message into its form on the wire.
 *
 * @param message The message.
 * @returns Its bytes.
 */
export function encode(message: Message): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify(message));
  const head = new TextEncoder().encode(`Content-Length: ${body.length}\r\n\r\n`);
  return concat(head, body);
}

function parse(bytes: Uint8Array): Message | null {
  try {
    const start = indexOf(bytes.subarray(0, maxHeader), blank) + blank.length;
    const data: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(start)));
    return typeof data === "object" && data !== null && "type" in data ? data as Message : null;
  } catch {
    return null;
  }
}

/** What an attach request is filled in with. */
export interface Filling {
  /** The session's token; null where its port wants none. */
  token: string | null;
  /** Folder of the project on this machine. */
  localRoot: string;
  /** Folder of the program on the node. */
  remoteRoot: string;
  /** The local port: child processes come back through it. */
  port: number;
}

/**
 * Fills in what a configuration that asks nothing leaves open. What the person wrote wins.
 *
 * @param given The arguments of an `attach` request.
 * @param filling What to fill in.
 * @returns The arguments with `rdgToken`, `pathMappings` and `connect`. A `remoteRoot` of `.`, which
 * `rdg init` writes, stands for the session's folder. Where the folder on this machine is one of
 * Windows's, `clientOS` says so: debugpy else takes its paths for POSIX ones, and finds no file.
 */
export function fillIn(given: unknown, filling: Filling): Record<string, unknown> {
  const filled: Record<string, unknown> = typeof given === "object" && given !== null
    ? { ...given }
    : {};
  if (filling.token !== null && !filled.rdgToken) filled.rdgToken = filling.token;
  const { remoteRoot, localRoot } = filling;
  if (!Array.isArray(filled.pathMappings) || filled.pathMappings.length === 0) {
    if (remoteRoot && remoteRoot !== localRoot) filled.pathMappings = [{ localRoot, remoteRoot }];
  } else if (remoteRoot) {
    filled.pathMappings = filled.pathMappings.map((one: unknown) =>
      isOpen(one) ? { ...one, remoteRoot } : one
    );
  }
  const mappings: readonly unknown[] = Array.isArray(filled.pathMappings)
    ? filled.pathMappings
    : [{ localRoot }];
  if (filled.clientOS === undefined && mappings.some(isOfWindows)) filled.clientOS = "windows";
  if (!["connect", "host", "port", "listen"].some((key) => key in filled)) {
    filled.connect = { host: "127.0.0.1", port: filling.port };
  }
  return filled;
}

function isOpen(mapping: unknown): mapping is Record<string, unknown> {
  return typeof mapping === "object" && mapping !== null &&
    (mapping as Record<string, unknown>).remoteRoot === ".";
}

/** Whether a mapping's local folder is a path of Windows: `C:\…`, or on a server. */
function isOfWindows(mapping: unknown): boolean {
  const { localRoot } = (mapping ?? {}) as Record<string, unknown>;
  return typeof localRoot === "string" && /^(?:[a-z]:[\\/]|\\\\)/i.test(localRoot);
}
