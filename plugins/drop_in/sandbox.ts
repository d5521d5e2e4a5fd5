/**
 * A drop-in plugin in a process of its own that has no permissions: loads it there, and calls its
 * functions. What the process says is a stranger's word: its form is checked here, its content by
 * whoever asked.
 *
 * @module
 */

import { type Check, flag, FormError, list, number, object, text } from "./_check.ts";
import { oneLine } from "./_plain.ts";
import { PluginProcess } from "./_process.ts";
import { PluginFailure } from "./failure.ts";
import { forbiddenImport } from "./scan.ts";

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

/** How far a plugin's steps are. */
interface Step {
  steps: number;
  done: boolean;
  value: unknown;
  passedOn?: boolean;
}

/** An object, its members as they are. */
const anObject: Check<Record<string, unknown>> = (value, at) => {
  object<object>({}, {})(value, at);
  return value as Record<string, unknown>;
};

const thrownForm = object<Thrown>({ name: text(), message: text() }, {
  hint: text(),
  cause: text(),
});

const loadedForm = object<Loaded>({ data: anObject, functions: list(text(), 1000) }, {});

const stepForm: Check<Step> = (value, at) => {
  const step = object<Omit<Step, "value">>(
    { steps: number(0), done: flag },
    { passedOn: flag },
  )(value, at);
  return { ...step, value: anObject(value, at).value };
};

/** A plugin, loaded in its process. */
export class Sandbox implements Disposable {
  /** The plugin as it describes itself, not checked. */
  readonly loaded: Loaded;
  readonly #source: SandboxSource;
  readonly #process: PluginProcess;

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
    this.#process = new PluginProcess(source);
    try {
      this.loaded = this.#request({ do: "load", text: source.text }, {
        what: "loading it",
        form: loadedForm,
      });
    } catch (error) {
      this[Symbol.dispose]();
      if (!(error instanceof PluginThrew)) throw error;
      const { name, message } = error.thrown;
      const line = oneLine(message.replaceAll(/blob:null\/[0-9a-f-]+/g, baseName(source.path)));
      throw new PluginFailure(
        source,
        `it cannot be loaded: ${
          line.startsWith(`${name}:`) ? line : `${oneLine(name, 100)}: ${line}`
        }`,
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
    return this.#request({ do: "call", name, args }, { what: `${name}()`, form: anObject }).value;
  }

  /**
   * Runs one of its functions that gives steps.
   *
   * @param name The function.
   * @param args What it is given: plain data.
   * @returns Steps, not checked; what they throw is as for {@linkcode Sandbox.call}.
   */
  *steps(name: string, args: readonly unknown[]): Generator<unknown, unknown, unknown> {
    const wanted = { what: `${name}()`, form: stepForm };
    let state = this.#request({ do: "begin", name, args }, wanted);
    while (!state.done) {
      const { steps } = state;
      let value: unknown;
      try {
        value = yield state.value;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        state = this.#request({ do: "throw", steps, value: message }, wanted);
        if (state.passedOn) throw error;
        continue;
      }
      state = this.#request({ do: "next", steps, value }, wanted);
    }
    return state.value;
  }

  /** Ends the process, and waits until it is gone. */
  [Symbol.dispose](): void {
    this.#process[Symbol.dispose]();
  }

  #request<T>(
    request: Record<string, unknown>,
    { what, form }: { what: string; form: Check<T> },
  ): T {
    const answer = this.#process.ask(request, what);
    let thrown: Thrown;
    try {
      if (!Object.hasOwn(answer, "thrown")) return form(answer.ok, "ok");
      thrown = thrownForm(answer.thrown, "thrown");
    } catch (error) {
      if (!(error instanceof FormError)) throw error;
      this[Symbol.dispose]();
      throw new PluginFailure(this.#source, "its process answered with what is no answer");
    }
    throw new PluginThrew(thrown);
  }
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
