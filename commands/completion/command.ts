/**
 * `rdg completion`: prints what makes a shell complete rdg's command lines. The scripts hold no words of
 * their own: they ask `rdg completion words -- WORD…` at each press of Tab, which answers from the
 * commands' own tables and from the session records. Reads records and `~/.ssh/config`.
 *
 * @module
 */

import { closest, type CommandMeta, parseWords } from "../_args.ts";
import type { Command, Host } from "../_host.ts";
import { ExitCode, usageError } from "../../plugins/error.ts";
import bash from "./rdg.bash" with { type: "text" };
import fish from "./rdg.fish" with { type: "text" };
import zsh from "./rdg.zsh" with { type: "text" };
import type { CommandTable } from "./candidates.ts";

/** The scripts, by shell. */
const scripts: Readonly<Record<string, string>> = { bash, zsh, fish };

/** What was typed after `rdg completion`. */
export interface CompletionOptions {
  /** The shell whose script is wanted; null to complete words. */
  shell: string | null;
  /** The words after `rdg`, up to the cursor; the last one is being typed. */
  words: string[];
}

/** What the command says about itself. */
export const meta: CommandMeta = {
  name: "completion",
  summary: "Print the completion script for bash, zsh or fish",
  usage: "bash|zsh|fish",
  flags: {},
  examples: [
    ['eval "$(rdg completion bash)"', "in ~/.bashrc"],
    ["source <(rdg completion zsh)", "in ~/.zshrc, after compinit"],
    ["rdg completion fish > ~/.config/fish/completions/rdg.fish", "once"],
  ],
};

/**
 * Reads the command line.
 *
 * @param argv The words after `completion`.
 * @returns The options.
 * @throws {RdgError} `usage` when it makes no sense.
 */
export function parse(argv: readonly string[]): CompletionOptions {
  const { words } = parseWords(argv, meta);
  const [shell, ...rest] = words;
  if (shell === "words") return { shell: null, words: rest };
  const names = Object.keys(scripts);
  if (shell === undefined || rest.length > 0) {
    throw usageError(
      "Cannot print a completion script: name one shell",
      names.map((name) => `rdg completion ${name}`).join(", or "),
    );
  }
  if (!Object.hasOwn(scripts, shell)) {
    const guess = closest(shell, names) ?? "bash";
    throw usageError(
      `Cannot complete for "${shell}": rdg knows ${names.join(", ")}`,
      `rdg completion ${guess}`,
    );
  }
  return { shell, words: [] };
}

/**
 * Makes the command.
 *
 * @param table All commands: their descriptions are what is completed.
 * @returns The command.
 */
export function completion(table: CommandTable): Command<CompletionOptions> {
  return { meta, parse, run: (options, host) => run(options, { host, table }) };
}

async function run(
  { shell, words }: CompletionOptions,
  { host, table }: { host: Host; table: CommandTable },
): Promise<number> {
  if (shell !== null) {
    host.terminal.out(scripts[shell]!);
    return ExitCode.ok;
  }
  const [{ complete }, { sources }] = await Promise.all([
    import("./candidates.ts"),
    import("./sources.ts"),
  ]);
  const { candidates, then } = await complete(words, { table, sources: sources(host) });
  const lines = candidates.map(({ value, about }) => `${value}\t${about}`);
  host.terminal.out(`${[...lines, `:${then}`].join("\n")}\n`);
  return ExitCode.ok;
}
