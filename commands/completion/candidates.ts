/**
 * Which words may stand where the cursor is: worked out from the same tables that the help pages and
 * the parser use. Touches nothing by itself; records and the like come from what it is given.
 *
 * @module
 */

import { type CommandMeta, commonFlags, type Flag, type Flags } from "../_args.ts";
import { printable } from "../_columns.ts";
import { placeAt, placesOf, readLine } from "./line.ts";

/** All commands. */
export type CommandTable = Readonly<
  Record<string, { summary: string; load(): Promise<{ meta: CommandMeta }> }>
>;

/** A word that may stand there. */
export interface Candidate {
  /** The word. */
  value: string;
  /** What it is, in a few words; may be empty. */
  about: string;
}

/** The words, and what the shell may add by itself. */
export interface Completion {
  /** Words that begin with what was typed. */
  candidates: Candidate[];
  /** `files`, `folders`, `command N` (from word N on it is another program's line), or `nothing`. */
  then: string;
}

/** Where words come from that no table holds. `job`: what was typed for it, if anything was. */
export interface Sources {
  /** Jobs with sessions. */
  jobs(): Promise<Candidate[]>;
  /** Ranks of a job. */
  ranks(job: string | undefined): Promise<Candidate[]>;
  /** Process ids of a job. */
  pids(job: string | undefined): Promise<Candidate[]>;
  /** Nodes of a job. */
  nodes(job: string | undefined): Promise<Candidate[]>;
  /** Hosts that ssh knows by name. */
  hosts(): Promise<Candidate[]>;
  /** Schedulers. */
  schedulers(): Promise<Candidate[]>;
  /** Editors. */
  editors(): Promise<Candidate[]>;
  /** Topics of `rdg help`. */
  topics(): Promise<Candidate[]>;
}

/** Signals that programs seldom use. */
const signals = ["RTMIN+6", "RTMIN+7", "RTMIN+8", "RTMIN+9", "RTMIN+10", "USR1", "USR2"];

/**
 * Completes a command line.
 *
 * @param words The words after `rdg`, the last one being typed (perhaps empty).
 * @param options All commands, and where other words come from.
 * @returns The candidates.
 */
export async function complete(
  words: readonly string[],
  { table, sources }: { table: CommandTable; sources: Sources },
): Promise<Completion> {
  const current = words.at(-1) ?? "";
  const commands = Object.entries(table).map(([value, { summary }]) => ({ value, about: summary }));
  if (words.length <= 1) {
    return fitting(current, [
      ...commands,
      { value: "help", about: "Show a command's page, or a topic's" },
      ...current.startsWith("-")
        ? [{ value: "--help", about: "Show the list of commands" }, {
          value: "--version",
          about: "Show the version",
        }]
        : [],
    ]);
  }
  const [name = ""] = words;
  if (name === "help") {
    return words.length > 2 ? fitting(current, []) : fitting(current, [
      ...commands,
      ...await sources.topics(),
    ]);
  }
  if (!Object.hasOwn(table, name)) return fitting(current, []);
  const { meta } = await table[name]!.load();
  const flags: Flags = { ...meta.flags, ...commonFlags };
  const line = readLine(words.slice(1), { flags, passThrough: meta.passThrough === true });
  const places = placesOf(meta.usage);
  const jobAt = places.findIndex(({ names }) => names.includes("JOB"));
  const job = line.positional[jobAt];
  const from = { sources, job };
  if (line.open !== undefined) {
    return await values(line.open, { flag: flags[line.open]!, typed: current, ...from });
  }
  if (meta.passThrough && line.first >= 0) return fitting("", [], `command ${line.first + 1}`);
  if (current.startsWith("-") && !line.flagsOver) {
    const equals = current.indexOf("=");
    if (equals < 0) return fitting(current, flagsLeft(flags, line.given));
    const long = current.slice(2, equals);
    if (!current.startsWith("--") || flags[long]?.type !== "string") return fitting(current, []);
    const typed = current.slice(equals + 1);
    return before(`--${long}=`, await values(long, { flag: flags[long], typed, ...from }));
  }
  const place = placeAt(places, line.positional.length);
  if (!place) return fitting(current, []);
  if (place.names.includes("COMMAND")) return fitting("", [], `command ${words.length - 1}`);
  const found = await Promise.all(
    place.names.map((kind) => ofKind(kind, { typed: current, ...from })),
  );
  const then = found.find((one) => one.then !== "nothing")?.then ?? "nothing";
  return fitting(current, found.flatMap(({ candidates }) => candidates), then);
}

