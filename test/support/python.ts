/**
 * The Python interpreters of this machine, and what the tests need installed for each. Looks at PATH,
 * `/usr/bin`, pyenv's folder and `.cache/test`, which `test/run.ts` fills beforehand.
 *
 * @module
 */

import { newestPath } from "./newest_python.ts";
import { cache, root } from "./paths.ts";

/** An interpreter. */
export interface Interpreter {
  /** Absolute path. */
  path: string;
  /** `3.11`. */
  version: string;
  /** Minor version of Python 3: 11. */
  minor: number;
  /** Name of its copy in rdg's cache: `cpython-311-x86_64`. */
  tag: string;
}

export { cache, root };

/**
 * debugpy's versions that rdg's knowledge of its insides is tried with, beside each newest one, and the
 * newest minor version of Python that debugpy itself works on: 1.8.11 hangs on 3.14 (seen).
 */
const oldVersions = { "1.6.6": 11, "1.8.0": 12, "1.8.11": 13, "1.8.16": 14, "1.8.20": 14 } as const;

const found = findInterpreters();

/** Interpreters that rdg supports, oldest first, one of each version. */
export const interpreters: readonly Interpreter[] = found.filter(({ minor }) => minor >= 8);

/** Interpreters that are too old for rdg. */
export const tooOld: readonly Interpreter[] = found.filter(({ minor }) => minor < 8);

/** The interpreter for tests that need only one: 3.11, where tracing costs most, else the newest. */
export const python: Interpreter = interpreters.find(({ minor }) => minor === 11) ??
  interpreters.at(-1) ?? missing();

/** The newest interpreter. */
export const newestPython: Interpreter = interpreters.at(-1) ?? missing();

/** Each of debugpy's old versions with the interpreters that it is tried on: {@linkcode python}, the newest. */
export const oldDebugpy: readonly { version: string; interpreter: Interpreter }[] = Object
  .entries(oldVersions).flatMap(([version, last]) => {
    const able = interpreters.filter(({ minor }) => minor <= last);
    return able.filter((one) => one === python || one === able.at(-1))
      .map((interpreter) => ({ version, interpreter }));
  });

/**
 * Folder with a debugpy for an interpreter.
 *
 * @param interpreter Which one.
 * @param version debugpy's version; the newest for that interpreter when left out.
 * @returns The folder to put on PYTHONPATH.
 */
export function debugpyFor(interpreter: Interpreter, version = "newest"): string {
  return `${cache}/debugpy/${version}/${interpreter.tag}`;
}

/** Folder with py-spy, which reads every Python; its program is in `bin`. */
export const pySpyFolder = `${cache}/py-spy`;

/** Folder with pytest for an interpreter. */
export function pytestFor(interpreter: Interpreter): string {
  return `${cache}/pytest/${interpreter.tag}`;
}

function missing(): never {
  throw new Error("The tests need Python 3.8 or newer: apt-get install python3 python3-pip");
}

function findInterpreters(): Interpreter[] {
  const candidates: string[] = [];
  for (let minor = 6; minor <= 15; minor++) {
    for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
      if (!folder.includes("/shims")) candidates.push(`${folder}/python3.${minor}`);
    }
  }
  const pyenv = Deno.env.get("PYENV_ROOT") ?? `${Deno.env.get("HOME")}/.pyenv`;
  try {
    for (const { name } of Deno.readDirSync(`${pyenv}/versions`)) {
      candidates.push(`${pyenv}/versions/${name}/bin/python`);
    }
  } catch {
    // No pyenv here.
  }
  candidates.push("/usr/bin/python3", newestPath);
  const byVersion = new Map<string, Interpreter>();
  for (const path of candidates) {
    try {
      Deno.statSync(path);
    } catch {
      continue;
    }
    const code =
      "import sys, os; print('%d.%d %s-%s' % (sys.version_info[0], sys.version_info[1], " +
      "getattr(sys, 'implementation', None) and sys.implementation.cache_tag, os.uname()[4]))";
    const { success, stdout } = new Deno.Command(path, { args: ["-c", code] }).outputSync();
    if (!success) continue;
    const [version = "", tag = ""] = new TextDecoder().decode(stdout).trim().split(" ");
    const [major, minor] = version.split(".").map(Number);
    if (byVersion.has(version)) continue;
    byVersion.set(version, { path, version, tag, minor: major === 3 ? minor ?? 0 : 0 });
  }
  return [...byVersion.values()].sort((a, b) => a.minor - b.minor);
}

/** An interpreter and where its debugpy is. */
export interface TestPython {
  /** The interpreter's path. */
  python: string;
  /** The folder that holds the package debugpy. */
  debugpy: string;
  /** The value for `PYTHONPATH`: rdg's own Python files and debugpy. */
  pythonPath: string;
}

/**
 * The interpreter for tests of rdg's Python parts by themselves. `RDG_TEST_PYTHON` names another one,
 * `RDG_TEST_DEBUGPY` a folder with another debugpy.
 *
 * @returns The interpreter and its paths.
 */
export function testPython(): Promise<TestPython> {
  const debugpy = Deno.env.get("RDG_TEST_DEBUGPY") ?? debugpyFor(python);
  return Promise.resolve({
    python: Deno.env.get("RDG_TEST_PYTHON") ?? python.path,
    debugpy,
    pythonPath: `${root}/python:${debugpy}`,
  });
}
