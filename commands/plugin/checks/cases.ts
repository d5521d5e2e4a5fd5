/**
 * A plugin's own cases: `testdata/*.json` beside it, each a call, what programs print, and what has to
 * come out. Reads these files.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { RunOutput } from "../../../plugins/contract.ts";
import { ExitCode, RdgError } from "../../../plugins/error.ts";
import { type Check, FormError, list, object, text } from "../../../plugins/drop_in/_check.ts";
import { PluginFailure } from "../../../plugins/drop_in/failure.ts";
import { functions } from "../../../plugins/drop_in/forms.ts";
import { editorResults, schedulerResults } from "../../../plugins/drop_in/results.ts";
import type { Caller, Manifest } from "../../../plugins/drop_in/stand_in.ts";
import type { PluginCheck } from "../test.ts";
import { profile } from "./editor.ts";

/** One program of a case. */
interface CaseProgram {
  run?: string[];
  code?: number;
  stdout?: string;
  stderr?: string;
  missing?: boolean;
}

/** A case, the texts of its files filled in. */
interface Case {
  call: string;
  args?: unknown[];
  programs?: CaseProgram[];
  gives?: unknown;
  throws?: string;
}

const caseForm = object<Omit<Case, "gives">>({ call: text(100) }, {
  args: list((value) => value),
  programs: list(object<CaseProgram>({}, {
    run: list(text()),
    code: (value, at) => {
      if (typeof value !== "number") throw new FormError(at, "a number", value);
      return value;
    },
    stdout: text(),
    stderr: text(),
    missing: (value) => value === true,
  })),
  throws: text(1000),
});

/**
 * Makes a check of each case.
 *
 * @param path The plugin's file.
 * @param manifest The plugin.
 * @returns The checks; a case that can't be read is one that fails.
 */
export async function caseChecks(path: string, manifest: Manifest): Promise<PluginCheck[]> {
  const folder = `${path.slice(0, path.lastIndexOf("/"))}/testdata`;
  const names: string[] = [];
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (isFile && name.endsWith(".json")) names.push(name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names.sort().map((name) => ({
    title: `testdata/${name}`,
    run: (caller) => runCase(readCase(`${folder}/${name}`, folder), { caller, manifest }),
  }));
}

function readCase(file: string, folder: string): Case {
  let given: unknown;
  try {
    given = JSON.parse(Deno.readTextFileSync(file));
  } catch (error) {
    throw new Error(`it is no JSON: ${error instanceof Error ? error.message : error}`);
  }
  const filled = fill(given, folder);
  const form = caseForm(filled, "the case");
  const gives = (filled as Case).gives;
  if ((gives === undefined) === (form.throws === undefined)) {
    throw new Error('it needs "gives" or "throws"');
  }
  return gives === undefined ? form : { ...form, gives };
}

/** Puts the texts of files in for `{ "file": "name" }`. */
function fill(value: unknown, folder: string): unknown {
  if (Array.isArray(value)) return value.map((one) => fill(one, folder));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first?.[0] === "file" && typeof first[1] === "string") {
    if (first[1].startsWith("/") || first[1].split("/").includes("..")) {
      throw new Error(`"${first[1]}" is not in testdata`);
    }
    return Deno.readTextFileSync(`${folder}/${first[1]}`);
  }
  return Object.fromEntries(entries.map(([key, one]) => [key, fill(one, folder)]));
}

function runCase(
  wanted: Case,
  { caller, manifest }: { caller: Caller; manifest: Manifest },
): unknown {
  const { kind } = manifest.data;
  const results: Readonly<Record<string, Check<unknown>>> = kind === "scheduler"
    ? schedulerResults
    : editorResults;
  const result = results[wanted.call];
  if (!result || !manifest.functions.includes(wanted.call)) {
    throw new Error(`it calls "${wanted.call}", which the plugin has not`);
  }
  const args = kind === "editor" ? withProfile(wanted) : wanted.args ?? [];
  const marked: readonly string[] = [...functions[kind].needed, ...functions[kind].optional];
  let given: unknown;
  try {
    given = marked.includes(`*${wanted.call}`)
      ? runSteps(wanted, { caller, result, args })
      : caller.call(wanted.call, args, result);
  } catch (error) {
    if (error instanceof PluginFailure || !(error instanceof Error)) throw error;
    if (error instanceof assert.AssertionError) throw error;
    if (wanted.throws === undefined) throw new Error(`it threw: ${error.message}`);
    if (!error.message.includes(wanted.throws)) {
      throw new Error(`it threw "${error.message}", want "${wanted.throws}"`);
    }
    return error.message;
  }
  if (wanted.throws !== undefined) throw new Error(`it threw nothing, want "${wanted.throws}"`);
  same(withoutEmptyNotes(given), withoutEmptyNotes(wanted.gives), "it gives");
  return given;
}

