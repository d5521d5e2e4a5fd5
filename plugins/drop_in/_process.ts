/**
 * A process of Deno's that may do nothing, asked line by line, the thread that asks standing still
 * meanwhile. Starts Deno with nothing allowed; in a compiled rdg, itself as `rdg plugin sandbox`, which
 * gives every permission back first.
 *
 * A process and not a worker: a worker that loops can't be ended (terminate() leaves its thread
 * running), one that fills its memory takes rdg along, and asking for a worker with fewer permissions
 * ends rdg where `--unstable-worker-options` is missing (all three seen with Deno 2.9.6).
 *
 * @module
 */

import insideSource from "./_inside.ts" with { type: "text" };
import mediatorSource from "./_mediator.ts" with { type: "text" };
import watchSource from "./_watch.ts" with { type: "text" };
import { PluginFailure } from "./failure.ts";
import { oneLine } from "./_plain.ts";

/** What an answer of the mediator is. */
const status = { line: 1, late: 2, ended: 3, failed: 4, long: 5 } as const;

/** Limits in milliseconds: for starting Deno, and for one call. */
export const limits = { startMs: 30_000, callMs: 5_000 } as const;

/** Memory of a plugin's own objects, in MB; for all of its process, `_watch.ts` has a limit. */
const maxHeapMb = 256;

/** Levels of lists and objects in an answer. */
const maxDepth = 100;

/** Variables that Deno itself needs; a plugin can't read them. */
const keptVariables = ["HOME", "USERPROFILE", "LOCALAPPDATA", "SYSTEMROOT", "DENO_DIR"];

/** The program in which a plugin runs, as an address. */
export const insideUrl: string = dataUrl(insideSource);

/** What the mediator is sent. */
type Message =
  & { limitMs: number }
  & (
    | { line: string }
    | { shared: SharedArrayBuffer; program: string; args: string[]; env: Record<string, string> }
  );

/** A plugin's process. */
export class PluginProcess implements Disposable {
  readonly #plugin: { name?: string | undefined; path: string };
  readonly #shared = new SharedArrayBuffer(16, { maxByteLength: 65 * 1024 * 1024 });
  readonly #worker: Worker;
  #ended = false;

  /**
   * Starts it.
   *
   * @param plugin Whose it is, for errors.
   * @throws {PluginFailure} when rdg may not start Deno, or the process isn't shut off.
   */
  constructor(plugin: { name?: string | undefined; path: string }) {
    this.#plugin = plugin;
    const { program, args } = command();
    const { state } = Deno.permissions.querySync({ name: "run", command: program });
    if (state !== "granted") {
      throw new PluginFailure(
        plugin,
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
    const { ready, granted } = this.#exchange(
      { shared: this.#shared, program, args, env, limitMs },
      "its start",
    );
    if (ready === 1 && Array.isArray(granted) && granted.length === 0) return;
    this[Symbol.dispose]();
    throw new PluginFailure(plugin, "its process could not be shut off from the outside");
  }

  /**
   * Asks it something.
   *
   * @param request What.
   * @param what The same in words, for errors.
   * @returns The answer: an object, not checked.
   * @throws {PluginFailure} when there is none in time, or the process ends.
   */
  ask(request: Record<string, unknown>, what: string): Record<string, unknown> {
    const line = JSON.stringify(request);
    // What a program printed may be long: a second more for each million characters.
    const limitMs = limits.callMs + Math.floor(line.length / 1e6) * 1000;
    return this.#exchange({ line, limitMs }, what);
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

  /** One message to the mediator and its answer, this thread standing still meanwhile. */
  #exchange(message: Message, what: string): Record<string, unknown> {
    if (this.#ended) throw new PluginFailure(this.#plugin, "its process has ended");
    const control = new Int32Array(this.#shared, 0, 3);
    Atomics.store(control, 0, 0);
    this.#worker.postMessage(message);
    // The mediator keeps the time; the longer limit here is for a mediator that is stuck itself.
    const waited = Atomics.wait(control, 0, 0, message.limitMs + 10_000);
    const kind = waited === "timed-out" ? status.late : control[1];
    const bytes = new Uint8Array(this.#shared, 16, control[2]).slice();
    const text = kind === status.late ? "" : new TextDecoder().decode(bytes);
    const value = kind === status.line ? objectIn(text) : undefined;
    if (value) return value;
    this[Symbol.dispose]();
    const reason = kind === status.line
      ? "its process answered with what is no answer"
      : endOf(kind, { what, text, limitMs: message.limitMs });
    throw new PluginFailure(this.#plugin, reason, { lasting: "line" in message });
  }
}

/**
 * How to start a process without permissions.
 *
 * @returns The program and its arguments.
 */
export function command(): { program: string; args: string[] } {
  const program = Deno.execPath();
  if (Deno.build.standalone) return { program, args: ["plugin", "sandbox"] };
  return {
    program,
    args: [
      ..."run -q --no-prompt --no-remote --no-npm --no-config --no-lock --cached-only"
        .split(" "),
      "--deny-import",
      `--v8-flags=--max-old-space-size=${maxHeapMb},--disallow-code-generation-from-strings`,
      dataUrl(watchSource),
      insideUrl,
    ],
  };
}

function objectIn(text: string): Record<string, unknown> | undefined {
  if (isDeep(text)) return undefined;
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a text of JSON is nested deeper than any answer: millions of levels take minutes to read. */
function isDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      do at = text.indexOf('"', at + 1); while (at > 0 && isEscaped(text, at));
      if (at < 0) return false;
    } else if (character === "[" || character === "{") {
      if (++depth > maxDepth) return true;
    } else if (character === "]" || character === "}") depth--;
  }
  return false;
}

/** Whether the quotation mark belongs to the text: an odd number of backslashes stands before it. */
function isEscaped(text: string, at: number): boolean {
  let start = at;
  while (text[start - 1] === "\\") start--;
  return (at - start) % 2 === 1;
}

function endOf(
  kind: number | undefined,
  { what, text, limitMs }: { what: string; text: string; limitMs: number },
): string {
  if (kind === status.late) return `${what} took longer than ${limitMs / 1000} s and was ended`;
  if (kind === status.failed) return `its process cannot be started: ${oneLine(text)}`;
  if (kind === status.long) return `${what} gave more than ${text} MB and was ended`;
  if (text.includes("out of memory") || text.includes("Last few GCs")) {
    return `${what} used more than ${maxHeapMb} MB and was ended`;
  }
  const over = /^used more than \d+ MB/.exec(text);
  if (over) return `${what} ${over[0]} and was ended`;
  const said = oneLine(text);
  return `${what} ended its process${said ? `: ${said}` : ""}`;
}

function dataUrl(source: string): string {
  return `data:application/typescript;charset=utf-8,${encodeURIComponent(source)}`;
}

function readEnv(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}
