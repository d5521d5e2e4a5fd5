/**
 * What several debuggers can do together: what each of them can. Pure.
 *
 * @module
 */

/** Capabilities as DAP writes them. */
type Capabilities = Readonly<Record<string, unknown>>;

/**
 * Joins capabilities.
 *
 * @param all The answers to `initialize`.
 * @returns What all of them can: a capability that one lacks is left out, lists keep what is in all.
 */
export function sharedCapabilities(all: readonly Capabilities[]): Record<string, unknown> {
  const [first = {}, ...others] = all;
  const shared: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(first)) {
    const values = others.map((one) => one[name]);
    if (Array.isArray(value)) {
      shared[name] = value.filter((item) =>
        values.every((list) => Array.isArray(list) && list.some((other) => same(item, other)))
      );
    } else if (values.every((other) => other === value)) {
      shared[name] = value;
    }
  }
  return shared;
}

/** Exception filters are the same when their ids are. */
function same(a: unknown, b: unknown): boolean {
  const id = (item: unknown) =>
    typeof item === "object" && item !== null && "filter" in item
      ? item.filter
      : JSON.stringify(item);
  return id(a) === id(b);
}
