/**
 * The session records as they lie on the login node. Reads files there, through the link.
 *
 * @module
 */

import { hasEnded, readStat } from "../_proc.ts";
import { isOfOtherBoot } from "../_records.ts";
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

/** Those of the login node's own programs that have ended, or are of another machine of its name. */
async function endedThere(sessions: readonly Session[], link: Link): Promise<Set<Session>> {
  const { hostname } = link.facts;
  const there = sessions.filter((session) =>
    session.hostname === hostname && session.startTime !== null && session.pidNamespace !== null
  );
  if (there.length === 0) return new Set();
  const { stdout } = await link.script(lookScript(there.map(({ pid }) => pid)));
  const lines = stdout.split("\n");
  const said = (key: string) =>
    lines.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1);
  const boot = said("boot") || null;
  const namespace = said("pids");
  const alike = !/\d\s+\d/.test(said("numbers") ?? "");
  return new Set(there.filter((session) => {
    if (session.boot !== null && session.boot !== boot) {
      return isOfOtherBoot(session, { hostname, boot });
    }
    // The numbers of another namespace (a container) mean nothing there.
    if (session.pidNamespace !== namespace) return false;
    const line = alike && lines.find((text) => text.startsWith(`${session.pid} (`));
    const state = line ? readStat(line) : null;
    return state ? hasEnded(session, state) : lines.includes(`none ${session.pid}`);
  }));
}

/**
 * What is behind these numbers there. A process that `/proc` doesn't show may be hidden; `kill` tells.
 */
function lookScript(pids: readonly number[]): string {
  return [
    'echo "pids $(readlink /proc/self/ns/pid)"',
    'echo "boot $(cat /proc/sys/kernel/random/boot_id 2>/dev/null)"',
    `echo "numbers $(sed -n 's/^NSpid://p' /proc/self/status 2>/dev/null)"`,
    `cat ${pids.map((pid) => `/proc/${pid}/stat`).join(" ")} 2>/dev/null`,
    `for p in ${pids.join(" ")}; do`,
    '  kill -0 "$p" 2>/dev/null && continue',
    '  case $(LC_ALL=C; export LC_ALL; kill -0 "$p" 2>&1) in',
    '    *"o such process"*) echo "none $p" ;;',
    "  esac",
    "done",
    ":",
  ].join("\n");
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
