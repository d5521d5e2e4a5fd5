/**
 * Runs the benches: `deno task bench [name…]`, all of them when none is named. Prints one Markdown table
 * each. Installs debugpy into `.cache/test` where it is missing.
 *
 * @module
 */

import { debugpyFor, type Interpreter, newestPython, python } from "../support/python.ts";
import { type BenchModule, machineLine, markdown } from "./_table.ts";

/** Benches by name; a module whose name begins with `_` is no bench. */
function benches(): string[] {
  return [...Deno.readDirSync(new URL(".", import.meta.url))]
    .map(({ name }) => /^([^_].*)\.ts$/.exec(name)?.[1] ?? "run")
    .filter((name) => name !== "run")
    .sort();
}

/** Installs debugpy for an interpreter, unless it is there. */
async function ensureDebugpy(interpreter: Interpreter): Promise<void> {
  const folder = debugpyFor(interpreter);
  try {
    await Deno.stat(folder);
    return;
  } catch {
    // It has to be installed.
  }
  const temporary = `${folder}.${Deno.pid}.tmp`;
  const { success, stderr } = await new Deno.Command(interpreter.path, {
    args: ["-m", "pip", "install", "-q", "--no-compile", "--target", temporary, "debugpy"],
    env: { PIP_ROOT_USER_ACTION: "ignore", PIP_DISABLE_PIP_VERSION_CHECK: "1" },
    stdin: "null",
  }).output();
  if (!success) {
    throw new Error(
      `Cannot install debugpy for "${interpreter.path}":\n${new TextDecoder().decode(stderr)}`,
    );
  }
  await Deno.rename(temporary, folder);
}

async function main(names: readonly string[]): Promise<number> {
  const known = benches();
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    await say(Deno.stderr, `Cannot run the bench "${unknown}"\nTry: one of ${known.join(", ")}\n`);
    return 2;
  }
  for (const interpreter of new Set([python, newestPython])) await ensureDebugpy(interpreter);
  for (const name of names.length > 0 ? names : known) {
    const module: BenchModule = await import(new URL(`${name}.ts`, import.meta.url).href);
    const machine = machineLine();
    await say(Deno.stdout, `${markdown(await module.bench(), machine)}\n`);
  }
  return 0;
}

async function say(stream: { write(bytes: Uint8Array): Promise<number> }, text: string) {
  let bytes: Uint8Array = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(await stream.write(bytes));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
