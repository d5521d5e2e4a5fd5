/**
 * A running loop.py: told where to work, woken, attached to and left. Starts one process; touches `/proc`
 * and the network.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { DapClient } from "../support/dap.ts";
import { TextLineStream } from "../support/lines.ts";
import type { Interpreter } from "../support/python.ts";
import type { Sandbox } from "../support/rdg.ts";
import { freePort, type Way, ways, words } from "./_ways.ts";

const script = fileURLToPath(new URL("loop.py", import.meta.url));

/** One running program. */
export class Looper implements AsyncDisposable {
  /** How it was started. */
  readonly way: Way;
  readonly #process: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #said: TextLineStream;
  readonly #errors: TextLineStream;
  readonly #sandbox: Sandbox;
  #port: number;
  #token: string | undefined;
  #client: DapClient | undefined;

  private constructor(
    way: Way,
    options: { interpreter: Interpreter; sandbox: Sandbox; port: number },
  ) {
    this.way = way;
    this.#sandbox = options.sandbox;
    this.#port = options.port;
    const [program = "", ...args] = words(way, { interpreter: options.interpreter, script });
    this.#process = new Deno.Command(program, {
      args,
      cwd: options.sandbox.dir,
      env: { ...options.sandbox.env, ...way.env },
      clearEnv: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#process.stdin.getWriter();
    this.#said = new TextLineStream(this.#process.stdout);
    this.#errors = new TextLineStream(this.#process.stderr);
  }

  /**
   * Starts one.
   *
   * @param index Which of the ways.
   * @param options The interpreter and the sandbox.
   * @returns It, ready.
   */
  static async start(
    index: number,
    options: { interpreter: Interpreter; sandbox: Sandbox },
  ): Promise<Looper> {
    const port = freePort();
    const way = ways(options.interpreter, port)[index];
    if (!way) throw new RangeError(`no way ${index}`);
    const looper = new Looper(way, { ...options, port });
    await looper.#said.next(/^ready$/);
    return looper;
  }

  /**
   * Has it work once.
   *
   * @param where In which thread.
   * @returns Processor time, milliseconds.
   */
  async work(where: "main" | "thread" | "new"): Promise<number> {
    await this.#input.write(new TextEncoder().encode(`${where}\n`));
    return Number(await this.#said.next());
  }

  /**
   * Wakes it by its signal. One under rdg lets the time limit pass without anybody attaching; one under
   * remote-debug stops in its handler until somebody does.
   */
  async wake(): Promise<void> {
    if (this.way.stops) {
      this.#process.kill("SIGUSR1");
      const listening = await this.#said.next(/^\[DEBUGGER\] Listening on /);
      this.#port = Number(/:(\d+)$/.exec(listening)?.[1]);
      await this.#said.next(/^\[DEBUGGER\] Pausing execution/);
      return;
    }
    await new Deno.Command("kill", { args: ["-40", String(this.#process.pid)] }).output();
    await this.#errors.next(/Nobody attached: the program goes on/);
    const record = await this.#record("listening");
    this.#port = (record["address"] as { port: number }).port;
    this.#token = record["token"] as string;
  }

  /** Attaches without a breakpoint. */
  async attach(): Promise<void> {
    this.#client = await DapClient.connect({ port: this.#port });
    await this.#client.attach({
      ...(this.#token === undefined ? {} : { token: this.#token }),
      arguments: { connect: { host: "127.0.0.1", port: this.#port } },
    });
    if (this.way.wakes) await this.#record("attached");
    if (this.way.stops) {
      const { body } = await this.#client.waitFor<{ threadId: number }>("stopped");
      await this.#client.request("continue", { threadId: body.threadId });
      await this.#said.next(/^\[DEBUGGER\] Debugger attached!/);
    }
  }

  /** Detaches politely. */
  async detach(): Promise<void> {
    await this.#client?.disconnect();
    if (this.way.wakes) await this.#record("listening");
  }

  /** Waits until the program's record says that it is in this state. */
  async #record(state: string): Promise<Record<string, unknown>> {
    const until = Date.now() + 10_000;
    for (;;) {
      const records = await this.#sandbox.records();
      const found = records.find(({ pid }) => pid === this.#process.pid);
      if (found?.["state"] === state) return found;
      if (Date.now() > until) throw new Error(`state ${found?.["state"]}, want ${state}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Lets it end. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client?.close();
    await this.#input.close().catch(() => {});
    const late = setTimeout(() => this.#process.kill("SIGKILL"), 10_000);
    await this.#process.status;
    clearTimeout(late);
    await Promise.all([this.#said.cancel(), this.#errors.cancel()]);
  }
}
