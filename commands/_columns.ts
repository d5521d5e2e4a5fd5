/**
 * Lays out tables, lines and lengths of time for a terminal. Pure.
 *
 * @module
 */

/** Characters that take two columns of a terminal: Unicode's East Asian wide ones, and pictures. */
const wide =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303f\uff01-\uff60\p{Emoji_Presentation}]/u;

/** Characters that take none: accents of their own, joiners, what chooses between two pictures. */
const narrow = /[\p{Mn}\p{Me}\u200b-\u200d\ufe00-\ufe0f]/u;

/**
 * Lays out rows in columns, two spaces apart; the last column is cut to what fits.
 *
 * @param rows The rows, the heading first; all of the same length.
 * @param width Columns of the terminal.
 * @returns One line a row, without trailing blanks.
 */
export function columns(rows: readonly (readonly string[])[], width: number): string[] {
  const texts = rows.map((row) => row.map(printable));
  const widths: number[] = [];
  for (const row of texts) {
    row.forEach((cell, i) => widths[i] = Math.max(widths[i] ?? 0, widthOf(cell)));
  }
  return texts.map((row) => {
    const cells = row.map((cell, i) =>
      i === row.length - 1 ? cell : cell + " ".repeat(widths[i]! - widthOf(cell))
    );
    return cut(cells.join("  ").trimEnd(), width);
  });
}

/**
 * Cuts a line to what fits.
 *
 * @param line One line, without control characters.
 * @param width Columns of the terminal.
 * @returns The line, or its beginning and `…`.
 */
export function cut(line: string, width: number): string {
  if (widthOf(line) <= width) return line;
  let start = "";
  let left = Math.max(1, width - 1);
  for (const character of line) {
    left -= widthOf(character);
    if (left < 0) break;
    start += character;
  }
  return `${start}…`;
}

/** Columns that a text takes. */
function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) {
    width += narrow.test(character) ? 0 : wide.test(character) ? 2 : 1;
  }
  return width;
}

/**
 * Writes a length of time as `squeue` does, shorter.
 *
 * @param seconds The time; undefined where unknown.
 * @returns `45s`, `12:30`, `3:02:10`, `2-03:00:00`, or `-`.
 */
export function duration(seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds)) return "-";
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole}s`;
  const two = (n: number) => String(n).padStart(2, "0");
  const [s, m, h, d] = [
    whole % 60,
    Math.floor(whole / 60) % 60,
    Math.floor(whole / 3600) % 24,
    Math.floor(whole / 86400),
  ];
  if (d > 0) return `${d}-${two(h)}:${two(m)}:${two(s)}`;
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/**
 * A text without characters that would move the cursor or start a new line.
 *
 * @param text Anything, a job's name for instance.
 * @returns The text, each such character replaced by `?`.
 */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex -- these are what has to go
  return text.replaceAll(/[\x00-\x1f\x7f-\x9f]/g, "?");
}
