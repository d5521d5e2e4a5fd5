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
 * Leaves out sessions of another boot after the first few: after a restart there may be many, and they
 * would push what runs out of sight.
 *
 * @param rows The sessions.
 * @returns Those to be shown in a table.
 */
export function tableRows(rows: readonly Row[]): readonly Row[] {
  let left = mostOfOtherBoot;
  return rows.filter((row) => !isOfOtherBoot(row) || left-- > 0);
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
  const [count, they, their, them] = length === 1
    ? ["1 program", "it", "its", "it"]
    : [`${length} programs`, "they", "their", "them"];
  const shown = length > mostOfOtherBoot ? ` (${mostOfOtherBoot} shown, all with --json)` : "";
  const command = `rdg sessions --forget${job === undefined ? "" : ` --job=${quoteWord(job)}`}`;
  return `Other boot: ${count}${shown} that ended when "${hostname}" was restarted, unless ${they} ` +
    `run${
      length === 1 ? "s" : ""
    } on another machine of that name. That can't be told from here, ` +
    `so ${their} record${length === 1 ? " is" : "s are"} kept. To remove ${them}: ${command}`;
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
