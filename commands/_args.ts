/**
 * Reads a command line against a table of flags, and renders the help page from the same table.
 * Pure; uses `node:util`'s `parseArgs` for the words themselves (commander, the design's choice,
 * was measured to add 55 ms to every start; this adds 15).
 *
 * @module
 */

import { parseArgs, type ParseArgsConfig } from "node:util";
import { usageError } from "../plugins/error.ts";

/** One flag of a command. */
export interface Flag {
  /** Whether it takes a value. */
  type: "boolean" | "string";
  /** One-letter form, without the dash. */
  short?: string;
  /** What the value is called in the help page: `SECONDS`. */
  value?: string;
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
 * @throws {RdgError} `usage` for an unknown flag, or a missing or superfluous value.
 */
export function parseWords(argv: readonly string[], meta: CommandMeta): Parsed {
  const flags: Flags = { ...commonFlags, ...meta.flags };
  const options: NonNullable<ParseArgsConfig["options"]> = {};
  for (const [name, flag] of Object.entries(flags)) {
    options[name] = {
      type: flag.type,
      ...(flag.short ? { short: flag.short } : {}),
      ...(flag.multiple ? { multiple: true } : {}),
    };
  }
  const config = { options, allowPositionals: true, args: [...argv] };
  const { tokens } = parseArgs({ ...config, strict: false, tokens: true });
  let end = argv.length;
  let skip = 0;
  if (meta.passThrough) {
    const first = tokens.find((token) =>
      token.kind === "positional" || token.kind === "option-terminator"
    );
    if (first) {
      end = first.index;
      skip = first.kind === "option-terminator" ? 1 : 0;
    }
  }
  for (const token of tokens) {
    if (token.index >= end || token.kind !== "option") continue;
    const flag = Object.hasOwn(flags, token.name) ? flags[token.name] : undefined;
    if (!flag) {
      const guess = closest(token.name, Object.keys(flags));
      throw usageError(
        `Cannot run "rdg ${meta.name}": unknown flag "${token.rawName}"`,
        guess ? `--${guess}, or rdg ${meta.name} --help` : `rdg ${meta.name} --help`,
      );
    }
    if (flag.type === "string" && (token.value === undefined || token.value === "")) {
      throw usageError(
        `Cannot run "rdg ${meta.name}": "--${token.name}" needs a value`,
        `--${token.name}=${flag.value ?? "VALUE"}`,
      );
    }
    if (flag.type === "boolean" && token.value !== undefined) {
      throw usageError(`Cannot run "rdg ${meta.name}": "--${token.name}" takes no value`);
    }
  }
  const head = parseArgs({ ...config, args: argv.slice(0, end), strict: false });
  return {
    values: head.values,
    words: [...head.positionals, ...argv.slice(end + skip)],
  };
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
  const fits = typeof text === "string" && text.trim() !== "" && Number.isFinite(value) &&
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
 * Finds the candidate that a person most likely meant.
 *
 * @param word What was typed.
 * @param candidates What exists.
 * @returns The nearest candidate, or undefined when none is near.
 */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Number of single-character changes between two words (a swap of neighbours counts as one). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, before[j - 2]! + 1);
      }
      next.push(cost);
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}

/**
 * Renders a command's help page.
 *
 * @param meta The command's description of itself.
 * @returns The page, with a final newline, no line longer than 80 columns unless an example is.
 */
export function helpPage(meta: CommandMeta): string {
  const flags: Flags = { ...meta.flags, ...commonFlags };
  const rows = Object.entries(flags).map(([name, flag]) => {
    const short = flag.short ? `-${flag.short}, ` : "    ";
    const value = flag.type === "string" ? `=${flag.value ?? "VALUE"}` : "";
    return [`${short}--${name}${value}`, flag.help] as const;
  });
  const lines = [
    meta.summary,
    "",
    "Usage:",
    `  rdg ${meta.name} ${meta.usage}`.trimEnd(),
    "",
    "Flags:",
    ...table(rows),
    "",
    "Examples:",
    ...meta.examples.flatMap(([line, what]) => [`  ${line}`, `      ${what}`]),
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
