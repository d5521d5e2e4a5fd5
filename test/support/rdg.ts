/**
 * Runs the real `rdg` as a child process, in a home of its own, and waits for what it says.
 *
 * @module
 */

import { debugpyFor, type Interpreter, python, root } from "./python.ts";

/** A home, a state folder and a cache that belong to one test. */
export interface Sandbox extends AsyncDisposable {
  /** The folder that programs are started in. */
  readonly dir: string;
  /** Folder of the session records. */
  readonly state: string;
  /** rdg's cache folder. */
  readonly cache: string;
  /** Environment of every child: nothing of the tests' own but PATH and the like. */
  readonly env: Readonly<Record<string, string>>;
  /** Writes a file into {@linkcode Sandbox.dir}; returns its path. */
  write(name: string, text: string): Promise<string>;
  /** The session records that are there, parsed. */
  records(): Promise<Record<string, unknown>[]>;
}

/**
 * Makes a sandbox; debugpy of each interpreter named lies in its cache.
 *
 * @param options The interpreter, and debugpy's version (null: none in the cache).
 * @returns The sandbox; dispose of it at the end.
 */
export async function makeSandbox(
  options: { interpreter?: Interpreter; debugpy?: string | null } = {},
): Promise<Sandbox> {
  const base = await Deno.realPath(await Deno.makeTempDir({ prefix: "rdg-test-" }));
  const interpreter = options.interpreter ?? python;
  const dir = `${base}/project`;
  const cache = `${base}/cache/rdg`;
  await Deno.mkdir(dir);
  await Deno.mkdir(`${base}/home`);
  await Deno.mkdir(`${cache}/debugpy`, { recursive: true });
  if (options.debugpy !== null) {
    await Deno.symlink(
      debugpyFor(interpreter, options.debugpy),
      `${cache}/debugpy/${interpreter.tag}`,
    );
  }
  const keep = ["PATH", "LANG", "TERM", "USER", "LOGNAME", "DENO_DIR", "PYENV_ROOT"];
  const env: Record<string, string> = {};
  for (const name of keep) {
    const value = Deno.env.get(name);
    if (value !== undefined) env[name] = value;
  }
  // Deno's own cache must not move with HOME.
  env["DENO_DIR"] ??= `${Deno.env.get("HOME")}/.cache/deno`;
  Object.assign(env, {
    HOME: `${base}/home`,
    XDG_CACHE_HOME: `${base}/cache`,
    RDG_STATE_DIR: `${base}/state`,
    NO_COLOR: "1",
    // A test that fetches from the network unawares is slow, and fails where there is none.
    PIP_NO_INDEX: "1",
  });
  return {
    dir,
    cache,
    state: `${base}/state`,
    env,
    async write(name, text) {
      await Deno.writeTextFile(`${dir}/${name}`, text);
      return `${dir}/${name}`;
    },
    async records() {
      const texts: string[] = [];
      for await (const path of files(`${base}/state`)) {
        if (path.endsWith(".json")) texts.push(await Deno.readTextFile(path));
      }
      return texts.map((text) => JSON.parse(text));
    },
    async [Symbol.asyncDispose]() {
      await Deno.remove(base, { recursive: true });
    },
  };
}

