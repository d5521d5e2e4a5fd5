/**
 * Which job `rdg connect` goes to: by what was typed, by the records on the login node, and only then
 * by asking. Asks the login node.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import type { Menus } from "../_job_menu.ts";
import { allSchedulers, listJobs, sameNode } from "../_scheduler.ts";
import { type ChosenJob, selectJob, sessionsOf } from "../attach/jobs.ts";
import type { Job, SchedulerPlugin } from "../../plugins/contract.ts";
import { ExitCode, RdgError, usageError } from "../../plugins/error.ts";
import type { Runner } from "../../plugins/host.ts";
import { chooseScheduler } from "../../plugins/schedulers.ts";
import { local, localJob } from "../../plugins/schedulers/local.ts";
import type { Session } from "../../python/sessions.ts";
import type { Link } from "./link.ts";
import { readRecords, sessionKey } from "./records.ts";

/** What is looked for. */
export interface JobWish {
  /** The job, as people write it. */
  job?: string;
  /** The scheduler's name. */
  scheduler?: string;
}

/** Where and how to look. */
export interface FindContext {
  /** The login node; its connection may be another one tomorrow. */
  login: { readonly link: Link };
  /** The world of this machine. */
  host: Host;
  /** Asks the person. */
  menus: Menus;
  /** Whether sessions that wait for a crash, or jobs that wait for their start, are no error. */
  patient: boolean;
  /** Sessions that were served already, by {@linkcode sessionKey}. */
  done: ReadonlySet<string>;
}

/** Why there is nothing to connect to yet. */
export interface NotYet {
  /** In words. */
  why: string;
}

/** What there is to choose a process from. */
export interface Choice {
  /** The job. */
  chosen: ChosenJob;
  /** Its id as people write it, without the component of a heterogeneous one. */
  display: string;
  /** The job's sessions. */
  known: Session[];
  /** The login node, as a world. */
  host: Host;
}

/**
 * Reads the records, and chooses the job.
 *
 * @param wish The job and the scheduler that were typed, if any.
 * @param context The login node, the menus, and what to leave out.
 * @returns The job and its sessions; or, for the patient, why there is none yet.
 * @throws {RdgError} when there is none.
 */
export async function findJob(
  wish: JobWish,
  context: FindContext,
): Promise<Choice | NotYet> {
  const { login: { link }, patient } = context;
  const sessions = (await readRecords(link)).filter((one) => !context.done.has(sessionKey(one)));
  if (patient && sessions.length === 0 && wish.job === undefined) {
    return { why: "there is no session yet" };
  }
  const host = hostThere(context);
  const scheduler = await schedulerThere(wish.scheduler, context);
  let chosen: ChosenJob;
  try {
    chosen = await chooseJob(wish.job, {
      ...{ scheduler, sessions, host, link, menus: context.menus },
      named: Boolean(wish.scheduler ?? context.host.env("RDG_SCHEDULER")),
    });
  } catch (error) {
    const early = error instanceof RdgError && ["pending", "no-session"].includes(error.code);
    if (patient && early) return { why: lower(error.message) };
    throw inWords(error);
  }
  const display = chosen.jobs[0].displayId.split("+")[0]!;
  return { chosen, display, known: sessionsOf(chosen, { sessions, host }), host };
}

/** The allocation that a process belongs to; null outside of a job. */
export function jobOf({ scheduler, jobs }: ChosenJob, { host }: Session): Job | null {
  if (scheduler === local) return null;
  return jobs.find(({ nodes }) => nodes.some((node) => sameNode(node, host))) ?? jobs[0];
}

/** The login node as the parts of `rdg attach` see it; its own environment is not known. */
function hostThere({ login, host }: FindContext): Host {
  const { facts } = login.link;
  const env: Record<string, string | undefined> = {
    RDG_STATE_DIR: facts.state,
    RDG_SCHEDULER_TIMEOUT: host.env("RDG_SCHEDULER_TIMEOUT"),
  };
  return {
    ...host,
    env: (name) => env[name],
    hostname: () => facts.hostname,
    user: () => facts.user,
    // What is asked later goes over the connection of then.
    runner: rememberLists((spec, options) => login.link.runner(spec, options)),
  };
}

/** The list of jobs is asked for once, however many steps look at it; a failure isn't kept. */
function rememberLists(runner: Runner): Runner {
  const answers = new Map<string, ReturnType<Runner>>();
  return (spec, options) => {
    if (options?.onLine) return runner(spec, options);
    const key = JSON.stringify(spec);
    const forget = () => void answers.delete(key);
    const answer = answers.get(key) ?? runner(spec, options);
    answers.set(key, answer);
    answer.then(({ code }) => code === 0 || forget(), forget);
    return answer;
  };
}

