/**
 * Which processes of a job `rdg attach` is to wake: by what was typed, by the session records, and
 * only then by asking.
 *
 * @module
 */

import { inRanks } from "../_ranks.ts";
import type { Job, SchedulerPlugin } from "../../plugins/contract.ts";
import { ExitCode, RdgError, usageError } from "../../plugins/error.ts";
import { localJob } from "../../plugins/schedulers/local.ts";
import type { Session } from "../../python/sessions.ts";
import type { Target } from "../../python/wake.ts";
import type { AttachOptions } from "./command.ts";
import { outputOf, sameNode } from "../_scheduler.ts";
import { cannot, type ChosenJob, type Context, selectJob, sessionsOf } from "./jobs.ts";

/** The processes of one allocation. A heterogeneous job has several of these. */
export interface Group {
  /** The allocation, to be handed to the scheduler's programs. */
  job: Job;
  /** Nodes that the helper has to run on. */
  nodes: string[];
  /** Whom to wake there. */
  targets: Target[];
}

/** What of a command line says which processes are meant. */
export type SelectOptions = Pick<AttachOptions, "job" | "pid" | "ranks" | "all" | "node"> & {
  /** Several processes; those without a session are looked for on every node. */
  pids?: readonly number[];
  /** Also a job without any session: then nobody is named. */
  anybody?: boolean;
};

/** Whom to wake. */
export interface Selection {
  /** The scheduler that the job belongs to. */
  scheduler: SchedulerPlugin;
  /** The job's unique id, as its processes know it; null outside a job. */
  jobId: string | null;
  /** The job's id, as people write it. */
  displayId: string;
  /** The processes by allocation. */
  groups: Group[];
  /** The records of those that have one. */
  sessions: Session[];
}

/**
 * Selects the processes.
 *
 * @param options What was typed.
 * @param context The scheduler, all session records, the world, and the menus.
 * @returns Whom to wake.
 * @throws {RdgError} `not-found`, `permission` or `usage`; nothing has been signalled then.
 */
export async function selectProcesses(
  options: SelectOptions,
  context: Context,
): Promise<Selection> {
  const chosen = await selectJob(options.job, context);
  const [job] = chosen.jobs;
  checkNode(options.node, chosen);
  const all = sessionsOf(chosen, context);
  const known = all.filter((session) =>
    (options.node === undefined || isNode(session, options.node)) &&
    inRanks(session.rank, options.ranks) &&
    (options.pid === undefined || session.pid === options.pid) &&
    (options.pids === undefined || options.pids.includes(session.pid))
  );
  const selection = {
    scheduler: chosen.scheduler,
    jobId: chosen.scheduler.job.job.length > 0 ? job.id : null,
    displayId: job.displayId.split("+")[0]!,
  };
  if (options.pids !== undefined || (options.anybody && known.length === 0)) {
    const unknown = (options.pids ?? []).filter((pid) => !known.some((one) => one.pid === pid));
    const wide = options.anybody || unknown.length > 0;
    if (!wide) return { ...selection, groups: groupSessions(known, chosen), sessions: known };
    const groups = allNodes(unknown, { chosen, node: options.node });
    return {
      ...selection,
      groups: mergeGroups(groups, groupSessions(known, chosen)),
      sessions: known,
    };
  }
  if (known.length === 0) {
    const pid = options.pid ?? await askForPid(options, { chosen, all, context });
    return { ...selection, groups: allNodes([pid], { chosen, node: options.node }), sessions: [] };
  }
  const sessions = await chooseAmong(known, { options, context, job });
  return { ...selection, groups: groupSessions(sessions, chosen), sessions };
}

/**
 * Says whether a process has nothing that a signal could wake: it only waits for a crash.
 *
 * @param session The process.
 * @returns Whether it was armed for post-mortem alone.
 */
export function waitsForCrash(session: Session): boolean {
  return session.state === "armed" && !session.modes.some((mode) => mode !== "post-mortem");
}

async function chooseAmong(
  known: readonly Session[],
  { options, context, job }: { options: SelectOptions; context: Context; job: Job },
): Promise<Session[]> {
  if (options.all || options.ranks !== undefined) return [...known];
  const wakeable = known.filter((session) => !waitsForCrash(session));
  const candidates = wakeable.length > 0 ? wakeable : known;
  if (candidates.length === 1) return [...candidates];
  if (context.host.terminal.interactive) return await context.menus.processes(candidates);
  const few = candidates.slice(0, 8).map(describe);
  const what = options.pid === undefined
    ? "rdg attach JOB PID, --rank N, --node NODE or --all"
    : whatTellsApart(candidates);
  throw usageError(
    `Cannot ask which of ${candidates.length} armed processes of job ${job.displayId}: ` +
      "stdin is no terminal",
    `${what}; there are: ${few.join("; ")}${candidates.length > 8 ? "; …" : ""}`,
  );
}

/** What to type where several processes have the PID: containers on one node count anew, each of them. */
function whatTellsApart(sessions: readonly Session[]): string {
  const differ = (values: readonly unknown[]) => new Set(values).size === sessions.length;
  if (differ(sessions.map(({ host }) => host))) return "--node NODE";
  return `${differ(sessions.map(({ rank }) => rank)) ? "--rank N" : "--all"} instead of the PID`;
}

