/**
 * Runs the benches: `deno task bench [--full] [--write] [name…]`, all of them when none is named. Each
 * module of this folder whose name doesn't begin with `_` is one; it exports `bench()`. Prints a table
 * for each, and in the end the one table that puts rdg beside the alternatives; `--write` puts that into
 * the README, between its two marks.
 *
 * Installs debugpy, remote-debug and py-spy from PyPI into `.cache/test` where they are missing. The
 * benches that start a cluster need root and Debian's packages of Slurm.
 *
 * @module
 */

import {
  cache,
  debugpyFor,
  type Interpreter,
  newestPython,
  python,
  root,
} from "../support/python.ts";
import { type BenchModule, type BenchTable, machineLine, markdown, oneTable } from "./_table.ts";
import { remoteDebugFor } from "./_ways.ts";

/** What stands around the one table in the README. */
const marks = ["<!-- bench: begin -->", "<!-- bench: end -->"] as const;

/** Benches by name; a module whose name begins with `_` is no bench. */
function benches(): string[] {
  return [...Deno.readDirSync(new URL(".", import.meta.url))]
    .map(({ name }) => /^([^_].*)\.ts$/.exec(name)?.[1] ?? "run")
    .filter((name) => name !== "run")
    .sort();
}

/** Installs a package of PyPI into a folder, unless it is there. */
async function ensure(
  folder: string,
  options: { interpreter: Interpreter; name: string },
): Promise<void> {
  if (await Deno.stat(folder).then(() => true, () => false)) return;
  const { interpreter: { path }, name } = options;
  const temporary = `${folder}.${Deno.pid}.tmp`;
  const { success, stderr } = await new Deno.Command(path, {
    args: ["-m", "pip", "install", "-q", "--no-compile", "--target", temporary, name],
    env: { PIP_ROOT_USER_ACTION: "ignore", PIP_DISABLE_PIP_VERSION_CHECK: "1" },
    stdin: "null",
  }).output();
  if (!success) {
    throw new Error(`Cannot install ${name} for "${path}":\n${new TextDecoder().decode(stderr)}`);
  }
  await Deno.rename(temporary, folder);
}

async function setUp(): Promise<void> {
  for (const interpreter of new Set([python, newestPython])) {
    await ensure(debugpyFor(interpreter), { interpreter, name: "debugpy" });
    await ensure(remoteDebugFor(interpreter), { interpreter, name: "remote-debug" });
  }
  await ensure(`${cache}/py-spy`, { interpreter: python, name: "py-spy" });
  Deno.env.set("PATH", `${Deno.env.get("PATH")}:${cache}/py-spy/bin`);
}

async function main(words: readonly string[]): Promise<number> {
  const known = benches();
  const flags = words.filter((word) => word.startsWith("--"));
  const named = words.filter((word) => !word.startsWith("--"));
  const wrong = flags.find((flag) => flag !== "--full" && flag !== "--write") ??
    named.find((name) => !known.includes(name));
  if (wrong !== undefined) {
    await say(
      Deno.stderr,
      `Cannot run the bench "${wrong}"\nTry: --full, --write, or any of ${known.join(", ")}\n`,
    );
    return 2;
  }
  if (named.length > 0 && flags.includes("--write")) {
    await say(
      Deno.stderr,
      "Cannot write the README's table: it holds all benches\nTry: --write alone\n",
    );
    return 2;
  }
  await setUp();
  const begin = performance.now();
  const machine = machineLine();
  const tables: BenchTable[] = [];
  const failed: string[] = [];
  for (const name of named.length > 0 ? named : known) {
    try {
      const module: BenchModule = await import(new URL(`${name}.ts`, import.meta.url).href);
      const table = await module.bench({ full: flags.includes("--full") });
      tables.push(table);
      await say(Deno.stdout, `${markdown(table, machineLine())}\n`);
    } catch (error) {
      failed.push(name);
      await say(Deno.stderr, `The bench "${name}" failed: ${error}\n`);
    }
  }
  const minutes = ((performance.now() - begin) / 60_000).toFixed(1);
  const versions = tables.flatMap((table) => table.versions ? [`${table.versions}.`] : []);
  const notes = [
    `${machine}; ${minutes} minutes.`,
    ...versions,
    ...failed.map((name) => `Left out: ${name}.`),
  ];
  const one = `${notes.join(" ")}\n\n${oneTable(tables)}`;
  await say(Deno.stdout, `### The one table\n\n${one}`);
  if (flags.includes("--write")) await writeReadme(one);
  return failed.length > 0 ? 1 : 0;
}

/** Puts a text between the README's marks. */
async function writeReadme(text: string): Promise<void> {
  const path = `${root}/README.md`;
  const readme = await Deno.readTextFile(path);
  const [begin, end] = marks.map((mark) => readme.indexOf(mark)) as [number, number];
  if (begin < 0 || end < begin) throw new Error(`Cannot find ${marks.join(" … ")} in README.md`);
  const head = readme.slice(0, begin + marks[0].length);
  await Deno.writeTextFile(path, `${head}\n${text}${readme.slice(end)}`);
}

async function say(stream: { write(bytes: Uint8Array): Promise<number> }, text: string) {
  let bytes: Uint8Array = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(await stream.write(bytes));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
