/**
 * How sessions are shown: as a table, or as data. Pure.
 *
 * @module
 */

import { columns, duration } from "../_columns.ts";
import { quoteWord } from "../../plugins/host.ts";
import type { Session } from "../../python/sessions.ts";
import { type Elsewhere, isOfOtherBoot, type Row } from "./judge.ts";

/** How many sessions of another boot a table shows. */
const mostOfOtherBoot = 5;

/**
 * Lays out the table. Of another boot a few are shown: after a restart there may be many, and they
 * would push what runs out of sight.
 *
 * @param rows The sessions, those of another boot last; at least one.
 * @param options The time in seconds since 1970, the width, and whether tokens are shown.
 * @returns Lines, the heading first.
 */
export function sessionTable(
  rows: readonly Row[],
  options: { now: number; width: number; token: boolean },
): string[] {
  const { now, token } = options;
  const head = ["JOB", "RANK", "NODE", "PID", "STATE", "AGE", "LEFT"];
  const apart = rows.filter(isOfOtherBoot).length;
  const hidden = Math.max(0, apart - mostOfOtherBoot);
  const lines = rows.slice(0, rows.length - hidden).map(({ session, job, elsewhere }) => [
    job?.displayId.split("+")[0] ?? session.job.display,
    session.rank === null ? "-" : String(session.rank),
    session.host,
    String(session.pid),
    stateWords(session, elsewhere),
    duration(now - session.created),
    duration(job?.leftS),
    ...token ? [session.token ?? "-"] : [],
    session.exception ?? session.command.join(" "),
  ]);
  return [
    ...columns([[...head, ...token ? ["TOKEN"] : [], "COMMAND"], ...lines], options.width),
    ...hidden > 0 ? [`… and ${hidden} more of another boot (--json has all)`] : [],
  ];
}

/**
 * What is to be known of sessions of another boot; null where there are none.
 *
 * @param rows All sessions.
 * @param options This machine's name, and the job that was asked for.
 * @returns A line for the person.
 */
export function otherBootLine(
  rows: readonly Row[],
  { hostname, job }: { hostname: string; job: string | undefined },
): string | null {
  const { length } = rows.filter(isOfOtherBoot);
  if (length === 0) return null;
  const [count, theyRun, records, them] = length === 1
    ? ["1 program", "it runs", "its record is", "it"]
    : [`${length} programs`, "they run", "their records are", "them"];
  const command = `rdg sessions --forget${job === undefined ? "" : ` --job=${quoteWord(job)}`}`;
  return `Other boot: ${count} that ended when "${hostname}" was restarted, unless ${theyRun} on ` +
    `another machine of that name. That can't be told from here, so ${records} kept. ` +
    `To remove ${them}: ${command}`;
}

/** What the debugger is doing, in words. */
function stateWords(
  { state, waiting, address, auth }: Session,
  elsewhere: Elsewhere | undefined,
): string {
  return [
    state,
    ...elsewhere ? [elsewhere] : [],
    // After a detach a program still listens, but nothing waits.
    ...state === "listening" && waiting === false ? ["runs on"] : [],
    // Whoever reaches that port gets in.
    ...address && !auth ? ["no token"] : [],
  ].join(", ");
}

/**
 * One session as `--json` shows it.
 *
 * @param row The session and its job.
 * @param now Seconds since 1970.
 * @returns Plain data.
 */
export function sessionData(
  { session, job, elsewhere }: Row,
  now: number,
): Record<string, unknown> {
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
    elsewhere: elsewhere ?? null,
    waiting: session.waiting,
    modes: session.modes,
    address: session.address,
    auth: session.auth,
    token: session.token,
    remotePath: session.remotePath,
    exception: session.exception,
    crashed: session.crashed,
    command: session.command,
    ageS: Math.max(0, Math.round(now - session.created)),
    leftS: job?.leftS === undefined ? null : Math.round(job.leftS),
  };
}
