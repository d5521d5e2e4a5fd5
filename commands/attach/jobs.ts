/**
 * Which job `rdg attach` is about: by what was typed, by the scheduler's list, and only then by
 * asking.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import { isPartOf } from "../_job_id.ts";
import type { Menus } from "../_job_menu.ts";
import { listJobs, lookUpJob, sameNode } from "../_scheduler.ts";
import type { Job, SchedulerPlugin } from "../../plugins/contract.ts";
import { ExitCode, RdgError, usageError } from "../../plugins/error.ts";
import { local, localJob } from "../../plugins/schedulers/local.ts";
import type { Session } from "../../python/sessions.ts";

/** What there is to select from. */
export interface Context {
  /** The scheduler that is here. */
  scheduler: SchedulerPlugin;
  /** All session records. */
  sessions: readonly Session[];
  /** The world. */
  host: Host;
  /** Asks the person. */
  menus: Menus;
  /** The command that selects; `attach` when absent. */
  command?: "attach" | "stack";
}

/** The allocations of one job: one, or the components of a heterogeneous job, its leader first. */
export interface ChosenJob {
  /** The scheduler that it belongs to. */
  scheduler: SchedulerPlugin;
  /** Its allocations. */
  jobs: [Job, ...Job[]];
}

/**
 * Finds the job: one call of the scheduler.
 *
 * @param typed What was typed; undefined to ask.
 * @param context The scheduler, the records, the world and the menus.
 * @returns A job that runs.
 * @throws {RdgError} `not-found`, `permission`, `pending` or `usage`.
 */
export async function selectJob(typed: string | undefined, context: Context): Promise<ChosenJob> {
  const { scheduler } = context;
  const listed = await listJobs(scheduler, context.host);
  const running = listed.filter(isRunning);
  const chosen = (job: Job): ChosenJob =>
    job === localJob
      ? { scheduler: local, jobs: [job] }
      : { scheduler, jobs: withComponents(job, running) };
  const armed = (job: Job) => sessionsOf(chosen(job), context).length;
  if (typed === undefined) {
    const here = scheduler !== local && armed(localJob) > 0 ? [localJob] : [];
    return chosen(await choose([...running, ...here], { armed, context }));
  }
  const found = matching(typed, { jobs: listed, scheduler });
  if (found.length === 0) throw await explainMissing(typed, { context, running });
  const candidates = found.filter(isRunning);
  if (candidates.length === 0) throw notRunning(found[0]!, context);
  const ready = candidates.filter((job) => armed(job) > 0);
  if (candidates.length === 1) return chosen(candidates[0]!);
  if (ready.length === 1) return chosen(ready[0]!);
  return chosen(await choose(candidates, { armed, context }));
}

/**
 * The beginning of every error about a job.
 *
 * @param context Which command it is.
 * @param job The job's id, as people write it.
 * @returns The words before the colon.
 */
export function cannot({ command }: Pick<Context, "command">, job: string): string {
  const action = command === "stack" ? "Cannot show the stacks of" : "Cannot attach to";
  return job === localJob.displayId ? `${action} programs on this host` : `${action} job ${job}`;
}

/**
 * The records of a job's processes.
 *
 * @param chosen The job.
 * @param context All records, and this host's name for those outside a job.
 * @returns Those whose node belongs to the job: two clusters that share a home may use the same ids.
 */
export function sessionsOf(
  chosen: ChosenJob,
  context: { sessions: readonly Session[]; host: Host },
): Session[] {
  const { scheduler, jobs } = chosen;
  const nodes = jobs.flatMap((job) => job.nodes);
  const canonical = scheduler.canonicalId ?? ((id: string) => id);
  const id = canonical(jobs[0].id);
  return context.sessions.filter((session) =>
    session.scheduler === scheduler.name && canonical(session.job.id) === id &&
    (scheduler === local
      ? session.hostname === context.host.hostname()
      : nodes.length === 0 || nodes.some((node) => sameNode(node, session.host)))
  );
}

function isRunning({ state }: Job): boolean {
  return state === "running" || state === "suspended";
}

