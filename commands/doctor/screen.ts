/**
 * Lays the doctor's findings out, for a person and for a program. Pure.
 *
 * @module
 */

import { printable } from "../_columns.ts";
import type { Style } from "../_terminal.ts";
import type { Fix } from "./fix.ts";
import { type Group, groups, type Row, type Status } from "./row.ts";

const headings: Readonly<Record<Group, string>> = {
  rdg: "rdg",
  here: "This machine",
  python: "Python",
  home: "Home",
  cluster: "Cluster",
  editor: "Editor",
};

const colours: Readonly<Record<Status, Style>> = { ok: "green", note: "yellow", problem: "red" };

/** Marks a text. */
export type Mark = (style: Style, text: string) => string;

/**
 * The screen.
 *
 * @param rows The findings.
 * @param options What was mended, what marks a text, and the home, which is written as `~`.
 * @returns Lines.
 */
export function screen(
  rows: readonly Row[],
  { fixes, mark, home }: { fixes: readonly Fix[]; mark: Mark; home: string | undefined },
): string[] {
  const lines: string[] = [];
  const below = home && home !== "/"
    ? new RegExp(`(?<![^\\s(=])${RegExp.escape(home)}/`, "g")
    : null;
  const shown = (text: string) => printable(below ? text.replaceAll(below, "~/") : text);
  for (const { what, done, text, todo, cause } of fixes) {
    lines.push(
      `${mark(done ? "green" : "red", done ? "fixed" : "not fixed")}  ${shown(`${what}: ${text}`)}`,
    );
    for (const line of cause ?? []) lines.push(`  ${printable(line)}`);
    if (todo) lines.push(`  Try: ${shown(todo)}`);
  }
  if (fixes.length > 0) lines.push("");
  const width = Math.max(0, ...rows.map(({ name }) => name.length));
  for (const group of groups) {
    const some = rows.filter((row) => row.group === group);
    if (some.length === 0) continue;
    lines.push(mark("bold", headings[group]));
    for (const { status, name, text, todo } of some) {
      const label = mark(colours[status], status) + " ".repeat(7 - status.length);
      lines.push(`  ${label}  ${name.padEnd(width)}  ${shown(text)}`);
      if (todo) lines.push(`${" ".repeat(13 + width)}Try: ${shown(todo)}`);
    }
  }
  lines.push("", closing(rows, fixes));
  return lines;
}

function closing(rows: readonly Row[], fixes: readonly Fix[]): string {
  const count = (status: Status) => rows.filter((row) => row.status === status).length;
  const failed = fixes.filter(({ done }) => !done).length;
  const plural = (number: number, word: string) => `${number} ${word}${number === 1 ? "" : "s"}`;
  const parts = [plural(count("problem"), "problem"), plural(count("note"), "note")];
  if (failed > 0) parts.push(`${failed} not fixed`);
  return parts.join(", ");
}

/**
 * The same for a program.
 *
 * @param rows The findings.
 * @param options What was mended.
 * @returns One object.
 */
export function asJson(
  rows: readonly Row[],
  { fixes, healthy }: { fixes: readonly Fix[]; healthy: boolean },
): Record<string, unknown> {
  return {
    ok: healthy,
    checks: rows.map(({ group, name, status, text, todo, data }) => ({
      group,
      name,
      status,
      text,
      todo: todo ?? null,
      data: data ?? {},
    })),
    fixes: fixes.map(({ what, done, text, todo, cause }) => ({
      what,
      done,
      text,
      todo: todo ?? null,
      cause: cause ?? [],
    })),
  };
}
