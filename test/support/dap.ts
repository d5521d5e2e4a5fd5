/**
 * A small DAP client for the tests: speaks to debugpy over TCP as an editor does. Touches the
 * network only.
 *
 * Every wait has a limit. Events are queued until a test asks for them, so none is lost between
 * two steps.
 *
 * ```ts
 * await using client = await DapClient.connect({ port });
 * await client.attach({ token, breakpoints: { [program]: [7] } });
 * const { threadId } = (await client.waitFor("stopped")).body;
 * ```
 *
 * @module
 */

import type { DebugProtocol } from "@vscode/debugprotocol";

/** How long a request or an event is waited for unless a test says otherwise, in milliseconds. */
const defaultTimeoutMs = 20_000;

/** A JSON object as it comes over the wire. */
// The protocol's bodies are open records; a test knows what it asked for.
export type Body = Record<string, unknown>;

/** An event with its body as the test expects it. */
export type DapEvent<T = Body> = Omit<DebugProtocol.Event, "body"> & { body: T };

/** Where and how to connect. */
export interface ConnectOptions {
  /** Host name or address; 127.0.0.1 when left out. */
  host?: string;
  /** TCP port. */
  port: number;
  /** Limit of every later request and event wait, in milliseconds. */
  timeoutMs?: number;
}

/** What {@linkcode DapClient.attach} sends. */
export interface AttachOptions {
  /** The session's token, sent as `rdgToken`; left out where the door is open. */
  token?: string;
  /** More attach arguments, e.g. `{ justMyCode: false, subProcess: true }`. */
  arguments?: Body;
  /** Breakpoints: lines (or whole source breakpoints) by path. */
  breakpoints?: Record<string, readonly (number | DebugProtocol.SourceBreakpoint)[]>;
  /** Names of exception filters to switch on: `"raised"`, `"uncaught"`. */
  exceptionFilters?: readonly string[];
  /** Changes to the arguments of `initialize`. */
  initialize?: Partial<DebugProtocol.InitializeRequestArguments>;
}

/** What {@linkcode DapClient.attach} got back. */
export interface Attached {
  /** The answer to `initialize`. */
  capabilities: DebugProtocol.Capabilities;
  /** The breakpoints as the debugger took them, by path. */
  breakpoints: Record<string, DebugProtocol.Breakpoint[]>;
}

/** A request that the other side answered with `success: false`. */
export class DapFailure extends Error {
  /** The whole answer. */
  readonly response: DebugProtocol.Response;

  /** @param response The failed answer. */
  constructor(response: DebugProtocol.Response) {
    super(`"${response.command}" failed: ${response.message ?? "no reason given"}`);
    this.name = "DapFailure";
    this.response = response;
  }
}

/** Answers a reverse request; what it returns is the body of the answer. */
export type ReverseHandler = (args: Body) => Body | void | Promise<Body | void>;

interface Pending {
  resolve(response: DebugProtocol.Response): void;
  reject(error: Error): void;
}

interface Waiter {
  matches(event: DapEvent): boolean;
  resolve(event: DapEvent): void;
  reject(error: Error): void;
}

/** One connection to a debug adapter. */
export class DapClient implements AsyncDisposable {
  /** Every message received so far, oldest first: for checks on order and numbering. */
  readonly received: DebugProtocol.ProtocolMessage[] = [];
  /** Resolves when the other side has closed the connection, or {@linkcode close} was called. */
  readonly closed: Promise<void>;

  readonly #conn: Deno.TcpConn;
  readonly #timeoutMs: number;
  readonly #pending = new Map<number, Pending>();
  readonly #events: DapEvent[] = [];
  readonly #waiters = new Set<Waiter>();
  readonly #reverse = new Map<string, ReverseHandler>();
  #writing: Promise<void> = Promise.resolve();
  #seq = 0;
  #ended: Error | undefined;

  private constructor(conn: Deno.TcpConn, timeoutMs: number) {
    this.#conn = conn;
    this.#timeoutMs = timeoutMs;
    this.closed = this.#readAll();
  }

  /**
   * Opens a connection; sends nothing yet.
   *
   * @param options Where to.
   * @returns The client.
   */
  static async connect(options: ConnectOptions): Promise<DapClient> {
    const conn = await Deno.connect({
      hostname: options.host ?? "127.0.0.1",
      port: options.port,
    });
    conn.setNoDelay(true);
    return new DapClient(conn, options.timeoutMs ?? defaultTimeoutMs);
  }

  /** True once the connection has ended, from either side. */
  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /**
   * Sends a request and waits for its answer.
   *
   * @param command Name of the request.
   * @param args Its arguments.
   * @param timeoutMs Limit, if another than the client's.
   * @returns The body of the answer.
   * @throws {DapFailure} when the answer is a failure.
   * @throws {Error} when the connection ends or the limit passes first.
   */
  async request<T = Body>(
    command: string,
    args: object = {},
    timeoutMs: number = this.#timeoutMs,
  ): Promise<T> {
    const response = await this.send(command, args, timeoutMs);
    if (!response.success) throw new DapFailure(response);
    return (response.body ?? {}) as T;
  }

