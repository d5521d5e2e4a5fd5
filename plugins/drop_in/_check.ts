/**
 * Checks plain data of unknown origin against a form, and says where it differs. Pure.
 *
 * @module
 */

import { oneLine, plainLines, unfit } from "./_plain.ts";

/** Turns a value into one of the wanted form. `at` names the place, for the error. */
export type Check<T> = (value: unknown, at: string) => T;

/** Data that has another form than wanted. */
export class FormError extends Error {
  /**
   * @param at The place: `list()[2].state`.
   * @param wanted What should be there.
   * @param value What is there.
   */
  constructor(at: string, wanted: string, value: unknown) {
    super(`${at} is ${shown(value)}: want ${wanted}`);
  }
}

/** A value in a few words; of what is nested only the kind, for writing it out may take minutes. */
function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** A text, at most so long. */
export function text(max = 1_000_000): Check<string> {
  return (value, at) => {
    if (typeof value !== "string") throw new FormError(at, "a text", value);
    if (value.length > max) throw new FormError(at, `a text of at most ${max} characters`, value);
    return value;
  };
}

/** A text of one line without control characters, not empty. */
export function line(max = 500): Check<string> {
  return (value, at) => {
    const given = text(max)(value, at);
    if (given.trim() === "" || unfit.test(given)) {
      throw new FormError(at, "one line of text", value);
    }
    return given;
  };
}

/** A text that is shown to a person: its lines, without what would reach the terminal. */
export function prose(max = 20_000): Check<string> {
  return (value, at) => plainLines(text(max)(value, at));
}

/** A word or a few, shown within a line. */
export function words(max = 200): Check<string> {
  return (value, at) => oneLine(text(max)(value, at), max);
}

/** A text that a pattern fits. */
export function like(pattern: RegExp, wanted: string): Check<string> {
  return (value, at) => {
    if (typeof value !== "string" || !pattern.test(value)) throw new FormError(at, wanted, value);
    return value;
  };
}

/** A number of at least so much. */
export function number(min: number, max = Number.MAX_SAFE_INTEGER): Check<number> {
  return (value, at) => {
    if (typeof value !== "number" || !(value >= min && value <= max)) {
      throw new FormError(at, `a number from ${min}`, value);
    }
    return value;
  };
}

/** Yes or no. */
export function flag(value: unknown, at: string): boolean {
  if (typeof value !== "boolean") throw new FormError(at, "true or false", value);
  return value;
}

/** One of some texts or numbers. */
export function oneOf<const T extends string | number | boolean>(...wanted: T[]): Check<T> {
  return (value, at) => {
    const found = wanted.find((one) => one === value);
    if (found !== undefined) return found;
    throw new FormError(at, wanted.map((one) => JSON.stringify(one)).join(", "), value);
  };
}

/** A list of things of one form. */
export function list<T>(each: Check<T>, max = 100_000): Check<T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) throw new FormError(at, "a list", value);
    if (value.length > max) throw new FormError(at, `a list of at most ${max}`, value.length);
    return value.map((one, index) => each(one, `${at}[${index}]`));
  };
}

/** Things of one form by name. */
export function byName<T>(each: Check<T>): Check<Record<string, T>> {
  return (value, at) => {
    const entries = Object.entries(plain(value, at));
    return Object.fromEntries(entries.map(([name, one]) => [name, each(one, `${at}.${name}`)]));
  };
}

/** The same, or null. */
export function orNull<T>(check: Check<T>): Check<T | null> {
  return (value, at) => value === null || value === undefined ? null : check(value, at);
}

/** The members of an object: those that must be there, and those that may. Others are dropped. */
export function object<T extends object>(
  needed: { readonly [K in keyof T as undefined extends T[K] ? never : K]-?: Check<T[K]> },
  optional: {
    readonly [K in keyof T as undefined extends T[K] ? K : never]-?: Check<
      Exclude<T[K], undefined>
    >;
  },
): Check<T> {
  return (value, at) => {
    const given = plain(value, at);
    const result: Record<string, unknown> = {};
    for (const [name, check] of Object.entries<Check<unknown>>(needed)) {
      result[name] = check(given[name], `${at}.${name}`);
    }
    for (const [name, check] of Object.entries<Check<unknown>>(optional)) {
      const member = given[name];
      if (member !== undefined && member !== null) result[name] = check(member, `${at}.${name}`);
    }
    return result as T;
  };
}

function plain(value: unknown, at: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new FormError(at, "an object", value);
  }
  return value as Record<string, unknown>;
}
