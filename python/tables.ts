/**
 * The plugins' tables (which variables mark a job, which tell the rank) as Python source, so that the
 * program inside the job reads the same data: `remote_debug/_tables.py`, written by `generate.ts`.
 *
 * @module
 */

import type { SchedulerPlugin } from "../plugins/contract.ts";
import type { RankVariables } from "../plugins/ranks.ts";

/**
 * Renders the tables.
 *
 * @param plugins Scheduler plugins.
 * @param ranks Rank variables, innermost launcher first.
 * @returns Python source.
 */
export function renderTables(
  plugins: readonly SchedulerPlugin[],
  ranks: readonly RankVariables[],
): string {
  const rows = plugins.filter(({ job }) => job.present.length > 0)
    .map(({ name, job }) => literal({ name, job }));
  return [
    '"""Variables of schedulers and launchers. Written by `deno task generate` from the plugins."""',
    "",
    `SCHEDULERS = (\n${rows.map((row) => `    ${row},\n`).join("")})  # type: tuple`,
    "",
    `RANKS = (\n${ranks.map((row) => `    ${literal(row)},\n`).join("")})  # type: tuple`,
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
