/**
 * Sees what a session says to its editor on the way: which requests of rdg's own it answers, and whether
 * it stops, goes on, or ends. Large messages pass unread. Pure.
 *
 * @module
 */

import { type Message, messageSize, NotDap } from "../dap.ts";
import { concat } from "../bytes.ts";

/** Messages up to this size are looked at. */
const readUpTo = 256 * 1024;
/** Bytes in which a message says what it is. */
const headBytes = 400;

/** What to do with a message. */
export type Verdict = "pass" | "swallow";

/** Takes the stream of a session apart. */
export class Tap {
  readonly #wanted: (head: string) => boolean;
  readonly #see: (message: Message) => Verdict;
  #buffer: Uint8Array = new Uint8Array(0);
  #left = 0;

  /**
   * @param wanted Tells by a message's beginning, without having read it, whether to look at it.
   * @param see Looks at it.
   */
  constructor(wanted: (head: string) => boolean, see: (message: Message) => Verdict) {
    this.#wanted = wanted;
    this.#see = see;
  }

  /**
   * Takes a piece of the stream.
   *
   * @param bytes The piece.
   * @returns What is to be passed on, in order.
   */
  feed(bytes: Uint8Array): Uint8Array[] {
    this.#buffer = this.#buffer.length === 0 ? bytes : concat(this.#buffer, bytes);
    const out: Uint8Array[] = [];
    while (this.#buffer.length > 0) {
      if (this.#left > 0) {
        const part = this.#take(Math.min(this.#left, this.#buffer.length));
        this.#left -= part.length;
        out.push(part);
        continue;
      }
      const size = this.#size();
      if (size === null || this.#buffer.length < size && size <= readUpTo) break;
      if (size > readUpTo) {
        this.#left = size;
        continue;
      }
      const message = this.#take(size);
      if (this.#verdict(message) === "pass") out.push(message);
    }
    return out;
  }

  #verdict(bytes: Uint8Array): Verdict {
    const text = (part: Uint8Array) => new TextDecoder().decode(part);
    if (!this.#wanted(text(bytes.subarray(0, headBytes)))) return "pass";
    const whole = text(bytes);
    try {
      return this.#see(JSON.parse(whole.slice(whole.indexOf("\r\n\r\n") + 4)));
    } catch {
      return "pass"; // not ours to judge
    }
  }

  #take(size: number): Uint8Array {
    const part = this.#buffer.subarray(0, size);
    this.#buffer = this.#buffer.subarray(size);
    return part;
  }

  #size(): number | null {
    try {
      return messageSize(this.#buffer);
    } catch (error) {
      if (error instanceof NotDap) return this.#buffer.length;
      throw error;
    }
  }
}
