/**
 * The session records as they lie on the login node. Reads files there, through the link.
 *
 * @module
 */

import { hasEnded, readStat } from "../_proc.ts";
import { quoteWord } from "../../plugins/host.ts";
import {
  compareSessions,
  parseRecord,
  recordFile,
  recordName,
  type Session,
} from "../../python/sessions.ts";
import type { Link } from "./link.ts";

/** What tells a session from all others. Containers on one node begin to count at 1, each of them. */
export function sessionKey(session: Session): string {
  const { cluster, job, host, pid, startTime, pidNamespace } = session;
  return [cluster, job.id, host, pid, startTime, pidNamespace].join(" ");
}

/**
 * Reads the person's session records on the login node, in one question; in a second one, where there
 * are any of the login node's own programs, which of those have ended and left a record behind.
 *
 * @param link The login node.
 * @returns The sessions.
 */
export async function readRecords(link: Link): Promise<Session[]> {
  const folder = quoteWord(`${link.facts.state}/sessions`);
  const { stdout } = await link.script(
    `[ -d ${folder} ] && find ${folder} -type f -name '[!.]*.json' -exec awk 1 {} +; :`,
  );
  const sessions = stdout.split("\n").flatMap((line) => {
    if (!line.startsWith("{")) return [];
    const session = parseRecord(line, { path: "", uid: link.facts.uid });
    return typeof session === "string" ? [] : [session];
  });
  const ended = await endedThere(sessions, link);
  return sessions.filter((session) => !ended.has(session)).sort(compareSessions);
}

/** Those of the login node's own programs that have ended. */
async function endedThere(sessions: readonly Session[], link: Link): Promise<Set<Session>> {
  const there = sessions.filter(({ hostname, startTime, pidNamespace }) =>
    hostname === link.facts.hostname && startTime !== null && pidNamespace !== null
  );
  if (there.length === 0) return new Set();
  const files = there.map(({ pid }) => `/proc/${pid}/stat`).join(" ");
  const { stdout } = await link.script(
    `readlink /proc/self/ns/pid || echo; cat ${files} 2>/dev/null; :`,
  );
  const [namespace, ...lines] = stdout.split("\n");
  return new Set(there.filter((session) => {
    // The numbers of another namespace (a container) mean nothing there.
    if (session.pidNamespace !== namespace) return false;
    const line = lines.find((text) => text.startsWith(`${session.pid} (`));
    if (line === undefined) return true;
    const state = readStat(line);
    return state !== null && hasEnded(session, state);
  }));
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
export function recordPath(link: Link, session: Session): string {
  const { cluster, job } = session;
  const folder = `${link.facts.state}/sessions/${recordName(cluster)}/${recordName(job.id)}`;
  return `${folder}/${recordFile(session)}`;
}
