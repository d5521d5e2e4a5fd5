/**
 * The attach request that every editor sends, in the form it has on the wire: what is left to an
 * editor's plugin is how a value is asked for and what the project folder is called there. Pure.
 *
 * `connect` is always written: debugpy repeats it for child processes, so that they come back through
 * the same tunnel; and an attach request without any argument is refused by it (seen with 1.8.22).
 *
 * @module
 */

import type { AttachEntry, AttachInput, AttachProfile } from "../contract.ts";
import type { Json } from "./_jsonc.ts";

/** What differs between editors. */
export interface Dialect {
  /** What stands for the project folder: `${workspaceFolder}`, or its absolute path. */
  localRoot: string;
  /** How a value is asked for; a number is wanted where `port` is true. */
  ask(input: AttachInput, options: { port: boolean }): Json;
}

/** The attach arguments as JSON. */
export interface AttachArguments {
  /** Path mappings, and the entry's further arguments. */
  [key: string]: Json;
  /** Where the debugger is reached. */
  connect: { host: Json; port: Json };
}

/**
 * Makes the attach arguments of one entry.
 *
 * @param entry The entry.
 * @param options The profile that it belongs to, and the editor's dialect.
 * @returns `connect`, `pathMappings` where paths differ, and the further arguments.
 * @throws {TypeError} when the entry names an input that the profile doesn't have.
 */
export function attachArguments(
  entry: AttachEntry,
  options: { profile: AttachProfile; dialect: Dialect },
): AttachArguments {
  const { profile, dialect } = options;
  const value = (given: string | number | boolean | { input: string }, port = false): Json =>
    typeof given === "object" ? dialect.ask(findInput(profile, given.input), { port }) : given;
  const remoteRoot = remoteRootOf(entry, profile);
  return {
    connect: { host: value(entry.host), port: value(entry.port, true) },
    ...(remoteRoot === undefined ? {} : {
      pathMappings: [{ localRoot: dialect.localRoot, remoteRoot: value(remoteRoot) }],
    }),
    ...Object.fromEntries(
      Object.entries(entry.extra ?? {}).map(([key, given]) => [key, value(given)]),
    ),
  };
}

/** The remote folder of an entry; undefined where no mapping is needed. */
function remoteRootOf(
  entry: AttachEntry,
  profile: AttachProfile,
): string | { input: string } | undefined {
  const { remoteRoot } = entry;
  if (typeof remoteRoot !== "object" || "input" in remoteRoot) return remoteRoot;
  return profile.realRoot === profile.localRoot ? undefined : profile.realRoot;
}

/** The input of an id. */
export function findInput(profile: AttachProfile, id: string): AttachInput {
  const input = profile.inputs.find((candidate) => candidate.id === id);
  if (!input) throw new TypeError(`The profile has no input "${id}"`);
  return input;
}

/** The inputs that an entry refers to, each once, in the order in which a person reads them. */
export function inputsOf(entry: AttachEntry, profile: AttachProfile): AttachInput[] {
  const ids = new Set<string>();
  for (
    const given of [entry.host, entry.port, entry.remoteRoot, ...Object.values(entry.extra ?? {})]
  ) {
    if (typeof given === "object" && "input" in given) ids.add(given.input);
  }
  return [...ids].map((id) => findInput(profile, id));
}

/** The entries that ask nothing, for editors that can't ask. */
export function literalEntries(profile: AttachProfile): readonly AttachEntry[] {
  return profile.entries.filter((entry) => inputsOf(entry, profile).length === 0);
}

/** An asking dialect for entries that don't ask. */
export function noAsking(input: AttachInput): never {
  throw new TypeError(`This editor cannot ask for "${input.id}"`);
}

/** A note for editors that can't ask, naming what they leave out; nothing where all is there. */
export function leftOut(profile: AttachProfile, editor: string): string[] {
  const names = profile.entries.filter((entry) => inputsOf(entry, profile).length > 0)
    .map(({ name }) => `"${name}"`);
  if (names.length === 0) return [];
  return [
    `${editor} asks for no values, so ${names.join(" and ")} ${
      names.length === 1 ? "is" : "are"
    } left out: run "rdg connect", which keeps the address the same, or edit the entry.`,
  ];
}
