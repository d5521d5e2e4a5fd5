/**
 * The Python that programs run with, and the debugpy that it would take. Starts the interpreter.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import { isOnPath, quoteWord } from "../../plugins/host.ts";
import {
  type DebugpyCopy,
  examineSpec,
  type Interpreter,
  isOlder,
  readExamined,
  wantsOldDebugpy,
} from "../../python/examine.ts";
import { note, ok, type Place, problem, type Row } from "./row.ts";

/** Python's minor versions that rdg is for. */
const supported: { readonly from: number; readonly to: number } = { from: 8, to: 14 };

/** Oldest debugpy that rdg was tried with. */
const oldestTried = "1.6.6";

/** An interpreter that was asked. */
export interface Examined {
  /** As it was typed, or found. */
  typed: string;
  /** Its path; null where there is no such program. */
  path: string | null;
  /** What it says; null where it gave no answer. */
  answer: Interpreter | null;
  /** Why it gave none. */
  reason: string;
}

/** What the rows depend on beside the interpreter. */
export interface Circumstances {
  /** Programs run on this machine: it is no laptop, or the interpreter was named. */
  needed: boolean;
  /** rdg runs inside a job. */
  inJob: boolean;
}

/**
 * Finds a program as a shell does.
 *
 * @param word A name, or a path with a slash.
 * @param host The world.
 * @returns Its absolute path; null where there is none.
 */
export function findProgram(word: string, host: Host): string | null {
  if (word.includes("/")) {
    const path = word.startsWith("/") ? word : `${host.cwd()}/${word}`;
    const slash = path.lastIndexOf("/");
    return isOnPath(path.slice(slash + 1), path.slice(0, slash) || "/") ? path : null;
  }
  for (const folder of (host.env("PATH") ?? "").split(":")) {
    if (isOnPath(word, folder)) return `${folder.replace(/\/+$/, "")}/${word}`;
  }
  return null;
}

/**
 * Asks an interpreter.
 *
 * @param typed Its name or path.
 * @param options rdg's cache folder ("" for the one of the system's home), and the world.
 * @returns What it says, or why it says nothing.
 */
export async function examine(
  typed: string,
  { cache, host }: { cache: string; host: Host },
): Promise<Examined> {
  const path = findProgram(typed, host);
  if (path === null) return { typed, path, answer: null, reason: "there is no such program" };
  try {
    const output = await host.runner(examineSpec(path, cache));
    const answer = readExamined(output);
    const words = (output.stderr || output.stdout).trim().split("\n").at(-1) ?? "";
    return { typed, path, answer, reason: words || `it exited with code ${output.code}` };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { typed, path, answer: null, reason };
  }
}

/**
 * The rows of one interpreter.
 *
 * @param examined From {@linkcode examine}.
 * @param circumstances What they depend on.
 * @returns One row where it is of no use, else two.
 */
export function interpreterRows(examined: Examined, circumstances: Circumstances): Row[] {
  const { answer, typed, path } = examined;
  const place: Place = { group: "python", name: "interpreter" };
  const bad = circumstances.needed ? problem : note;
  if (answer === null) {
    return [
      bad(place, `${path ?? `"${typed}"`}: ${examined.reason}`, {
        todo: "activate the environment that your programs run in, or name its interpreter: " +
          "rdg doctor /path/to/python",
        data: { path, version: null },
      }),
    ];
  }
  const [major, minor] = answer.version;
  const version = answer.version.join(".");
  const name = answer.implementation === "cpython" ? "Python" : answer.implementation;
  const where = answer.wrapper ? `, through ${path}` : "";
  const kind = {
    conda: `, conda environment ${answer.prefix}`,
    venv: `, virtual environment ${answer.prefix}`,
    plain: "",
  }[answer.environment];
  const text = `${name} ${version}: ${answer.executable}${where}${kind}`;
  const data = { path, ...answer, version, own: undefined, cached: undefined };
  if (major < 3 || minor < supported.from) {
    return [
      bad(place, `${text}: rdg needs 3.${supported.from} or newer`, {
        todo: "name a newer one: rdg doctor /path/to/python",
        data,
      }),
    ];
  }
  const newer = major > 3 || minor > supported.to;
  return [
    newer
      ? note(place, `${text}: newer than any that rdg is for (up to 3.${supported.to})`, { data })
      : ok(place, text, data),
    debugpyRow(answer, circumstances),
  ];
}

/** The row of the debugpy that an interpreter would take. */
function debugpyRow(answer: Interpreter, { needed, inJob }: Circumstances): Row {
  const place: Place = { group: "python", name: "debugpy" };
  const copy = answer.own ?? answer.cached;
  const python = quoteWord(answer.executable);
  if (copy === null) {
    const fill = `rdg doctor --fix ${python}`;
    const todo = inJob ? `${fill} on the login node: jobs often have no internet` : fill;
    return (needed ? problem : note)(
      place,
      answer.tooOld === null
        ? `none: neither in the interpreter's own environment nor in rdg's cache`
        : `${answer.tooOld}, of its own environment, is too old for this Python, and none is in rdg's cache`,
      { todo: `${todo}; or ${python} -m pip install debugpy`, data: { from: null } },
    );
  }
  const from = answer.own ? "environment" : "cache";
  const where = answer.own ? "of its own environment" : "in rdg's cache";
  const text = `${copy.version ?? "of unknown version"}, ${where} (${copy.folder})`;
  const data = { from, ...copy };
  const doubts = doubtsAbout(copy, answer);
  if (doubts.length === 0) return ok(place, `${text}, compiled`, data);
  const [{ todo }] = doubts as [Doubt];
  return note(place, `${text}, ${doubts.map((doubt) => doubt.text).join(", ")}`, {
    todo: todo.replace("PYTHON", python),
    data,
  });
}

interface Doubt {
  text: string;
  todo: string;
}

function doubtsAbout(copy: DebugpyCopy, answer: Interpreter): Doubt[] {
  const doubts: Doubt[] = [];
  if (copy.version !== null && isOlder(copy.version, oldestTried)) {
    doubts.push({
      text: `older than any that rdg was tried with (${oldestTried})`,
      todo: "PYTHON -m pip install --upgrade debugpy",
    });
  }
  if (copy.switchedOff) {
    doubts.push({
      text: "its compiled part switched off (PYDEVD_USE_CYTHON)",
      todo: "unset PYDEVD_USE_CYTHON: debugging is slower without it",
    });
  } else if (!copy.compiled) {
    doubts.push({
      text: "without its compiled part for this Python, so slower",
      todo: answer.machine !== "x86_64"
        ? `PyPI has none for ${answer.machine}; a Python of 3.12 or newer misses it least`
        : answer.own
        ? "PYTHON -m pip install --force-reinstall " +
          (wantsOldDebugpy(answer)
            ? "'debugpy<1.8.17': newer ones are compiled for glibc 2.34"
            : "debugpy, which takes a wheel where there is one")
        : `rm -r ${quoteWord(copy.folder)}, then rdg doctor --fix PYTHON`,
    });
  }
  if (!copy.threads) {
    doubts.push({
      text: "breakpoints hold in threads only that start after the debugger",
      todo: "a Python of 3.12 or newer has no such limit",
    });
  }
  return doubts;
}