  /**
   * Like {@linkcode request}, but gives the whole answer back, failed or not.
   *
   * @param command Name of the request.
   * @param args Its arguments.
   * @param timeoutMs Limit, if another than the client's.
   * @returns The answer.
   */
  send(
    command: string,
    args: object = {},
    timeoutMs: number = this.#timeoutMs,
  ): Promise<DebugProtocol.Response> {
    const seq = ++this.#seq;
    const answer = new Promise<DebugProtocol.Response>((resolve, reject) => {
      if (this.#ended) return reject(this.#ended);
      this.#pending.set(seq, { resolve, reject });
    });
    this.write({ seq, type: "request", command, arguments: args });
    return limit(answer, timeoutMs, `an answer to "${command}"`, () => this.#pending.delete(seq));
  }

  /**
   * Takes the first event that matches off the queue, waiting for it where it hasn't come yet.
   *
   * @param name Name of the event.
   * @param matches Further condition.
   * @param timeoutMs Limit, if another than the client's.
   * @returns The event; later calls don't see it again.
   */
  waitFor<T = Body>(
    name: string,
    matches: (event: DapEvent<T>) => boolean = () => true,
    timeoutMs: number = this.#timeoutMs,
  ): Promise<DapEvent<T>> {
    const fits = (event: DapEvent) => event.event === name && matches(event as DapEvent<T>);
    const index = this.#events.findIndex(fits);
    if (index >= 0) return Promise.resolve(this.#events.splice(index, 1)[0] as DapEvent<T>);
    if (this.#ended) return Promise.reject(this.#ended);
    const waiter: Waiter = { matches: fits, resolve: () => {}, reject: () => {} };
    const event = new Promise<DapEvent>((resolve, reject) => {
      waiter.resolve = resolve;
      waiter.reject = reject;
    });
    this.#waiters.add(waiter);
    return limit(
      event,
      timeoutMs,
      `the event "${name}"`,
      () => this.#waiters.delete(waiter),
    ) as Promise<DapEvent<T>>;
  }

  /** Events that came and that no one has waited for, oldest first. */
  get events(): readonly DapEvent[] {
    return this.#events;
  }

  /**
   * Answers a reverse request such as `startDebugging`. Without a handler it gets a failure.
   *
   * @param command Name of the reverse request.
   * @param handler Called with its arguments.
   */
  onReverse(command: string, handler: ReverseHandler): void {
    this.#reverse.set(command, handler);
  }

  /**
   * The start of a session, in the order of the protocol: `initialize`, `attach`, the event
   * `initialized`, breakpoints, `configurationDone`, the answer to `attach`.
   *
   * @param options Token, arguments, breakpoints.
   * @returns Capabilities, and the breakpoints as they were taken.
   * @throws {DapFailure} when any of the requests is refused, a wrong token for one.
   */
  async attach(options: AttachOptions = {}): Promise<Attached> {
    const capabilities = await this.initialize(options.initialize);
    return { capabilities, breakpoints: await this.attachOnly(options) };
  }

  /**
   * The rest of {@linkcode attach}, for a client that has sent `initialize` already.
   *
   * @param options Token, arguments, breakpoints.
   * @returns The breakpoints as they were taken.
   */
  async attachOnly(options: AttachOptions = {}): Promise<Attached["breakpoints"]> {
    const token = options.token === undefined ? {} : { rdgToken: options.token };
    const attached = this.request("attach", {
      name: "rdg test",
      type: "debugpy",
      ...options.arguments,
      ...token,
    });
    attached.catch(() => {}); // Awaited below, unless another request fails first.
    // A refused attach never sends "initialized"; an accepted one is answered only at the end.
    const initialized = this.waitFor("initialized");
    await Promise.race([initialized, attached.then(() => initialized)]).catch((error) => {
      initialized.catch(() => {});
      throw error;
    });
    const breakpoints: Attached["breakpoints"] = {};
    for (const [path, wanted] of Object.entries(options.breakpoints ?? {})) {
      const answer = await this.request<DebugProtocol.SetBreakpointsResponse["body"]>(
        "setBreakpoints",
        {
          source: { path },
          breakpoints: wanted.map((at) => typeof at === "number" ? { line: at } : at),
        },
      );
      breakpoints[path] = answer.breakpoints;
    }
    if (options.exceptionFilters) {
      await this.request("setExceptionBreakpoints", { filters: options.exceptionFilters });
    }
    await this.request("configurationDone");
    await attached;
    return breakpoints;
  }

  /**
   * Sends `initialize` as an editor would.
   *
   * @param changes Changes to its arguments.
   * @returns The capabilities.
   */
  async initialize(
    changes: Partial<DebugProtocol.InitializeRequestArguments> = {},
  ): Promise<DebugProtocol.Capabilities> {
    return await this.request<DebugProtocol.Capabilities>("initialize", {
      clientID: "rdg-test",
      adapterID: "debugpy",
      pathFormat: "path",
      linesStartAt1: true,
      columnsStartAt1: true,
      ...changes,
    });
  }

  /**
   * Evaluates an expression in the innermost frame of a stopped thread.
   *
   * @param expression Python source.
   * @param threadId The thread, as "stopped" named it.
   * @returns The result as text.
   */
  async evaluate(expression: string, threadId: number): Promise<string> {
    const { stackFrames } = await this.request<DebugProtocol.StackTraceResponse["body"]>(
      "stackTrace",
      { threadId },
    );
    const frameId = stackFrames[0]?.id;
    const { result } = await this.request<DebugProtocol.EvaluateResponse["body"]>("evaluate", {
      expression,
      frameId,
      context: "repl",
    });
    return result;
  }

  /**
   * Sends one message as it is, framed.
   *
   * @param message Anything that is JSON.
   */
  write(message: unknown): void {
    const body = new TextEncoder().encode(JSON.stringify(message));
    const head = new TextEncoder().encode(`Content-Length: ${body.length}\r\n\r\n`);
    const bytes = new Uint8Array(head.length + body.length);
    bytes.set(head);
    bytes.set(body, head.length);
    this.writeBytes(bytes);
  }

  /**
   * Sends bytes as they are: for bad input.
   *
   * @param bytes What to send.
   */
  writeBytes(bytes: Uint8Array): void {
    this.#writing = this.#writing.then(async () => {
      for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await this.#conn.write(rest));
    }).catch((error) => this.#end(error instanceof Error ? error : new Error(String(error))));
  }

  /**
   * Detaches politely, leaving the program running, and closes.
   */
  async disconnect(): Promise<void> {
    if (!this.#ended) {
      await this.request("disconnect", { terminateDebuggee: false }).catch((error) => {
        if (error instanceof DapFailure) throw error;
      });
    }
    await this.close();
  }

  /** Closes the connection as it is, as a dropped line would. */
  async close(): Promise<void> {
    this.#end(new Error("The DAP connection was closed by the test"));
    await this.closed;
  }

  /** Closes the connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #readAll(): Promise<void> {
    try {
      for await (const message of readMessages(this.#conn.readable)) {
        this.received.push(message);
        this.#take(message);
      }
      this.#end(new Error("The other side closed the DAP connection"));
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #take(message: DebugProtocol.ProtocolMessage): void {
    if (message.type === "response") {
      const response = message as DebugProtocol.Response;
      this.#pending.get(response.request_seq)?.resolve(response);
      this.#pending.delete(response.request_seq);
    } else if (message.type === "event") {
      const event = message as DapEvent;
      for (const waiter of this.#waiters) {
        if (!waiter.matches(event)) continue;
        this.#waiters.delete(waiter);
        return waiter.resolve(event);
      }
      this.#events.push(event);
    } else {
      this.#answer(message as DebugProtocol.Request);
    }
  }

  async #answer(request: DebugProtocol.Request): Promise<void> {
    const base = { type: "response", "request_seq": request.seq, command: request.command };
    const handler = this.#reverse.get(request.command);
    let outcome: Body;
    try {
      if (!handler) throw new Error(`no handler for "${request.command}"`);
      const body = await handler((request.arguments ?? {}) as Body);
      outcome = { success: true, body: body ?? {} };
    } catch (error) {
      outcome = { success: false, message: String(error) };
    }
    this.write({ seq: ++this.#seq, ...base, ...outcome });
  }

  #end(error: Error): void {
    if (this.#ended) return;
    this.#ended = error;
    for (const { reject } of [...this.#pending.values(), ...this.#waiters]) reject(error);
    this.#pending.clear();
    this.#waiters.clear();
    try {
      this.#conn.close();
    } catch {
      // Closed already, with the end of its readable side.
    }
  }
}

/** Splits a stream of bytes into DAP messages. */
async function* readMessages(
  readable: ReadableStream<Uint8Array>,
): AsyncGenerator<DebugProtocol.ProtocolMessage> {
  let buffer = new Uint8Array(0);
  const decoder = new TextDecoder();
  for await (const chunk of readable) {
    const joined = new Uint8Array(buffer.length + chunk.length);
    joined.set(buffer);
    joined.set(chunk, buffer.length);
    buffer = joined;
    for (;;) {
      const head = decoder.decode(buffer.subarray(0, 200));
      const end = head.indexOf("\r\n\r\n");
      const length = /^Content-Length: (\d+)/m.exec(head.slice(0, Math.max(end, 0)))?.[1];
      if (end < 0 || length === undefined || buffer.length < end + 4 + Number(length)) break;
      const stop = end + 4 + Number(length);
      yield JSON.parse(decoder.decode(buffer.subarray(end + 4, stop)));
      buffer = buffer.slice(stop);
    }
  }
}

/** Bounds a wait; says what was waited for. */
function limit<T>(wait: Promise<T>, ms: number, what: string, forget: () => void): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      forget();
      reject(new Error(`Waited ${ms} ms in vain for ${what}`));
    }, ms);
  });
  return Promise.race([wait, late]).finally(() => clearTimeout(timer));
}
