/**
 * Feeds plugins with outputs, without any program; and reads the captured ones.
 *
 * @module
 */

import assert from "node:assert/strict";
import type {
  Environment,
  RunOutput,
  RunSpec,
  SchedulerPlugin,
  Steps,
} from "../../../plugins/contract.ts";
import { ExitCode, RdgError } from "../../../plugins/error.ts";

/** Registers a test that has no permission at all. */
export function pure(name: string, fn: () => void): void {
  Deno.test({ name, permissions: "none", fn });
}

/** Reads a captured output; to be called while the test file loads. */
export function sample(path: string): string {
  return Deno.readTextFileSync(new URL(`../testdata/${path}`, import.meta.url));
}

/** An environment out of lines `NAME=value`. */
export function environment(text: string): Environment {
  const pairs = text.split("\n").filter((line) => line.includes("="));
  return Object.fromEntries(pairs.map((line) => {
    const at = line.indexOf("=");
    return [line.slice(0, at), line.slice(at + 1)];
  }));
}

/** An output of a program that went well, or as given. */
export function output(stdout: string, rest: Partial<RunOutput> = {}): RunOutput {
  return { code: 0, stdout, stderr: "", ...rest };
}

/**
 * Drives steps with outputs, one a program, in this order; fails when a program is not declared, when
 * there is no output for one, or when an output was not used.
 */
export function feed<T>(
  plugin: SchedulerPlugin,
  steps: Steps<T>,
  outputs: readonly RunOutput[],
): { value: T; specs: RunSpec[] } {
  const specs: RunSpec[] = [];
  let next = steps.next();
  while (!next.done) {
    const { program, args } = next.value;
    assert.ok(plugin.programs.includes(program), `"${program}" is declared`);
    const answer = outputs[specs.length];
    assert.ok(answer, `an output for: ${program} ${args.join(" ")}`);
    specs.push(next.value);
    next = steps.next(answer);
  }
  assert.equal(specs.length, outputs.length, "every output is used");
  return { value: next.value, specs };
}

/** Command lines of specs. */
export function lines(specs: readonly RunSpec[]): string[] {
  return specs.map(({ program, args }) => [program, ...args].join(" "));
}

/** Asserts that steps end in an error of the scheduler's kind whose texts match. */
export function failsWith(
  fn: () => unknown,
  expected: { message: RegExp; cause?: RegExp; hint?: RegExp },
): void {
  assert.throws(fn, (error) => {
    assert.ok(error instanceof RdgError, String(error));
    assert.equal(error.exitCode, ExitCode.scheduler);
    assert.match(error.message, expected.message);
    if (expected.cause) assert.match(String(error.cause), expected.cause);
    assert.match(error.hint ?? "", expected.hint ?? /--scheduler|by hand/);
    return true;
  });
}
