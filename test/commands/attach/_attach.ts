/**
 * `rdg attach` against literals, for its tests: records in a temporary folder, programs answered from a
 * list.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Menus } from "../../../commands/_job_menu.ts";
import { parse, run } from "../../../commands/attach/command.ts";
import { formatError, RdgError } from "../../../plugins/error.ts";
import { type Expected, fakeHost } from "../../support/fake_host.ts";
import { record, type RecordText, writeRecord } from "../../support/records.ts";

/** What came of one command line. */
export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

const uid = Deno.uid()!;

export async function attach(words: string, options: {
  records?: readonly RecordText[];
  calls?: readonly Expected[];
  interactive?: boolean;
  menus?: Partial<Menus>;
  env?: Record<string, string>;
  /** Called at each text on stdout. */
  onOut?: () => void;
}): Promise<Outcome> {
  const state = await Deno.makeTempDir();
  const fake = fakeHost({
    env: { RDG_STATE_DIR: state, RDG_SCHEDULER: "slurm", USER: "ada", ...options.env },
    calls: options.calls ?? [],
    ...(options.interactive ? { interactive: true } : {}),
  });
  const { out } = fake.host.terminal;
  fake.host.terminal.out = (text) => (options.onOut?.(), out(text));
  const unasked = () => assert.fail("nothing should be asked here");
  const menus = { job: unasked, processes: unasked, pid: unasked, ...options.menus };
  try {
    for (const content of options.records ?? []) await writeRecord(state, content);
    const code = await run(parse(words.split(" ").filter(Boolean)), fake.host, menus);
    fake.done();
    return { code, stdout: fake.stdout(), stderr: fake.stderr() };
  } catch (error) {
    if (!(error instanceof RdgError)) throw error;
    fake.done();
    return {
      code: error.exitCode,
      stdout: fake.stdout(),
      stderr: `${fake.stderr()}${formatError(error)}`,
    };
  } finally {
    await Deno.remove(state, { recursive: true });
  }
}

export function mine(changes: Record<string, unknown> = {}): RecordText {
  return record({ uid, ...changes });
}

export function squeue(...lines: string[]): Expected {
  return { program: "squeue", args: ["--me"], answer: { stdout: lines.join("") } };
}

/** The question where job 36's output goes. */
export const output: Expected = {
  program: "squeue",
  args: ["-j", "36", "-O"],
  answer: { stdout: `${"36".padEnd(32)}/home/ada/slurm-36.out  \n` },
};

/** A helper step that finds what it is asked for and wakes it. */
export function helper(...events: Record<string, unknown>[]): Expected {
  const lines = events.map((event) =>
    `rdg-helper n1:7 0 ${JSON.stringify({ node: "n1", pid: 42, ...event })}\n`
  );
  return { program: "srun", answer: { stdout: `a prolog's words\n${lines.join("")}` } };
}

export const ready = {
  type: "ready",
  record: mine({ state: "listening", address: { host: "n1", port: 5555 } }),
  login: "login.example.org",
};
export const signalled = { type: "process", outcome: "signalled" };
