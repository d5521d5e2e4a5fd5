/**
 * An editor that opens further sessions: by DAP's `startDebugging`, or by debugpy's own event. Touches
 * the network only.
 *
 * @module
 */

import { type AttachOptions, type Body, DapClient } from "./dap.ts";

/** How to attach. */
export interface HubEditorOptions {
  /** The local port. */
  port: number;
  /** Breakpoints of every session. */
  breakpoints?: AttachOptions["breakpoints"];
  /** The attach arguments of the configuration. */
  arguments?: Body;
  /** How it is asked for sessions: `startDebugging` when absent. */
  by?: "startDebugging" | "debugpyAttach" | "nothing";
  /** Is asked whether to open a session; what it throws is the answer. */
  onOpen?: (configuration: Body) => void | Promise<void>;
}

/** A session that was asked for. */
export interface ChildSession {
  /** Its name. */
  name: string;
  /** The configuration that it was asked for with. */
  configuration: Body;
  /** Its connection. */
  client: DapClient;
  /** How the debugger took the breakpoints, by path. */
  breakpoints: Record<string, { verified: boolean }[]>;
}

/** The editor. */
export class HubEditor implements AsyncDisposable {
  /** The session of the F5. */
  readonly parent: DapClient;
  /** The sessions that it was asked for, in the order in which they attached. */
  readonly children: ChildSession[] = [];
  /** Names in the order in which they were asked for. */
  readonly asked: string[] = [];
  /** Why sessions could not be opened. */
  readonly failures: Error[] = [];
  readonly #options: HubEditorOptions;
  #watchers: (() => void)[] = [];

  private constructor(parent: DapClient, options: HubEditorOptions) {
    this.parent = parent;
    this.#options = options;
  }

  /**
   * Presses F5.
   *
   * @param options Where, and how.
   * @returns The editor, its first session attached.
   */
  static async attach(options: HubEditorOptions): Promise<HubEditor> {
    const { by = "startDebugging", port } = options;
    const editor = new HubEditor(await DapClient.connect({ port }), options);
    const { parent } = editor;
    parent.onReverse("startDebugging", async (args) => {
      await editor.open(args["configuration"] as Body);
    });
    if (by === "debugpyAttach") editor.#hearEvents().catch(() => {});
    try {
      await parent.attach({
        initialize: by === "startDebugging" ? { supportsStartDebuggingRequest: true } : {},
        arguments: {
          ...editor.#configuration(),
          ...(by === "debugpyAttach" ? { subProcess: true } : {}),
        },
        breakpoints: options.breakpoints ?? {},
      });
    } catch (error) {
      await parent.close();
      throw error;
    }
    return editor;
  }

  /**
   * Waits until a number of sessions have attached.
   *
   * @param count How many, all in all.
   * @param timeoutMs Limit.
   * @returns The sessions.
   */
  async until(count: number, timeoutMs = 30_000): Promise<ChildSession[]> {
    const late = Date.now() + timeoutMs;
    while (this.children.length < count) {
      const left = late - Date.now();
      if (left <= 0) {
        throw new Error(
          `Waited in vain for ${count} sessions, have ${this.children.length}: ` +
            `${this.children.map(({ name }) => name)}; ${this.failures.join("; ")}`,
        );
      }
      let timer: ReturnType<typeof setTimeout> | undefined;
      await Promise.race([
        new Promise<void>((resolve) => this.#watchers.push(resolve)),
        new Promise<void>((resolve) => timer = setTimeout(resolve, left)),
      ]);
      clearTimeout(timer);
    }
    return this.children;
  }

  /** The session of a rank; the newest one. */
  rank(rank: number): DapClient {
    const found = this.children.findLast(({ name }) => name.startsWith(`rank ${rank} `));
    if (!found) throw new Error(`no session of rank ${rank}`);
    return found.client;
  }

  /** Closes everything as it is, as an editor that is killed would. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.parent.close();
    for (const { client } of this.children) await client.close();
  }

  #configuration(): Body {
    return { name: "rdg: Attach", type: "debugpy", request: "attach", ...this.#options.arguments };
  }

  async #hearEvents(): Promise<void> {
    while (true) {
      const { body } = await this.parent.waitFor("debugpyAttach", () => true, 3_600_000);
      this.open(body).catch(() => {});
    }
  }

  /** Opens a session, as it was asked for. */
  async open(configuration: Body): Promise<void> {
    const name = String(configuration["name"]);
    this.asked.push(name);
    try {
      await this.#options.onOpen?.(configuration);
      const { host, port } = configuration["connect"] as { host: string; port: number };
      const client = await DapClient.connect({ host, port });
      // A rank's debugger may ask for sessions of the processes that the rank starts.
      client.onReverse("startDebugging", (args) => this.open(args["configuration"] as Body));
      const breakpoints = await client.attach({
        initialize: { supportsStartDebuggingRequest: true },
        arguments: configuration,
        breakpoints: this.#options.breakpoints ?? {},
      }).catch(async (error) => {
        await client.close();
        throw error;
      });
      this.children.push({ name, configuration, client, breakpoints: breakpoints.breakpoints });
    } catch (error) {
      this.failures.push(error as Error);
      throw error;
    } finally {
      for (const tell of this.#watchers.splice(0)) tell();
    }
  }
}
