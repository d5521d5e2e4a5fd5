/**
 * Lays out tables and lengths of time for people. Pure.
 *
 * @module
 */

/**
 * Lays out rows in columns, two spaces apart; the last column is cut to what fits.
 *
 * @param rows The rows, the heading first; all of the same length.
 * @param width Columns of the terminal.
 * @returns One line a row, without trailing blanks.
 */
export function columns(rows: readonly (readonly string[])[], width: number): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => widths[i] = Math.max(widths[i] ?? 0, printable(cell).length));
  }
  return rows.map((row) => {
    const cells = row.map((cell, i) =>
      i === row.length - 1 ? printable(cell) : printable(cell).padEnd(widths[i]!)
    );
    const line = cells.join("  ").trimEnd();
    return line.length > width ? `${line.slice(0, Math.max(1, width - 1))}…` : line;
  });
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
