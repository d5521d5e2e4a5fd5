/**
 * Exchanges the numbers in DAP messages: a rank's for the editor's, and back. Goes by the names that DAP
 * gives to fields; what programs are called, say or hold stands in values and is never touched. Pure.
 *
 * @module
 */

import type { Ids, Kind } from "./ids.ts";

/** Fields that hold a number. */
const fields: Readonly<Record<string, Kind>> = {
  threadId: "thread",
  frameId: "frame",
  stackFrameId: "frame",
  variablesReference: "variables",
  sourceReference: "source",
  targetId: "target",
  moduleId: "module",
};

/** Lists whose items are known by their `id`. */
const lists: Readonly<Record<string, Kind>> = {
  threads: "thread",
  stackFrames: "frame",
  targets: "target",
  modules: "module",
};

/** Single objects that are known by their `id`. */
const objects: Readonly<Record<string, Kind>> = { module: "module" };

/** Which number is asked for first, to find out whose business a request is. */
const deciding = [
  "threadId",
  "frameId",
  "variablesReference",
  "targetId",
  "sourceReference",
] as const;

/** Numbers that mean "none" in DAP. */
function isNone(kind: Kind, value: unknown): boolean {
  return value === 0 && (kind === "variables" || kind === "source");
}

type Exchange = (kind: Kind, value: number | string) => number | string | undefined;

/**
 * Translates what a rank says.
 *
 * @param body The body of an answer or an event.
 * @param from The table, and the rank.
 * @returns The same for the editor; a copy.
 */
export function outward<Owner>(
  body: unknown,
  { ids, owner }: { ids: Ids<Owner>; owner: Owner },
): unknown {
  return exchange(body, (kind, local) => ids.give(kind, { owner, local }));
}

/**
 * Translates what the editor asks.
 *
 * @param args The arguments of a request.
 * @param to The table, and the rank that they are for.
 * @returns The same for the rank; null where a number in it belongs to another rank, or to none any more.
 */
export function inward<Owner>(
  args: unknown,
  { ids, owner }: { ids: Ids<Owner>; owner: Owner },
): unknown {
  let foreign = false;
  const result = exchange(args, (kind, id) => {
    const found = typeof id === "number" ? ids.find(kind, id) : undefined;
    if (found?.owner !== owner) foreign = true;
    return found?.local;
  });
  return foreign ? null : result;
}

/**
 * Finds out whose business a request is.
 *
 * @param args Its arguments.
 * @param ids The table.
 * @returns The rank; undefined where no number in it says so; null where one isn't valid any more.
 */
export function ownerOf<Owner>(
  args: Readonly<Record<string, unknown>>,
  ids: Ids<Owner>,
): Owner | undefined | null {
  const source = typeof args.source === "object" && args.source !== null ? args.source : {};
  for (const place of [args, source as Record<string, unknown>]) {
    for (const name of deciding) {
      const kind = fields[name]!;
      const value = place[name];
      if (typeof value !== "number" || isNone(kind, value)) continue;
      return ids.find(kind, value)?.owner ?? null;
    }
  }
  return undefined;
}

function exchange(value: unknown, by: Exchange): unknown {
  if (Array.isArray(value)) return value.map((item) => exchange(item, by));
  if (typeof value !== "object" || value === null) return value;
  const result: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value)) {
    const kind = fields[name];
    const list = lists[name];
    const object = objects[name];
    if (kind && isId(inner)) result[name] = isNone(kind, inner) ? inner : by(kind, inner);
    else if (list && Array.isArray(inner)) {
      result[name] = inner.map((item) => known(item, list, by));
    } else if (object) result[name] = known(inner, object, by);
    else result[name] = exchange(inner, by);
  }
  return result;
}

function known(item: unknown, kind: Kind, by: Exchange): unknown {
  const copy = exchange(item, by);
  if (typeof copy !== "object" || copy === null || !("id" in copy) || !isId(copy.id)) return copy;
  return { ...copy, id: by(kind, copy.id) };
}

function isId(value: unknown): value is number | string {
  return typeof value === "number" || typeof value === "string";
}
