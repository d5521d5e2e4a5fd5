/**
 * Lines of a process's output, waited for with a limit. Touches the stream it is given.
 *
 * @module
 */

const limitMs = 30_000;

/** Lines of a stream; they are kept until somebody asks. */
export class TextLineStream {
  readonly #lines: string[] = [];
  readonly #reader: ReadableStreamDefaultReader<string>;
  readonly #pump: Promise<void>;
  #ended = false;
  #wake: () => void = () => {};

  /** @param stream A process's standard output or error. */
  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.pipeThrough(
      new TextDecoderStream() as ReadableWritablePair<
        string,
        Uint8Array
      >,
    ).getReader();
    this.#pump = this.#read();
  }

  /** Lines that came and that nobody asked for. */
  get pending(): readonly string[] {
    return this.#lines;
  }

  /**
   * Takes the next line that matches; lines before it are passed over.
   *
   * @param pattern What it must match.
   * @returns The line, without its end.
   * @throws {Error} with the lines passed over when the stream ends or 30 seconds go by.
   */
  async next(pattern = /(?:)/): Promise<string> {
    const passed: string[] = [];
    const until = Date.now() + limitMs;
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) {
        if (pattern.test(line)) return line;
        passed.push(line);
        continue;
      }
      if (this.#ended || Date.now() >= until) {
        const why = this.#ended ? "The output ended" : `${limitMs} ms went by`;
        throw new Error(`${why} without a line that matches ${pattern}:\n${passed.join("\n")}`);
      }
      await this.#more(until);
    }
  }

  /**
   * Waits for the end of the stream: until nobody has it open for writing any more.
   *
   * @throws {Error} when 10 seconds go by.
   */
  async finished(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("Somebody holds the output open")), 10_000);
    });
    await Promise.race([this.#pump, late]).finally(() => clearTimeout(timer));
  }

  /** Stops reading. */
  async cancel(): Promise<void> {
    await this.#reader.cancel().catch(() => {});
    await this.#pump;
  }

  #more(until: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, until - Date.now()));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #read(): Promise<void> {
    let rest = "";
    for (;;) {
      const { done, value } = await this.#reader.read().catch(() => ({
        done: true,
        value: undefined,
      }));
      const parts = (rest + (value ?? "")).split("\n");
      rest = parts.pop() ?? "";
      this.#lines.push(...parts);
      if (done) break;
      this.#wake();
    }
    if (rest) this.#lines.push(rest);
    this.#ended = true;
    this.#wake();
  }
}
