/**
 * Replaces this process by another program, so that no wrapper stays in memory and signals and exit
 * status are the program's own. Deno has no `exec`, so the C library's is called. Touches the C library
 * (`--allow-ffi`), `/proc`, and this process's environment, signal dispositions and limits.
 *
 * @module
 */

import { ExitCode, RdgError } from "../../plugins/error.ts";
import { type AgentPlaces, installAgent, type MachineNames } from "../../python/launch.ts";

const SIGPIPE = 13;

/** Numbers of one system. */
interface System {
  libc: string;
  errno: "__errno_location" | "__error";
  rlimitNofile: number;
}

const systems: Readonly<Record<string, System>> = {
  linux: { libc: "libc.so.6", errno: "__errno_location", rlimitNofile: 7 },
  darwin: { libc: "libSystem.B.dylib", errno: "__error", rlimitNofile: 8 },
};

/** This process, as `rdg debug` sees it. */
export interface Machine {
  /** Its id. */
  readonly pid: number;
  /** The person's user id, null where there is none. */
  readonly uid: number | null;
  /** Whether the process can be replaced. */
  readonly canReplace: boolean;
  /** Clock ticks from boot to its start (field 22 of /proc/self/stat); null where unknown. */
  startTime(): number | null;
  /** What tells this machine from others; null where the system doesn't say. */
  names(): Pick<MachineNames, "boot" | "pids" | "network" | "host"> | null;
  /** Makes a folder of the person's, if it can be. */
  makeFolder(path: string): void;
  /** Its environment. */
  environment(): Record<string, string>;
  /** Puts rdg's Python files on disk. */
  installAgent(places: AgentPlaces): Promise<string>;
  /** Changes the environment (null: takes a variable away) and becomes the command. */
  become(command: readonly string[], changes: Record<string, string | null>): Promise<number>;
}

/**
 * The real one.
 *
 * @returns This process.
 */
export function systemMachine(): Machine {
  const libc = openLibc();
  return {
    pid: Deno.pid,
    uid: Deno.uid(),
    canReplace: libc !== null,
    startTime,
    names,
    makeFolder(path) {
      try {
        Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
      } catch {
        // The program says so, where it matters.
      }
    },
    environment: () => Deno.env.toObject(),
    installAgent,
    async become(command, changes) {
      for (const [name, value] of Object.entries(changes)) {
        if (value === null) Deno.env.delete(name);
        else Deno.env.set(name, value);
      }
      return libc ? become(command, libc) : await runInstead(command);
    },
  };
}

/** The start time stays the same across exec. */
function startTime(): number | null {
  try {
    const stat = Deno.readTextFileSync("/proc/self/stat");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
  } catch {
    return null;
  }
}

function names(): ReturnType<Machine["names"]> {
  try {
    return {
      boot: Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim(),
      pids: Deno.readLinkSync("/proc/self/ns/pid"),
      network: Deno.readLinkSync("/proc/self/ns/net"),
      host: Deno.hostname(),
    };
  } catch {
    return null;
  }
}

/** The C library as far as it is needed. */
interface Libc {
  /** Replaces the process; comes back with an errno only when that failed. */
  exec(command: readonly string[]): number;
  /** Puts back what Deno changed: SIGPIPE ignored, the soft limit of open files raised. */
  restore(softLimit: number | null): void;
}

/**
 * Opens the C library.
 *
 * @returns It, or null where there is none that can be called (another system, no `--allow-ffi`).
 */
function openLibc(): Libc | null {
  const system = systems[Deno.build.os];
  if (!system) return null;
  try {
    const { symbols } = Deno.dlopen(system.libc, {
      execvp: { parameters: ["buffer", "buffer"], result: "i32" },
      signal: { parameters: ["i32", "usize"], result: "usize" },
      getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
      setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
      errno: { name: system.errno, parameters: [], result: "pointer" },
    });
    return {
      exec(command) {
        const words = wordsAsTyped(command);
        const pointers = new BigUint64Array(words.length + 1);
        words.forEach((word, index) => {
          pointers[index] = Deno.UnsafePointer.value(Deno.UnsafePointer.of(word));
        });
        symbols.execvp(words[0]!, new Uint8Array(pointers.buffer));
        const where = symbols.errno();
        return where === null ? 0 : new Deno.UnsafePointerView(where).getInt32();
      },
      restore(softLimit) {
        symbols.signal(SIGPIPE, 0n);
        if (softLimit === null) return;
        const limit = new BigUint64Array(2);
        const bytes = new Uint8Array(limit.buffer);
        if (symbols.getrlimit(system.rlimitNofile, bytes) !== 0) return;
        if (BigInt(softLimit) >= limit[0]!) return;
        limit[0] = BigInt(softLimit);
        symbols.setrlimit(system.rlimitNofile, bytes);
      },
    };
  } catch {
    return null;
  }
}

