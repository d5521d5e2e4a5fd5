/**
 * The session records as they lie on the login node. Reads files there, through the link.
 *
 * @module
 */

import { quoteWord } from "../../plugins/host.ts";
import { compareSessions, parseRecord, recordName, type Session } from "../../python/sessions.ts";
import type { Link } from "./link.ts";

/** What tells a session from all others. */
export function sessionKey({ cluster, job, host, pid, startTime }: Session): string {
  return [cluster, job.id, host, pid, startTime].join(" ");
}

/**
 * Reads the person's session records on the login node, in one question.
 *
 * @param link The login node.
 * @returns The sessions.
 */
export async function readRecords(link: Link): Promise<Session[]> {
  const folder = quoteWord(`${link.facts.state}/sessions`);
  const { stdout } = await link.script(
    `[ -d ${folder} ] && find ${folder} -type f -name '[!.]*.json' -exec awk 1 {} +; :`,
  );
  return stdout.split("\n").flatMap((line) => {
    if (!line.startsWith("{")) return [];
    const session = parseRecord(line, { path: "", uid: link.facts.uid });
    return typeof session === "string" ? [] : [session];
  }).sort(compareSessions);
}

/**
 * What changes when a session comes, goes, or begins to listen.
 *
 * @param sessions The sessions.
 * @returns A text to compare.
 */
export function fingerprint(sessions: readonly Session[]): string {
  return sessions.map((session) => `${sessionKey(session)} ${session.state}`).join("\n");
}

/**
 * Reads one record again.
 *
 * @param link The login node.
 * @param path The record.
 * @returns The session; null when it has gone, undefined when that can't be told.
 */
export async function readAgain(link: Link, path: string): Promise<Session | null | undefined> {
  const word = quoteWord(path);
  const { code, stdout } = await link.script(
    `if [ -e ${word} ]; then awk 1 ${word}; else exit 9; fi`,
  );
  if (code === 9) return null;
  const session = parseRecord(stdout.trim(), { path, uid: link.facts.uid });
  return typeof session === "string" ? undefined : session;
}

/**
 * Says where a session's record lies.
 *
 * @param link The login node.
 * @param session The session.
 * @returns The path there.
 */
export function recordPath(link: Link, { cluster, job, host, pid }: Session): string {
  const folder = `${link.facts.state}/sessions/${recordName(cluster)}/${recordName(job.id)}`;
  return `${folder}/${recordName(host)}-${pid}.json`;
}
