/**
 * `rdg attach`: wakes a program that runs under `rdg debug --lite` in a job, and prints where to
 * connect. Reads session records; runs the scheduler's list program once and its helper step once.
 *
 * @module
 */

import { type CommandMeta, numberFlag, parseWords } from "../_args.ts";
import type { Host } from "../_host.ts";
import { parseJobId } from "../_job_id.ts";
import { type Menus, terminalMenus } from "../_job_menu.ts";
import { absentRanks, parseRanks, type RankRange } from "../_ranks.ts";
import { mySessions, withoutOtherBoots } from "../_records.ts";
import { openScheduler, schedulerFlag } from "../_scheduler.ts";
import { usageError } from "../../plugins/error.ts";
import { stateFolder } from "../../python/sessions.ts";
import { broadcast } from "./broadcast.ts";
import { prepareInjection } from "./inject.ts";
import { report } from "./report.ts";
import { selectProcesses } from "./select.ts";
import type { Way } from "./enter.ts";
import { wakeProcesses } from "./wake.ts";

/** What was typed after `rdg attach`. */
export interface AttachOptions {
  /** The job, as people write it; undefined to ask. */
  job?: string;
  /** The process; undefined to find or ask. */
  pid?: number;
  /** Only these ranks. */
  ranks?: readonly RankRange[];
  /** Every armed process of the job. */
  all: boolean;
  /** Only on this node. */
  node?: string;
  /** The scheduler's name. */
  scheduler?: string;
  /** How to reach the node; undefined to choose. */
  via?: Way;
  /** One JSON object on stdout instead of text. */
  json: boolean;
  /** Whether to wait until the programs listen. */
  wait: boolean;
  /** For how long, in seconds. */
  timeoutS: number;
  /** Whether a process that rdg has not prepared is prepared first. */
  inject?: boolean;
}

const ways: readonly Way[] = ["scheduler", "direct", "ssh", "scancel"];

/** What the command says about itself. */
export const meta: CommandMeta = {
  name: "attach",
  summary: "Wake a lite-mode program in a running job, and say where to connect",
  usage: "[flags] [JOB] [PID]",
  flags: {
    rank: { type: "string", value: "LIST", help: "Only these ranks, as in 0 or 0,3 or 0-3" },
    all: { type: "boolean", help: "Every armed process of the job" },
    node: { type: "string", value: "NODE", help: "Only processes on this node" },
    scheduler: schedulerFlag,
    via: {
      type: "string",
      value: "WAY",
      choices: ways,
      help: "How to reach the node: scheduler, direct, ssh, or scancel (which also hits, and " +
        "ends, processes of the job that rdg has not prepared)",
    },
    timeout: {
      type: "string",
      value: "SECONDS",
      help: "How long to wait until the program listens (60)",
    },
    inject: {
      type: "boolean",
      help:
        "Prepare a process that rdg has not prepared: by Python 3.14 itself, or by gdb, which " +
        "stops it for about a second. Without JOB, PID is one on this host",
    },
    "no-wait": { type: "boolean", help: "Send the signal, and don't wait for the answer" },
    json: { type: "boolean", help: "Print one JSON object" },
  },
  examples: [
    ["rdg attach", "choose among your running jobs"],
    ["rdg attach 36_1", "the armed program of an array's element"],
    ["rdg attach 12345 67890", "one process, no questions"],
    ["rdg attach 12345 --rank 3", "rank 3 of a parallel program"],
    ["rdg attach 12345 67890 --inject", "a process that was started without rdg"],
  ],
};

/**
 * Reads the command line.
 *
 * @param argv The words after `attach`.
 * @returns The options.
 * @throws {RdgError} `usage` when it makes no sense.
 */
export function parse(argv: readonly string[]): AttachOptions {
  const { values, words } = parseWords(argv, meta);
  const inject = values.inject === true;
  // One number is a PID then: nothing else says which process is meant.
  const [job, pid, ...rest] = inject && words.length === 1 ? ["local", ...words] : words;
  if (rest[0] !== undefined) {
    throw usageError(`Cannot use "${rest[0]}": want a job and a PID at most`, "rdg attach JOB PID");
  }
  if (job !== undefined) parseJobId(job, "rdg attach 12345, or rdg attach 36_1");
  if (pid !== undefined && !/^[1-9]\d{0,9}$/.test(pid)) {
    throw usageError(`Cannot use "${pid}" as a PID: want a number`, "rdg attach JOB PID");
  }
  if (values.all && (pid !== undefined || values.rank !== undefined)) {
    throw usageError('Cannot use "--all" together with a PID or "--rank"', "leave one of them out");
  }
  if (pid !== undefined && values.rank !== undefined) {
    throw usageError('Cannot use a PID together with "--rank"', "leave one of them out");
  }
  if (inject && (pid === undefined || values.rank !== undefined || values.all)) {
    throw usageError('Cannot use "--inject" without a PID', "rdg attach JOB PID --inject");
  }
  const via = values.via as Way | undefined;
  if (inject && via === "scancel") {
    throw usageError('Cannot use "--inject" with "--via=scancel"', "leave --via out");
  }
  const timeout = numberFlag(values.timeout, { flag: "timeout", min: 1, max: 86_400 });
  return {
    ...(job === undefined ? {} : { job }),
    ...(pid === undefined ? {} : { pid: Number(pid) }),
    ...(values.rank === undefined ? {} : { ranks: parseRanks(String(values.rank)) }),
    all: values.all === true,
    ...(values.node === undefined ? {} : { node: String(values.node) }),
    ...(values.scheduler === undefined ? {} : { scheduler: String(values.scheduler) }),
    ...(via === undefined ? {} : { via }),
    json: values.json === true,
    wait: values["no-wait"] !== true,
    timeoutS: timeout ?? 60,
    ...(inject ? { inject } : {}),
  };
}

/**
 * Wakes, waits, and prints.
 *
 * @param options What was typed.
 * @param host The world.
 * @param menus Asks the person; those of the terminal when absent.
 * @returns 0 when every chosen process listens (or was signalled, with `--no-wait`).
 */
export async function run(options: AttachOptions, host: Host, menus?: Menus): Promise<number> {
  const scheduler = await openScheduler(
    options.scheduler ?? (options.job === "local" ? "local" : undefined),
    host,
  );
  const state = stateFolder(host.env);
  const selection = await selectProcesses(options, {
    scheduler,
    sessions: await withoutOtherBoots(await mySessions(state, { host }), host),
    host,
    menus: menus ?? terminalMenus(host.terminal.columns),
  });
  if (options.ranks !== undefined && options.node === undefined) {
    for (const line of absentRanks(selection.sessions, options.ranks)) {
      host.terminal.say(host.terminal.style("yellow", line));
    }
  }
  const wake = options.via === "scancel" ? broadcast : wakeProcesses;
  const local = selection.jobId === null;
  const inject = options.inject
    ? await prepareInjection(host, { state, local, limitS: options.timeoutS })
    : undefined;
  const results = await wake(selection, { ...options, state, host, inject });
  return await report(results, { ...options, selection, host });
}
