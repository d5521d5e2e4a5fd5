/**
 * A world of literals for a command: what it prints is kept, what it runs is answered from a list. A
 * call that isn't expected fails at once, one that is never made at the end.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Host } from "../../commands/_host.ts";
import type { Terminal } from "../../commands/_terminal.ts";
import type { RunOutput, RunSpec } from "../../plugins/contract.ts";

/** One expected call and its answer. */
export interface Expected {
  /** The program. */
  program: string;
  /** Words that must be among its arguments. */
  args?: readonly string[];
  /** What comes out, or what the runner throws; a function is given the call. */
  answer: Partial<RunOutput> | Error | ((spec: RunSpec) => Partial<RunOutput>);
}

/** A host with what it was told and what it did. */
export interface FakeHost {
  /** To be handed to the command. */
  host: Host;
  /** Text on stdout so far. */
  stdout(): string;
  /** Text on stderr so far. */
  stderr(): string;
  /** Fails when an expected call was not made. */
  done(): void;
}

/**
 * Makes a host.
 *
 * @param options Environment, expected calls in order, whether a person is there, the hostname, and what
 * is otherwise about the terminal.
 * @returns The host.
 */
export function fakeHost(options: {
  env?: Record<string, string>;
  calls?: readonly Expected[];
  interactive?: boolean;
  hostname?: string;
  terminal?: Partial<Terminal>;
}): FakeHost {
  const calls = [...options.calls ?? []];
  let stdout = "";
  let stderr = "";
  const host: Host = {
    env: (name) => options.env?.[name],
    terminal: {
      out: (text) => void (stdout += text),
      say: (line) => void (stderr += `${line}\n`),
      style: (_style, text) => text,
      interactive: options.interactive ?? false,
      live: false,
      columns: 80,
      ...options.terminal,
    },
    runner: (spec, { onLine } = {}) => {
      const expected = calls.shift();
      const line = [spec.program, ...spec.args.map((word) => word.slice(0, 60))].join(" ");
      assert.ok(expected, `unexpected call: ${line}`);
      assert.equal(spec.program, expected.program, `unexpected call: ${line}`);
      for (const word of expected.args ?? []) {
        assert.ok(spec.args.includes(word), `"${word}" is missing in: ${line}`);
      }
      if (expected.answer instanceof Error) return Promise.reject(expected.answer);
      const answer = typeof expected.answer === "function"
        ? expected.answer(spec)
        : expected.answer;
      const output = { code: 0, stdout: "", stderr: "", ...answer };
      if (onLine) { for (const text of output.stdout.split("\n")) if (text) onLine(text); }
      return Promise.resolve(output);
    },
    cwd: () => "/home/ada",
    hostname: () => options.hostname ?? "login",
    user: () => options.env?.["USER"] ?? "ada",
    now: () => 1_000_100_000,
    verbose: false,
  };
  return {
    host,
    stdout: () => stdout,
    stderr: () => stderr,
    done: () => assert.deepEqual(calls.map(({ program }) => program), [], "calls not made"),
  };
}
