/**
 * Tables that both sides read (which variables mark a job, which tell the rank, the debugpy that a Python
 * needs) as Python source: `remote_debug/_tables.py`, written by `generate.ts`.
 *
 * @module
 */

import type { SchedulerPlugin } from "../plugins/contract.ts";
import type { RankVariables } from "../plugins/ranks.ts";

/**
 * Renders the tables.
 *
 * @param plugins Scheduler plugins.
 * @param options Rank variables, innermost launcher first, and debugpy's oldest versions by Python's.
 * @returns Python source.
 */
export function renderTables(
  plugins: readonly SchedulerPlugin[],
  { ranks, oldestDebugpy }: {
    ranks: readonly RankVariables[];
    oldestDebugpy: Readonly<Record<string, string>>;
  },
): string {
  const rows = plugins.filter(({ job }) => job.present.length > 0)
    .map(({ name, job }) => literal({ name, job }));
  return [
    '"""What both sides know, of schedulers, launchers and debugpy. Written by `deno task generate`."""',
    "",
    `SCHEDULERS = (\n${rows.map((row) => `    ${row},\n`).join("")})  # type: tuple`,
    "",
    `RANKS = (\n${ranks.map((row) => `    ${literal(row)},\n`).join("")})  # type: tuple`,
    "",
    `OLDEST_DEBUGPY = ${literal(oldestDebugpy)}  # type: dict`,
    "",
  ].join("\n");
}

/** A value as a Python literal; lists become tuples. */
function literal(value: unknown): string {
  if (Array.isArray(value)) {
    const items = value.map(literal);
    return items.length === 1 ? `(${items[0]},)` : `(${items.join(", ")})`;
  }
  if (typeof value === "object" && value !== null) {
    const items = Object.entries(value).map(([key, item]) => `"${key}": ${literal(item)}`);
    return `{${items.join(", ")}}`;
  }
  return JSON.stringify(value);
}
