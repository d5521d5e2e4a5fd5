/**
 * One relay a node, whatever the number of ranks there: started for the first, ended after the last.
 * Starts what it is given.
 *
 * @module
 */

import type { Relay } from "../mux.ts";
import type { Relays } from "../ways.ts";

/** The relays of a job's nodes. */
export class RelayPool implements Relays {
  readonly #shared = new Map<string, { relay: Promise<Relay>; users: number }>();

  /** Gives the relay of a node, started where there is none that runs. */
  async share(
    key: string,
    start: () => Promise<Relay>,
  ): Promise<{ relay: Relay; release: () => Promise<void> }> {
    const entry = this.#shared.get(key) ?? { relay: start(), users: 0 };
    const drop = () => {
      if (this.#shared.get(key) === entry) this.#shared.delete(key);
    };
    if (!this.#shared.has(key)) {
      this.#shared.set(key, entry);
      // One that has ended serves nobody; the next to ask starts another.
      entry.relay.then((relay) => relay.ended).then(drop, drop);
    }
    entry.users++;
    let relay: Relay;
    try {
      relay = await entry.relay;
    } catch (error) {
      drop();
      throw error;
    }
    let released = false;
    return {
      relay,
      release: async () => {
        if (released) return;
        released = true;
        if (--entry.users > 0) return;
        drop();
        await relay.close();
      },
    };
  }
}
