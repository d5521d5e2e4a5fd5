/**
 * Slurm, 20.02 to 26.05. Describes squeue, scontrol, srun and scancel.
 *
 * Text output only: squeue's JSON has changed its shape in nearly every release, and up to 22.05 it
 * ignores all filters. The environment is scrubbed, because SQUEUE_* changes the output and SLURM_*
 * of a surrounding job changes what srun asks for. Sources: the manuals of 22.05 and 26.11, and runs
 * on 22.05.8.
 *
 * @module
 */

import type { HelperFailure, Job, RunOutput, RunSpec, SchedulerPlugin } from "../contract.ts";
import { commandFailed, unreadable } from "./_failure.ts";
import { expandHostlist } from "./_hostlist.ts";
import { parseDuration } from "./_time.ts";

/** Fields are kept apart by a character that no name holds; the job's name comes last. */
const separator = "\x1f";
const format = ["%A", "%i", "%u", "%T", "%M", "%L", "%N", "%Z", "%j"].join(separator);

/** What to do when squeue fails. */
const hint = "run this on a login node, or name another scheduler: --scheduler=NAME";

/** Variables that change what Slurm's programs do, and those that say where the cluster is. */
const scrubbed = {
  without: ["SLURM_*", "SQUEUE_*", "SRUN_*", "SBATCH_*", "SCANCEL_*", "SCONTROL_*"],
  keep: ["SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT"],
  // Indexes of arrays are else cut short after 64 characters.
  env: { SLURM_BITSTR_LEN: "0" },
};

/** The plugin for Slurm. */
export const slurm: SchedulerPlugin = {
  contract: 1,
  kind: "scheduler",
  name: "slurm",
  summary: "Slurm (squeue, srun)",
  programs: ["squeue", "scontrol", "srun", "scancel"],
  detect: ["squeue"],
  launchers: ["srun", "salloc"],
  job: {
    present: [["SLURM_JOB_ID", "SLURM_JOBID"]],
    job: ["SLURM_JOB_ID", "SLURM_JOBID"],
    arrayJob: ["SLURM_ARRAY_JOB_ID"],
    arrayIndex: ["SLURM_ARRAY_TASK_ID"],
    step: ["SLURM_STEP_ID", "SLURM_STEPID"],
    cluster: ["SLURM_CLUSTER_NAME"],
    node: ["SLURMD_NODENAME"],
    submitHost: ["SLURM_SUBMIT_HOST"],
    user: ["SLURM_JOB_USER"],
  },

  *list({ user }) {
    // No states named: "-t R" leaves out a running job that is being resized, signalled or stopped.
    let output = yield squeue(["--me"]);
    // --me is known from 20.02 on.
    if (output.code !== 0 && /option.*me\b/.test(output.stderr)) {
      output = yield squeue(["-u", user]);
    }
    return readJobs(output);
  },

  *lookup(job) {
    const output = yield squeue(["-j", job, "-t", "all"]);
    if (output.code !== 0 && /Invalid job id/i.test(output.stderr)) return null;
    const jobs = readJobs(output);
    return jobs.find(({ id, displayId }) => id === job || displayId === job) ?? jobs[0] ?? null;
  },

  *clusterName() {
    const { stdout } = yield { program: "scontrol", args: ["show", "config"], ...scrubbed };
    return /^ClusterName\s*=\s*(\S+)/m.exec(stdout)?.[1] ?? null;
  },

  helper(target, command) {
    const count = target.nodes.length;
    // A component of a heterogeneous job (8+1) is named by its leader's id and its number.
    const [job, component] = target.job.split("+");
    return {
      program: "srun",
      args: [
        `--jobid=${job}`,
        ...component === undefined ? [] : [`--het-group=${component}`],
        // Without it a step waits until the job's own steps free their processors (20.11 and later).
        "--overlap",
        ...["-w", target.nodes.join(","), `-N${count}`, `-n${count}`, "--ntasks-per-node=1", "-c1"],
        ...["--mem=0", "--gres=none", "--cpu-bind=none", "--mpi=none", "--input=none"],
        ...["--immediate=15", "--kill-on-bad-exit=0", "--chdir=/", "--quiet", "--export=ALL"],
        ...command,
      ],
      ...scrubbed,
    };
  },

  relay(target, command) {
    // stdin goes to the one task; a pseudo-terminal (--pty, --unbuffered) would not be 8-bit clean.
    const spec = slurm.helper!(target, command)!;
    return { ...spec, args: spec.args.filter((word) => word !== "--input=none") };
  },

  helperFailure(output, spec) {
    const retry = withoutUnknownOption(output.stderr, spec);
    const known = failures.find(({ pattern }) => pattern.test(output.stderr));
    if (!known && !retry && output.code === 0) return null;
    return {
      message: known?.message ?? `"srun" exited with code ${output.code}`,
      hint: known?.hint ?? 'see whether "srun --overlap" works in this job by hand',
      kind: known?.kind ?? "scheduler",
      ...(known?.ssh ? { ssh: true } : {}),
      ...(retry ? { retry } : {}),
    };
  },

  broadcast({ job, step, signal }) {
    // A job's batch script is reached only by --batch, and then only its shell; see the manual.
    const target = step === undefined ? ["--batch", job] : [`${job}.${step}`];
    return { program: "scancel", args: [`--signal=${signal}`, ...target], ...scrubbed };
  },

  *output(job) {
    const { code, stdout } = yield {
      program: "squeue",
      // What is longer than its column would be cut. A job that has just ended is still known.
      args: ["-a", "-h", "-j", job, "-t", "all", "-O", "JobID:32,STDOUT:5000"],
      ...scrubbed,
    };
    if (code !== 0) return null;
    const rows = stdout.split("\n").flatMap((line) => {
      const [, id, path = ""] = /^(\d+) +(.*?) *$/.exec(line) ?? [];
      // Some patterns (%N) are left as they are.
      const isPath = path.startsWith("/") && path !== "/dev/null" && !/%\d*[A-Za-z]/.test(path);
      return id === undefined ? [] : [{ id, path: isPath ? path : null }];
    });
    // All elements of an array, the first of which has the array's own number.
    return (rows.find(({ id }) => id === job) ?? (rows.length === 1 ? rows[0] : null))?.path ??
      null;
  },
};

