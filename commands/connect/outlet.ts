/**
 * The direction from the session to the editor: messages pass as they are, and rdg's own can be put
 * between two of them. Touches the connection that it is given.
 *
 * @module
 */

import { encode, messageSize, NotDap } from "./dap.ts";
import { concat } from "./bytes.ts";

/** A message up to this size is handed on when it is whole, so that one cut short is never seen. */
const wholeUpTo = 1024 * 1024;

/** Numbers of rdg's own messages: far from any that debugpy gives. */
const firstSeq = 1_000_000_000;

/** The way out to one editor. */
export class Outlet {
  /** Whether the session has said that it is over. */
  terminated = false;
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  readonly #waiting: Uint8Array[] = [];
  #buffer: Uint8Array = new Uint8Array(0);
  #left = 0;
  #seq = firstSeq;
  #queue: Promise<void> = Promise.resolve();

  /**
   * Makes the way out.
   *
   * @param write Writes to the editor; rejects once it has gone.
   */
  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  /** Whether a message has been handed on in part. */
  get within(): boolean {
    return this.#left > 0;
  }

  /**
   * Hands on what came from the session.
   *
   * @param bytes Any piece of it.
   */
  async pass(bytes: Uint8Array): Promise<void> {
    this.#buffer = this.#buffer.length === 0 ? bytes : concat(this.#buffer, bytes);
    while (this.#buffer.length > 0) {
      if (this.#left > 0) {
        const part = this.#buffer.subarray(0, this.#left);
        this.#buffer = this.#buffer.subarray(part.length);
        this.#left -= part.length;
        await this.#send(part);
        if (this.#left === 0) await this.#flush();
        continue;
      }
      const size = this.#sizeOfNext();
      if (size === null) return;
      if (this.#buffer.length < size && size <= wholeUpTo) return;
      this.#look(this.#buffer.subarray(0, Math.min(size, 2048)));
      const part = this.#buffer.subarray(0, size);
      this.#left = size - part.length;
      this.#buffer = this.#buffer.subarray(part.length);
      await this.#send(part);
      if (this.#left === 0) await this.#flush();
    }
  }

  /**
   * Tells the editor something, between two of the session's messages.
   *
   * @param event Name of the DAP event.
   * @param body Its body.
   */
  async tell(event: string, body: Record<string, unknown>): Promise<void> {
    const bytes = encode({ seq: this.#seq++, type: "event", event, body });
    if (this.within) this.#waiting.push(bytes);
    else await this.#send(bytes);
  }

  /**
   * Writes one line into the editor's debug console.
   *
   * @param line The line.
   */
  async say(line: string): Promise<void> {
    await this.tell("output", { category: "important", output: `rdg: ${line}\n` });
  }

  /**
   * Sends the editor a request of rdg's own.
   *
   * @param command The request.
   * @param args Its arguments.
   * @param hear Is told its number, by which the answer is known, before it is sent.
   */
  async ask(
    command: string,
    args: Record<string, unknown>,
    hear: (seq: number) => void,
  ): Promise<void> {
    const seq = this.#seq++;
    hear(seq);
    await this.#send(encode({ seq, type: "request", command, arguments: args }));
  }

  /**
   * Answers a request of rdg's own.
   *
   * @param request The request.
   * @param body The answer.
   */
  async answer(
    request: { seq: number; command?: string },
    body: Record<string, unknown>,
  ): Promise<void> {
    const { seq, command = "" } = request;
    const head = { type: "response", "request_seq": seq, success: true, command };
    await this.#send(encode({ seq: this.#seq++, ...head, body }));
  }

  /**
   * Answers a request in the session's place.
   *
   * @param request The request.
   * @param failure Why it can't be served.
   */
  async refuse(request: { seq: number; command?: string }, failure: string): Promise<void> {
    await this.#send(encode({
      seq: this.#seq++,
      type: "response",
      "request_seq": request.seq,
      success: false,
      command: request.command ?? "",
      message: failure,
      body: { error: { id: 1, format: failure, showUser: true } },
    }));
  }

  #sizeOfNext(): number | null {
    try {
      return messageSize(this.#buffer);
    } catch (error) {
      if (error instanceof NotDap) return this.#buffer.length; // not ours to judge
      throw error;
    }
  }

  /** Notices the end of the session in what passes. */
  #look(head: Uint8Array): void {
    const text = new TextDecoder().decode(head);
    if (/"event":\s*"terminated"/.test(text)) this.terminated = true;
  }

  async #flush(): Promise<void> {
    for (const bytes of this.#waiting.splice(0)) await this.#send(bytes);
  }

  #send(bytes: Uint8Array): Promise<void> {
    const turn = this.#queue.then(() => this.#write(bytes));
    this.#queue = turn.catch(() => {});
    return turn;
  }
}
