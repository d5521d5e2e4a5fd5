#!/usr/bin/env -S deno run -A -q
/**
 * rdg: debug a Python program inside a cluster job from the editor on your desk.
 *
 * Finds the command that was typed, loads only that one, and turns what it throws into words and an
 * exit code.
 *
 * @example
 * ```sh
 * deno run -A jsr:@rdg/cli debug python train.py
 * ```
 *
 * @module
 */

import { errorAsJson, ExitCode, formatError, RdgError, usageError } from "./plugins/error.ts";
import type { CommandMeta } from "./commands/_args.ts";
import type { Command, Host } from "./commands/_host.ts";
import { writeAll } from "./commands/_terminal.ts";
import denoConfig from "./deno.json" with { type: "json" };

/** What is known of a command before it is loaded. */
interface Entry {
  summary: string;
  load: () => Promise<Loaded>;
}

/** A loaded command, its own type of options tied up inside. */
interface Loaded {
  meta: CommandMeta;
  start(argv: readonly string[], host: Host): Promise<number>;
}

const commands: Readonly<Record<string, Entry>> = {
  debug: {
    summary: "Start a Python command so that an editor can debug it",
    load: async () => tie(await import("./commands/debug/command.ts")),
  },
  attach: {
    summary: "Wake a lite-mode program in a running job, and say where to connect",
    load: async () => tie(await import("./commands/attach/command.ts")),
  },
  connect: {
    summary: "Bring a running session to this machine: one port for the editor, nothing to copy",
    load: async () => tie(await import("./commands/connect/command.ts")),
  },
  sessions: {
    summary: "List armed, listening, attached and crashed programs of your jobs",
    load: async () => tie(await import("./commands/sessions/command.ts")),
  },
  stack: {
    summary: "Show where every process of a job is: one tree of stacks, by rank",
    load: async () => tie(await import("./commands/stack/command.ts")),
  },
  init: {
    summary: "Make your editor ready to attach",
    load: async () => tie(await import("./commands/init/command.ts")),
  },
  plugin: {
    summary: "Add, list, update, remove, make and test plugins of your own",
    load: async () => tie(await import("./commands/plugin/command.ts")),
  },
  doctor: {
    summary: "Say what works here, and what to do about what doesn't",
    load: async () => tie(await import("./commands/doctor/command.ts")),
  },
  completion: {
    summary: "Print the completion script for bash, zsh or fish",
    load: async () => tie((await import("./commands/completion/command.ts")).completion(commands)),
  },
  install: {
    summary: "Put rdg on your PATH, each command with its own permissions",
    load: async () => tie(await import("./commands/install/command.ts")),
  },
};

function tie<Options>(command: Command<Options>): Loaded {
  return {
    meta: command.meta,
    start: (argv, host) => command.run(command.parse(argv), host),
  };
}

/**
 * Runs one command line.
 *
 * @param argv The words after `rdg`.
 * @returns The exit code.
 */
export async function main(argv: readonly string[]): Promise<number> {
  const [word, ...rest] = argv;
  let verbose = false;
  let json = false;
  try {
    if (word === undefined || word === "--help" || word === "-h" || word === "help") {
      return await showHelp(rest[0]);
    }
    if (word === "--version" || word === "-V") {
      writeAll(Deno.stdout, `rdg ${denoConfig.version}\n`);
      return ExitCode.ok;
    }
    const command = await load(word);
    json = wantsJson(rest, command.meta);
    const { parseWords } = await import("./commands/_args.ts");
    const { values } = parseWords(rest, command.meta);
    if (values.help) return await showHelp(word);
    verbose = values.verbose === true;
    const { systemHost } = await import("./commands/_host.ts");
    return await command.start(rest, systemHost({ verbose }));
  } catch (error) {
    writeAll(Deno.stderr, `${formatError(error, { verbose })}\n`);
    // For a program that reads: one object, whatever comes of it.
    if (json) tryToSay(`${JSON.stringify({ error: errorAsJson(error) })}\n`);
    return error instanceof RdgError ? error.exitCode : ExitCode.generic;
  }
}

/** Loads a command's module; a word that names none is answered with the nearest that does. */
async function load(word: string): Promise<Loaded> {
  const entry = Object.hasOwn(commands, word) ? commands[word] : undefined;
  if (entry) return await entry.load();
  const { closest } = await import("./commands/_args.ts");
  if (["version", "-v"].includes(word)) {
    throw usageError(`Cannot run "rdg ${word}": there is no such command`, "rdg --version");
  }
  if (word.startsWith("-")) {
    throw usageError(`Cannot run "rdg ${word}": a command comes first`, `rdg COMMAND ${word}`);
  }
  const guess = closest(word, [...Object.keys(commands), "help"]);
  throw usageError(
    `Cannot run "rdg ${word}": there is no such command`,
    guess ? `rdg ${guess}` : "rdg --help",
  );
}

/** Whether a program reads what comes of a command line, be it a wrong one. */
function wantsJson(words: readonly string[], { flags }: CommandMeta): boolean {
  const end = words.indexOf("--");
  return flags.json !== undefined && words.slice(0, end < 0 ? undefined : end).includes("--json");
}

/** Writes the page of one command or topic, or the list of all. */
async function showHelp(word: string | undefined): Promise<number> {
  const { help } = await import("./commands/help/show.ts");
  writeAll(Deno.stdout, await help(word, commands));
  return ExitCode.ok;
}

/** Writes to stdout after an error, which may be that stdout can't be written to. */
function tryToSay(text: string): void {
  try {
    writeAll(Deno.stdout, text);
  } catch {
    // The person has read on stderr what is wrong.
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