async function* files(folder: string): AsyncGenerator<string> {
  try {
    for await (const entry of Deno.readDir(folder)) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) yield* files(path);
      else yield path;
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Words before a command that take root's power to go over modes of files away; none for others. */
export const powerless: readonly string[] = Deno.uid() === 0
  ? ["/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all"]
  : [];

/** How to start a child. */
export interface StartOptions {
  /** Where: its folder and environment. */
  sandbox: Sandbox;
  /** More variables. */
  env?: Record<string, string>;
  /** Text for its stdin; nothing when left out. */
  stdin?: string;
  /** Folder, if another than the sandbox's. */
  cwd?: string;
}

/** A running child. */
export class Child implements AsyncDisposable {
  /** What it has written to stderr so far. */
  stderr = "";
  /** What it has written to stdout so far. */
  stdout = "";
  readonly #process: Deno.ChildProcess;
  readonly #watchers = new Set<() => void>();
  readonly #done: Promise<Deno.CommandStatus>;

  /** @param process A child with stdout and stderr piped. */
  constructor(process: Deno.ChildProcess) {
    this.#process = process;
    const readers = [
      this.#read(process.stdout, (text) => this.stdout += text),
      this.#read(process.stderr, (text) => this.stderr += text),
    ];
    this.#done = Promise.all([process.status, ...readers]).then(([status]) => status);
  }

  /** Its process id; COMMAND's as well, since rdg becomes it. */
  get pid(): number {
    return this.#process.pid;
  }

  async #read(stream: ReadableStream<Uint8Array>, add: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      add(decoder.decode(chunk, { stream: true }));
      for (const watcher of [...this.#watchers]) watcher();
    }
    for (const watcher of [...this.#watchers]) watcher();
  }

  /**
   * Waits until stdout or stderr matches.
   *
   * @param pattern What to look for.
   * @param options `from` skips that many characters of the stream; `stream` is stderr by default.
   * @returns The match.
   */
  until(
    pattern: RegExp,
    options: { from?: number; stream?: "stdout" | "stderr"; timeoutMs?: number } = {},
  ): Promise<RegExpExecArray> {
    const stream = options.stream ?? "stderr";
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#watchers.delete(check);
        reject(
          new Error(
            `Waited in vain for ${pattern}; stdout:\n${this.stdout}\nstderr:\n${this.stderr}`,
          ),
        );
      }, options.timeoutMs ?? 30_000);
      const check = () => {
        const match = pattern.exec(this[stream].slice(options.from ?? 0));
        if (!match) return;
        clearTimeout(timer);
        this.#watchers.delete(check);
        resolve(match);
      };
      this.#watchers.add(check);
      check();
    });
  }

  /** Waits until it says where to connect; returns the port. */
  async port(from = 0): Promise<number> {
    await this.until(/waiting for debugger|waits for debugger|attach whenever/, { from });
    return Number((await this.until(/^Port: (\d+)$/m, { from }))[1]);
  }

  /** Sends a signal, by number where Deno has no name for it. */
  async kill(signal: Deno.Signal | number): Promise<void> {
    if (typeof signal === "string") return this.#process.kill(signal);
    await new Deno.Command("kill", { args: [`-${signal}`, String(this.pid)] }).output();
  }

  /** Waits for its end. */
  async status(timeoutMs = 30_000): Promise<Deno.CommandStatus> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`It didn't end; stdout:\n${this.stdout}\nstderr:\n${this.stderr}`)),
        timeoutMs,
      );
    });
    try {
      return await Promise.race([this.#done, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends it, if it still runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#done;
  }
}

/**
 * Starts a program.
 *
 * @param command Its words.
 * @param options Where and how.
 * @returns The running child.
 */
export function start(command: readonly string[], options: StartOptions): Child {
  return new Child(spawn(command, options));
}

/**
 * Starts a program whose output the caller reads.
 *
 * @param command Its words.
 * @param options Where and how.
 * @returns The process, stdout and stderr piped.
 */
export function spawn(command: readonly string[], options: StartOptions): Deno.ChildProcess {
  const [program = "", ...args] = command;
  const process = new Deno.Command(program, {
    args,
    cwd: options.cwd ?? options.sandbox.dir,
    env: { ...options.sandbox.env, ...options.env },
    clearEnv: true,
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (options.stdin !== undefined) {
    const writer = process.stdin.getWriter();
    writer.write(new TextEncoder().encode(options.stdin)).then(() => writer.close()).catch(
      () => {},
    );
  }
  return process;
}

/** The words that run rdg from this checkout. */
export const rdg: readonly string[] = [Deno.execPath(), "run", "-A", "-q", `${root}/main.ts`];

/**
 * Starts rdg.
 *
 * @param args The words after `rdg`.
 * @param options Where and how.
 * @returns The running child.
 */
export function startRdg(args: readonly string[], options: StartOptions): Child {
  return start([...rdg, ...args], options);
}

/**
 * Runs rdg to its end.
 *
 * @param args The words after `rdg`.
 * @param options Where and how.
 * @returns Exit code and output.
 */
export async function runRdg(
  args: readonly string[],
  options: StartOptions,
): Promise<{ code: number; stdout: string; stderr: string }> {
  await using child = startRdg(args, options);
  const { code } = await child.status();
  return { code, stdout: child.stdout, stderr: child.stderr };
}
