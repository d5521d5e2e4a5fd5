/**
 * Numbers that one rank gives, told apart from the same numbers of other ranks. Pure.
 *
 * @module
 */

/** Kinds of numbers; each has a row of numbers of its own. */
export const kinds = ["thread", "frame", "variables", "source", "target", "module"] as const;

/** A kind of number. */
export type Kind = typeof kinds[number];

/** A number as its rank knows it. */
export interface Local<Owner> {
  /** The rank. */
  owner: Owner;
  /** The rank's number. */
  local: number | string;
}

/** The two-way table: numbers are never used twice, and stay below 2³¹ as DAP asks. */
export class Ids<Owner> {
  readonly #inward = new Map<Kind, Map<number, Local<Owner>>>();
  readonly #outward = new Map<Owner, Map<Kind, Map<number | string, number>>>();
  #next = 1;

  /**
   * The number by which the editor knows a rank's number.
   *
   * @param kind What it counts.
   * @param from The rank and its number.
   * @returns The editor's number, the same each time.
   */
  give(kind: Kind, { owner, local }: Local<Owner>): number {
    const known = this.#of(owner, kind).get(local);
    if (known !== undefined) return known;
    const id = this.#next++;
    this.#of(owner, kind).set(local, id);
    const inward = this.#inward.get(kind) ?? new Map<number, Local<Owner>>();
    this.#inward.set(kind, inward.set(id, { owner, local }));
    return id;
  }

  /**
   * Whose number the editor means.
   *
   * @param kind What it counts.
   * @param id The editor's number.
   * @returns The rank and its number; undefined for one that isn't valid any more.
   */
  find(kind: Kind, id: number): Local<Owner> | undefined {
    return this.#inward.get(kind)?.get(id);
  }

  /** All numbers of a kind that a rank has. */
  all(kind: Kind, owner: Owner): { local: number | string; id: number }[] {
    return [...this.#of(owner, kind)].map(([local, id]) => ({ local, id }));
  }

  /**
   * Forgets numbers.
   *
   * @param owner The rank.
   * @param which The kinds; all of them when absent.
   */
  forget(owner: Owner, which: readonly Kind[] = kinds): void {
    for (const kind of which) {
      const own = this.#of(owner, kind);
      for (const id of own.values()) this.#inward.get(kind)?.delete(id);
      own.clear();
    }
  }

  /** How many numbers are kept. */
  get size(): number {
    return [...this.#inward.values()].reduce((sum, { size }) => sum + size, 0);
  }

  #of(owner: Owner, kind: Kind): Map<number | string, number> {
    const rows = this.#outward.get(owner) ?? new Map<Kind, Map<number | string, number>>();
    this.#outward.set(owner, rows);
    const row = rows.get(kind) ?? new Map<number | string, number>();
    rows.set(kind, row);
    return row;
  }
}
