/**
 * Breakpoints that are set in all ranks, and what the ranks said of them, as one answer. Pure.
 *
 * @module
 */

import { type Asked, who } from "../asked.ts";

/** Who says it. */
type Who = Pick<Asked, "rank" | "label">;

/** A breakpoint as DAP has it; what else stands in it is kept. */
export interface Breakpoint {
  /** The rank's number for it. */
  id?: number;
  /** Whether the program will stop there. */
  verified: boolean;
  /** Why not. */
  message?: string;
  /** Where it is, which need not be where it was wanted. */
  line?: number;
  /** Anything else. */
  [key: string]: unknown;
}

/** What the editor asked for last. */
export interface Wanted {
  /** The request. */
  command: string;
  /** Its arguments. */
  args: Record<string, unknown>;
}

/** One breakpoint in all ranks. */
interface Spot<Owner> {
  id: number;
  line: number | undefined;
  said: Map<Owner, Breakpoint>;
}

/** The breakpoints of all ranks. */
export class Breakpoints<Owner extends Who> {
  /** What was asked for, by file or kind: for ranks that come later. */
  readonly #wanted = new Map<string, Wanted>();
  readonly #spots = new Map<string, Spot<Owner>[]>();
  #next = 1;

  /** What a rank that comes later has to be told. */
  get wanted(): Wanted[] {
    return [...this.#wanted.values()];
  }

  /**
   * Keeps in mind what the editor asked for.
   *
   * @param wanted The request.
   * @returns The key by which the answers are told apart.
   */
  ask(wanted: Wanted): string {
    const key = this.keyOf(wanted);
    this.#wanted.set(key, wanted);
    const lines = (wanted.args.breakpoints ?? []) as { line?: number }[];
    this.#spots.set(
      key,
      lines.map(({ line }) => ({ id: this.#next++, line, said: new Map<Owner, Breakpoint>() })),
    );
    return key;
  }

  /** The key of a request. */
  keyOf({ command, args }: Wanted): string {
    const source = args.source as { path?: string; sourceReference?: number } | undefined;
    return `${command} ${source?.path ?? source?.sourceReference ?? ""}`;
  }

  /**
   * Takes a rank's answer.
   *
   * @param key From {@linkcode ask}.
   * @param answer Who, and what it said; a text where it said nothing.
   */
  take(key: string, { owner, said }: { owner: Owner; said: Breakpoint[] | string }): void {
    for (const [index, spot] of (this.#spots.get(key) ?? []).entries()) {
      const own = typeof said === "string" ? { verified: false, message: said } : said[index];
      if (own) spot.said.set(owner, own);
    }
  }

  /**
   * The breakpoints of one request for the editor.
   *
   * @param key From {@linkcode ask}.
   * @returns One for each that was asked for, in order.
   */
  answer(key: string): Breakpoint[] {
    return (this.#spots.get(key) ?? []).map(combined);
  }

  /**
   * Takes what a rank says of one breakpoint afterwards.
   *
   * @param owner The rank.
   * @param breakpoint What it says; known by its number.
   * @returns The breakpoint for the editor; null where nothing has changed for it.
   */
  change(owner: Owner, breakpoint: Breakpoint): Breakpoint | null {
    const spot = this.#find(owner, breakpoint.id);
    if (!spot) return null;
    const before = JSON.stringify(combined(spot));
    spot.said.set(owner, { ...spot.said.get(owner), ...breakpoint });
    const after = combined(spot);
    return JSON.stringify(after) === before ? null : after;
  }

  /** The editor's numbers for a rank's. */
  ids(owner: Owner, locals: readonly number[]): number[] {
    return locals.flatMap((local) => this.#find(owner, local)?.id ?? []);
  }

  /**
   * Forgets a rank that has gone.
   *
   * @param owner The rank.
   * @returns The breakpoints that look different without it.
   */
  forget(owner: Owner): Breakpoint[] {
    return [...this.#spots.values()].flat().flatMap((spot) => {
      const before = JSON.stringify(combined(spot));
      if (!spot.said.delete(owner) || spot.said.size === 0) return [];
      const after = combined(spot);
      return JSON.stringify(after) === before ? [] : [after];
    });
  }

  #find(owner: Owner, local: number | undefined): Spot<Owner> | undefined {
    if (local === undefined) return undefined;
    for (const spots of this.#spots.values()) {
      const found = spots.find(({ said }) => said.get(owner)?.id === local);
      if (found) return found;
    }
    return undefined;
  }
}

/** Verified if it is in any rank; says in which it isn't, and why. */
function combined<Owner extends Who>({ id, line, said }: Spot<Owner>): Breakpoint {
  const good = [...said].filter(([, { verified }]) => verified);
  const bad = [...said].filter(([, { verified }]) => !verified);
  const [first] = good.length > 0 ? good : bad;
  const { id: _id, message: _message, ...rest } = first?.[1] ?? { verified: false };
  const reasons = Map.groupBy(bad, ([, { message = "not verified" }]) => message);
  const words = [...reasons].map(([reason, ones]) => {
    if (ones.length === said.size) return reason;
    return `not in ${who(ones.map(([owner]) => owner))}: ${reason}`;
  }).join("; ");
  return {
    ...(line === undefined ? {} : { line }),
    ...rest,
    id,
    verified: good.length > 0,
    ...(words ? { message: words } : {}),
  };
}
