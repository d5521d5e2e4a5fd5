/**
 * Reads a command line against a table of flags, and renders the help page from the same table.
 * Pure. The words are taken apart by `_words.ts`: commander was measured to add 55 ms to every start,
 * `node:util`'s `parseArgs` 10.
 *
 * @module
 */

import { closest } from "../plugins/closest.ts";
import { usageError } from "../plugins/error.ts";
import { readWords } from "./_words.ts";

export { closest } from "../plugins/closest.ts";

/** One flag of a command. */
export interface Flag {
  /** Whether it takes a value. */
  type: "boolean" | "string";
  /** One-letter form, without the dash. */
  short?: string;
  /** What the value is called in the help page: `SECONDS`. */
  value?: string;
  /** The values that it takes, where they are few. */
  choices?: readonly string[];
  /** May be given more than once. */
  multiple?: boolean;
  /** One line for the help page. */
  help: string;
}

/** A command's flags by their long names. */
export type Flags = Readonly<Record<string, Flag>>;

/** What every command says about itself. */
export interface CommandMeta {
  /** The word that is typed. */
  name: string;
  /** One line for the list of commands. */
  summary: string;
  /** What may follow the name: `[flags] COMMAND…`. */
  usage: string;
  /** The flags. */
  flags: Flags;
  /** Command lines with a word on what each does. */
  examples: readonly (readonly [string, string])[];
  /** Everything from the first word that is no flag belongs to another program. */
  passThrough?: boolean;
}

/** What was typed, by the table. */
export interface Parsed {
  /** Values by long name: `true`, a text, or a list of texts. */
  values: Readonly<Record<string, boolean | string | (string | boolean)[] | undefined>>;
  /** The words that are no flags. */
  words: string[];
}

/** Flags that every command has. */
export const commonFlags = {
  help: { type: "boolean", short: "h", help: "Show this page" },
  verbose: { type: "boolean", help: "Show each program that is run, and stack traces" },
} as const satisfies Flags;

/**
 * Reads the words after a command's name.
 *
 * @param argv The words.
 * @param meta The command's description of itself.
 * @returns Flags by long name, and the other words.
 * @throws {RdgError} `usage` for an unknown flag, or a missing, superfluous or impossible value.
 */
export function parseWords(argv: readonly string[], meta: CommandMeta): Parsed {
  const flags: Flags = { ...commonFlags, ...meta.flags };
  const { typed, words } = readWords(argv, { flags, passThrough: meta.passThrough });
  const values: Record<string, boolean | string | string[]> = {};
  for (const { name, raw, value } of typed) {
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (!flag) {
      const guess = closest(name, Object.keys(flags));
      throw usageError(
        `Cannot run "rdg ${meta.name}": unknown flag "${raw}"`,
        guess ? `--${guess}, or rdg ${meta.name} --help` : `rdg ${meta.name} --help`,
      );
    }
    if (flag.type === "boolean") {
      if (value !== undefined) {
        throw usageError(`Cannot run "rdg ${meta.name}": "--${name}" takes no value`);
      }
      values[name] = true;
    } else if (value === undefined || value === "") {
      throw usageError(
        `Cannot run "rdg ${meta.name}": "--${name}" needs a value`,
        `--${name}=${flag.value ?? "VALUE"}`,
      );
    } else {
      if (flag.choices && !flag.choices.includes(value)) {
        throw usageError(
          `Cannot use "--${name}=${value}": there is no such ${
            flag.value?.toLowerCase() ?? "value"
          }`,
          `one of ${flag.choices.join(", ")}`,
        );
      }
      const before = values[name];
      values[name] = flag.multiple ? [...(Array.isArray(before) ? before : []), value] : value;
    }
  }
  return { values, words };
}

/**
 * Reads a number given to a flag.
 *
 * @param text What was typed, or undefined.
 * @param options The flag's name, the bounds, and whether only whole numbers count.
 * @returns The number; undefined when nothing was typed.
 * @throws {RdgError} `usage` when it is no number within the bounds.
 */
export function numberFlag(
  text: unknown,
  options: { flag: string; min: number; max: number; whole?: boolean },
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  // As people write numbers: JavaScript would take 0x50 and 1e3 as well.
  const fits = /^-?\d+(\.\d+)?$/.test(String(text).trim()) &&
    value >= options.min && value <= options.max && (!options.whole || Number.isInteger(value));
  if (!fits) {
    throw usageError(
      `Cannot use "--${options.flag}=${text}": want a ${
        options.whole ? "whole " : ""
      }number from ${options.min} to ${options.max}`,
    );
  }
  return value;
}

/**
 * Renders a command's help page.
 *
 * @param meta The command's description of itself.
 * @returns The page, with a final newline, no line longer than 80 columns unless an example's command
 * is.
 */
export function helpPage(meta: CommandMeta): string {
  const flags: Flags = { ...meta.flags, ...commonFlags };
  const rows = Object.entries(flags).map(([name, flag]) => {
    const short = flag.short ? `-${flag.short}, ` : "    ";
    const value = flag.type === "string" ? `=${flag.value ?? "VALUE"}` : "";
    return [`${short}--${name}${value}`, flag.help] as const;
  });
  const [first = "", ...more] = wrap(`rdg ${meta.name} ${meta.usage}`.trimEnd(), 76);
  const lines = [
    ...wrap(meta.summary, 80),
    "",
    "Usage:",
    `  ${first}`,
    ...more.map((line) => `      ${line}`),
    "",
    "Flags:",
    ...table(rows),
    "",
    "Examples:",
    ...meta.examples.flatMap(([line, what]) => [
      `  ${line}`,
      ...wrap(what, 74).map((text) => `      ${text}`),
    ]),
  ];
  return lines.join("\n") + "\n";
}

/**
 * Lays out two columns within 80 characters; a text that is too long goes on below.
 *
 * @param rows Left and right texts.
 * @returns Lines, indented by two.
 */
export function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(30, Math.max(...rows.map(([left]) => left.length)));
  return rows.flatMap(([left, right]) => {
    const [first = "", ...rest] = wrap(right, 80 - width - 4);
    const pad = " ".repeat(width + 4);
    const head = left.length > width
      ? [`  ${left}`, `${pad}${first}`]
      : [`  ${left.padEnd(width)}  ${first}`];
    return [...head, ...rest.map((line) => pad + line)].map((line) => line.trimEnd());
  });
}

/** Breaks a text at spaces into lines of at most `width` characters. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line ? `${line} ${word}` : word;
    }
  }
  return [...lines, line];
}