/** Jobs that a typed id may mean: the very one, or the elements of an array. */
function matching(
  typed: string,
  { jobs, scheduler }: { jobs: readonly Job[]; scheduler: SchedulerPlugin },
): Job[] {
  const canonical = scheduler.canonicalId ?? ((id: string) => id);
  // A heterogeneous job is looked for below: its components belong together.
  const elements = jobs.filter(({ displayId }) =>
    isPartOf(typed, displayId) && !displayId.includes("+")
  );
  if (elements.length > 0) return elements;
  const exact = jobs.find(({ displayId }) => displayId === typed || displayId === `${typed}+0`) ??
    jobs.find(({ id }) => canonical(id) === canonical(typed));
  return exact ? [exact] : [];
}

/** A heterogeneous job's components: its processes all know the leader's id only. */
function withComponents(job: Job, jobs: readonly Job[]): [Job, ...Job[]] {
  const [base, offset] = job.displayId.split("+");
  if (offset === undefined) return [job];
  const index = ({ displayId }: Job) => Number(displayId.split("+")[1]);
  const components = jobs.filter(({ displayId }) => displayId.startsWith(`${base}+`));
  const [leader = job, ...others] = components.sort((a, b) => index(a) - index(b));
  return [leader, ...others];
}

async function choose(
  jobs: readonly Job[],
  options: { armed: (job: Job) => number; context: Context },
): Promise<Job> {
  const { armed, context } = options;
  if (jobs.length === 0) {
    const what = context.command === "stack" ? "show stacks" : "attach";
    throw new RdgError(`Cannot ${what}: you have no running jobs`, {
      code: "not-found",
      exitCode: ExitCode.notFound,
      hint: "start one with: rdg debug --lite python your_script.py",
    });
  }
  if (!context.host.terminal.interactive) {
    const some = [...jobs].sort((a, b) => armed(b) - armed(a)).slice(0, 10);
    const list = some.map((job) => `${job.displayId}${armed(job) > 0 ? " (armed)" : ""}`);
    throw usageError(
      "Cannot ask which job: stdin is no terminal",
      `rdg ${context.command ?? "attach"} JOB, with one of: ${list.join(", ")}${
        jobs.length > 10 ? ", …" : ""
      }`,
    );
  }
  return await context.menus.job(jobs, armed);
}

function notRunning(job: Job, context: Context): RdgError {
  if (job.state === "pending") {
    return new RdgError(`${cannot(context, job.displayId)}: it has not started yet`, {
      code: "pending",
      exitCode: ExitCode.notFound,
      hint: `wait until it runs; its state is ${job.stateText}`,
    });
  }
  return new RdgError(
    `${cannot(context, job.displayId)}: it does not run any more (${job.stateText})`,
    { code: "not-found", exitCode: ExitCode.notFound, hint: "rdg sessions, which shows what runs" },
  );
}

/** Says why a job isn't among mine: the scheduler is asked a second time, for this job alone. */
async function explainMissing(
  typed: string,
  options: { context: Context; running: readonly Job[] },
): Promise<RdgError> {
  const { scheduler, host } = options.context;
  const job = await lookUpJob(scheduler, { job: typed, host });
  if (job?.user && job.user !== host.user()) {
    return new RdgError(`${cannot(options.context, typed)}: it belongs to "${job.user}"`, {
      code: "permission",
      exitCode: ExitCode.permission,
      hint: "ask them to do it; you can debug your own jobs only",
    });
  }
  if (job && isRunning(job)) {
    return new RdgError(
      `${
        cannot(options.context, typed)
      }: ${scheduler.name} knows it (${job.stateText}), but does ` +
        `not list it among the jobs of "${host.user()}"`,
      {
        code: "not-found",
        exitCode: ExitCode.notFound,
        hint: "again, if it has only just started",
      },
    );
  }
  if (job) return notRunning(job, options.context);
  const mine = options.running.slice(0, 10).map(({ displayId }) => displayId).join(", ");
  return new RdgError(
    `${cannot(options.context, typed)}: ${scheduler.name} does not know it`,
    {
      code: "not-found",
      exitCode: ExitCode.notFound,
      hint: mine ? `one of your running jobs: ${mine}` : "you have no running jobs",
    },
  );
}
