/**
 * A number of places for work at the same time; who finds none waits in order. Pure.
 *
 * @module
 */

/** The places. */
export class Slots {
  readonly #queue: (() => void)[] = [];
  #free: number;

  /** @param count How many. */
  constructor(count: number) {
    this.#free = count;
  }

  /** Waits for a place, and takes it. */
  async take(): Promise<void> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#queue.push(resolve));
    else this.#free--;
  }

  /** Gives a place back: to who has waited longest, if anybody. */
  give(): void {
    const next = this.#queue.shift();
    if (next) next();
    else this.#free++;
  }
}
