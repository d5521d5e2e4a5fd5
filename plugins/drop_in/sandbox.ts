/**
 * Runs a drop-in plugin in a process of its own that has no permissions, and waits for its answers.
 * Starts Deno with nothing allowed; in a compiled rdg, itself as `rdg plugin sandbox`, which gives
 * every permission back first.
 *
 * A process and not a worker: a worker that loops can't be ended (terminate() leaves its thread
 * running), one that fills its memory takes rdg along, and asking for a worker with fewer permissions
 * ends rdg where `--unstable-worker-options` is missing (all three seen with Deno 2.9.6).
 *
 * @module
 */

import insideSource from "./_inside.ts" with { type: "text" };
import mediatorSource from "./_mediator.ts" with { type: "text" };
import { harmless, PluginFailure } from "./failure.ts";
import { forbiddenImport } from "./scan.ts";

/** What an answer of the mediator is. */
const status = { line: 1, late: 2, ended: 3, failed: 4 } as const;

/** Limits in milliseconds: for starting Deno, and for one call. */
export const limits = { startMs: 30_000, callMs: 5_000 } as const;

/** Memory of a plugin's process, in MB of its own objects. */
const maxHeapMb = 256;

/** Variables that Deno itself needs; a plugin can't read them. */
const keptVariables = ["HOME", "USERPROFILE", "LOCALAPPDATA", "SYSTEMROOT", "DENO_DIR"];

/** What a plugin threw, as plain data. */
export interface Thrown {
  /** The error's name: `SyntaxError`, … */
  name: string;
  /** Its message. */
  message: string;
  /** What the person can do, if it says. */
  hint?: string;
  /** Why, if it says. */
  cause?: string;
}

/** An error that a plugin threw in one of its functions. */
export class PluginThrew extends Error {
  /** What was thrown. */
  readonly thrown: Thrown;

  /** @param thrown What was thrown. */
  constructor(thrown: Thrown) {
    super(thrown.message);
    this.thrown = thrown;
  }
}

/** What {@linkcode Sandbox} is opened with. */
export interface SandboxSource {
  /** The plugin's name, where known. */
  name?: string | undefined;
  /** The file that it was read from. */
  path: string;
  /** Its source. */
  text: string;
}

/** What a plugin is, functions by name only. */
export interface Loaded {
  /** Everything of it that is data. */
  data: Record<string, unknown>;
  /** Names of its functions. */
  functions: string[];
}

/** A plugin's process. */
export class Sandbox implements Disposable {
  /** The plugin as it describes itself, not checked. */
  readonly loaded: Loaded;
  readonly #source: SandboxSource;
  readonly #shared = new SharedArrayBuffer(16, { maxByteLength: 65 * 1024 * 1024 });
  readonly #worker: Worker;
  #ended = false;

  /**
   * Starts the process and loads the plugin.
   *
   * @param source The plugin.
   * @throws {PluginFailure} when it can't be loaded, or rdg may not start Deno.
   */
  constructor(source: SandboxSource) {
    this.#source = source;
    const found = forbiddenImport(source.text);
    if (found) throw new PluginFailure(source, found);
    const { program, args } = command();
    const { state } = Deno.permissions.querySync({ name: "run", command: program });
    if (state !== "granted") {
      throw new PluginFailure(
        source,
        `rdg may not start Deno, in which plugins run: --allow-run=${program}`,
        { lasting: false },
      );
    }
    this.#worker = new Worker(dataUrl(mediatorSource), { type: "module" });
    this.#worker.addEventListener("error", (event) => event.preventDefault());
    const env: Record<string, string> = {};
    for (const name of keptVariables) {
      const value = readEnv(name);
      if (value !== undefined) env[name] = value;
    }
    const { startMs: limitMs } = limits;
    try {
      const ready = this.#ask({ shared: this.#shared, program, args, env, limitMs }, "its start");
      const granted = ready.granted;
      if (ready.ready !== 1 || !Array.isArray(granted) || granted.length > 0) {
        throw new PluginFailure(source, "its process could not be shut off from the outside");
      }
      this.loaded = this.#request({ do: "load", text: source.text }, "loading it") as Loaded;
    } catch (error) {
      this[Symbol.dispose]();
      if (!(error instanceof PluginThrew)) throw error;
      const { name, message } = error.thrown;
      const line = harmless(message.replaceAll(/blob:null\/[0-9a-f-]+/g, baseName(source.path)));
      throw new PluginFailure(
        source,
        `it cannot be loaded: ${line.startsWith(`${name}:`) ? line : `${name}: ${line}`}`,
      );
    }
  }

