/**
 * What several ranks print, line by line, each line with its rank in front. Keeps time.
 *
 * @module
 */

/** Milliseconds after which a line that doesn't end is shown as it is. */
const patienceMs = 200;

type Timer = ReturnType<typeof setTimeout>;

/** A piece of output as DAP has it. */
export interface OutputBody {
  /** `stdout`, `stderr`, `console`. */
  category?: string;
  /** The text. */
  output: string;
  /** Anything else. */
  [key: string]: unknown;
}

/** Puts names in front of lines. */
export class Prefixer {
  readonly #emit: (body: OutputBody) => void;
  readonly #partial = new Map<string, { prefix: string; body: OutputBody; timer: Timer }>();
  #open: string | null = null;

  /** @param emit Shows a piece. */
  constructor(emit: (body: OutputBody) => void) {
    this.#emit = emit;
  }

  /**
   * Takes what a rank prints.
   *
   * @param prefix Its name.
   * @param body A piece, which need not end with a line.
   */
  take(prefix: string, body: OutputBody): void {
    const key = `${prefix} ${body.category ?? ""}`;
    const waiting = this.#partial.get(key);
    clearTimeout(waiting?.timer);
    this.#partial.delete(key);
    const text = (waiting?.body.output ?? "") + body.output;
    const end = text.lastIndexOf("\n") + 1;
    if (end > 0) this.#show(key, { prefix, body: { ...body, output: text.slice(0, end) } });
    const rest = text.slice(end);
    if (!rest) return;
    const piece = { prefix, body: { ...body, output: rest } };
    const timer = setTimeout(() => {
      this.#partial.delete(key);
      this.#show(key, piece);
    }, patienceMs);
    Deno.unrefTimer(timer);
    this.#partial.set(key, { ...piece, timer });
  }

  /** Shows what waits for the end of its line. */
  flush(): void {
    for (const [key, { timer, ...piece }] of [...this.#partial]) {
      clearTimeout(timer);
      this.#partial.delete(key);
      this.#show(key, piece);
    }
  }

  #show(key: string, { prefix, body }: { prefix: string; body: OutputBody }): void {
    let text = body.output;
    const goesOn = this.#open === key;
    if (this.#open !== null && !goesOn) {
      this.#emit({ category: body.category ?? "console", output: "\n" });
    }
    this.#open = text.endsWith("\n") ? null : key;
    text = text.replaceAll(/^(?=[^])/gm, `[${prefix}] `);
    if (goesOn) text = text.slice(prefix.length + 3);
    this.#emit({ ...body, output: text });
  }
}
