/**
 * One look at my sessions: reads the records, asks the scheduler for my jobs where it is time to, and
 * removes records that nothing stands behind any more.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import { namesJob } from "../_job_id.ts";
import { mySessions } from "../_records.ts";
import { ask, listJobs, openScheduler } from "../_scheduler.ts";
import type { Job, SchedulerPlugin } from "../../plugins/contract.ts";
import { formatError } from "../../plugins/error.ts";
import { compareSessions, type Session, sweep } from "../../python/sessions.ts";
import { isOfOtherBoot, judge, type Row } from "./judge.ts";

/** What the scheduler said, and when. */
export interface Listing {
  /** My jobs. */
  jobs: readonly Job[];
  /** Milliseconds since 1970 at which it was asked. */
  at: number;
  /** Paths of the records that had been read before it was asked. */
  seen: ReadonlySet<string>;
}

/** What a look found. */
export interface Look {
  /** What to show. */
  rows: Row[];
  /** For the next look; undefined where the scheduler had not to be asked yet. */
  listing: Listing | undefined;
  /** What the person should know of it: why the jobs are those of a while ago. */
  note: string | null;
  /** How many records were removed because the person wanted it. */
  forgotten: number;
}

/** What {@linkcode look} needs. */
export interface LookOptions {
  /** Only this job, as people write it. */
  job?: string;
  /** The scheduler's name. */
  scheduler?: string;
  /** Whether to remove records of another boot. */
  forget?: boolean;
  /** The state folder; null where the environment names none. */
  state: string | null;
  /** The world. */
  host: Host;
  /** What was found before; the scheduler is asked again only where that is too old. */
  before?: Listing | undefined;
}

/** How old a list of jobs may get while somebody watches, in milliseconds. */
const listAgeMs = 60_000;

/** The same when there is a record of a job that isn't in it: it may have started since. */
const newJobAgeMs = 10_000;

/**
 * Looks.
 *
 * @param options What to look for, and what is known already.
 * @returns What was found.
 * @throws {RdgError} when the scheduler fails, unless an older answer of it is there.
 */
export async function look(options: LookOptions): Promise<Look> {
  const { host, state, before } = options;
  // Read first, ask then: a job that has a record runs already when the scheduler is asked.
  const sessions = await mySessions(state, { host, quiet: before !== undefined });
  const scheduler = await openScheduler(options.scheduler, host);
  const { listing, note } = await list(sessions, { scheduler, host, before });
  const fresh = listing !== before;
  const now = host.now();
  const { rows, doubtful, stale } = await judge(sessions, {
    scheduler: scheduler.name,
    jobs: listing?.jobs.map((job) => fresh ? job : aged(job, now - listing.at)) ?? [],
    hostname: host.hostname(),
    canonicalId: scheduler.canonicalId,
    runner: host.runner,
  });
  if (doubtful.length > 0) {
    // Records of jobs that aren't listed are another cluster's, unless the cluster's name is ours. An
    // older list knows nothing of what has started since.
    const ours = fresh ? await clusterName(rows, { scheduler, host }) : null;
    for (const session of doubtful) {
      if (session.cluster === ours) stale.push(session);
      else rows.push({ session });
    }
  }
  const wanted = rows.filter((row) => isOf(row, options.job));
  const toForget = options.forget ? wanted.filter(isOfOtherBoot) : [];
  const swept = await sweep([...stale, ...toForget.map(({ session }) => session)]);
  const forgotten = toForget.filter(({ session }) => swept.has(session));
  return {
    rows: wanted.filter((row) => !forgotten.includes(row)).sort(compareRows),
    ...{ listing, note, forgotten: forgotten.length },
  };
}

/** What has most likely ended comes last. */
function compareRows(a: Row, b: Row): number {
  return Number(isOfOtherBoot(a)) - Number(isOfOtherBoot(b)) ||
    compareSessions(a.session, b.session);
}

/** Asks for the jobs, or takes what was said a while ago. */
async function list(
  sessions: readonly Session[],
  options: { scheduler: SchedulerPlugin; host: Host; before: Listing | undefined },
): Promise<{ listing: Listing | undefined; note: string | null }> {
  const { scheduler, host, before } = options;
  const inJobs = sessions.filter((session) => session.scheduler === scheduler.name);
  if (inJobs.length === 0 || scheduler.name === "local") return { listing: before, note: null };
  const at = host.now();
  const canonical = scheduler.canonicalId ?? ((id: string) => id);
  const known = new Set(before?.jobs.map(({ id }) => canonical(id)));
  const isNew = inJobs.some(({ path, job }) =>
    !before?.seen.has(path) && !known.has(canonical(job.id))
  );
  if (before && at - before.at < (isNew ? newJobAgeMs : listAgeMs)) {
    return { listing: before, note: null };
  }
  const seen = new Set(inJobs.map(({ path }) => path));
  try {
    return { listing: { jobs: await listJobs(scheduler, host), at, seen }, note: null };
  } catch (error) {
    if (!before) throw error;
    return { listing: before, note: formatError(error) };
  }
}

/** A job as it is some time after it was listed. */
function aged(job: Job, ms: number): Job {
  return job.leftS === undefined ? job : { ...job, leftS: Math.max(0, job.leftS - ms / 1000) };
}

function isOf({ session, job }: Row, wanted: string | undefined): boolean {
  if (wanted === undefined) return true;
  return namesJob(wanted, {
    id: session.job.id,
    display: job?.displayId ?? session.job.display,
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