/** An edit with an empty list of notes is one without. */
function withoutEmptyNotes(value: unknown): unknown {
  if (!isNested(value) || !("notes" in value)) return value;
  const { notes, ...rest } = value;
  return Array.isArray(notes) && notes.length === 0 ? rest : value;
}

/** The profile of `rdg init`, where a case names none. */
function withProfile({ call, args = [] }: Case): unknown[] {
  if (call === "instructions") return args.length > 0 ? args : [profile];
  return args.map((request) => ({ profile, ...request as Record<string, unknown> }));
}

function runSteps(
  wanted: Case,
  { caller, result, args }: { caller: Caller; result: Check<unknown>; args: readonly unknown[] },
): unknown {
  const programs = [...wanted.programs ?? []];
  const steps = caller.steps(wanted.call, args, result);
  let next = steps.next();
  while (!next.done) {
    const spec = next.value;
    const words = [spec.program, ...spec.args];
    const program = programs.shift();
    if (!program) fail(`it asks for "${words.join(" ")}", which the case doesn't name`);
    if (program.run) same(words, program.run, "it runs");
    if (program.missing) {
      next = steps.throw(
        new RdgError(`Cannot run "${spec.program}": it is not on PATH`, {
          code: "not-found",
          exitCode: ExitCode.notFound,
        }),
      );
      continue;
    }
    const { code = 0, stdout = "", stderr = "" } = program;
    next = steps.next({ code, stdout, stderr } satisfies RunOutput);
  }
  const [left] = programs;
  if (left) fail(`it never asks for ${left.run?.join(" ") ?? "one of the programs"}`);
  return next.value;
}

function fail(message: string): never {
  throw new assert.AssertionError({ message });
}

/** Fails with both values, or, where these are long, with the place where they begin to differ. */
function same(given: unknown, wanted: unknown, what: string): void {
  const found = difference(given, wanted, "");
  if (!found) return;
  const whole = [given, wanted].map((value) => JSON.stringify(value));
  if (whole.join("").length < 200) fail(`${what} ${whole[0]}, want ${whole[1]}`);
  const { at, values } = inLines(found);
  const [is, want] = values.map((value) => value === undefined ? "nothing" : JSON.stringify(value));
  fail(`${what} ${is}, want ${want}, at ${at.replace(/^\./, "")}`);
}

/** Where two values differ first, and what stands there. */
interface Difference {
  /** Keys and indexes, as JavaScript writes them. */
  at: string;
  /** What was given, and what was wanted. */
  values: [given: unknown, wanted: unknown];
}

function difference(given: unknown, wanted: unknown, at: string): Difference | null {
  if (!isNested(given) || !isNested(wanted) || Array.isArray(given) !== Array.isArray(wanted)) {
    return Object.is(given, wanted) ? null : { at, values: [given, wanted] };
  }
  const [one, other] = [new Map(Object.entries(given)), new Map(Object.entries(wanted))];
  for (const key of new Set([...one.keys(), ...other.keys()])) {
    const place = Array.isArray(wanted) ? `${at}[${key}]` : `${at}.${key}`;
    const found = difference(one.get(key), other.get(key), place);
    if (found) return found;
  }
  return null;
}

/** Of two texts of many lines, the first line that differs. */
function inLines(found: Difference): Difference {
  const [given, wanted] = found.values;
  if (typeof given !== "string" || typeof wanted !== "string") return found;
  const [one, other] = [given.split("\n"), wanted.split("\n")];
  if (Math.max(one.length, other.length) < 4) return found;
  const index = one.findIndex((line, place) => line !== other[place]);
  const place = index < 0 ? one.length : index;
  return { at: `${found.at}, line ${place + 1}`, values: [one[place], other[place]] };
}

function isNested(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
