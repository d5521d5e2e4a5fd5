/**
 * Flux (flux-core), 0.26 and later. Describes `flux jobs`, `flux exec`, `flux job`.
 *
 * The listing is the plain form: in JSON the ids are numbers beyond 2^53 before 0.83, which a reader
 * of JSON corrupts. Sources: flux-jobs(1), flux-exec(1), flux-job(1), flux-environment(7).
 *
 * @module
 */

import type { HelperFailure, Job, RunOutput, RunSpec, SchedulerPlugin } from "../contract.ts";
import { canonicalFluxId } from "./_f58.ts";
import { commandFailed, unreadable } from "./_failure.ts";
import { expandHostlist } from "./_hostlist.ts";
import { isRecord, parseJson } from "./_json.ts";

/** Fields asked for; the name comes last, it may hold anything. */
const format = [
  "{id.dec}",
  "{state}",
  "{runtime}",
  "{t_remaining}",
  "{nodelist}",
  "{username}",
  "{name}",
].join("\t");

/** More jobs than anybody looks through; flux's own default is 1,000. */
const maxJobs = 100_000;

/** What the states of RFC 21 mean; one that isn't here counts as "other". */
const states: Readonly<Record<string, Job["state"]>> = {
  RUN: "running",
  CLEANUP: "ending",
  DEPEND: "pending",
  PRIORITY: "pending",
  SCHED: "pending",
};

const hint = 'run "flux jobs" by hand on a login node, or name the scheduler: --scheduler=slurm';

/** The plugin for Flux. */
export const flux = {
  contract: 1,
  kind: "scheduler",
  name: "flux",
  summary: "Flux (flux jobs, flux exec)",
  programs: ["flux"],
  detect: ["flux"],
  launchers: ["flux"],
  job: {
    present: [["FLUX_JOB_ID"]],
    job: ["FLUX_JOB_ID"],
  },
  *list() {
    return readJobs("Cannot list jobs", yield fluxJobs(`--count=${maxJobs}`));
  },
  *lookup(job) {
    const output = yield fluxJobs(job);
    if (
      output.code !== 0 &&
      /JobID.*(unknown|not found)|(unknown|invalid).*JobID/i.test(output.stderr)
    ) return null;
    return readJobs(`Cannot look up job "${job}"`, output)[0] ?? null;
  },
  helper({ job, nodes, jobNodes }, command) {
    // With a job given, `-r` counts the job's own nodes from 0, not the brokers.
    const places = nodes.map((node) => (jobNodes ?? []).indexOf(node));
    if (places.length === 0 || places.includes(-1)) return null;
    const ranks = places.toSorted((a, b) => a - b).join(",");
    return { program: "flux", args: ["exec", "-n", "-j", job, "-r", ranks, ...command] };
  },
  helperFailure({ code, stderr }): HelperFailure | null {
    if (/unrecognized option|invalid option/i.test(stderr)) {
      return {
        message: 'This version of "flux exec" cannot enter a job',
        hint: "ssh to the node, or use flux-core 0.60 or later",
        kind: "refused",
        ssh: true,
      };
    }
    if (/not permitted|permission denied|EPERM|must be run by the instance owner/i.test(stderr)) {
      return {
        message: 'Flux does not let you run "flux exec" in this job',
        hint: "ssh to the node; on a system instance flux-core 0.84 or later is needed",
        kind: "refused",
        ssh: true,
      };
    }
    if (/(job|jobid).*(not found|unknown|invalid|not running|inactive)|ENOENT/i.test(stderr)) {
      const message = "Flux does not know this job, or it has ended";
      return { message, hint: "flux jobs", kind: "ended" };
    }
    if (code === 68) {
      const message = "The node does not belong to the job";
      return { message, hint: "flux jobs -o '{id} {nodelist}'", kind: "refused" };
    }
    return null;
  },
  broadcast({ job, step, signal }): RunSpec | null {
    if (step !== undefined) return null;
    return { program: "flux", args: ["job", "kill", `--signal=${signal}`, job] };
  },
  *output(job) {
    const output = yield { program: "flux", args: ["job", "info", job, "jobspec"] };
    const action = `Cannot find the output of job "${job}"`;
    if (output.code !== 0) {
      throw commandFailed(action, { program: "flux job info", output, hint });
    }
    const { stdout } = output;
    const spec = parseJson(stdout);
    if (spec === undefined) {
      throw unreadable(action, { program: "flux job info", stdout, wanted: "JSON" });
    }
    return outputPath(spec, job);
  },
  canonicalId: canonicalFluxId,
} satisfies SchedulerPlugin;

function fluxJobs(...select: string[]): RunSpec {
  // -n: its long form was --suppress-header once, and is --no-header now.
  const args = ["jobs", "-n", "--color=never", `--format=${format}`, ...select];
  return { program: "flux", args };
}

/** Reads the lines of `flux jobs`; those that are no jobs are passed over. */
function readJobs(action: string, output: RunOutput): Job[] {
  const program = "flux jobs";
  if (output.code !== 0) throw commandFailed(action, { program, output, hint });
  const { stdout } = output;
  const lines = stdout.split("\n").filter((line) => line.trim() !== "");
  const jobs = lines.flatMap((line) => parseLine(line) ?? []);
  if (jobs.length === 0 && lines.length > 0) {
    throw unreadable(action, { program, stdout, wanted: "a list of jobs" });
  }
  return jobs;
}

function parseLine(line: string): Job | undefined {
  const [id = "", stateText = "", runtime = "", left = "", nodes = "", user = "", ...name] = line
    .split("\t");
  if (!/^\d+$/.test(id) || name.length === 0) return undefined;
  const state = states[stateText] ?? "other";
  const elapsedS = seconds(runtime);
  // 0 means that there is no limit, or that the job doesn't run.
  const leftS = seconds(left) || undefined;
  return {
    id: canonicalFluxId(id),
    displayId: canonicalFluxId(id),
    name: name.join("\t"),
    state,
    stateText,
    nodes: expandHostlist(nodes.trim() === "-" ? "" : nodes),
    ...(user ? { user } : {}),
    ...(elapsedS !== undefined && state !== "pending" ? { elapsedS } : {}),
    ...(leftS !== undefined ? { leftS } : {}),
  };
}

function seconds(text: string): number | undefined {
  const value = text.trim() === "" ? NaN : Number(text);
  return Number.isFinite(value) && value >= 0 ? value : undefined;
}

/** stdout of a jobspec (RFC 14, 25): a path with `{{id}}` in it, or none (it goes to the KVS). */
function outputPath(spec: unknown, job: string): string | null {
  const system = dig(spec, ["attributes", "system"]);
  const path = dig(system, ["shell", "options", "output", "stdout", "path"]);
  if (typeof path !== "string") return null;
  const full = path.replaceAll(/\{\{(id|jobid)(\.f58)?(plain)?\}\}/g, job);
  if (full.includes("{{")) return null;
  const folder = dig(system, ["cwd"]);
  if (full.startsWith("/")) return full;
  return typeof folder === "string" ? `${folder.replace(/\/$/, "")}/${full}` : null;
}

function dig(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const key of path) {
    if (!isRecord(at)) return undefined;
    at = at[key];
  }
  return at;
}
