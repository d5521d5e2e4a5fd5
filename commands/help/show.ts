/**
 * What `rdg help`, `rdg help WORD` and `--help` print: the list, a command's page, or a topic's. Pure but
 * for loading the command.
 *
 * @module
 */

import { closest, type CommandMeta, helpPage, table } from "../_args.ts";
import { usageError } from "../../plugins/error.ts";
import { topics } from "./topics.ts";

/** All commands. */
type Commands = Readonly<
  Record<string, { summary: string; load(): Promise<{ meta: CommandMeta }> }>
>;

/**
 * Renders a page.
 *
 * @param word A command or a topic; undefined, or a flag, for the list of all.
 * @param commands All commands.
 * @returns The page, with a final newline.
 * @throws {RdgError} `usage` when there is neither a command nor a topic of that name.
 */
export async function help(word: string | undefined, commands: Commands): Promise<string> {
  if (word === undefined || word.startsWith("-")) return list(commands);
  if (Object.hasOwn(commands, word)) return helpPage((await commands[word]!.load()).meta);
  if (Object.hasOwn(topics, word)) return `${topics[word]!.page().join("\n")}\n`;
  const guess = closest(word, [...Object.keys(commands), ...Object.keys(topics)]);
  throw usageError(
    `Cannot show help on "${word}": there is no such command or topic`,
    guess ? `rdg help ${guess}` : "rdg help",
  );
}

function list(commands: Commands): string {
  const rows = (all: Readonly<Record<string, { summary: string }>>) =>
    table(Object.entries(all).map(([name, { summary }]) => [name, summary]));
  const page = [
    "rdg: debug a Python program inside a cluster job from the editor on your desk",
    "",
    "Usage:",
    "  rdg COMMAND [flags] …",
    "",
    "Commands:",
    ...rows(commands),
    "",
    "Topics (rdg help TOPIC):",
    ...rows(topics),
    "",
    "Flags:",
    ...table([
      ["-h, --help", "Show this page, or a command's"],
      ["-V, --version", "Show the version"],
    ]),
  ];
  return `${page.join("\n")}\n`;
}
