/**
 * Where completion's words come from that no table holds. Reads the session records (one of each job,
 * all of the job that was typed), `~/.ssh/config`, and nothing over the network, unless `RDG_COMPLETE`
 * is `scheduler`: then the scheduler is asked for my jobs, for two seconds at most.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import { namesJob } from "../_job_id.ts";
import { parseRecord, type Session, stateFolder } from "../../python/sessions.ts";
import type { Candidate, Sources } from "./candidates.ts";

/** Jobs, and records of one job, that are read at most: Tab must answer at once. */
const maxJobs = 200;
const maxRecords = 1000;

/** For how long the scheduler is waited for, in milliseconds. */
const schedulerMs = 2000;

/**
 * The sources of this machine.
 *
 * @param host The world.
 * @returns The sources; whatever can't be read gives nothing.
 */
export function sources(host: Host): Sources {
  const state = stateFolder(host.env);
  const ofJob = async (job: string | undefined, pick: (session: Session) => Candidate | null) => {
    const sessions = state === null ? [] : await recordsOf(state, job);
    return sessions.map(pick).filter((one) => one !== null);
  };
  return {
    async jobs() {
      const [recorded, listed] = await Promise.all([
        state === null ? [] : jobsIn(state),
        host.env("RDG_COMPLETE") === "scheduler" ? listedJobs(host) : [],
      ]);
      const jobs = recorded.map(({ session, count }) => ({
        value: session.job.display,
        about: `${count} ${count === 1 ? "session" : "sessions"}, ${session.command.join(" ")}`,
      }));
      return [...jobs, ...listed];
    },
    ranks: (job) =>
      ofJob(
        job,
        ({ rank, host: node, state: does }) =>
          rank === null ? null : { value: String(rank), about: `${node}, ${does}` },
      ),
    pids: (job) =>
      ofJob(job, ({ pid, host: node, state: does }) => ({
        value: String(pid),
        about: `${node}, ${does}`,
      })),
    nodes: (job) => ofJob(job, ({ host: node }) => ({ value: node, about: "" })),
    hosts: () => sshHosts(host.env("HOME")),
    async schedulers() {
      const { schedulers } = await import("../../plugins/schedulers.ts");
      return schedulers.map(({ name, summary }) => ({ value: name, about: summary }));
    },
    async editors() {
      const { editors } = await import("../../plugins/editors.ts");
      return editors.map(({ name, title }) => ({ value: name, about: title }));
    },
    async topics() {
      const { topics } = await import("../help/topics.ts");
      return Object.entries(topics).map(([value, { summary }]) => ({ value, about: summary }));
    },
  };
}

/** A job's folder, one of its records, and how many it has. */
interface JobFolder {
  folder: string;
  session: Session;
  count: number;
}

async function jobsIn(state: string): Promise<JobFolder[]> {
  const folders: string[] = [];
  for (const cluster of await names(`${state}/sessions`)) {
    for (const job of await names(`${state}/sessions/${cluster}`)) {
      folders.push(`${state}/sessions/${cluster}/${job}`);
    }
  }
  const found = await Promise.all(
    folders.slice(0, maxJobs).map(async (folder) => {
      const files = (await names(folder)).filter(isRecord);
      const session = files[0] === undefined ? null : await read(`${folder}/${files[0]}`);
      return session ? { folder, session, count: files.length } : null;
    }),
  );
  return found.filter((job) => job !== null);
}

async function recordsOf(state: string, job: string | undefined): Promise<Session[]> {
  const jobs = (await jobsIn(state)).filter(({ session }) =>
    job === undefined || namesJob(job, session.job)
  );
  const files: string[] = [];
  for (const { folder } of jobs) {
    for (const name of (await names(folder)).filter(isRecord)) files.push(`${folder}/${name}`);
  }
  const sessions = await Promise.all(files.slice(0, maxRecords).map(read));
  return sessions.filter((session) => session !== null)
    .sort((a, b) => (a.rank ?? 0) - (b.rank ?? 0) || a.pid - b.pid);
}

function isRecord(name: string): boolean {
  return name.endsWith(".json") && !name.startsWith(".");
}

async function read(path: string): Promise<Session | null> {
  try {
    const session = parseRecord(await Deno.readTextFile(path), { path, uid: Deno.uid() });
    return typeof session === "string" ? null : session;
  } catch {
    return null;
  }
}

async function names(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  } catch {
    return [];
  }
}

/** Hosts of the person's ssh configuration, patterns aside. */
async function sshHosts(home: string | undefined): Promise<Candidate[]> {
  if (!home) return [];
  try {
    const text = await Deno.readTextFile(`${home}/.ssh/config`);
    const lines = [...text.matchAll(/^[ \t]*host[ \t]*[= \t][ \t]*(.+)$/gim)];
    return lines.flatMap(([, list = ""]) => list.trim().split(/\s+/))
      .filter((name) => !/[*?!"#]/.test(name))
      .map((value) => ({ value, about: "" }));
  } catch {
    return [];
  }
}

/** What takes longer is ended: a shell waits for the answer. */
async function listedJobs(host: Host): Promise<Candidate[]> {
  const { listJobs, openScheduler } = await import("../_scheduler.ts");
  const runner: Host["runner"] = (spec, options) =>
    host.runner({ ...spec, timeoutMs: schedulerMs }, options);
  try {
    const scheduler = await openScheduler(undefined, host);
    if (scheduler.name === "local") return [];
    const jobs = await listJobs(scheduler, { ...host, runner });
    return jobs.map(({ displayId, name, stateText }) => ({
      value: displayId,
      about: `${stateText}, ${name}`,
    }));
  } catch {
    return [];
  }
}
