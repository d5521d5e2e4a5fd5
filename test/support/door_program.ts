/**
 * Starts the program of the door's tests and talks to it. Touches: a Python process, its adapter.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { TextLineStream } from "./lines.ts";
import { testPython } from "./python.ts";

/** Where the program's source is; breakpoints are set in it. */
export const programPath: string = fileURLToPath(
  new URL("../python/testdata/door_program.py", import.meta.url),
);

/** Options of the program; see its source. */
export interface ProgramOptions {
  bind?: string;
  port?: number;
  token?: string;
  auth?: boolean;
  subprocess?: boolean;
  wait?: boolean;
  /** Listens and waits within a signal handler, where SIGCHLD is ignored, too. */
  handler?: boolean;
  /** Takes any port if the one asked for is taken. */
  retry?: boolean;
  /** Says the door's events, instead of writing refusals to standard error. */
  report?: boolean;
  /** Another interpreter than the tests' own. */
  python?: string;
  /** More environment, on top of the test's own. */
  env?: Record<string, string>;
  /** Folders before the others on `PYTHONPATH`. */
  pythonPath?: string;
}

/** A running program. */
export interface Program extends AsyncDisposable {
  /** Address it listens on, as it was bound. */
  host: string;
  /** Port it listens on. */
  port: number;
  /** Its process. */
  pid: number;
  /** The session's token. */
  token: string;
  /** The process of its debugpy adapter. */
  adapterPid: number;
  /** Sends a word on its standard input. */
  tell(word: string): Promise<void>;
  /** The next fact that it says. */
  hear(): Promise<Record<string, unknown>>;
  /** The next line on its standard error that matches. */
  hearError(pattern: RegExp): Promise<string>;
  /** Ends its input and waits for its end, and for that of both its outputs. */
  end(): Promise<Deno.CommandStatus>;
}

/**
 * Makes a token as rdg does: 256 bits from the system's source.
 *
 * @returns 64 hexadecimal digits.
 */
export function newToken(): string {
  return [...crypto.getRandomValues(new Uint8Array(32))]
    .map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Finds the line of a comment in the program's source.
 *
 * @param comment Text at the end of that line.
 * @returns Its number, from 1.
 */
export function lineOf(comment: string): number {
  const lines = Deno.readTextFileSync(programPath).split("\n");
  return lines.findIndex((line) => line.endsWith(comment)) + 1;
}

/**
 * Starts the program and waits until it says that it listens.
 *
 * @param options Its options.
 * @returns The running program; disposing of it kills it.
 * @throws {Error} with what it said when it couldn't listen.
 */
export async function startProgram(options: ProgramOptions = {}): Promise<Program> {
  const { python, pythonPath } = await testPython();
  const { env, pythonPath: more, python: interpreter = python, ...rest } = options;
  const token = options.token ?? newToken();
  const child = new Deno.Command(interpreter, {
    args: [programPath],
    env: {
      PYDEVD_DISABLE_FILE_VALIDATION: "1",
      ...env,
      PYTHONPATH: more ? `${more}:${pythonPath}` : pythonPath,
    },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  const write = (line: string) => input.write(new TextEncoder().encode(`${line}\n`));
  const said = new TextLineStream(child.stdout);
  const errors = new TextLineStream(child.stderr);
  let ended = false;
  const close = async () => {
    ended = true;
    await input.close().catch(() => {});
    await said.cancel();
    await errors.cancel();
  };
  await write(JSON.stringify({ ...rest, token }));
  const first = JSON.parse(await said.next());
  if (first.port === undefined) {
    await child.status;
    await close();
    throw new Error(JSON.stringify(first));
  }
  return {
    host: first.host,
    port: first.port,
    pid: first.pid,
    token,
    adapterPid: holderOf(first.port),
    tell: write,
    hear: async () => JSON.parse(await said.next()),
    hearError: (pattern) => errors.next(pattern),
    async end() {
      await input.close().catch(() => {});
      const status = await child.status;
      await Promise.all([said.finished(), errors.finished()]).finally(close);
      return status;
    },
    async [Symbol.asyncDispose]() {
      if (ended) return;
      try {
        child.kill("SIGKILL");
      } catch {
        // It ended by itself.
      }
      await child.status;
      await close();
    },
  };
}

/**
 * Finds the process that holds a listening port, as root or as its owner.
 *
 * @param port The port.
 * @returns Its PID.
 */
export function holderOf(port: number): number {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (/^\d+$/.test(name) && listeningPorts(Number(name)).includes(port)) return Number(name);
  }
  throw new Error(`No process listens on port ${port}`);
}

/**
 * Lists the TCP ports on which a process listens, on any address.
 *
 * @param pid The process.
 * @returns The ports; none where the process has gone.
 */
export function listeningPorts(pid: number): number[] {
  const inodes = new Set<string>();
  try {
    for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
      const target = readLink(`/proc/${pid}/fd/${name}`);
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode) inodes.add(inode);
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) {
      return [];
    }
    throw error;
  }
  if (inodes.size === 0) return [];
  const ports: number[] = [];
  for (const table of ["tcp", "tcp6"]) {
    for (const line of readText(`/proc/net/${table}`).split("\n").slice(1)) {
      const fields = line.trim().split(/\s+/);
      if (fields[3] !== "0A" || !inodes.has(fields[9] ?? "")) continue;
      ports.push(parseInt((fields[1] ?? "").split(":")[1] ?? "", 16));
    }
  }
  return ports;
}

function readLink(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return "";
  }
}

/** Reads a file of /proc, whose size isn't known beforehand; empty where it is gone. */
export function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
