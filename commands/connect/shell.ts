/**
 * A POSIX shell that stays: scripts go in through its stdin, one after the other, and what they print
 * comes back between marks. So one connection serves every question, whatever the login shell is and
 * whatever its profile prints. Touches the program that it is given.
 *
 * @module
 */

import type { RunOutput, RunSpec } from "../../plugins/contract.ts";
import { ExitCode, RdgError } from "../../plugins/error.ts";
import { quoteWord } from "../../plugins/host.ts";
import type { ProgramStream } from "./stream.ts";

/**
 * What the login shell is asked to run: understood alike by sh, bash, zsh, csh, tcsh and fish. It runs
 * each line of stdin, unescaped, as a script.
 */
export const bootstrap = `exec sh -c 'while IFS= read -r l; do eval "$(printf %b "$l")"; done'`;

/**
 * Writes a script as one line for {@linkcode bootstrap}.
 *
 * @param script Lines of POSIX shell.
 * @returns One line, with its end.
 */
export function scriptLine(script: string): string {
  return `${script.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n`;
}

/**
 * Writes what a spec asks for as a script.
 *
 * @param spec The program.
 * @param names Variables that are set over there, for `without`.
 * @param options `replace` has the program take the shell's place, and its stdin.
 * @returns Lines of POSIX shell.
 */
export function specScript(
  spec: RunSpec,
  names: readonly string[],
  options: { replace?: boolean } = {},
): string {
  const taken = names.filter((name) =>
    spec.without?.some((pattern) =>
      pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern
    ) && !spec.keep?.includes(name)
  );
  const lines = taken.map((name) => `unset ${name}`);
  for (const [name, value] of Object.entries(spec.env ?? {})) {
    lines.push(value === null ? `unset ${name}` : `export ${name}=${quoteWord(value)}`);
  }
  const command = [spec.program, ...spec.args].map(quoteWord).join(" ");
  const input = spec.stdin === undefined ? "" : `printf %s ${quoteWord(spec.stdin)} | `;
  return [...lines, options.replace ? `exec ${command}` : `${input}${command}`].join("\n");
}

/** What {@linkcode Shell} writes around a script's output. */
const marks = /(?<=^|\n)\n?rdg-[\da-f-]{36}-\d+-(?:begin|end)\b.*\n?/g;

/**
 * Takes rdg's own marks out of what a program wrote.
 *
 * @param text What it wrote.
 * @returns Its own words.
 */
export function withoutMarks(text: string): string {
  return text.replaceAll(marks, "");
}

interface Job {
  mark: string;
  lines: string[];
  complaint: string;
  begun: boolean;
  code: number | null;
  told: boolean;
  onLine: ((line: string) => void) | undefined;
  finish: (output: RunOutput | null) => void;
}

/** The shell. */
export class Shell {
  /** Settles when the shell has gone: why, in its carrier's words. */
  readonly ended: Promise<string>;
  readonly #program: ProgramStream;
  readonly #nonce = crypto.randomUUID();
  #queue: Promise<unknown> = Promise.resolve();
  #job: Job | null = null;
  #count = 0;
  #over = false;

  /**
   * Takes the shell over.
   *
   * @param program Runs {@linkcode bootstrap}.
   * @param onComplaint Set by the maker of the program: what hears its stderr.
   */
  constructor(program: ProgramStream, onComplaint: (listener: (text: string) => void) => void) {
    this.#program = program;
    onComplaint((text) => this.#hear(text));
    this.ended = this.#read().then(async () => {
      await program.ended;
      this.#over = true;
      this.#job?.finish(null);
      return this.#reason();
    });
  }

  /**
   * Runs a script, after those that were asked for before.
   *
   * @param script Lines of POSIX shell; `keep` runs it in the shell itself, so that what it sets stays.
   * @param options Limit in milliseconds, who hears each line of stdout.
   * @returns What came out.
   * @throws {RdgError} `timeout` (the shell is ended then), `connection` where the shell has gone.
   */
  run(
    script: string,
    options: { timeoutMs: number; onLine?: (line: string) => void; keep?: boolean },
  ): Promise<RunOutput> {
    const turn = this.#queue.then(() => this.#runNow(script, options));
    this.#queue = turn.catch(() => {});
    return turn;
  }

  /** Ends it. */
  async close(): Promise<void> {
    await this.#program.close();
    await this.ended;
  }

  /** What its carrier said last: banners, and what scripts complained about, are no reason. */
  #reason(): string {
    return this.#program.reason().split(marks).at(-1)!.trim();
  }

  async #runNow(
    script: string,
    options: { timeoutMs: number; onLine?: (line: string) => void; keep?: boolean },
  ): Promise<RunOutput> {
    const gone = () =>
      new RdgError("Cannot ask the login node: the connection has ended", {
        code: "connection",
        exitCode: ExitCode.generic,
        cause: this.#reason() || undefined,
      });
    if (this.#over) throw gone();
    const mark = `rdg-${this.#nonce}-${++this.#count}`;
    const body = options.keep ? `{\n${script}\n} </dev/null` : `(\n${script}\n) </dev/null`;
    const whole = [
      `printf '\\n%s\\n' ${mark}-begin`,
      body,
      "c=$?",
      `printf '\\n%s\\n' "${mark}-end $c"`,
      `printf '\\n%s\\n' ${mark}-end >&2`,
    ].join("\n");
    let timer: ReturnType<typeof setTimeout> | undefined;
    const done = new Promise<RunOutput | null>((resolve) => {
      const job = { mark, lines: [], complaint: "", begun: false, code: null, told: false };
      this.#job = { ...job, onLine: options.onLine, finish: resolve };
    });
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), options.timeoutMs);
    });
    try {
      await this.#program.write(new TextEncoder().encode(scriptLine(whole))).catch(() => {});
      const output = await Promise.race([done, late]);
      if (output) return output;
      if (output === null) throw gone();
    } finally {
      clearTimeout(timer);
      this.#job = null;
    }
    // What hangs there can't be interrupted on its own.
    await this.#program.close();
    throw new RdgError(
      `Cannot ask the login node: no answer within ${options.timeoutMs / 1000} s`,
      {
        code: "timeout",
        exitCode: ExitCode.timeout,
        hint: "try again later, or ask the cluster's support whether its scheduler is slow",
      },
    );
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    try {
      for await (const bytes of this.#program.readable) {
        const parts = (rest + decoder.decode(bytes, { stream: true })).split("\n");
        rest = parts.pop() ?? "";
        for (const line of parts) this.#take(line);
      }
    } catch {
      // The pipe broke: the same as its end.
    }
  }

  #take(line: string): void {
    const job = this.#job;
    if (!job) return;
    if (line === `${job.mark}-begin`) {
      job.begun = true;
    } else if (line.startsWith(`${job.mark}-end `)) {
      job.code = Number(line.slice(job.mark.length + 5));
      this.#settle(job);
    } else if (job.begun) {
      job.lines.push(line);
      if (line) job.onLine?.(line);
    }
  }

  #hear(text: string): void {
    const job = this.#job;
    if (!job) return;
    job.complaint += text;
    if (!job.complaint.includes(`${job.mark}-end`)) return;
    job.complaint = job.complaint.split(`\n${job.mark}-end`)[0]!;
    job.told = true;
    this.#settle(job);
  }

  #settle(job: Job): void {
    if (job.code === null || !job.told) return;
    job.finish({ code: job.code, stdout: job.lines.join("\n"), stderr: job.complaint });
  }
}
