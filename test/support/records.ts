/**
 * Session records for tests, as RECORD.md describes them. Writes files where asked to.
 *
 * @module
 */

import { recordFile, recordName } from "../../python/sessions.ts";

/** A record's content. */
export type RecordText = Record<string, unknown> & {
  cluster: string;
  job: { id: string; display: string; step: string | null };
  host: string;
  pid: number;
  pidNamespace: string | null;
};

/**
 * Makes a record of an armed process on node n1 in job 36 of cluster c1.
 *
 * @param changes What is different.
 * @returns The record.
 */
export function record(changes: Record<string, unknown>): RecordText {
  return {
    format: 1,
    rdg: "0.1.0",
    scheduler: "slurm",
    cluster: "c1",
    job: { id: "36", display: "36", step: null },
    host: "n1",
    hostname: "n1",
    user: "ada",
    submitHost: "login",
    launcher: null,
    rank: null,
    localRank: null,
    restartsLeft: null,
    worldSize: null,
    pid: 42,
    startTime: 1234,
    ppid: 41,
    pidNamespace: "pid:[4026531836]",
    boot: "0b5b5a3c-7a38-4f0e-9d56-4f3f5d1c2a10",
    uid: 1000,
    command: ["python3", "train.py"],
    cwd: "/home/ada",
    python: "3.11.2",
    executable: "/usr/bin/python3",
    modes: ["lite"],
    signal: 40,
    stackSignal: 41,
    stack: { fd: 999, path: "/proc/42/fd/999" },
    state: "armed",
    waiting: false,
    address: null,
    ownNetwork: false,
    auth: true,
    token: null,
    remotePath: "/home/ada",
    exception: null,
    crashed: null,
    created: 1_000_000,
    changed: 1_000_000,
    ...changes,
  };
}

/**
 * Writes a record where `remote_debug` would.
 *
 * @param state The state folder.
 * @param content The record.
 * @returns The file's path.
 */
export async function writeRecord(state: string, content: RecordText): Promise<string> {
  const { cluster, job } = content;
  const folder = `${state}/sessions/${recordName(cluster)}/${recordName(job.id)}`;
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const path = `${folder}/${recordFile(content)}`;
  await Deno.writeTextFile(path, JSON.stringify(content), { mode: 0o600 });
  return path;
}
