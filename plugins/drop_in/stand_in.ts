/**
 * Makes a plugin of the contract out of a drop-in one: the same data, and functions that ask the
 * plugin's process and check what it gives. The process is started by the first call.
 *
 * @module
 */

import type { EditorPlugin, RunOutput, RunSpec, SchedulerPlugin, Steps } from "../contract.ts";
import { checkDeclared } from "../host.ts";
import { type Check, FormError } from "./_check.ts";
import { oneLine, plainLines } from "./_plain.ts";
import { PluginFailure } from "./failure.ts";
import {
  checkPlugin,
  type EditorData,
  functions,
  type PluginData,
  type SchedulerData,
} from "./forms.ts";
import { editorResults, runSpec, schedulerResults } from "./results.ts";
import { type Loaded, PluginThrew, Sandbox } from "./sandbox.ts";

/** What is known of a plugin without its process. */
export interface Manifest {
  /** What it says of itself. */
  data: PluginData;
  /** Names of its functions. */
  functions: readonly string[];
}

/** A manifest and where it comes from. */
export interface Source extends Manifest {
  /** The file. */
  path: string;
  /** Reads the file. */
  read(): string;
}

/** More programs than this no question needs: the steps have no end. */
const maxPrograms = 2000;

/** Errors that are slips of the plugin's author, not words for a person. */
const slips = ["TypeError", "RangeError", "ReferenceError", "EvalError", "URIError"];

/**
 * Makes a scheduler.
 *
 * @param data What it says of itself.
 * @param source Where it comes from.
 * @returns The scheduler; its functions throw {@linkcode PluginFailure} where the plugin is at fault.
 */
export function schedulerOf(data: SchedulerData, source: Source): SchedulerPlugin {
  const caller = new Caller(source);
  const ids = new Map<string, string>();
  const made = members(caller, { names: functions.scheduler, results: schedulerResults });
  if (made.canonicalId) {
    // It is asked about every record: once for each id.
    made.canonicalId = (id: string) => {
      const known = ids.get(id) ?? caller.call("canonicalId", [id], schedulerResults.canonicalId);
      ids.set(id, known);
      return known;
    };
  }
  return { ...data, ...made as Pick<SchedulerPlugin, "list"> };
}

/**
 * Makes an editor.
 *
 * @param data What it says of itself.
 * @param source Where it comes from.
 * @returns The editor; its functions throw as those of {@linkcode schedulerOf}, and SyntaxError where
 * the plugin throws one.
 */
export function editorOf(data: EditorData, source: Source): EditorPlugin {
  const made = members(new Caller(source), { names: functions.editor, results: editorResults });
  return { ...data, ...made as Pick<EditorPlugin, "apply" | "remove" | "instructions"> };
}

/** The functions of a kind that the plugin has. */
function members(
  caller: Caller,
  kind: {
    names: { needed: readonly string[]; optional: readonly string[] };
    results: Readonly<Record<string, Check<unknown>>>;
  },
): Record<string, (...args: never[]) => unknown> {
  const made: Record<string, (...args: never[]) => unknown> = {};
  for (const marked of [...kind.names.needed, ...kind.names.optional]) {
    const name = marked.replace("*", "");
    const result = kind.results[name];
    if (!result || !caller.source.functions.includes(name)) continue;
    made[name] = marked.startsWith("*")
      ? (...args) => caller.steps(name, args, result)
      : (...args) => caller.call(name, args, result);
  }
  return made;
}

/** Asks the plugin's process. */
export class Caller implements Disposable {
  /** Where the plugin comes from. */
  readonly source: Source;
  #sandbox: Sandbox | undefined;

  /** @param source Where the plugin comes from. */
  constructor(source: Source) {
    this.source = source;
  }

  /** Calls a function; `result` checks what it gives. */
  call<T>(name: string, args: readonly unknown[], result: Check<T>): T {
    const value = this.#guarded(name, () => this.#open().call(name, args));
    return this.#checked(name, () => this.#declared(result(value, `${name}()`)));
  }

  /** Runs a function that gives steps. */
  *steps<T>(name: string, args: readonly unknown[], result: Check<T>): Steps<T> {
    const steps = this.#guarded(name, () => this.#open().steps(name, args));
    let next = this.#guarded(name, () => steps.next());
    for (let count = 0; !next.done; count++) {
      if (count >= maxPrograms) {
        throw this.#failure(`${name}() asks for one program after the other, for ever`);
      }
      const given = next.value;
      const spec = this.#checked(name, () => this.#declared(runSpec(given, `${name}()'s step`)));
      let output: RunOutput;
      try {
        output = yield spec;
      } catch (error) {
        next = this.#guarded(name, () => steps.throw(error));
        continue;
      }
      next = this.#guarded(name, () => steps.next(output));
    }
    const given = next.value;
    return this.#checked(name, () => result(given, `${name}()`));
  }

  /** Ends the plugin's process, if there is one. */
  [Symbol.dispose](): void {
    this.#sandbox?.[Symbol.dispose]();
  }

  #open(): Sandbox {
    if (this.#sandbox) return this.#sandbox;
    const { path, data } = this.source;
    const sandbox = new Sandbox({ name: data.name, path, text: this.source.read() });
    // What it may do was taken from what was known of it: the two must be of one source.
    if (!saysTheSame(sandbox.loaded, data)) {
      sandbox[Symbol.dispose]();
      throw this.#failure("it changed just now; run the command again");
    }
    return this.#sandbox = sandbox;
  }

  /** Refuses programs that the plugin didn't declare, wherever in its answer they stand. */
  #declared<T>(value: T): T {
    for (const spec of [value, (value as { retry?: unknown } | null)?.retry]) {
      if (typeof spec === "object" && spec !== null && "program" in spec && "args" in spec) {
        this.#checkDeclared(spec as RunSpec);
      }
    }
    return value;
  }

  #checkDeclared(spec: RunSpec): void {
    try {
      checkDeclared(spec, this.source.data);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw this.#failure(error.message.replace("Cannot run", "it wants to run"));
    }
  }

  #checked<T>(name: string, action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof FormError)) throw error;
      throw this.#failure(`${name}() gave rubbish: ${oneLine(error.message)}`);
    }
  }

  #guarded<T>(name: string, action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof PluginThrew)) throw error;
      const { thrown } = error;
      const message = oneLine(thrown.message, 2000);
      if (slips.includes(thrown.name)) {
        throw this.#failure(`${name}() threw ${thrown.name}: ${message}`);
      }
      const cause = thrown.cause === undefined ? {} : { cause: plainLines(thrown.cause) };
      const passedOn = thrown.name === "SyntaxError"
        ? new SyntaxError(message, cause)
        : new Error(message, cause);
      throw Object.assign(passedOn, thrown.hint ? { hint: oneLine(thrown.hint, 2000) } : {});
    }
  }

  #failure(reason: string): PluginFailure {
    const { path, data } = this.source;
    return new PluginFailure({ name: data.name, path }, reason);
  }
}

/** Whether a plugin says of itself what is known of it. */
function saysTheSame(loaded: Loaded, data: PluginData): boolean {
  try {
    return JSON.stringify(checkPlugin(loaded)) === JSON.stringify(data);
  } catch (error) {
    if (error instanceof FormError) return false;
    throw error;
  }
}
