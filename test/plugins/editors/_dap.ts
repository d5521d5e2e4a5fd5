/**
 * A small DAP client and a real program under a real debugpy, for tests. Starts python3, opens a TCP
 * connection to it; every wait has a limit. debugpy is taken from RDG_TEST_DEBUGPY (a folder for
 * PYTHONPATH), else from wherever python3 finds it.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";

/** Limit of every wait, in milliseconds. */
const limitMs = 30_000;

/** A message of the protocol. */
interface Message {
  type: string;
  seq?: number;
  command?: string;
  event?: string;
  "request_seq"?: number;
  success?: boolean;
  message?: string;
  // deno-lint-ignore no-explicit-any -- DAP bodies are as various as its requests
  body?: any;
}

/** The environment that python3 needs; `null` where it has no debugpy. */
export async function debugpyEnv(): Promise<Record<string, string> | null> {
  const folder = Deno.env.get("RDG_TEST_DEBUGPY");
  const env: Record<string, string> = folder ? { PYTHONPATH: folder } : {};
  try {
    const { success } = await new Deno.Command("python3", {
      args: ["-c", "import debugpy"],
      env,
      stdout: "null",
      stderr: "null",
    }).output();
    return success ? env : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Says why a test is left out, and what it needs. */
export const noDebugpy = "python3 has no debugpy: set RDG_TEST_DEBUGPY, or pip install debugpy";

/** Fails when something takes too long. */
export async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Timed out: ${what}`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A client of one session. */
export class DapClient {
  #socket: Socket;
  #seq = 0;
  #rest: Buffer = Buffer.alloc(0);
  #seen: Message[] = [];
  #waiting: { wants: (message: Message) => boolean; take: (message: Message) => void }[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (data: Buffer) => this.#receive(data));
    socket.on("error", () => {});
  }

  /** Connects to a port of this machine. */
  static async open(port: number): Promise<DapClient> {
    const socket = connect(port, "127.0.0.1");
    await within(
      new Promise<void>((resolve, reject) => {
        socket.once("connect", () => resolve());
        socket.once("error", reject);
      }),
      "connect",
    );
    socket.setNoDelay(true);
    return new DapClient(socket);
  }

  #receive(data: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, data]);
    for (;;) {
      const head = this.#rest.indexOf("\r\n\r\n");
      if (head === -1) return;
      const length = Number(
        /Content-Length: (\d+)/i.exec(this.#rest.toString("utf8", 0, head))?.[1],
      );
      if (this.#rest.length < head + 4 + length) return;
      const message: Message = JSON.parse(this.#rest.toString("utf8", head + 4, head + 4 + length));
      this.#rest = this.#rest.subarray(head + 4 + length);
      const index = this.#waiting.findIndex(({ wants }) => wants(message));
      if (index === -1) this.#seen.push(message);
      else this.#waiting.splice(index, 1)[0]!.take(message);
    }
  }

  #wait(wants: (message: Message) => boolean, what: string): Promise<Message> {
    const index = this.#seen.findIndex(wants);
    if (index !== -1) return Promise.resolve(this.#seen.splice(index, 1)[0]!);
    return within(new Promise((take) => this.#waiting.push({ wants, take })), what);
  }

  /** Waits for an event. */
  async event(name: string): Promise<Message["body"]> {
    return (await this.#wait(({ event }) => event === name, `event ${name}`)).body;
  }

  /** Sends a request and waits for its answer. */
  async request(command: string, args?: unknown): Promise<Message["body"]> {
    const seq = ++this.#seq;
    const text = JSON.stringify({ seq, type: "request", command, arguments: args });
    this.#socket.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
    const answer = await this.#wait(
      (message) => message.type === "response" && message["request_seq"] === seq,
      `answer to ${command}`,
    );
    if (!answer.success) throw new Error(`${command}: ${answer.message}`);
    return answer.body;
  }

  /** Ends the connection. */
  close(): void {
    this.#socket.destroy();
  }
}

/** Line of {@linkcode program} that a breakpoint is set on. */
export const breakpointLine = 7;

/** Listens, says the port, waits for a client, calls a function. */
export const program = `import debugpy
print("port", debugpy.listen(("127.0.0.1", 0))[1], flush=True)
debugpy.wait_for_client()


def double(x):
    return x * 2


print("result", double(21), flush=True)
`;

/** A program under debugpy. */
export interface Debuggee extends AsyncDisposable {
  /** Where it listens. */
  port: number;
  /** Waits for a line that begins with a word, and returns what follows. */
  line(word: string): Promise<string>;
}

/** Starts a Python file; what it prints is read line by line. */
export async function startProgram(
  file: string,
  options: { cwd: string; env: Record<string, string> },
): Promise<Debuggee> {
  const child = new Deno.Command("python3", {
    args: [file],
    ...options,
    env: { ...options.env, PYDEVD_DISABLE_FILE_VALIDATION: "1" },
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const line = async (word: string): Promise<string> => {
    for (;;) {
      const found = new RegExp(`^${word} (.*)\\n`, "m").exec(text)?.[1];
      if (found !== undefined) return found;
      const { value, done } = await within(lines.read(), `the line "${word}"`);
      if (done) throw new Error(`The program ended before it said "${word}": ${text}`);
      text += value;
    }
  };
  const dispose = async () => {
    try {
      child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // It has ended by itself.
    }
    await lines.cancel();
    await child.status;
  };
  try {
    return { port: Number(await line("port")), line, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** What came of attaching. */
export interface Stop {
  /** Whether debugpy found the file of the breakpoint. */
  verified: boolean;
  /** Path of the frame, as the editor would open it. */
  path: string;
  /** Line of the frame. */
  line: number;
  /** What the frame's `x` is. */
  x: string;
}

/**
 * Attaches as an editor does, stops at the breakpoint and lets the program end.
 *
 * @param debuggee The program.
 * @param options Attach arguments as they are; the local file to set the breakpoint in.
 * @returns The stop; `null` when the program ended without one.
 */
export async function attachAndStop(
  debuggee: Debuggee,
  options: { attach: unknown; file: string },
): Promise<Stop | null> {
  const client = await DapClient.open(debuggee.port);
  try {
    await client.request("initialize", {
      adapterID: "debugpy",
      pathFormat: "path",
      linesStartAt1: true,
      columnsStartAt1: true,
    });
    const attached = client.request("attach", options.attach);
    await client.event("initialized");
    const { breakpoints } = await client.request("setBreakpoints", {
      source: { path: options.file },
      breakpoints: [{ line: breakpointLine }],
    });
    await client.request("configurationDone");
    await attached;
    const stopped = client.event("stopped");
    const ended = debuggee.line("result").then(() => null);
    const first = await Promise.race([stopped, ended]);
    stopped.catch(() => {}); // Closing leaves it unanswered where the program ended first.
    ended.catch(() => {});
    if (first === null) return null;
    const { stackFrames: [frame] } = await client.request("stackTrace", {
      threadId: first.threadId,
    });
    const { result } = await client.request("evaluate", { expression: "x", frameId: frame.id });
    await client.request("continue", { threadId: first.threadId });
    await ended;
    return {
      verified: breakpoints[0].verified,
      path: frame.source.path,
      line: frame.line,
      x: result,
    };
  } finally {
    client.close();
  }
}