/** The scheduler of the login node. */
async function schedulerThere(
  name: string | undefined,
  { login: { link }, host }: FindContext,
): Promise<SchedulerPlugin> {
  return chooseScheduler({
    plugins: await allSchedulers(host),
    name,
    env: { RDG_SCHEDULER: host.env("RDG_SCHEDULER") },
    isOnPath: (program) => link.facts.programs.has(program),
  });
}

/** The job: as typed, else the one that has sessions, else by asking. */
async function chooseJob(
  typed: string | undefined,
  context: {
    scheduler: SchedulerPlugin;
    sessions: readonly Session[];
    host: Host;
    menus: Menus;
    link: Link;
    named: boolean;
  },
): Promise<ChosenJob> {
  const { scheduler, sessions, host, menus, link, named } = context;
  // The person sits at the laptop, and forgot the login node.
  const elsewhere = link.local && link.facts.programs.size === 0;
  if (typed !== undefined && elsewhere && !named && typed !== "local") {
    throw new RdgError(`Cannot connect to job ${typed}: there is no scheduler on this machine`, {
      code: "not-found",
      exitCode: ExitCode.notFound,
      hint: `name the login node first: rdg connect LOGIN ${typed}`,
    });
  }
  if (typed !== undefined) return await selectJob(typed, context);
  const inJobs = scheduler !== local && sessions.some((one) => one.scheduler === scheduler.name);
  const listed = inJobs ? await listJobs(scheduler, host) : [];
  const running = listed.filter(({ state }) => state === "running" || state === "suspended");
  const armed = (job: Job) =>
    sessionsOf({ scheduler: job === localJob ? local : scheduler, jobs: [job] }, { sessions, host })
      .length;
  // The components of a heterogeneous job have one leader, and only its id stands in the records.
  const candidates = [...running, localJob].filter((job) => armed(job) > 0);
  if (candidates.length === 0) {
    const others = new Set(sessions.map(({ cluster }) => cluster));
    throw new RdgError("Cannot connect: none of your running jobs has a session", {
      code: "no-session",
      exitCode: ExitCode.notFound,
      hint: others.size > 0 && !inJobs
        ? `the sessions that can be seen belong to ${[...others].join(", ")}: connect to its ` +
          "login node"
        : elsewhere
        ? "name the login node: rdg connect LOGIN"
        : "start one with: rdg debug --lite python your_script.py; --wait waits for it",
    });
  }
  const job = candidates.length === 1
    ? candidates[0]!
    : await ask(candidates, { armed, host, menus });
  return job === localJob
    ? { scheduler: local, jobs: [localJob] }
    : await selectJob(job.displayId.split("+")[0]!, context);
}

async function ask(
  jobs: readonly Job[],
  { armed, host, menus }: { armed: (job: Job) => number; host: Host; menus: Menus },
): Promise<Job> {
  if (host.terminal.interactive) return await menus.job(jobs, armed);
  throw usageError(
    `Cannot ask which of ${jobs.length} jobs with sessions: stdin is no terminal`,
    `name the job, one of: ${jobs.slice(0, 10).map(({ displayId }) => displayId).join(", ")}`,
  );
}

/** The words of `rdg attach`, in those of `rdg connect`. */
function inWords(error: unknown): unknown {
  if (!(error instanceof RdgError)) return error;
  return new RdgError(error.message.replace("Cannot attach to", "Cannot connect to"), {
    code: error.code,
    exitCode: error.exitCode,
    hint: error.code === "pending" ? "--wait waits until it runs" : error.hint,
    cause: error.cause,
  });
}

/** Why there is nothing yet, in the midst of a sentence. */
export function lower(message: string): string {
  return message.replace(/^Cannot connect( to)?(: )?/, "").replace(/^Cannot attach to /, "").trim();
}

/**
 * A job without a session to connect to.
 *
 * @param display The job's id, as people write it.
 * @param why Why there is none, and what to do.
 * @returns The error.
 */
export function noSession(display: string, why: { message: string; hint: string }): RdgError {
  return new RdgError(`Cannot connect to job ${display}: ${why.message}`, {
    code: "no-session",
    exitCode: ExitCode.notFound,
    hint: why.hint,
  });
}

/** Why a job whose program wasn't started by rdg has none. */
export const noneAtAll = {
  message: "it has no session",
  hint: 'start its program with "rdg debug"; --wait waits for it',
};
