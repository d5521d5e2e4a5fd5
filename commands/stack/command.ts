/**
 * `rdg stack`: where every thread of a job's processes is, merged into one picture. Reads session
 * records; runs the scheduler's list program once and its helper step once a look; writes the file
 * that `--html` names.
 *
 * @module
 */

import { type CommandMeta, numberFlag, parseWords } from "../_args.ts";
import type { Host } from "../_host.ts";
import { parseJobId } from "../_job_id.ts";
import { type Menus, terminalMenus } from "../_job_menu.ts";
import { absentRanks, parseRanks, type RankRange } from "../_ranks.ts";
import { schedulerFlag } from "../_scheduler.ts";
import { RdgError, usageError } from "../../plugins/error.ts";
import { stateFolder } from "../../python/sessions.ts";
import type { Way } from "../attach/enter.ts";
import { prepareInjection } from "../attach/inject.ts";
import { compare, type Memory } from "./changes.ts";
import { gather } from "./gather.ts";
import { checkHtmlFile, writeHtml } from "./html_file.ts";
import { asJson } from "./json.ts";
import { groupsOf, mergeSnapshot } from "./merge.ts";
import { exitCodeOf } from "./reasons.ts";
import { choose, isWide } from "./select.ts";
import { namer, type Snapshot } from "./snapshot.ts";
import { renderMissing, renderText } from "./text.ts";

/** What was typed after `rdg stack`. */
export interface StackOptions {
  /** The job, as people write it; undefined to ask, or to look on this host for a PID. */
  job?: string;
  /** These processes only. */
  pids?: readonly number[];
  /** Whether gdb may look into processes that rdg has not prepared. */
  inject?: boolean;
  /** Only these ranks. */
  ranks?: readonly RankRange[];
  /** Only on this node. */
  node?: string;
  /** The scheduler's name. */
  scheduler?: string;
  /** How to reach the node; undefined to choose. */
  via?: Way;
  /** One JSON object on stdout instead of text. */
  json: boolean;
  /** Seconds between two looks; undefined for one look. */
  watchS?: number;
  /** File for a page. */
  html?: string;
  /** Seconds after which a process counts as silent. */
  limitS: number;
}

const ways: readonly Way[] = ["scheduler", "direct", "ssh"];

/** What the command says about itself. */
export const meta: CommandMeta = {
  name: "stack",
  summary: "Show where every process of a job is: one tree of stacks, by rank",
  usage: "[flags] [JOB]",
  flags: {
    rank: { type: "string", value: "LIST", help: "Only these ranks, as in 0 or 0,3 or 0-3" },
    pid: {
      type: "string",
      value: "LIST",
      help:
        "Only these processes, as in 67890 or 67890,67893; without JOB, on this host. py-spy or " +
        "Python 3.14 itself is used where rdg has not prepared them",
    },
    inject: {
      type: "boolean",
      help:
        "Also all Python processes of the job that rdg has not prepared: by py-spy or Python 3.14 " +
        "itself, else by gdb, which stops each for about a second",
    },
    node: { type: "string", value: "NODE", help: "Only processes on this node" },
    watch: {
      type: "string",
      value: "SECONDS",
      help: "Look again and again, and mark what changed; until Ctrl-C or the job's end",
    },
    html: { type: "string", value: "FILE", help: "Also write a page to read and to share" },
    timeout: {
      type: "string",
      value: "SECONDS",
      help: "How long a process may take to answer (5)",
    },
    scheduler: schedulerFlag,
    via: {
      type: "string",
      value: "WAY",
      choices: ways,
      help: "How to reach the node: scheduler, direct or ssh",
    },
    json: { type: "boolean", help: "Print one JSON object (with --watch, one a line)" },
  },
  examples: [
    ["rdg stack 12345", "who is where, the place with the fewest ranks first"],
    ["rdg stack 12345 --html hang.html", "the same as a page"],
    ["rdg stack 12345 --rank 37 --verbose", "one rank, every frame, whole paths"],
    ["rdg stack 12345 --watch 10", "which ranks move, and which don't"],
    ["rdg stack --pid 67890", "a process on this host"],
    ["rdg stack 12345 --inject", "a job that was started without rdg"],
  ],
};

/**
 * Reads the command line.
 *
 * @param argv The words after `stack`.
 * @returns The options.
 * @throws {RdgError} `usage` when it makes no sense.
 */
export function parse(argv: readonly string[]): StackOptions {
  const { values, words } = parseWords(argv, meta);
  const [job, ...rest] = words;
  if (rest[0] !== undefined) {
    throw usageError(
      `Cannot use "${rest[0]}": want one job at most`,
      "rdg stack JOB, or rdg stack JOB --pid PID",
    );
  }
  if (job !== undefined) parseJobId(job, "rdg stack 12345, or rdg stack 36_1");
  if (values.pid !== undefined && values.rank !== undefined) {
    throw usageError('Cannot use "--pid" together with "--rank"', "leave one of them out");
  }
  const pids = parsePids(values.pid);
  if (job === undefined && pids !== undefined && values.node !== undefined) {
    throw usageError(
      'Cannot use "--node" with "--pid" alone: that looks on this host',
      `rdg stack JOB --pid ${pids.join(",")} --node ${values.node}`,
    );
  }
  const watchS = numberFlag(values.watch, { flag: "watch", min: 1, max: 86_400 });
  const limitS = numberFlag(values.timeout, { flag: "timeout", min: 0.1, max: 600 });
  return {
    ...(job === undefined ? {} : { job }),
    ...(pids === undefined ? {} : { pids }),
    ...(values.inject === true ? { inject: true } : {}),
    ...(values.rank === undefined ? {} : { ranks: parseRanks(String(values.rank)) }),
    ...(values.node === undefined ? {} : { node: String(values.node) }),
    ...(values.scheduler === undefined ? {} : { scheduler: String(values.scheduler) }),
    ...(values.via === undefined ? {} : { via: values.via as Way }),
    json: values.json === true,
    ...(watchS === undefined ? {} : { watchS }),
    ...(values.html === undefined ? {} : { html: String(values.html) }),
    limitS: limitS ?? 5,
  };
}

