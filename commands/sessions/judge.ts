/**
 * Which session records have something behind them. Looks into /proc for processes of this host.
 *
 * @module
 */

import { sameNode } from "../_scheduler.ts";
import type { Job } from "../../plugins/contract.ts";
import type { Session } from "../../python/sessions.ts";

/** A session and its job, if the scheduler lists it. */
export interface Row {
  /** The session. */
  session: Session;
  /** Its job. */
  job?: Job;
}

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
 * @param context The scheduler that was asked, the jobs it listed *after* the records were read, and
 * this host's name.
 * @returns What to show, what to look into, what to remove.
 */
export async function judge(
  sessions: readonly Session[],
  context: {
    scheduler: string;
    jobs: readonly Job[];
    hostname: string;
    canonicalId?: ((id: string) => string) | undefined;
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
  const gone = await endedOf(here);
  const judged: Judged = { rows: [], doubtful: [], stale: [] };
  for (const session of sessions) {
    if (session.scheduler === "local" || session.scheduler !== context.scheduler) {
      // Another host's, or another scheduler's: nothing can be known about it from here.
      if (gone.has(session)) judged.stale.push(session);
      else judged.rows.push({ session });
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

/** Those of this host's sessions whose process has ended, or whose number was given away. */
async function endedOf(sessions: readonly Session[]): Promise<Set<Session>> {
  const ended = new Set<Session>();
  const own = await Deno.readLink("/proc/self/ns/pid").catch(() => null);
  await Promise.all(sessions.map(async (session) => {
    // The numbers of another namespace (a container) mean nothing here.
    if (session.startTime === null || own === null || session.pidNamespace !== own) return;
    try {
      const stat = await Deno.readTextFile(`/proc/${session.pid}/stat`);
      const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const same = Number(fields[18]) === session.startTime;
      if (!same || state === "Z" || state === "X") ended.add(session);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) ended.add(session);
    }
  }));
  return ended;
}
