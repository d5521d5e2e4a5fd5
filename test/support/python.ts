/**
 * A Python with debugpy for the tests. Touches: runs that Python, and its pip once; the folder
 * `.cache/` of this checkout.
 *
 * `RDG_TEST_PYTHON` names the interpreter (`python3` without it), `RDG_TEST_DEBUGPY` a folder that
 * holds debugpy, to be put on `PYTHONPATH`. Without the latter, one is installed into `.cache/`.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** An interpreter and where its debugpy is. */
export interface TestPython {
  /** The interpreter's path or name. */
  python: string;
  /** The folder that holds the package debugpy. */
  debugpy: string;
  /** The value for `PYTHONPATH`: rdg's own Python files and debugpy. */
  pythonPath: string;
}

let found: Promise<TestPython> | undefined;

/**
 * Finds the interpreter for the tests, and debugpy for it; installs that on first use.
 *
 * @returns The interpreter and its paths.
 * @throws {Error} with pip's words where debugpy can't be installed.
 */
export function testPython(): Promise<TestPython> {
  found ??= find();
  return found;
}

async function find(): Promise<TestPython> {
  const python = Deno.env.get("RDG_TEST_PYTHON") ?? "python3";
  const debugpy = Deno.env.get("RDG_TEST_DEBUGPY") ?? await install(python);
  return { python, debugpy, pythonPath: `${root}python:${debugpy}` };
}

async function install(python: string): Promise<string> {
  const tag = (await run(python, ["-c", "import sys; print(sys.implementation.cache_tag)"])).trim();
  const target = `${root}.cache/test-debugpy/${tag}`;
  const present = await Deno.stat(`${target}/debugpy`).then(() => true, () => false);
  if (!present) {
    await run(python, ["-m", "pip", "install", "--quiet", "--target", target, "debugpy>=1.8"]);
  }
  return target;
}

async function run(program: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) {
    throw new Error(`"${program} ${args.join(" ")}" failed: ${new TextDecoder().decode(stderr)}`);
  }
  return new TextDecoder().decode(stdout);
}
