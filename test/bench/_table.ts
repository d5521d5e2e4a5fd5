/**
 * How every bench reports: one Markdown table, numbers beside what they are compared with, and what
 * they were measured on. Reads `/proc`.
 *
 * @module
 */

/**
 * A row of the one table that all benches fill: rdg beside what people would use without it. Numbers
 * carry their unit; a ratio to the row's base stands in brackets.
 */
export interface SummaryRow {
  /** What was measured. */
  what: string;
  /** With rdg. */
  rdg: string;
  /** The same program under plain Python. */
  plain?: string;
  /** With debugpy by itself. */
  debugpy?: string;
  /** With the PyPI package remote-debug. */
  remoteDebug?: string;
  /** With something else, named here. */
  other?: string;
}

/** What {@linkcode BenchModule.bench} may be told. */
export interface BenchOptions {
  /** The largest sizes as well; they take minutes. */
  full?: boolean;
}

/** What a bench found. */
export interface BenchTable {
  /** What was measured, a line. */
  title: string;
  /** Heads of the columns. */
  columns: readonly string[];
  /** One list of cells a row. */
  rows: readonly (readonly string[])[];
  /** What has to be known to read the table: versions, how it was measured. */
  notes: readonly string[];
  /** The same, boiled down to rows of the one table; made from `rows` where it is left out. */
  summary?: readonly SummaryRow[];
  /** Versions of what was measured, where the one table has to name them. */
  versions?: string;
}

/** What each module in this folder that is a bench exports. */
export interface BenchModule {
  /** Measures. */
  bench(options: BenchOptions): Promise<BenchTable>;
}

/**
 * The value below which a share of all values lies.
 *
 * @param values In any order.
 * @param share 0 for the least, 0.5 for the median, 1 for the greatest.
 * @returns The value; NaN when there are none.
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/**
 * The middle value.
 *
 * @param values In any order.
 * @returns The median.
 */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * A value beside what it is compared with: `61.2 (+40.1, 2.90×)`.
 *
 * @param value The value.
 * @param base What it is compared with.
 * @param digits After the point.
 * @returns The cell.
 */
export function beside(value: number, base: number, digits = 0): string {
  const added = value - base;
  const sign = added < 0 ? "−" : "+";
  return `${value.toFixed(digits)} (${sign}${Math.abs(added).toFixed(digits)}, ${
    ratio(value, base)
  })`;
}

/**
 * One value as a multiple of another.
 *
 * @param value The value.
 * @param base What it is compared with.
 * @returns `1.04×`.
 */
export function ratio(value: number, base: number): string {
  return `${(value / base).toFixed(2)}×`;
}

/**
 * A value with its unit, and as a multiple of what it is compared with: `61.2 ms (2.90×)`.
 *
 * @param value The value.
 * @param options Its unit, the base (none: no ratio), digits after the point.
 * @returns The cell.
 */
export function withRatio(
  value: number,
  options: { unit: string; base?: number; digits?: number },
): string {
  const text = `${value.toFixed(options.digits ?? 0)} ${options.unit}`;
  return options.base === undefined ? text : `${text} (${ratio(value, options.base)})`;
}

/**
 * Renders the one table.
 *
 * @param tables What all benches found.
 * @returns Markdown, with a final newline; cells that nobody filled are empty.
 */
export function oneTable(tables: readonly BenchTable[]): string {
  const head = ["", "rdg", "plain Python", "plain debugpy", "remote-debug", "otherwise"];
  const rows = tables.flatMap(({ title, columns, rows, summary }) =>
    summary?.map((row) => [
      row.what,
      row.rdg,
      row.plain ?? "",
      row.debugpy ?? "",
      row.remoteDebug ?? "",
      row.other ?? "",
    ]) ?? rows.map(([what = "", ...cells]) => {
      const named = cells.map((cell, i) => {
        const name = cells.length > 1 ? columns[i + 1] : "";
        return name && cell ? `${name}: ${cell}` : cell;
      }).filter((cell) => cell !== "");
      return [what || title, named.join(", "), "", "", "", ""];
    })
  );
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line), ""].join("\n");
}

/**
 * Renders a table.
 *
 * @param table What a bench found.
 * @param machine From {@linkcode machineLine}.
 * @returns Markdown, with a final newline.
 */
export function markdown(table: BenchTable, machine: string): string {
  const rows = [table.columns, ...table.rows];
  const widths = table.columns.map((_, index) =>
    Math.max(3, ...rows.map((row) => row[index]?.length ?? 0))
  );
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, index) => (cells[index] ?? "").padEnd(width)).join(" | ")} |`;
  return [
    `### ${table.title}`,
    "",
    line(table.columns),
    line(widths.map((width) => "-".repeat(width))),
    ...table.rows.map(line),
    "",
    ...[machine, ...table.notes].map((note) => `- ${note}`),
    "",
  ].join("\n");
}

/**
 * What the numbers were measured on.
 *
 * @returns Date, processors, memory, load, kernel and Deno.
 */
export function machineLine(): string {
  const model = /^model name\s*:\s*(.+)$/m.exec(read("/proc/cpuinfo"))?.[1] ?? Deno.build.arch;
  const memory = Deno.systemMemoryInfo().total / 2 ** 30;
  return [
    new Date().toISOString().slice(0, 10),
    `${navigator.hardwareConcurrency} cores (${model.replaceAll(/\s+/g, " ")})`,
    `${memory.toFixed(0)} GiB`,
    `load ${Deno.loadavg()[0]?.toFixed(1)}`,
    `Linux ${Deno.osRelease().split("-")[0]}`,
    `Deno ${Deno.version.deno}`,
  ].join(", ");
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