/** `-a`: otherwise jobs in hidden partitions, or in those of other groups, are left out. */
function squeue(filter: readonly string[]): RunSpec {
  return { program: "squeue", args: ["-a", "-h", "-r", ...filter, "-o", format], ...scrubbed };
}

/** Reads squeue's lines; a line break within a job's name is put back. */
function readJobs(output: RunOutput): Job[] {
  if (output.code !== 0) {
    throw commandFailed("Cannot list jobs", { program: "squeue", output, hint });
  }
  const jobs: Job[] = [];
  for (const line of output.stdout.split("\n")) {
    const [id = "", displayId = "", user = "", stateText = "", ...rest] = line.split(separator);
    const [elapsed = "", left = "", nodes = "", workDir = "", ...name] = rest;
    const last = jobs.at(-1);
    if (/^\d+$/.test(id) && name.length > 0) {
      const folder = known(workDir);
      jobs.push({
        id,
        displayId,
        user,
        state: states[stateText] ?? "other",
        stateText,
        ...seconds("elapsedS", elapsed),
        ...seconds("leftS", left),
        nodes: expandHostlist(known(nodes) ?? ""),
        ...(folder ? { workDir: folder } : {}),
        name: name.join(separator),
      });
    } else if (line !== "" && last) {
      last.name += `\n${line}`;
    }
  }
  // What stands before the first job is no job (a site's wrapper may print a banner).
  if (jobs.length === 0 && output.stdout.trim() !== "") {
    const { stdout } = output;
    throw unreadable("Cannot list jobs", {
      program: "squeue",
      stdout,
      wanted: "a list of jobs",
      hint,
    });
  }
  return jobs;
}

