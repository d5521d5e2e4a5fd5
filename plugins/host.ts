/**
 * Runs what plugins describe: the only place that starts programs for them. Programs are started
 * without a shell, with a time limit, and only when the plugin declared them.
 *
 * @module
 */

import type { RunOutput, RunSpec, Steps } from "./contract.ts";
import { ExitCode, RdgError } from "./error.ts";

/** Starts one program and waits for it. */
export type Runner = (spec: RunSpec) => Promise<RunOutput>;

/** Time limit of a program that names none, in milliseconds. */
export const defaultTimeoutMs = 20_000;

/** Output that is kept of one program, in bytes; what comes after it is dropped. */
const maxOutput = 256 * 1024 * 1024;

/**
 * Makes a runner of real programs.
 *
 * Under a scoped `--allow-run`, Deno refuses every start while a non-empty `LD_*` variable is
 * inherited (environment modules set `LD_LIBRARY_PATH`; facts seen on Deno 2.9), so these are blanked
 * for the scheduler's programs unless the spec sets them.
 *
 * @param options `onRun` is called with each command line.
 * @returns The runner; it throws {@linkcode RdgError} for a program that is missing, may not be
 * started, or takes too long.
 */
export function systemRunner(options: { onRun?: (line: string) => void } = {}): Runner {
  return async (spec) => {
    options.onRun?.([spec.program, ...spec.args].map(quoteWord).join(" "));
    const env: Record<string, string> = blankedLoaderVariables();
    let clearEnv = false;
    if (spec.env && Object.values(spec.env).includes(null)) {
      clearEnv = true;
      Object.assign(env, { ...Deno.env.toObject(), ...env });
    }
    for (const [name, value] of Object.entries(spec.env ?? {})) {
      if (value === null) delete env[name];
      else env[name] = value;
    }
    const timeoutMs = spec.timeoutMs ?? defaultTimeoutMs;
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), timeoutMs);
    try {
      const child = new Deno.Command(spec.program, {
        args: [...spec.args],
        env,
        clearEnv,
        stdin: spec.stdin === undefined ? "null" : "piped",
        stdout: "piped",
        stderr: "piped",
        signal: abort.signal,
      }).spawn();
      const [status, stdout, stderr] = await Promise.all([
        child.status,
        collect(child.stdout),
        collect(child.stderr),
        spec.stdin === undefined ? undefined : feed(child.stdin, spec.stdin),
      ]);
      if (abort.signal.aborted) {
        throw new RdgError(`Cannot run "${spec.program}": no answer within ${timeoutMs / 1000} s`, {
          code: "timeout",
          exitCode: ExitCode.timeout,
          hint: "try again later, or ask the cluster's support whether its scheduler is slow",
          ...(stderr ? { cause: stderr } : {}),
        });
      }
      return { code: status.code, stdout, stderr };
    } catch (error) {
      throw explainStart(spec.program, error);
    } finally {
      clearTimeout(timer);
    }
  };
}

/**
 * Drives a plugin's steps to their end.
 *
 * @param steps What the plugin yields.
 * @param options The plugin (for its name and declared programs) and the runner.
 * @returns What the steps return.
 * @throws {RdgError} `undeclared-program` when a step wants a program that the plugin didn't declare.
 */
export async function runSteps<T>(
  steps: Steps<T>,
  options: { plugin: { name: string; programs: readonly string[] }; runner: Runner },
): Promise<T> {
  let next = steps.next();
  while (!next.done) {
    const spec = next.value;
    checkDeclared(spec, options.plugin);
    let output: RunOutput;
    try {
      output = await options.runner(spec);
    } catch (error) {
      next = steps.throw(error);
      continue;
    }
    next = steps.next(output);
  }
  return next.value;
}

/**
 * Refuses a program that a plugin didn't declare.
 *
 * @param spec What the plugin wants to run.
 * @param plugin The plugin.
 * @throws {RdgError} `undeclared-program`.
 */
export function checkDeclared(
  spec: RunSpec,
  plugin: { name: string; programs: readonly string[] },
): void {
  if (!plugin.programs.includes(spec.program)) {
    throw new RdgError(
      `Cannot run "${spec.program}" for plugin "${plugin.name}": it declares ${
        plugin.programs.map((name) => `"${name}"`).join(", ") || "no programs"
      }`,
      { code: "undeclared-program", exitCode: ExitCode.permission },
    );
  }
}

/** Writes a word the way it would have to be typed in a POSIX shell. */
export function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function blankedLoaderVariables(): Record<string, string> {
  const blank: Record<string, string> = {};
  let names: string[];
  try {
    names = Object.keys(Deno.env.toObject());
  } catch {
    names = ["LD_LIBRARY_PATH", "LD_PRELOAD", "LD_RUN_PATH"];
  }
  for (const name of names) {
    if (/^(LD|DYLD)_/.test(name)) blank[name] = "";
  }
  return blank;
}

async function collect(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size <= maxOutput) parts.push(decoder.decode(chunk, { stream: true }));
  }
  return parts.join("") + decoder.decode();
}

async function feed(stream: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stream.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch {
    // The program ended without reading all of it; its exit status tells the story.
  }
}

function explainStart(program: string, error: unknown): unknown {
  if (error instanceof Deno.errors.NotFound) {
    return new RdgError(`Cannot run "${program}": it is not on PATH`, {
      code: "not-found",
      exitCode: ExitCode.notFound,
      hint: `load the module that brings "${program}", or run this where it is installed`,
      cause: error,
    });
  }
  if (error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.PermissionDenied) {
    return new RdgError(`Cannot run "${program}": rdg may not start it`, {
      code: "permission",
      exitCode: ExitCode.permission,
      hint: `run rdg with --allow-run=${program}`,
      cause: error,
    });
  }
  return error;
}