/**
 * Becomes a program.
 *
 * @param command Its words; the first is looked up on PATH.
 * @param libc From {@linkcode openLibc}.
 * @returns Never.
 * @throws {RdgError} `not-found`, `permission`, or `exec`, when it can't be started.
 */
function become(command: readonly string[], libc: Libc): never {
  libc.restore(parentSoftLimit());
  const errno = libc.exec(command);
  throw startError(command[0] ?? "", errno);
}

/**
 * COMMAND's words as bytes, each with its final zero. Deno hands over text, in which a byte that is no
 * UTF-8 (a file name from another time) is lost; the kernel still has the bytes.
 */
function wordsAsTyped(command: readonly string[]): Uint8Array<ArrayBuffer>[] {
  const words = command.map((word) => new TextEncoder().encode(`${word}\0`));
  if (!command.some((word) => word.includes("\ufffd"))) return words;
  try {
    const line = Deno.readFileSync("/proc/self/cmdline");
    const typed: Uint8Array<ArrayBuffer>[] = [];
    for (let from = 0; from < line.length;) {
      const end = line.indexOf(0, from) + 1 || line.length;
      typed.push(line.slice(from, end));
      from = end;
    }
    return typed.slice(-words.length);
  } catch {
    return words;
  }
}

/**
 * Says why a program could not be started.
 *
 * @param program What was typed.
 * @param errno The C library's reason.
 * @returns The error, to be thrown.
 */
export function startError(program: string, errno: number): RdgError {
  const ENOENT = 2;
  const EACCES = 13;
  if (errno === ENOENT) {
    return new RdgError(
      `Cannot run "${program}": ${
        program.includes("/") ? "there is no such file" : "it is not on PATH"
      }`,
      {
        code: "not-found",
        exitCode: ExitCode.notFound,
        hint: program.endsWith(".py")
          ? `rdg debug python ${program}`
          : "check the name, or activate the environment that brings it",
      },
    );
  }
  if (errno === EACCES && isFolder(program)) {
    return new RdgError(`Cannot run "${program}": it is a folder`, {
      code: "permission",
      exitCode: ExitCode.permission,
      hint: `rdg debug python ${program}, if there is a __main__.py in it`,
    });
  }
  if (errno === EACCES) {
    return new RdgError(`Cannot run "${program}": it may not be executed`, {
      code: "permission",
      exitCode: ExitCode.permission,
      hint: `rdg debug python ${program}, or chmod +x ${program}`,
    });
  }
  return new RdgError(`Cannot run "${program}": the system refused (errno ${errno})`, {
    code: "exec",
    exitCode: ExitCode.generic,
  });
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/**
 * The soft limit of open files before Deno raised it: the parent still has it.
 *
 * @returns The limit, or null where it can't be read.
 */
function parentSoftLimit(): number | null {
  try {
    const limits = Deno.readTextFileSync(`/proc/${Deno.ppid}/limits`);
    const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
    return soft === undefined ? null : Number(soft);
  } catch {
    return null;
  }
}

/**
 * Runs a program as a child and returns its status: where the process can't be replaced.
 *
 * @param command Its words.
 * @returns Its exit code; 128 + n when signal n ended it.
 * @throws {RdgError} as {@linkcode become}.
 */
async function runInstead(command: readonly string[]): Promise<number> {
  const [program = "", ...args] = command;
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, { args, stdin: "inherit" }).spawn();
  } catch (error) {
    throw startError(program, error instanceof Deno.errors.NotFound ? 2 : 13);
  }
  const forwarded: Deno.Signal[] = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGCONT"];
  // The terminal sends these to the child as well: passing them on would double them.
  const shared: Deno.Signal[] = ["SIGINT", "SIGQUIT"];
  for (const signal of forwarded) Deno.addSignalListener(signal, () => child.kill(signal));
  for (const signal of shared) Deno.addSignalListener(signal, () => {});
  try {
    return (await child.status).code;
  } catch (error) {
    // Deno has no name for a real-time signal (seen on 2.9.6).
    const signal = error instanceof TypeError ? /^Invalid signal: (\d+)/.exec(error.message) : null;
    if (!signal) throw error;
    return 128 + Number(signal[1]);
  }
}
