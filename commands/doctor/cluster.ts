/**
 * The scheduler, and the ways to listening sessions. Asks the scheduler once, and connects to the ports
 * of the person's own sessions.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import { namesJob } from "../_job_id.ts";
import { listJobs } from "../_scheduler.ts";
import { RdgError } from "../../plugins/error.ts";
import type { Session } from "../../python/sessions.ts";
import { note, ok, type Place, problem, type Row } from "./row.ts";
import type { Role } from "./role.ts";

/** Connects to a port and hangs up; rejects with the reason. */
export type Knock = (address: { host: string; port: number }) => Promise<void>;

/** Milliseconds until a port has to answer: a firewall that drops packets never does. */
const knockMs = 3000;

/** Sessions that are knocked at. */
const maxKnocks = 4;

/**
 * Asks the scheduler for my jobs.
 *
 * @param role What this machine is.
 * @param host The world.
 * @param clock Milliseconds since some moment.
 * @returns The row.
 */
export async function schedulerRow(
  { scheduler, kind }: Role,
  host: Host,
  clock: () => number = () => performance.now(),
): Promise<Row> {
  const place: Place = { group: "cluster", name: "scheduler" };
  if (scheduler.name === "local") {
    return ok(place, "none here: programs on this host can be debugged", { scheduler: null });
  }
  const begun = clock();
  try {
    const jobs = await listJobs(scheduler, host);
    const ms = Math.round(clock() - begun);
    const running = jobs.filter(({ state }) => state === "running").length;
    const data = { scheduler: scheduler.name, ms, jobs: jobs.length, running };
    const text = `${scheduler.name} answered in ${(ms / 1000).toFixed(1)} s: ` +
      `${jobs.length} ${jobs.length === 1 ? "job" : "jobs"} of yours, ${running} running`;
    return ms > 10_000
      ? note(place, text, { todo: "it is slow: give rdg attach JOB and PID to ask it less", data })
      : ok(place, text, data);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const cause = error instanceof Error && error.cause !== undefined
      ? String(error.cause instanceof Error ? error.cause.message : error.cause).trim()
      : "";
    const words = cause.split("\n").at(-1);
    const missing = error instanceof RdgError && error.code === "not-found";
    return (missing && kind === "job" ? note : problem)(
      place,
      `${scheduler.name}: ${message}${words ? ` (${words})` : ""}`,
      {
        todo: missing
          ? `load the module that brings ${scheduler.name}'s programs; rdg debug needs none of them`
          : "wait until the scheduler answers again, or name another: --scheduler NAME",
        data: { scheduler: scheduler.name, ms: Math.round(clock() - begun), jobs: null },
      },
    );
  }
}

/**
 * Knocks at the ports of listening sessions, and says which way `rdg connect` would go.
 *
 * @param role What this machine is.
 * @param options All session records of the wanted job (or of all), and how to knock.
 * @returns The row.
 */
export async function portsRow(
  role: Role,
  options: { sessions: readonly Session[]; knock: Knock; job: string | undefined },
): Promise<Row> {
  const place: Place = { group: "cluster", name: "ports" };
  const listening = options.sessions.filter(({ address, job }) =>
    address !== null && (options.job === undefined || namesJob(options.job, job))
  ).slice(0, maxKnocks);
  if (listening.length === 0) {
    const what = options.job === undefined ? "no session" : `no session of job ${options.job}`;
    return ok(place, `${what} listens now, so nothing was tried: rdg connect finds its own way`);
  }
  const results = await Promise.all(listening.map(async ({ address, host }) => {
    const { host: name, port } = address!;
    // What listens on its node's own loopback is reached from there only.
    const own = /^127\.|^localhost$|^::1$/.test(name);
    try {
      await options.knock({ host: name, port });
      return { host, port, open: true, reason: null, own };
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      return { host, port, open: false, reason: words.replace(/ \(os error \d+\)$/, ""), own };
    }
  }));
  const data = { tried: results };
  const closed = results.find(({ open }) => !open);
  const name = ({ host, port }: { host: string; port: number }) => `${host}:${port}`;
  if (closed === undefined) {
    return ok(
      place,
      `${results.map(name).join(", ")} can be reached from here: rdg connect goes straight there`,
      data,
    );
  }
  const relay = role.scheduler.relay !== undefined;
  return note(
    place,
    `${name(closed)} cannot be reached from here (${closed.reason}): rdg connect takes ` +
      (relay ? `a step of ${role.scheduler.name}'s instead` : "ssh to the node instead"),
    {
      todo: relay
        ? "nothing; rdg attach alone is not enough: use rdg connect"
        : `see that "ssh ${closed.host}" works from here, then use rdg connect`,
      data,
    },
  );
}

/**
 * Connects to a port and hangs up.
 *
 * @param address Where.
 */
export async function knockAt(address: { host: string; port: number }): Promise<void> {
  const attempt = Deno.connect({ hostname: address.host, port: address.port });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      attempt.then((connection) => connection.close(), () => {});
      reject(new Error(`no answer within ${knockMs / 1000} s`));
    }, knockMs);
  });
  try {
    (await Promise.race([attempt, late])).close();
  } finally {
    clearTimeout(timer);
  }
}
