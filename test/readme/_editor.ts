/**
 * Somebody at an editor: attaches to every session of a folder of records that waits, stays, and lets it
 * go on whenever it stops.
 * Touches the network and the records.
 *
 * @module
 */

import { DapClient } from "../support/dap.ts";
import type { Sandbox } from "../support/rdg.ts";

/** An editor that is always there; dispose of it at the end. */
export class PatientEditor implements AsyncDisposable {
  /** How many programs it attached to. */
  attached = 0;
  /** How often it let one of them go on that had stopped. */
  continued = 0;
  readonly #sandbox: Sandbox;
  readonly #loop: Promise<void>;
  readonly #clients = new Map<unknown, DapClient>();
  #ended = false;

  /** @param sandbox Whose programs it attaches to. */
  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
    this.#loop = this.#watch();
  }

  async #watch(): Promise<void> {
    while (!this.#ended) {
      for (const record of await this.#sandbox.records().catch(() => [])) {
        if (record["state"] === "listening" && !this.#clients.has(record["pid"])) {
          await this.#visit(record);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #visit(record: Record<string, unknown>): Promise<void> {
    const { port } = record["address"] as { port: number };
    const client = await DapClient.connect({ port, timeoutMs: 60_000 });
    this.#clients.set(record["pid"], client);
    await client.attach({
      token: record["token"] as string,
      arguments: { connect: { host: "127.0.0.1", port } },
    });
    this.attached++;
    this.#goOn(client).catch(() => {}); // The program has ended.
  }

  async #goOn(client: DapClient): Promise<void> {
    while (!client.ended) {
      const { body } = await client.waitFor<{ threadId: number }>("stopped");
      this.continued++;
      await client.request("continue", { threadId: body.threadId });
    }
  }

  /** Goes home. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    await this.#loop;
    for (const client of this.#clients.values()) await client.close();
  }
}
