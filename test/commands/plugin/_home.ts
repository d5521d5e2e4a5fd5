/**
 * A sandbox with a folder of plugins. Writes into the sandbox's home.
 *
 * @module
 */

import { makeSandbox, rdg, runRdg, type Sandbox, start } from "../../support/rdg.ts";

/** Where the examples of README, "Writing a plugin", are. */
export const examples = new URL("../../plugins/examples", import.meta.url).pathname;

/** A home for plugins. */
export interface PluginHome extends AsyncDisposable {
  /** The sandbox. */
  readonly sandbox: Sandbox;
  /** The folder of plugins. */
  readonly plugins: string;
  /** Puts a plugin there by hand; returns its file. */
  put(name: string, text: string): Promise<string>;
  /** Puts a program on PATH. */
  program(name: string, text: string): Promise<void>;
  /** Runs rdg to its end; `hurry` gives plugins 2 seconds for a call, not 5. */
  rdg(
    words: readonly string[],
    options?: { env?: Record<string, string>; cwd?: string; hurry?: boolean },
  ): Promise<{ code: number; stdout: string; stderr: string }>;
}

/**
 * Makes one; `bin` of the sandbox comes first on PATH.
 *
 * @param options Whether debugpy is there.
 * @returns The home; dispose of it at the end.
 */
export async function pluginHome(options: { debugpy?: null } = {}): Promise<PluginHome> {
  const sandbox = await makeSandbox(options);
  const plugins = `${sandbox.env.HOME}/.config/rdg/plugins`;
  const bin = `${sandbox.env.HOME}/bin`;
  await Deno.mkdir(plugins, { recursive: true, mode: 0o700 });
  // Whatever the umask: a home that others can write is one of the tests' subjects.
  await Deno.chmod(sandbox.env.HOME ?? "", 0o700);
  await Deno.mkdir(bin);
  const path = `${bin}:${sandbox.env.PATH}`;
  return {
    sandbox: { ...sandbox, env: { ...sandbox.env, PATH: path } },
    plugins,
    async put(name, text) {
      const file = `${plugins}/${name}`;
      await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true, mode: 0o700 });
      await Deno.writeTextFile(file, text, { mode: 0o600 });
      return file;
    },
    async program(name, text) {
      await Deno.writeTextFile(`${bin}/${name}`, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    },
    async rdg(words, { hurry = false, ...more } = {}) {
      const options = { sandbox, ...more, env: { PATH: path, ...more.env } };
      if (!hurry) return await runRdg(words, options);
      const preload = `--preload=${new URL("_hurry.ts", import.meta.url).pathname}`;
      await using child = start(
        [...rdg.slice(0, -1), preload, ...rdg.slice(-1), ...words],
        options,
      );
      const { code } = await child.status();
      return { code, stdout: child.stdout, stderr: child.stderr };
    },
    [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
  };
}

/**
 * The source of a scheduler's plugin.
 *
 * @param members Members to add, or to write over those that are right, as source.
 * @returns TypeScript.
 */
export function scheduler(members: Readonly<Record<string, string>> = {}): string {
  const all = {
    contract: "1",
    kind: '"scheduler"',
    name: '"toyq"',
    summary: '"Toy"',
    programs: '["toystat"]',
    detect: '["toystat"]',
    job: '{ present: [["TOY_JOB"]], job: ["TOY_JOB"] }',
    list: `function* () {
      const { stdout } = yield { program: "toystat", args: [] };
      return JSON.parse(stdout);
    }`,
    ...members,
  };
  const lines = Object.entries(all).map(([name, text]) => `  ${name}: ${text},`);
  return `export default {\n${lines.join("\n")}\n};\n`;
}

/**
 * The source of an editor's plugin that owns `.toy.json`.
 *
 * @param members Members to add, or to write over those that are right, as source.
 * @returns TypeScript.
 */
export function editor(members: Readonly<Record<string, string>> = {}): string {
  const all = {
    contract: "1",
    kind: '"editor"',
    name: '"toyed"',
    title: '"ToyEd"',
    summary: '"Toy"',
    programs: "[]",
    detect: '{ files: [".toy"] }',
    files: '[{ path: ".toy.json" }]',
    apply: '() => ({ text: "toy" })',
    remove: "() => ({ text: null })",
    instructions: "() => []",
    ...members,
  };
  const lines = Object.entries(all).map(([name, text]) => `  ${name}: ${text},`);
  return `export default {\n${lines.join("\n")}\n};\n`;
}