/** A value; undefined for what Slurm prints where it has none. */
function known(text: string | undefined): string | undefined {
  return text === undefined || /^(?:|\(null\)|n\/a)$/i.test(text) ? undefined : text;
}

function seconds(key: "elapsedS" | "leftS", text: string): Partial<Job> {
  const value = parseDuration(text);
  return value === undefined ? {} : { [key]: value };
}

/** What the states mean; one that isn't here counts as "other". */
const states: Readonly<Record<string, Job["state"]>> = {
  RUNNING: "running",
  RESIZING: "running",
  SIGNALING: "running",
  SUSPENDED: "suspended",
  STOPPED: "suspended",
  PENDING: "pending",
  CONFIGURING: "pending",
  POWER_UP_NODE: "pending",
  REQUEUED: "pending",
  REQUEUE_FED: "pending",
  REQUEUE_HOLD: "pending",
  RESV_DEL_HOLD: "pending",
  COMPLETING: "ending",
  STAGE_OUT: "ending",
  COMPLETED: "ending",
  FAILED: "ending",
  CANCELLED: "ending",
  TIMEOUT: "ending",
  DEADLINE: "ending",
  BOOT_FAIL: "ending",
  LAUNCH_FAILED: "ending",
  NODE_FAIL: "ending",
  OUT_OF_MEMORY: "ending",
  PREEMPTED: "ending",
  REVOKED: "ending",
};

/** srun's complaint about an option that it is too old for, answered by leaving that out. */
function withoutUnknownOption(stderr: string, spec: RunSpec): RunSpec | undefined {
  const option = /un(?:recognized|known) option '?(--[\w-]+)/.exec(stderr)?.[1];
  const args = spec.args.filter((word) => word !== option && !word.startsWith(`${option}=`));
  return option && args.length < spec.args.length ? { ...spec, args } : undefined;
}

const failures: readonly (HelperFailure & { pattern: RegExp })[] = [
  {
    pattern: /Job is pending execution|Job\/step is pending/i,
    kind: "pending",
    message: "The job has not started yet",
    hint: 'wait until "squeue --me" shows it running',
  },
  {
    pattern: /Invalid job id specified|already completing or completed|Job has finished|expired/i,
    kind: "ended",
    message: "The job has ended",
    hint: "rdg sessions lists what is still running",
  },
  {
    pattern:
      /task launch for .* failed|Communication connection failure|node is down|not respond|Node failure|Required node not available/i,
    kind: "unreachable",
    message: "Slurm cannot reach a node of the job",
    hint: 'see "sinfo -R"; to leave the node out, name another one: --node=NODE',
  },
  {
    pattern: /node configuration is not available|Invalid node name|nodes? .*not in (?:this )?job/i,
    kind: "refused",
    message: "The node does not belong to the job",
    hint: 'name a node that "squeue --me" shows for this job',
  },
  {
    pattern:
      /nodes are busy|step creation temporarily disabled|Immediate execution|Unable to allocate resources/i,
    kind: "busy",
    ssh: true,
    message: "Slurm has no room for a helper step in this job",
    hint: "wake it over ssh instead (--via=ssh), or by the scheduler's own signal (--via=scancel)",
  },
  {
    // Seen on 22.05 for a suspended job.
    pattern: /Requested operation is presently disabled/i,
    kind: "refused",
    message: "Slurm starts no step in this job now: it may be suspended",
    hint: 'wait until "squeue --me" shows it running (R) again',
  },
  {
    pattern:
      /permission denied|Access denied|not permitted|disabled|Invalid (?:generic|Trackable|account|qos)/i,
    kind: "refused",
    ssh: true,
    message: "Slurm refused a helper step in this job",
    hint: "wake it over ssh instead (--via=ssh), or by the scheduler's own signal (--via=scancel)",
  },
  {
    pattern: /Unable to contact slurm controller|Connection refused|Socket timed out/i,
    kind: "scheduler",
    message: "Slurm's controller does not answer",
    hint: 'try again later; "scontrol ping" tells whether it is up',
  },
];