async function askForPid(
  options: SelectOptions,
  { chosen, all, context }: { chosen: ChosenJob; all: readonly Session[]; context: Context },
): Promise<number> {
  const { scheduler, jobs: [job] } = chosen;
  if (all.length > 0) {
    const wanted = [
      ...options.ranks
        ? [`rank ${options.ranks.map((range) => [...new Set(range)].join("-"))}`]
        : [],
      ...options.node ? [`node "${options.node}"`] : [],
    ].join(" and ");
    throw new RdgError(`${cannot(context, job.displayId)}: nothing armed has ${wanted}`, {
      code: "not-found",
      exitCode: ExitCode.notFound,
      hint: `one of: ${all.slice(0, 8).map(describe).join("; ")}`,
    });
  }
  const several = options.all || options.ranks !== undefined;
  // What runs on this host would be seen from here.
  const ask = !several && job !== localJob && context.host.terminal.interactive;
  const notFound = { code: "not-found", exitCode: ExitCode.notFound };
  const begin = cannot(context, job.displayId);
  if (job === localJob) {
    throw new RdgError(`${begin}: none was started by "rdg debug"`, {
      ...notFound,
      hint: hintHere(context),
    });
  }
  const output = await outputOf(scheduler, { job: job.id, host: context.host });
  if (ask) return await context.menus.pid(job, output);
  throw new RdgError(`${begin}: no session of it can be seen from here`, {
    ...notFound,
    hint: hintThere(context, { job: job.displayId, output }),
  });
}

/** What helps where a job has no session. */
function hintThere(
  { command = "attach" }: Context,
  { job, output }: { job: string; output: string },
): string {
  const stack = command === "stack";
  return `rdg ${command} ${job} ${stack ? "--pid " : ""}PID, with the PID from ${output}; ` +
    'without one there, the program was not started by "rdg debug --lite": ' +
    `rdg ${command} ${job} ${stack ? "" : "PID "}--inject`;
}

/** What helps where nothing on this host has a session. */
function hintHere({ command = "attach" }: Context): string {
  return command === "stack"
    ? "rdg stack --pid PID, which also shows a process that rdg has not prepared"
    : "rdg attach PID --inject, which prepares a process that runs already";
}

function checkNode(node: string | undefined, { jobs }: ChosenJob): void {
  const nodes = jobs.flatMap((job) => job.nodes);
  if (node === undefined || nodes.length === 0) return;
  if (nodes.some((name) => sameNode(name, node))) return;
  throw usageError(
    `Cannot use "--node=${node}": job ${jobs[0].displayId} does not run there`,
    `one of ${nodes.slice(0, 16).join(", ")}`,
  );
}

/** All nodes of the job (or the one that was named), each asked for some processes. */
function allNodes(
  pids: readonly number[],
  { chosen, node }: { chosen: ChosenJob; node: string | undefined },
): Group[] {
  return chosen.jobs.map((job) => ({
    job,
    nodes: job.nodes.filter((name) => node === undefined || sameNode(name, node)),
    targets: pids.map(unknownProcess),
  })).filter((group) => node === undefined || group.nodes.length > 0 || chosen.jobs.length === 1);
}

/**
 * A process of which nothing is known but its id.
 *
 * @param pid The id.
 * @returns Whom to look for.
 */
export function unknownProcess(pid: number): Target {
  return { host: null, pid, startTime: null, pidNamespace: null, signal: null };
}

/** The same allocation's groups as one. */
function mergeGroups(wide: readonly Group[], known: readonly Group[]): Group[] {
  return wide.map((group) => ({
    ...group,
    targets: [
      ...known.filter(({ job }) => job === group.job).flatMap(({ targets }) => targets),
      ...group.targets,
    ],
  }));
}

function groupSessions(sessions: readonly Session[], { jobs }: ChosenJob): Group[] {
  const groups = new Map<Job, Group>();
  for (const session of sessions) {
    const job = jobs.find(({ nodes }) => nodes.some((node) => isNode(session, node))) ?? jobs[0];
    const group = groups.get(job) ?? { job, nodes: [], targets: [] };
    groups.set(job, group);
    // The scheduler's own name for it: one may be qualified, the other not.
    const node = job.nodes.find((name) => isNode(session, name)) ?? session.host;
    if (!group.nodes.includes(node)) group.nodes.push(node);
    group.targets.push(session);
  }
  for (const group of groups.values()) {
    group.targets = group.targets.map(({ host, pid, startTime, pidNamespace, signal }) => ({
      host,
      pid,
      startTime,
      pidNamespace,
      signal,
    }));
  }
  return [...groups.values()];
}

function describe(session: Session): string {
  const rank = session.rank === null ? "" : `rank ${session.rank}, `;
  return `${rank}PID ${session.pid} on ${session.host}`;
}

function isNode(session: Session, node: string): boolean {
  return sameNode(session.host, node) || session.hostname === node;
}
