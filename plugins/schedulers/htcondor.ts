/**
 * HTCondor, 8.8 and later. Describes condor_q and condor_ssh_to_job.
 *
 * HTCondor has no command that sends a signal of one's choice, and no variable with the job's id: the
 * id is in the job ad, a file that `_CONDOR_JOB_AD` names. Jobs often have no home directory in common
 * with the submit host. Sources: the manual's pages on the job's environment, condor_q,
 * condor_ssh_to_job, and job ClassAd attributes.
 *
 * @module
 */

import type { HelperFailure, Job, SchedulerPlugin, Steps } from "../contract.ts";
import { commandFailed, unreadable } from "./_failure.ts";
import { isRecord, parseJson } from "./_json.ts";
import { timeLeft } from "./_time.ts";
import { wordsForShell } from "./_words.ts";

/** Attributes asked for. */
const attributes = [
  "ClusterId",
  "ProcId",
  "JobStatus",
  "JobBatchName",
  "Cmd",
  "Owner",
  "JobCurrentStartDate",
  "ServerTime",
  "AllowedJobDuration",
  "RemoteHost",
  "RemoteHosts",
  "Iwd",
  "Out",
].join(",");

/** JobStatus by number: what it means, and its word in the manual. */
const states: Readonly<Record<string, readonly [Job["state"], string]>> = {
  "1": ["pending", "IDLE"],
  "2": ["running", "RUNNING"],
  "3": ["ending", "REMOVED"],
  "4": ["other", "COMPLETED"],
  "5": ["pending", "HELD"],
  "6": ["ending", "TRANSFERRING_OUTPUT"],
  "7": ["suspended", "SUSPENDED"],
};

const hint = 'run "condor_q" by hand on the submit host, or name the scheduler: --scheduler=slurm';

/** One job ad. */
type Ad = Readonly<Record<string, unknown>>;

/** The plugin for HTCondor. */
export const htcondor = {
  contract: 1,
  kind: "scheduler",
  name: "htcondor",
  summary: "HTCondor (condor_q, condor_ssh_to_job)",
  programs: ["condor_q", "condor_ssh_to_job"],
  detect: ["condor_q"],
  job: {
    present: [["_CONDOR_JOB_AD"]],
    job: [],
    jobFile: { variable: "_CONDOR_JOB_AD", names: ["ClusterId", "ProcId"] },
  },
  *list({ user }) {
    const ads = yield* askCondor("Cannot list jobs", [user]);
    return ads.flatMap((ad) => toJob(ad) ?? []);
  },
  *lookup(job) {
    const ads = yield* askCondor(`Cannot look up job "${job}"`, [job, "-allusers"]);
    return ads.flatMap((ad) => toJob(ad) ?? [])[0] ?? null;
  },
  helper({ job, nodes, jobNodes }, command) {
    // One node a call. A job of the parallel universe has several, counted from 0.
    const [node, ...others] = nodes;
    if (node === undefined || others.length > 0) return null;
    const place = (jobNodes ?? nodes).indexOf(node);
    if (place < 0) return null;
    const target = (jobNodes ?? []).length > 1 ? `${job}.${place}` : job;
    return { program: "condor_ssh_to_job", args: [target, ...wordsForShell(command)] };
  },
  helperFailure({ stderr }): HelperFailure | null {
    if (/not running|Failed to send .*REQUEST|no such job|not found/i.test(stderr)) {
      const message = "HTCondor cannot enter this job now: it does not run";
      return { message, hint: "condor_q shows its state", kind: "ended" };
    }
    if (/ENABLE_SSH_TO_JOB|not allowed|denied|not authorized|refused|disabled/i.test(stderr)) {
      return {
        message: "HTCondor does not let you enter this job",
        hint: "ask the pool's administrators about ENABLE_SSH_TO_JOB",
        kind: "refused",
        ssh: true,
      };
    }
    return null;
  },
  broadcast: () => null,
  *output(job) {
    const [ad] = yield* askCondor(`Cannot find the output of job "${job}"`, [job]);
    const out = ad?.["Out"];
    if (typeof out !== "string" || out === "" || out === "/dev/null") return null;
    const folder = ad?.["Iwd"];
    if (out.startsWith("/")) return out;
    return typeof folder === "string" ? `${folder.replace(/\/$/, "")}/${out}` : null;
  },
  canonicalId,
} satisfies SchedulerPlugin;

/** A cluster without a process means its first. */
function canonicalId(id: string): string {
  return /^\d+$/.test(id) ? `${id}.0` : id;
}

/** Asks for job ads; where there are none, some versions print nothing instead of `[]`. */
function* askCondor(action: string, select: readonly string[]): Steps<Ad[]> {
  const program = "condor_q";
  const output = yield { program, args: [...select, "-json", "-attributes", attributes] };
  if (output.code !== 0) throw commandFailed(action, { program, output, hint });
  const { stdout } = output;
  if (stdout.trim() === "") return [];
  const data = parseJson(stdout);
  if (!Array.isArray(data)) throw unreadable(action, { program, stdout, wanted: "a JSON array" });
  return data.filter(isRecord);
}

function toJob(ad: Ad): Job | undefined {
  const cluster = number(ad["ClusterId"]);
  if (cluster === undefined) return undefined;
  const id = `${cluster}.${number(ad["ProcId"]) ?? 0}`;
  const status = String(ad["JobStatus"] ?? "");
  const [state, stateText] = states[status] ?? ["other", status];
  const started = number(ad["JobCurrentStartDate"]);
  const now = number(ad["ServerTime"]);
  const busy = state === "running" || state === "suspended";
  const elapsedS = busy && started !== undefined && now !== undefined
    ? Math.max(0, now - started)
    : undefined;
  const leftS = timeLeft(number(ad["AllowedJobDuration"]), elapsedS);
  const name = text(ad["JobBatchName"]) ?? text(ad["Cmd"])?.replace(/.*\//, "") ?? "";
  const user = text(ad["Owner"]);
  const workDir = text(ad["Iwd"]);
  return {
    id,
    displayId: id,
    name,
    state,
    stateText,
    nodes: busy || state === "ending" ? nodesOf(ad) : [],
    ...(user ? { user } : {}),
    ...(elapsedS !== undefined ? { elapsedS } : {}),
    ...(leftS !== undefined ? { leftS } : {}),
    ...(workDir ? { workDir } : {}),
  };
}

/** The hosts of `slot1@a.example.org`; a parallel job has one name for each of its nodes. */
function nodesOf(ad: Ad): string[] {
  const slots = (text(ad["RemoteHosts"]) ?? text(ad["RemoteHost"]) ?? "").split(",");
  return slots.map((slot) => slot.trim().replace(/^.*@/, "")).filter((host) => host !== "");
}

/** A number; an expression (`"\/Expr(…)\/"`) is none. */
function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && !value.startsWith("/Expr(")
    ? value
    : undefined;
}
