/**
 * Takes the README apart: its fenced blocks, its sections, the command lines in its text. Pure.
 *
 * @module
 */

/** One fenced block. */
export interface Block {
  /** What stands behind the fence: `sh`, `text`, … */
  language: string;
  /** Its lines, without the fence's indentation. */
  lines: readonly string[];
  /** Heading of the section that it stands in. */
  section: string;
  /** Its line in the file, from 1. */
  line: number;
}

/** A code span of the text, or a line of a block that is to be typed. */
export interface Span {
  /** Between the backticks. */
  text: string;
  /** Heading of the section (`## …`). */
  section: string;
  /** Its line in the file, from 1. */
  line: number;
}

/**
 * Finds all fenced blocks.
 *
 * @param markdown The file.
 * @returns In their order.
 */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let open: (Block & { indent: string; lines: string[] }) | undefined;
  let section = "";
  for (const [index, text] of markdown.split("\n").entries()) {
    if (open) {
      if (text.startsWith(`${open.indent}\`\`\``)) {
        const { indent: _, ...block } = open;
        blocks.push(block);
        open = undefined;
      } else open.lines.push(text.slice(open.indent.length));
      continue;
    }
    section = /^#+ (.+)$/.exec(text)?.[1] ?? section;
    const [, indent, language] = /^( *)```(\w*)/.exec(text) ?? [];
    if (indent === undefined) continue;
    open = { indent, language: language ?? "", lines: [], section, line: index + 1 };
  }
  if (open) throw new Error(`The block in line ${open.line} has no end`);
  return blocks;
}

/**
 * Finds all code spans outside of fenced blocks, and the lines in blocks that begin with `rdg` or
 * `$ rdg`.
 *
 * @param markdown The file.
 * @returns In their order.
 */
export function spansOf(markdown: string): Span[] {
  const spans: Span[] = [];
  let fenced = false;
  let section = "";
  // A code span may go over the end of a line.
  const lines = markdown.split("\n");
  let rest = "";
  for (const [index, raw] of lines.entries()) {
    if (/^ *```/.test(raw)) {
      fenced = !fenced;
      continue;
    }
    if (fenced) {
      const typed = /^ *(?:\$ )?(rdg .+?)(?: {2,}#.*)?$/.exec(raw)?.[1];
      if (typed) spans.push({ text: typed, section, line: index + 1 });
      continue;
    }
    section = /^## (.+)$/.exec(raw)?.[1] ?? section;
    const text = rest + raw;
    rest = "";
    const pattern = /``(.+?)``|`([^`]+)`/g;
    let end = 0;
    for (let found = pattern.exec(text); found; found = pattern.exec(text)) {
      spans.push({ text: (found[1] ?? found[2] ?? "").trim(), section, line: index + 1 });
      end = pattern.lastIndex;
    }
    const open = text.indexOf("`", end);
    if (open >= 0 && lines[index + 1]?.trim()) rest = `${text.slice(open)} `;
  }
  return spans;
}

/**
 * Splits a command line as a shell does, as far as a README needs it.
 *
 * @param line The line; placeholders such as `[JOB]` and `NAME…` count as words.
 * @returns The words, up to a pipe, `&&`, `;`, a comment or a redirection.
 */
export function shellWords(line: string): string[] {
  const words: string[] = [];
  for (const [word, , double, single] of line.matchAll(/("([^"]*)"|'([^']*)'|[^\s"'])+/g)) {
    if (/^(#.*|\||\|\||&&|&|;|>.*|<.*)$/.test(word)) break;
    const plain = double ?? single ?? word;
    words.push(plain.replace(/;$/, ""));
    if (word.endsWith(";")) break;
  }
  return words;
}

/**
 * What an output looks like whoever runs it: numbers, times, paths, hosts and tokens replaced by what
 * they are, runs of blanks by one.
 *
 * @param line One line.
 * @returns Its shape.
 */
export function shape(line: string): string {
  return line
    .replaceAll(/[\w.+-]+@[\w.-]+|<user@login\.hostname>/g, "USER@HOST")
    .replaceAll(/\b[A-Za-z0-9_-]{43}\b|\b[0-9a-f]{64}\b/g, "TOKEN")
    .replaceAll(/(Remote Path: |in |from: )(?:\/[\w.@+-]+)+/g, "$1PATH")
    .replaceAll(/\b(?:\d+-)?\d+(?::\d\d)+\b|\b\d+(?:\.\d+)?s\b/g, "TIME")
    .replaceAll(/(ssh -N -L \d+:)[^:]+:/g, "$1NODE:")
    .replaceAll(/\d+/g, "N")
    .replaceAll(/\s+/g, " ")
    .trim();
}

/**
 * Compares an output with what the README shows. In the README, `…` in a line stands for anything, a
 * line that is nothing but `…` for any number of lines.
 *
 * @param shown The README's lines.
 * @param printed The program's lines.
 * @returns The first shown line that isn't there, and what is there instead; null when all is well.
 */
export function differs(shown: readonly string[], printed: readonly string[]): string | null {
  const wanted = shown.map(shape).filter((line) => line !== "");
  const there = printed.map(shape).filter((line) => line !== "");
  let at = 0;
  let anything = false;
  for (const line of wanted) {
    if (line === "…") {
      anything = true;
      continue;
    }
    const fits = (text: string | undefined) =>
      text !== undefined && line.split("…").every((part) => text.includes(part.trim())) &&
      (line.includes("…") || text === line);
    while (anything && at < there.length && !fits(there[at])) at++;
    if (!fits(there[at])) return `want: ${line}\nhave: ${there[at] ?? "(the end)"}`;
    anything = false;
    at++;
  }
  return null;
}
