/**
 * Compares what a command asked Deno for with the list that it has in `deno.json`. Reads the file that
 * `DENO_AUDIT_PERMISSIONS` makes Deno write: one JSON object for each check, starts of programs
 * excepted (2.9.6), which are counted by the programs themselves.
 *
 * @module
 */

import denoConfig from "../../deno.json" with { type: "json" };

/** Kinds of permission. */
export type Kind = "read" | "write" | "env" | "net" | "run" | "sys" | "ffi" | "import";

/** A list of `deno.json`: everything of a kind, or these. */
export type PermissionSet = Partial<Record<Kind, boolean | readonly string[]>> & { all?: boolean };

/** The lists by command. */
export const permissionSets: Readonly<Record<string, PermissionSet>> = denoConfig.permissions;

/** One thing that was asked for; null stands for everything of its kind. */
export interface Asked {
  /** What kind. */
  kind: Kind;
  /** The path, name or address. */
  value: string | null;
}

/**
 * Reads what was asked.
 *
 * @param text The audit's lines.
 * @returns What was asked, each once.
 */
export function parseAudit(text: string): Asked[] {
  const lines = text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  const asked = lines.map(({ permission, value }): Asked => ({ kind: permission, value }));
  const found = new Map<string, Asked>();
  asked.forEach((one, index) => {
    const before = asked[index - 1];
    // Deno notes nearly every read as a write of the same path too, and the other way round (2.9.6). A
    // write that the list lacks is refused, and shows in what comes of the path.
    const echo = one.kind === "write" && before?.kind === "read" && before.value === one.value;
    if (!echo) found.set(`${one.kind} ${one.value}`, one);
  });
  return [...found.values()];
}

/** Whether a list grants something. */
function grants(set: PermissionSet, { kind, value }: Asked): boolean {
  const granted = set[kind];
  if (typeof granted === "boolean") return granted;
  return value !== null && (granted ?? []).some((item) => covers(item, value, kind));
}

/** Whether an item of a list covers a value: `127.0.0.1` does `127.0.0.1:5678`. */
function covers(item: string, value: string, kind: Kind): boolean {
  return item === value || kind === "net" && value.startsWith(`${item}:`);
}

/**
 * Names what was asked for beyond the list.
 *
 * @param asked From all runs.
 * @param set The list.
 * @returns As in `env: HOME`.
 */
export function beyond(asked: readonly Asked[], set: PermissionSet): string[] {
  const more = asked.filter((one) => !set.all && !grants(set, one) && !isProc(one));
  return more.map(({ kind, value }) => `${kind}: ${value}`).sort();
}

/** Only with all permissions may Deno itself read below /proc: it is tried, then `cat` is started. */
function isProc({ kind, value }: Asked): boolean {
  return (kind === "read" || kind === "write") && value?.startsWith("/proc/") === true;
}

/**
 * Names what the list holds and nobody asked for.
 *
 * @param asked From all runs.
 * @param set The list.
 * @returns As in `run: qstat`, or `write` for a whole kind.
 */
export function unused(asked: readonly Asked[], set: PermissionSet): string[] {
  return Object.entries(set).flatMap(([name, granted]) => {
    // Whether something is really written can't be seen here: the test takes the right away.
    if (name === "all" || name === "write") return [];
    const kind = name as Kind;
    const mine = asked.filter((one) => one.kind === kind && !isProc(one));
    if (typeof granted === "boolean") return granted && mine.length === 0 ? [kind] : [];
    const idle = granted.filter((item) =>
      !mine.some(({ value }) => value !== null && covers(item, value, kind))
    );
    return idle.map((item) => `${kind}: ${item}`);
  }).sort();
}
