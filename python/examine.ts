/**
 * Asks an interpreter what it is and which debugpy it would take (`node/examine.py`), and has it fill
 * rdg's cache of debugpy (`remote_debug/_find.py`, the same code as at a first use outside a job). Pure:
 * says what to run and reads what came out.
 *
 * @module
 */

import source from "./node/examine.py" with { type: "text" };
import fillSource from "./node/fill.py" with { type: "text" };
import type { RunOutput, RunSpec } from "../plugins/contract.ts";

/**
 * debugpy's first version for a Python that older ones harm: on 3.14 those before 1.8.15 raise their
 * errors into the program and never stop (1.8.11 and 1.8.14 seen; 1.8.15 works).
 */
export const oldestDebugpy: Readonly<Record<string, string>> = { "3.14": "1.8.15" };

/** A debugpy that an interpreter can import. */
export interface DebugpyCopy {
  /** The folder that holds the package. */
  folder: string;
  /** Its version; null where it doesn't say. */
  version: string | null;
  /** Whether its compiled part fits this interpreter. */
  compiled: boolean;
  /** Whether `PYDEVD_USE_CYTHON` switches that part off. */
  switchedOff: boolean;
  /** Whether breakpoints work in threads that ran before the debugger came. */
  threads: boolean;
}

/** What an interpreter says of itself. */
export interface Interpreter {
  /** Major, minor, micro. */
  version: [number, number, number];
  /** `cpython`, `pypy`, … */
  implementation: string;
  /** Its path as it knows it. */
  executable: string;
  /** Whether that is another program than the one that was started (pyenv's shims, a script). */
  wrapper: boolean;
  /** Which kind of environment it belongs to. */
  environment: "conda" | "venv" | "plain";
  /** The environment's folder. */
  prefix: string;
  /** Whether it has pip. */
  pip: boolean;
  /** Version of the C library, as in `2.28`; null where it is another one. */
  glibc: string | null;
  /** The processor: `x86_64`, `aarch64`. */
  machine: string;
  /** Folder of its copy in rdg's cache, whether it exists or not. */
  copy: string;
  /** debugpy of its own environment; null where that one is too old for this Python. */
  own: DebugpyCopy | null;
  /** Version of the one that is too old for this Python; null where there is none. */
  tooOld: string | null;
  /** debugpy in rdg's cache. */
  cached: DebugpyCopy | null;
}

/**
 * Says how to ask an interpreter.
 *
 * @param python Its path.
 * @param cache rdg's cache folder; "" for the one of the system's home.
 * @returns What to run.
 */
export function examineSpec(python: string, cache: string): RunSpec {
  return { program: python, args: ["-c", source, python, cache], timeoutMs: 20_000 };
}

/**
 * Reads the answer to {@linkcode examineSpec}.
 *
 * @param output What came out.
 * @returns What is known; null where it gave no answer.
 */
export function readExamined(output: RunOutput): Interpreter | null {
  const line = output.stdout.split("\n").find((text) => text.startsWith("rdg-examine {"));
  if (line === undefined) return null;
  const answer: Omit<Interpreter, "tooOld"> = JSON.parse(line.slice("rdg-examine ".length));
  const oldest = oldestDebugpy[answer.version.slice(0, 2).join(".")];
  const version = answer.own?.version ?? null;
  return oldest !== undefined && version !== null && isOlder(version, oldest)
    ? { ...answer, own: null, tooOld: version }
    : { ...answer, tooOld: null };
}

/**
 * Whether one version comes before another.
 *
 * @param version As debugpy writes it: `1.6.6`, `1.8.0`.
 * @param other Another one.
 * @returns Whether it is older.
 */
export function isOlder(version: string, other: string): boolean {
  const [one, two] = [version, other].map((text) => text.split(".").map((part) => parseInt(part)));
  for (let index = 0; index < 3; index++) {
    const difference = (one![index] || 0) - (two![index] || 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/**
 * Whether the compiled part of debugpy 1.8.17 and newer can't be had: their wheels want glibc 2.34 (seen
 * on PyPI for 1.8.17 to 1.8.22). `remote_debug/_find.py` asks pip for an older one then.
 *
 * @param answer The interpreter.
 * @returns Whether it takes an older one.
 */
export function wantsOldDebugpy({ glibc, machine }: Interpreter): boolean {
  const [major = 0, minor = 0] = (glibc ?? "").split(".").map(Number);
  return glibc !== null && machine === "x86_64" && (major < 2 || (major === 2 && minor < 34));
}

/**
 * Says how to have an interpreter fill rdg's cache with a debugpy for itself.
 *
 * @param python Its path.
 * @param options Folder of the package `remote_debug`, rdg's cache folder, and a folder of wheels to
 * take debugpy from instead of the network.
 * @returns What to run. It takes minutes at most: pip is given 5 of them.
 */
export function fillSpec(
  python: string,
  options: { agent: string; cache: string; wheels?: string | undefined },
): RunSpec {
  const { agent, cache, wheels } = options;
  return {
    program: python,
    args: ["-c", fillSource, agent, cache],
    ...(wheels === undefined ? {} : {
      env: {
        PIP_NO_INDEX: "1",
        PIP_FIND_LINKS: wheels,
        UV_NO_INDEX: "1",
        UV_FIND_LINKS: wheels,
      },
    }),
    // pip, uv and the base interpreter's pip, one after the other.
    timeoutMs: 920_000,
  };
}

/**
 * Reads what came of {@linkcode fillSpec}.
 *
 * @param output What came out.
 * @returns Null where the cache is filled, else the last lines of what failed.
 */
export function readFilled(output: RunOutput): string[] | null {
  const line = output.stdout.split("\n").find((text) => text.startsWith("rdg-fill {"));
  if (line === undefined) return (output.stderr || output.stdout).trim().split("\n").slice(-3);
  const { failure } = JSON.parse(line.slice("rdg-fill ".length));
  return Array.isArray(failure) ? failure.map(String) : null;
}
