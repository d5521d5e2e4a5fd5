/**
 * `rdg install`: writes a launcher that gives each command only the permissions of its own list. Reads
 * HOME and PATH, writes one file.
 *
 * @module
 */

import { type CommandMeta, parseWords } from "../_args.ts";
import { fileError } from "../_file_error.ts";
import { type Host, withoutEnd } from "../_host.ts";
import { ExitCode, RdgError, usageError } from "../../plugins/error.ts";
import denoConfig from "../../deno.json" with { type: "json" };
import { findMain, mark, renderLauncher } from "./launcher.ts";

/** What the command says about itself. */
export const meta = {
  name: "install",
  summary: "Put rdg on your PATH, each command with its own permissions",
  usage: "[flags]",
  flags: {
    dir: { type: "string", value: "FOLDER", help: "Where to put it (default: ~/.local/bin)" },
    print: { type: "boolean", help: "Print the launcher, and write nothing" },
    force: { type: "boolean", help: "Replace a file of that name that is not rdg's" },
  },
  examples: [
    ["deno run -A jsr:@rdg/cli install", "from the registry"],
    ["deno run -A main.ts install --dir ~/bin", "from a checkout, which has to stay where it is"],
  ],
} as const satisfies CommandMeta;

/** What was typed after `rdg install`. */
export interface InstallOptions {
  /** The folder; undefined for the usual one. */
  dir?: string;
  /** Only show it. */
  print: boolean;
  /** Go over another's file. */
  force: boolean;
}

/**
 * Reads the command line.
 *
 * @param argv The words after `install`.
 * @returns The options.
 * @throws {RdgError} `usage` for unknown flags and for words.
 */
export function parse(argv: readonly string[]): InstallOptions {
  const { values, words } = parseWords(argv, meta);
  if (words[0] !== undefined) {
    throw usageError(`Cannot use "${words[0]}": rdg install takes flags only`, `--dir=${words[0]}`);
  }
  return {
    ...(values.dir === undefined ? {} : { dir: String(values.dir) }),
    print: values.print === true,
    force: values.force === true,
  };
}

/**
 * Writes the launcher.
 *
 * @param options What was typed.
 * @param host The world.
 * @returns 0.
 * @throws {RdgError} `usage` where there is nothing to launch or no folder, `exists` for a file that is
 * not rdg's, `permission` or `file` for a folder that can't be written.
 */
export async function run(options: InstallOptions, host: Host): Promise<number> {
  if (Deno.build.standalone) {
    throw usageError(
      "Cannot install: this rdg is one compiled program, which needs no launcher",
      "copy or link it into a folder on your PATH",
    );
  }
  if (Deno.build.os === "windows") {
    throw usageError(
      "Cannot install: the launcher is a shell script, which Windows does not run",
      "deno install -g -A -n rdg jsr:@rdg/cli",
    );
  }
  const found = findMain(import.meta.url);
  const lock = found.config?.replace(/json$/, "lock") ?? null;
  const text = renderLauncher({
    ...found,
    lock: lock && await isFile(lock) ? lock : null,
    version: denoConfig.version,
    deno: Deno.execPath(),
    unstable: (denoConfig as { unstable?: string[] }).unstable ?? [],
    lists: denoConfig.permissions,
  });
  if (options.print) {
    host.terminal.out(text);
    return ExitCode.ok;
  }
  const home = host.env("HOME");
  const wanted = options.dir ?? (home ? `${home}/.local/bin` : undefined);
  if (!wanted) throw usageError("Cannot install: HOME is not set", "--dir=FOLDER");
  const folder = withoutEnd(wanted.startsWith("/") ? wanted : `${host.cwd()}/${wanted}`);
  const path = `${folder === "/" ? "" : folder}/rdg`;
  await write(path, { text, force: options.force });
  host.terminal.say(`Wrote ${path}`);
  const onPath = (host.env("PATH") ?? "").split(":").map(withoutEnd).includes(folder);
  if (!onPath) host.terminal.say(`Add its folder to your PATH: export PATH="${folder}:$PATH"`);
  return ExitCode.ok;
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}

/** Puts the file in place under another name first: whoever runs the old one isn't disturbed. */
async function write(path: string, { text, force }: { text: string; force: boolean }) {
  const old = await Deno.readTextFile(path).catch((error) => {
    const none = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (none) return null;
    // Bytes that are no text, a folder, a file that may not be read: not rdg's, in any case.
    return "";
  });
  if (old !== null && !old.includes(`\n${mark}`) && !force) {
    throw new RdgError(`Cannot install: "${path}" is not rdg's launcher`, {
      code: "exists",
      exitCode: ExitCode.generic,
      hint: "--dir=FOLDER for another place, or --force to replace it",
    });
  }
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")) || "/", { recursive: true });
    await Deno.writeTextFile(temporary, text, { createNew: true });
    // The mode is set apart: a umask would take from the one given at the creation.
    await Deno.chmod(temporary, 0o755);
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw fileError("write", path, {
      cause: error,
      hint: "--dir=FOLDER with a folder that you may write to",
    });
  }
}
