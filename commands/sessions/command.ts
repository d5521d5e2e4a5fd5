/**
 * `rdg sessions`: lists the debug sessions of all my jobs. Reads session records, asks the scheduler
 * once, and removes records that nothing stands behind any more.
 *
 * @module
 */

import { type CommandMeta, parseWords } from "../_args.ts";
import { columns, duration } from "../_columns.ts";
import type { Host } from "../_host.ts";
import { ask, listJobs, openScheduler, schedulerFlag } from "../_scheduler.ts";
import type { SchedulerPlugin } from "../../plugins/contract.ts";
import { usageError } from "../../plugins/error.ts";
import { compareSessions, readSessions, stateFolder, sweep } from "../../python/sessions.ts";
import { judge, type Row } from "./judge.ts";

/** What was typed after `rdg sessions`. */
export interface SessionsOptions {
  /** Only this job, as people write it. */
  job?: string;
  /** The scheduler's name. */
  scheduler?: string;
  /** Print JSON. */
  json: boolean;
  /** Print again and again. */
  watch: boolean;
  /** Show the tokens. */
  token: boolean;
}

/** Pause between two looks under `--watch`: each costs the scheduler a call. */
const watchPauseMs = 10_000;

/** What the command says about itself. */
export const meta: CommandMeta = {
  name: "sessions",
  summary: "List armed, listening, attached and crashed programs of your jobs",
  usage: "[flags]",
  flags: {
    job: { type: "string", value: "JOB", help: "Only this job" },
    token: { type: "boolean", help: "Show the tokens that the ports want" },
    watch: { type: "boolean", help: "Print again every 10 seconds, until Ctrl-C" },
    scheduler: schedulerFlag,
    json: { type: "boolean", help: "Print one JSON object" },
  },
  examples: [
    ["rdg sessions", "everything that can be attached to"],
    ["rdg sessions --job 12345 --json", "one job's, for a program"],
  ],
};

/**
 * Reads the command line.
 *
 * @param argv The words after `sessions`.
 * @returns The options.
 * @throws {RdgError} `usage` when it makes no sense.
 */
export function parse(argv: readonly string[]): SessionsOptions {
  const { values, words } = parseWords(argv, meta);
  if (words.length > 0) {
    throw usageError(`Cannot use "${words[0]}": rdg sessions takes flags only`, "--job=JOB");
  }
  return {
    ...(values.job === undefined ? {} : { job: String(values.job) }),
    ...(values.scheduler === undefined ? {} : { scheduler: String(values.scheduler) }),
    json: values.json === true,
    watch: values.watch === true,
    token: values.token === true,
  };
}

/**
 * Lists the sessions.
 *
 * @param options What was typed.
 * @param host The world.
 * @param pause Waits between two looks under `--watch`; resolves to false to end.
 * @returns 0.
 */
export async function run(
  options: SessionsOptions,
  host: Host,
  pause: () => Promise<boolean> = waitAWhile,
): Promise<number> {
  do {
    const rows = await look(options, host);
    if (options.watch && host.terminal.live && !options.json) {
      // Clears the screen and goes to its top.
      host.terminal.out("\x1b[H\x1b[2J");
    }
    print(rows, { options, host });
  } while (options.watch && await pause());
  return 0;
}

/** Reads, asks, sweeps; the rows that remain. */
async function look(options: SessionsOptions, host: Host): Promise<Row[]> {
  const state = stateFolder(host.env);
  if (state === null) return [];
  // Read first, ask then: a job that has a record runs already when the scheduler is asked.
  const { sessions, passedOver } = await readSessions(state, { uid: Deno.uid() });
  for (const line of passedOver) {
    host.terminal.say(host.terminal.style("dim", `Passed over ${line}`));
  }
  const scheduler = openScheduler(options.scheduler, host);
  const inJobs = sessions.some((session) => session.scheduler === scheduler.name);
  const jobs = inJobs && scheduler.name !== "local" ? await listJobs(scheduler, host) : [];
  const { rows, doubtful, stale } = await judge(sessions, {
    scheduler: scheduler.name,
    jobs,
    hostname: host.hostname(),
    canonicalId: scheduler.canonicalId,
    runner: host.runner,
  });
  if (doubtful.length > 0) {
    // Records of jobs that aren't listed are another cluster's, unless the cluster's name is ours.
    const ours = await clusterName(rows, { scheduler, host });
    for (const session of doubtful) {
      if (session.cluster === ours) stale.push(session);
      else rows.push({ session });
    }
  }
  await sweep(stale);
  rows.sort((a, b) => compareSessions(a.session, b.session));
  return rows.filter(({ session, job }) => {
    if (options.job === undefined) return true;
    const display = job?.displayId ?? session.job.display;
    return [display, session.job.id, display.split(/[_+]/)[0]].includes(options.job);
  });
}

/** This cluster's name: sessions of listed jobs tell it for nothing, else the scheduler is asked. */
async function clusterName(
  rows: readonly Row[],
  { scheduler, host }: { scheduler: SchedulerPlugin; host: Host },
): Promise<string> {
  const seen = new Set(rows.filter(({ job }) => job).map(({ session }) => session.cluster));
  const [only] = seen;
  if (only !== undefined && seen.size === 1) return only;
  const named = scheduler.clusterName
    ? await ask(scheduler, scheduler.clusterName(), { host, action: "ask for the cluster's name" })
    : null;
  return named ?? scheduler.name;
}

function print(rows: readonly Row[], { options, host }: { options: SessionsOptions; host: Host }) {
  const now = host.now() / 1000;
  if (options.json) {
    const text = JSON.stringify(
      { sessions: rows.map((row) => asJson(row, now)) },
      null,
      options.watch ? 0 : 2,
    );
    host.terminal.out(`${text}\n`);
    return;
  }
  if (rows.length === 0) {
    host.terminal.say(
      options.job === undefined ? "No sessions." : `No sessions of job ${options.job}.`,
    );
    return;
  }
  const head = ["JOB", "RANK", "NODE", "PID", "STATE", "AGE", "LEFT"];
  const lines = rows.map(({ session, job }) => [
    job?.displayId.split("+")[0] ?? session.job.display,
    session.rank === null ? "-" : String(session.rank),
    session.host,
    String(session.pid),
    // Whoever reaches that port gets in.
    session.address && !session.auth ? `${session.state}, no token` : session.state,
    duration(now - session.created),
    duration(job?.leftS),
    ...options.token ? [session.token ?? "-"] : [],
    session.exception ?? session.command.join(" "),
  ]);
  const table = [[...head, ...options.token ? ["TOKEN"] : [], "COMMAND"], ...lines];
  // A token that is cut short is of no use, and neither is a column for a program that reads this.
  const width = host.terminal.live && !options.token ? host.terminal.columns : Infinity;
  host.terminal.out(`${columns(table, width).join("\n")}\n`);
}

function asJson({ session, job }: Row, now: number): Record<string, unknown> {
  return {
    job: session.job.display,
    jobId: session.job.id,
    step: session.job.step,
    scheduler: session.scheduler,
    cluster: session.cluster,
    rank: session.rank,
    worldSize: session.worldSize,
    node: session.host,
    pid: session.pid,
    state: session.state,
    modes: session.modes,
    address: session.address,
    auth: session.auth,
    token: session.token,
    remotePath: session.remotePath,
    exception: session.exception,
    command: session.command,
    ageS: Math.max(0, Math.round(now - session.created)),
    leftS: job?.leftS ?? null,
  };
}

async function waitAWhile(): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve, watchPauseMs));
  return true;
}
