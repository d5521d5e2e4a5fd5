/**
 * Which session records have something behind them. Looks for processes of this host. A record is
 * stale only where its process has surely ended: RECORD.md says when that can be told.
 *
 * @module
 */

import {
  bootTime,
  countsAlike,
  hasEnded,
  noneOf,
  ownBoot,
  ownNamespace,
  type ProcessState,
  processStates,
} from "../_proc.ts";
import { isOfOtherBoot as isApart } from "../_records.ts";
import { sameNode } from "../_scheduler.ts";
import type { Job } from "../../plugins/contract.ts";
import type { Runner } from "../../plugins/host.ts";
import type { Session } from "../../python/sessions.ts";

/** A session and its job, if the scheduler lists it. */
export interface Row {
  /** The session. */
  session: Session;
  /** Its job. */
  job?: Job;
  /** Where it is, if it is a program outside of jobs on a machine of this one's name, of another boot. */
  elsewhere?: Elsewhere;
}

/**
 * On another machine of this one's name; or on one that can't be told from this one as it was before it
 * was started anew.
 */
export type Elsewhere = "other machine" | "other boot";

/** Whether a session is of another boot, most likely an earlier one of this machine. */
export function isOfOtherBoot({ elsewhere }: Row): boolean {
  return elsewhere === "other boot";
}

/** Seconds by which the clocks of two machines may differ. */
const skewS = 60;

/** Records by what is to be done with them. */
export interface Judged {
  /** To be shown, in the order given. */
  rows: Row[];
  /** Of jobs that the scheduler doesn't list: stale, if they are of this cluster. */
  doubtful: Session[];
  /** To be removed. */
  stale: Session[];
}

/**
 * Judges the records.
 *
 * @param sessions All records.
 * @param context The scheduler that was asked, the jobs it listed *after* the records were read,
 * this host's name, and what starts programs.
 * @returns What to show, what to look into, what to remove.
 */
export async function judge(
  sessions: readonly Session[],
  context: {
    scheduler: string;
    jobs: readonly Job[];
    hostname: string;
    canonicalId?: ((id: string) => string) | undefined;
    runner: Runner;
  },
): Promise<Judged> {
  const canonical = context.canonicalId ?? ((id: string) => id);
  const byId = new Map<string, Job[]>();
  for (const job of context.jobs) {
    // The processes of a heterogeneous job all know its leader's id only.
    const [base, offset] = job.displayId.split("+");
    const id = offset === undefined ? job.id : leaderId(base!, context.jobs) ?? job.id;
    byId.set(canonical(id), [...byId.get(canonical(id)) ?? [], job]);
  }
  const here = sessions.filter(({ hostname }) => hostname === context.hostname);
  const boot = here.length === 0 ? null : await ownBoot(context.runner);
  const gone = await endedOf(here, { boot, runner: context.runner });
  const apart = new Set(
    here.filter((one) => isApart(one, { hostname: context.hostname, boot })),
  );
  const since = apart.size === 0 ? null : await bootTime(context.runner);
  const judged: Judged = { rows: [], doubtful: [], stale: [] };
  for (const session of sessions) {
    if (session.scheduler === "local" || session.scheduler !== context.scheduler) {
      // Another host's, or another scheduler's: nothing can be known about it from here.
      if (gone.has(session)) judged.stale.push(session);
      else if (apart.has(session)) {
        // What began while this machine ran, and not in this boot of it, isn't of this machine.
        const later = since !== null && session.created > since + skewS;
        judged.rows.push({ session, elsewhere: later ? "other machine" : "other boot" });
      } else judged.rows.push({ session });
      continue;
    }
    const jobs = byId.get(canonical(session.job.id)) ?? [];
    const job = jobs.find(({ nodes }) => nodes.some((node) => sameNode(node, session.host))) ??
      jobs.find(({ nodes }) => nodes.length === 0);
    const runs = job !== undefined && job.state !== "pending";
    if (!runs) judged.doubtful.push(session);
    else if (gone.has(session)) judged.stale.push(session);
    else judged.rows.push({ session, job });
  }
  return judged;
}

function leaderId(base: string, jobs: readonly Job[]): string | undefined {
  return jobs.find(({ displayId }) => displayId === `${base}+0`)?.id;
}

/** Those of this host's sessions whose process has surely ended. */
async function endedOf(
  sessions: readonly Session[],
  { boot, runner }: { boot: string | null; runner: Runner },
): Promise<Set<Session>> {
  if (sessions.length === 0) return new Set();
  const own = await ownNamespace(runner);
  // The numbers of another namespace (a container), or of another machine that has this one's name,
  // mean nothing here.
  const known = sessions.filter((session) =>
    session.startTime !== null && own !== null && session.pidNamespace === own &&
    (session.boot === null || session.boot === boot)
  );
  if (known.length === 0) return new Set();
  const pids = known.map(({ pid }) => pid);
  const states = await countsAlike(runner)
    ? await processStates(pids, runner)
    : new Map<number, ProcessState | null>(pids.map((pid) => [pid, null]));
  const none = await noneOf(pids.filter((pid) => states.get(pid) === null), runner);
  return new Set(known.filter((session) => {
    const now = states.get(session.pid);
    return now ? hasEnded(session, now) : none.has(session.pid);
  }));
}
