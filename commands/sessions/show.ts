/**
 * How sessions are shown: as a table, or as data. Pure.
 *
 * @module
 */

import { columns, duration } from "../_columns.ts";
import { quoteWord } from "../../plugins/host.ts";
import type { Session } from "../../python/sessions.ts";
import type { Elsewhere, Row } from "./judge.ts";

/**
 * Lays out the table.
 *
 * @param rows The sessions; at least one.
 * @param options The time in seconds since 1970, the width, and whether tokens are shown.
 * @returns Lines, the heading first.
 */
export function sessionTable(
  rows: readonly Row[],
  options: { now: number; width: number; token: boolean },
): string[] {
  const { now, token } = options;
  const head = ["JOB", "RANK", "NODE", "PID", "STATE", "AGE", "LEFT"];
  const lines = rows.map(({ session, job, elsewhere }) => [
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
  return columns([[...head, ...token ? ["TOKEN"] : [], "COMMAND"], ...lines], options.width);
}

/**
 * What is to be known of sessions that may be of an earlier boot; nothing where there are none.
 *
 * @param rows The sessions.
 * @param hostname This machine's name.
 * @returns Lines for the person.
 */
export function otherBootLines(rows: readonly Row[], hostname: string): string[] {
  const paths = rows.filter(({ elsewhere }) => elsewhere === "other boot").map(({ session }) =>
    session.path
  );
  if (paths.length === 0) return [];
  const shown = paths.slice(0, 8).map(quoteWord);
  const them = paths.length === 1 ? "it" : "them";
  return [
    `Other boot: "${hostname}" has been restarted since, or another machine has its name too; ` +
    `which one can't be told from here, so rdg keeps ${them}. After a restart:`,
    `  rm ${shown.join(" ")}`,
  ];
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
