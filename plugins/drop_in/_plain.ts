/**
 * Makes text of unknown origin fit for a terminal. Pure.
 *
 * @module
 */

/** Characters that move the cursor, colour, or turn the direction of writing. */
export const unfit = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

/**
 * Makes one line of a text.
 *
 * @param text Any text.
 * @param max Characters that are kept.
 * @returns The text without what is unfit, cut short.
 */
export function oneLine(text: string, max = 300): string {
  // deno-lint-ignore no-control-regex -- that is what has to go
  const plain = text.replaceAll(/\x1b\[[0-9;]*m/g, "")
    .replaceAll(new RegExp(`${unfit.source}+`, "gu"), " ");
  return plain.length > max ? `${plain.slice(0, max)} …` : plain;
}

/**
 * Keeps the lines of a text.
 *
 * @param text Any text.
 * @returns The same lines without what is unfit, each cut short.
 */
export function plainLines(text: string): string {
  return text.split("\n").map((line) => oneLine(line, 1000)).join("\n");
}