function parsePids(value: unknown): number[] | undefined {
  if (value === undefined) return undefined;
  const words = String(value).split(",").map((word) => word.trim());
  if (!words.every((word) => /^[1-9]\d{0,9}$/.test(word))) {
    throw usageError(`Cannot use "--pid=${value}": want process ids`, "--pid=67890,67893");
  }
  return [...new Set(words.map(Number))];
}

/**
 * Asks, merges, prints; again and again under `--watch`.
 *
 * @param options What was typed.
 * @param host The world.
 * @param extra Asks the person, and waits between two looks (resolves to false to end).
 * @returns 0 when every chosen process answered (under `--watch`, 0 when the job has ended).
 */
export async function run(
  options: StackOptions,
  host: Host,
  extra: { menus?: Menus; pause?: (seconds: number) => Promise<boolean> } = {},
): Promise<number> {
  const { terminal } = host;
  if (options.html !== undefined) await checkHtmlFile(options.html);
  const menus = extra.menus ?? terminalMenus(terminal.columns);
  const pause = extra.pause ?? wait;
  const state = stateFolder(host.env);
  let memory: Memory | undefined;
  let job = options.job;
  while (true) {
    let code: number;
    try {
      const selection = await choose({ ...options, ...(job ? { job } : {}) }, { host, menus });
      const snapshot = await gather(selection, {
        ...(options.via === undefined ? {} : { via: options.via }),
        limitS: options.limitS,
        children: (selection.sessions.length > 0 || isWide(options)) && options.pids === undefined,
        // Outside a job nothing but its parent says what a process belongs to.
        orphans: selection.jobId !== null && options.ranks === undefined &&
          options.node === undefined,
        unarmed: isWide(options) && selection.jobId !== null,
        inject: options.inject
          ? await prepareInjection(host, {
            ...{ state, local: selection.jobId === null, limitS: options.limitS },
          })
          : undefined,
        state,
        host,
      });
      const changes = compare(snapshot, memory);
      memory = changes.memory;
      const someOnly = options.node !== undefined || options.pids !== undefined;
      const absent = someOnly ? [] : absentRanks(selection.sessions, options.ranks);
      const look = { snapshot, merged: mergeSnapshot(snapshot), absent, ...changes };
      print(look, { options, host });
      if (options.html !== undefined) await writeHtml(options.html, { ...look, host });
      code = exitCodeOf(snapshot.missing);
      if (selection.jobId !== null) job = options.job ?? selection.displayId;
    } catch (error) {
      const over = memory && error instanceof RdgError && error.code === "not-found";
      if (!over) throw error;
      terminal.say(`That was the last look: ${error.message}`);
      return 0;
    }
    if (options.watchS === undefined) return code;
    if (terminal.unread || !await pause(options.watchS)) return 0;
  }
}

/** One look, with what it takes to print it. */
interface Look extends ReturnType<typeof compare> {
  snapshot: Snapshot;
  merged: ReturnType<typeof mergeSnapshot>;
  absent: string[];
}

function print(look: Look, { options, host }: { options: StackOptions; host: Host }): void {
  const { terminal } = host;
  const { snapshot, merged, marks, ended, absent } = look;
  if (options.json) {
    const data = asJson(snapshot, { groups: groupsOf(merged.main), marks, absent });
    terminal.out(`${JSON.stringify(data, null, options.watchS === undefined ? 2 : 0)}\n`);
    return;
  }
  const watching = options.watchS !== undefined;
  const live = watching && terminal.redraws === true;
  const lines = renderText(snapshot, merged, {
    verbose: host.verbose,
    marks,
    width: terminal.outLive && !host.verbose ? terminal.columns : Infinity,
  });
  const warnings = [...renderMissing(snapshot), ...absent];
  if (ended.length > 0) warnings.push(`No more there: ${namer(snapshot)(ended)}`);
  if (watching) lines.unshift(heading(snapshot));
  if (live) {
    // Who is where stands at the top: what doesn't fit below it would push it out of the picture.
    const below = warnings.reduce(
      (sum, { length }) => sum + Math.ceil(length / terminal.columns),
      1,
    );
    const room = Math.max(2, (terminal.rows ?? 24) - below);
    const more = lines.length - room + 1;
    if (more > 1) lines.splice(room - 1, more, `… and ${more} more lines (rdg stack shows all)`);
    // Clears the screen and goes to its top.
    terminal.out("\x1b[H\x1b[2J");
  } else if (marks) lines.unshift("");
  if (snapshot.answered.length > 0 || watching) terminal.out(`${lines.join("\n")}\n`);
  for (const line of warnings) terminal.say(terminal.style("yellow", line));
}

function heading({ job, time }: Snapshot): string {
  const where = job === "local" ? "This host" : `Job ${job}`;
  return `${where} at ${new Date(time).toLocaleTimeString("en-GB")}`;
}

async function wait(seconds: number): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  return true;
}