  /**
   * Calls one of its functions.
   *
   * @param name The function.
   * @param args What it is given: plain data.
   * @returns What it gives, not checked.
   * @throws {PluginThrew} what it throws.
   * @throws {PluginFailure} when it takes too long or ends its process.
   */
  call(name: string, args: readonly unknown[]): unknown {
    return (this.#request({ do: "call", name, args }, `${name}()`) as { value: unknown }).value;
  }

  /**
   * Runs one of its functions that gives steps.
   *
   * @param name The function.
   * @param args What it is given: plain data.
   * @returns Steps, not checked; what they throw is as for {@linkcode Sandbox.call}.
   */
  *steps(name: string, args: readonly unknown[]): Generator<unknown, unknown, unknown> {
    const what = `${name}()`;
    let state = this.#request({ do: "begin", name, args }, what) as Step;
    while (!state.done) {
      const { steps } = state;
      let value: unknown;
      try {
        value = yield state.value;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        state = this.#request({ do: "throw", steps, value: message }, what) as Step;
        if (state.passedOn) throw error;
        continue;
      }
      state = this.#request({ do: "next", steps, value }, what) as Step;
    }
    return state.value;
  }

  /** Ends the process, and waits until it is gone. */
  [Symbol.dispose](): void {
    if (this.#ended) return;
    this.#ended = true;
    const control = new Int32Array(this.#shared, 0, 3);
    Atomics.store(control, 0, 0);
    this.#worker.postMessage({ limitMs: 0 });
    Atomics.wait(control, 0, 0, 10_000);
  }

  #request(request: Record<string, unknown>, what: string): unknown {
    const line = JSON.stringify(request);
    // What a program printed may be long: a second more for each million characters.
    const limitMs = limits.callMs + Math.floor(line.length / 1e6) * 1000;
    const answer = this.#ask({ line, limitMs }, what);
    if ("thrown" in answer) throw new PluginThrew(answer.thrown as Thrown);
    return answer.ok;
  }

  /** One message to the mediator and its answer, this thread standing still meanwhile. */
  #ask(message: Message, what: string): Record<string, unknown> {
    if (this.#ended) throw new PluginFailure(this.#source, "its process has ended");
    const control = new Int32Array(this.#shared, 0, 3);
    Atomics.store(control, 0, 0);
    this.#worker.postMessage(message);
    // The mediator keeps the time; the longer limit here is for a mediator that is stuck itself.
    const waited = Atomics.wait(control, 0, 0, message.limitMs + 10_000);
    const kind = waited === "timed-out" ? status.late : control[1];
    const bytes = new Uint8Array(this.#shared, 16, control[2]).slice();
    const text = kind === status.late ? "" : new TextDecoder().decode(bytes);
    if (kind === status.line) return this.#parse(text);
    this[Symbol.dispose]();
    const reason = endOf(kind, { what, text, limitMs: message.limitMs });
    throw new PluginFailure(this.#source, reason, { lasting: "line" in message });
  }

  #parse(text: string): Record<string, unknown> {
    try {
      const value = JSON.parse(text);
      if (typeof value === "object" && value !== null) return value;
    } catch {
      // Said below.
    }
    this[Symbol.dispose]();
    throw new PluginFailure(this.#source, "its process answered with what is no answer");
  }
}

/** What the mediator is sent. */
type Message =
  & { limitMs: number }
  & (
    | { line: string }
    | { shared: SharedArrayBuffer; program: string; args: string[]; env: Record<string, string> }
  );

/** How far a plugin's steps are. */
interface Step {
  steps: number;
  done: boolean;
  value: unknown;
  passedOn?: boolean;
}

function endOf(
  kind: number | undefined,
  { what, text, limitMs }: { what: string; text: string; limitMs: number },
): string {
  if (kind === status.late) return `${what} took longer than ${limitMs / 1000} s and was ended`;
  if (kind === status.failed) return `its process cannot be started: ${harmless(text)}`;
  if (text.includes("out of memory") || text.includes("Last few GCs")) {
    return `${what} used more than ${maxHeapMb} MB and was ended`;
  }
  const said = harmless(text);
  return `${what} ended its process${said ? `: ${said}` : ""}`;
}

/** How to start a process without permissions. */
function command(): { program: string; args: string[] } {
  const program = Deno.execPath();
  if (Deno.build.standalone) return { program, args: ["plugin", "sandbox"] };
  return {
    program,
    args: [
      ..."run -q --no-prompt --no-remote --no-npm --no-config --no-lock --cached-only"
        .split(" "),
      "--deny-import",
      `--v8-flags=--max-old-space-size=${maxHeapMb},--disallow-code-generation-from-strings`,
      dataUrl(insideSource),
    ],
  };
}

function dataUrl(source: string): string {
  return `data:application/typescript;charset=utf-8,${encodeURIComponent(source)}`;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function readEnv(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}