function flagsLeft(flags: Flags, given: ReadonlySet<string>): Candidate[] {
  return Object.entries(flags)
    .filter(([name, flag]) => flag.multiple || !given.has(name))
    .map(([name, flag]) => ({ value: `--${name}`, about: flag.help }));
}

/** Values of a flag. */
async function values(
  name: string,
  options: { flag: Flag | undefined; typed: string; sources: Sources; job: string | undefined },
): Promise<Completion> {
  const { flag, typed } = options;
  if (flag?.choices) {
    return fitting(typed, flag.choices.map((value) => ({ value, about: "" })));
  }
  const kinds: Readonly<Record<string, string>> = {
    pid: "PID",
    rank: "RANK",
    scheduler: "SCHEDULER",
    editor: "EDITOR",
  };
  const kind = kinds[name] ?? flag?.value ?? "";
  const several = flag?.value === "LIST" || flag?.value?.includes(",");
  const prefix = several ? typed.slice(0, typed.lastIndexOf(",") + 1) : "";
  return before(prefix, await ofKind(kind, { ...options, typed: typed.slice(prefix.length) }));
}

/** Words of a kind, as usage lines and flags name it. */
async function ofKind(
  kind: string,
  { typed, sources, job }: { typed: string; sources: Sources; job: string | undefined },
): Promise<Completion> {
  const plain = (list: readonly string[]) => list.map((value) => ({ value, about: "" }));
  switch (kind) {
    case "JOB":
      return fitting(typed, await sources.jobs());
    case "PID":
      return fitting(typed, await sources.pids(job));
    case "RANK":
      return fitting(typed, await sources.ranks(job));
    case "NODE":
      return fitting(typed, await sources.nodes(job));
    case "LOGIN":
    case "HOST":
      return fitting(typed, await sources.hosts());
    case "SCHEDULER":
      return fitting(typed, await sources.schedulers());
    case "EDITOR":
      return fitting(typed, await sources.editors());
    case "TOPIC":
      return fitting(typed, await sources.topics());
    case "SIGNAL":
      return fitting(typed, plain(signals));
    case "ADDRESS":
      return fitting(typed, plain(["0.0.0.0", "127.0.0.1"]));
    case "PYTHON":
      return fitting(typed, plain(["python", "python3"]), "files");
    case "FILE":
    case "GLOB":
    case "PATH":
      return fitting(typed, [], "files");
    case "FOLDER":
      return fitting(typed, [], "folders");
    default:
      return fitting(typed, /^[a-z]/.test(kind) ? plain([kind]) : []);
  }
}

/** Those that begin with what was typed, each once; texts that would break the lines are left out. */
function fitting(typed: string, candidates: readonly Candidate[], then = "nothing"): Completion {
  const byValue = new Map<string, string>();
  for (const { value, about } of candidates) {
    const safe = value !== "" && printable(value) === value && !/[\s'"\\`$]/.test(value);
    if (safe && value.startsWith(typed) && !byValue.has(value)) {
      byValue.set(value, printable(about).slice(0, 70));
    }
  }
  return { candidates: Array.from(byValue, ([value, about]) => ({ value, about })), then };
}

/** The candidates with something before each. */
function before(prefix: string, { candidates, then }: Completion): Completion {
  return {
    candidates: candidates.map(({ value, about }) => ({ value: prefix + value, about })),
    then,
  };
}
