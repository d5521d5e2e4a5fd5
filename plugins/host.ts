/**
 * Runs what plugins describe: the only place that starts programs for them. Programs are started
 * without a shell, with a time limit, and only when the plugin declared them.
 *
 * @module
 */

import { collect, end, environmentFor, feed } from "./_child.ts";
import type { RunOutput, RunSpec, Steps } from "./contract.ts";
import { ExitCode, RdgError } from "./error.ts";

/** Starts one program and waits for it; `onLine` is called with each line of stdout as it comes. */
export type Runner = (
  spec: RunSpec,
  options?: { onLine?: (line: string) => void },
) => Promise<RunOutput>;

/** Time limit of a program that names none, in milliseconds. */
export const defaultTimeoutMs = 20_000;

/**
 * Makes a runner of real programs.
 *
 * Under a scoped `--allow-run`, Deno refuses every start while a non-empty `LD_*` variable is
 * inherited (environment modules set `LD_LIBRARY_PATH`; seen with Deno 2.9), so these are blanked
 * there unless the spec sets them. A program that exceeds its limit is ended, and what it started is
 * not waited for.
 *
 * @param options `onRun` is called with each command line.
 * @returns The runner; it throws {@linkcode RdgError} for a program that is missing, may not be
 * started, or takes too long.
 */
export function systemRunner(options: { onRun?: (line: string) => void } = {}): Runner {
  return async (spec, { onLine } = {}) => {
    options.onRun?.(commandLine(spec));
    const timeoutMs = spec.timeoutMs ?? defaultTimeoutMs;
    let child: Deno.ChildProcess;
    try {
      child = new Deno.Command(spec.program, {
        args: [...spec.args],
        ...await environmentFor(spec),
        stdin: spec.stdin === undefined ? "null" : "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
    } catch (error) {
      throw explainStart(spec.program, error);
    }
    const stdout = collect(child.stdout, onLine);
    const stderr = collect(child.stderr);
    const fed = spec.stdin === undefined ? undefined : feed(child.stdin, spec.stdin);
    const done = Promise.all([child.status, stdout.text, stderr.text, fed]);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<null>((resolve) => timer = setTimeout(() => resolve(null), timeoutMs));
    try {
      const result = await Promise.race([done, late]);
      if (result) return { code: result[0].code, stdout: result[1], stderr: result[2] };
    } finally {
      clearTimeout(timer);
    }
    await end(child);
    // Its children may still hold the pipes open: whatever came until now has to do.
    await Promise.all([stdout.cancel(), stderr.cancel()]);
    const complaint = await stderr.text;
    throw new RdgError(`Cannot run "${spec.program}": no answer within ${timeoutMs / 1000} s`, {
      code: "timeout",
      exitCode: ExitCode.timeout,
      hint: "try again later, or ask the cluster's support whether its scheduler is slow",
      ...(complaint ? { cause: complaint } : {}),
    });
  };
}

/**
 * Writes a command line the way a person would type it, very long words cut short.
 *
 * @param spec The program and its arguments.
 * @returns One line, in which nothing moves the cursor: such characters stand in bash's `$'…'`.
 */
export function commandLine(spec: RunSpec): string {
  return [spec.program, ...spec.args].map((word) => {
    const line = word.replaceAll(/\s+/g, " ");
    const short = line.length > 200 ? `${line.slice(0, 60)}…` : line;
    return unprintable.test(short) ? quoteControls(short) : quoteWord(short);
  }).join(" ");
}

/** Characters that a terminal obeys, and those that turn the direction of writing. */
const unprintable = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;

/** Writes a word as bash's `$'…'`, control characters by their numbers. */
function quoteControls(word: string): string {
  const quoted = word.replaceAll(/[\\']/g, "\\$&").replaceAll(
    new RegExp(unprintable.source, "gu"),
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, "0")}`,
  );
  return `$'${quoted}'`;
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
      {
        code: "undeclared-program",
        exitCode: ExitCode.permission,
        hint: `tell the plugin's author: "programs" has to name it`,
      },
    );
  }
}

/**
 * Looks for a program in the folders of PATH.
 *
 * @param program Its name.
 * @param path PATH's value.
 * @returns Whether an executable file of that name is there; folders that can't be read don't count.
 */
export function isOnPath(program: string, path: string): boolean {
  return path.split(":").some((folder) => {
    if (!folder.startsWith("/")) return false;
    try {
      const info = Deno.statSync(`${folder}/${program}`);
      return info.isFile && ((info.mode ?? 0o111) & 0o111) !== 0;
    } catch {
      return false;
    }
  });
}

/** Writes a word the way it would have to be typed in a POSIX shell. */
export function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function explainStart(program: string, error: unknown): unknown {
  if (error instanceof Deno.errors.NotFound) {
    return new RdgError(`Cannot run "${program}": it is not on PATH`, {
      code: "not-found",
      exitCode: ExitCode.notFound,
      hint: `load the module that brings "${program}", or run this where it is installed`,
    });
  }
  if (error instanceof Deno.errors.NotCapable) {
    return new RdgError(`Cannot run "${program}": rdg may not start it`, {
      code: "permission",
      exitCode: ExitCode.permission,
      hint: `run rdg with --allow-run=${program}`,
      cause: error,
    });
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return new RdgError(`Cannot run "${program}": the system does not let you`, {
      code: "permission",
      exitCode: ExitCode.permission,
      hint: `see "ls -l" of the "${program}" that is on PATH`,
      cause: error,
    });
  }
  return error;
}
