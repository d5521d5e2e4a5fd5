/**
 * A two-way stream of bytes, whatever carries it: a TCP connection, a program's stdin and stdout, or a
 * channel of a relay. Touches what it is given.
 *
 * @module
 */

/** Bytes in both directions. */
export interface Stream {
  /** What comes in; ends when the other side has closed. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Sends; rejects once the other side has gone. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends it, and whatever carries it alone. May be called twice. */
  close(): Promise<void>;
  /** Why it ended, in the words of what carried it; empty where nobody said. */
  reason(): string;
}

/** A program with its stdin and stdout as a stream. */
export interface ProgramStream extends Stream {
  /** Settles when the program has ended: its exit status. */
  readonly ended: Promise<number>;
}

/**
 * Makes a stream of a TCP connection.
 *
 * @param connection The connection.
 * @returns The stream.
 */
export function tcpStream(connection: Deno.TcpConn): Stream {
  connection.setNoDelay(true);
  return {
    readable: connection.readable,
    write: (bytes) => writeAll(connection, bytes),
    close: () => {
      try {
        connection.close();
      } catch {
        // Closed already, with the end of its readable side.
      }
      return Promise.resolve();
    },
    reason: () => "",
  };
}

/**
 * Makes a stream of a child process whose three streams are pipes.
 *
 * @param child The process.
 * @param options `onComplaint` hears what it writes to stderr.
 * @returns The stream; closing it ends the process: EOF first, SIGTERM and SIGKILL where that isn't
 * enough.
 */
export function programStream(
  child: Deno.ChildProcess,
  options: { onComplaint?: (text: string) => void } = {},
): ProgramStream {
  const writer = child.stdin.getWriter();
  let complaint = "";
  const stderr = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of child.stderr) {
      const text = decoder.decode(bytes, { stream: true });
      complaint = (complaint + text).slice(-8192);
      options.onComplaint?.(text);
    }
  })().catch(() => {});
  const ended = child.status.then(async ({ code }) => {
    // A grandchild may hold stderr open.
    await Promise.race([stderr, pause(200)]);
    return code;
  });
  let closing: Promise<void> | undefined;
  return {
    readable: child.stdout,
    ended,
    write: (bytes) => writer.write(bytes),
    reason: () => complaint.trim(),
    close() {
      closing ??= endGently(child, { writer, ended });
      return closing;
    },
  };
}

async function endGently(
  child: Deno.ChildProcess,
  { writer, ended }: {
    writer: WritableStreamDefaultWriter<Uint8Array>;
    ended: Promise<number>;
  },
): Promise<void> {
  // Not waited for: it settles only when the program reads.
  writer.close().catch(() => {});
  const steps: [number, Deno.Signal][] = [[1500, "SIGTERM"], [1500, "SIGKILL"]];
  for (const [patience, signal] of steps) {
    if (await Promise.race([ended.then(() => true), pause(patience)])) return;
    try {
      child.kill(signal);
    } catch {
      // It has ended in the meantime.
    }
  }
  await ended;
}

/**
 * The variables that a child must not inherit: under a scoped --allow-run, Deno starts nothing while a
 * loader's variable is set (seen on 2.9), as environment modules do.
 *
 * @returns Variables to set to nothing; none where all programs may be run.
 */
export async function loaderVariables(): Promise<Record<string, string>> {
  if ((await Deno.permissions.query({ name: "run" })).state === "granted") return {};
  const all = (await Deno.permissions.query({ name: "env" })).state === "granted";
  const names = all
    ? Object.keys(Deno.env.toObject()).filter((name) => /^(LD|DYLD)_/.test(name))
    : ["LD_LIBRARY_PATH", "LD_PRELOAD", "LD_RUN_PATH"];
  return Object.fromEntries(names.map((name) => [name, ""]));
}

/** Waits; the timer keeps nothing alive. */
export function pause(ms: number): Promise<false> {
  return new Promise((resolve) => {
    Deno.unrefTimer(setTimeout(() => resolve(false), ms));
  });
}

async function writeAll(
  to: { write(bytes: Uint8Array): Promise<number> },
  bytes: Uint8Array,
): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await to.write(rest));
}
