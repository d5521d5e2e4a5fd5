/**
 * Grid Engine: SGE 6.2 and 8.1, Son of Grid Engine, Univa, Altair, Open Cluster Scheduler. Describes
 * qstat and qrsh, and asks date for the time and printenv for the cell.
 *
 * Checked on a real 8.1.9. Grid Engine has no command that sends a signal of one's choice.
 *
 * @module
 */

import type { HelperFailure, Job, RunOutput, SchedulerPlugin, Steps } from "../contract.ts";
import { commandFailed, unreadable } from "./_failure.ts";
import { parseDuration, timeLeft } from "./_time.ts";
import { wordsForShell } from "./_words.ts";
import { findAll, parseXml, textOf, type XmlElement } from "./_xml.ts";

const hint = 'run "qstat" by hand on a submit host, or name the scheduler: --scheduler=slurm';

/** Bits of JB_type (qsh, qlogin, qrsh, qrlogin): such a job has a terminal, no output file. */
const interactive = 0x02 | 0x04 | 0x08 | 0x10;

/** The plugin for Grid Engine. */
export const sge = {
  contract: 1,
  kind: "scheduler",
  name: "sge",
  summary: "Grid Engine (qstat -xml, qrsh -inherit for parallel jobs)",
  programs: ["qstat", "qrsh", "date", "printenv"],
  // PBS has a qstat as well; qconf is Grid Engine's alone.
  detect: ["qconf"],
  launchers: ["qrsh"],
  // JOB_ID alone may be anybody's.
  job: {
    present: [["JOB_ID"], ["SGE_TASK_ID", "SGE_JOB_SPOOL_DIR"]],
    job: ["JOB_ID"],
    arrayJob: ["JOB_ID"],
    arrayIndex: ["SGE_TASK_ID"],
    noArrayIndex: ["undefined"],
    elementId: "{job}.{index}",
    cluster: ["SGE_CLUSTER_NAME", "SGE_CELL"],
    node: ["HOSTNAME"],
    submitHost: ["SGE_O_HOST"],
  },
  *list({ user }) {
    const action = "Cannot list jobs";
    // -g t: one record for each task of a parallel environment, which tells all hosts.
    // -r: with the requests, where the time limit is.
    const output = yield {
      program: "qstat",
      args: ["-u", user, "-s", "prs", "-r", "-g", "t", "-xml"],
    };
    const root = readXml(action, output);
    const records = findAll(root, "job_list");
    // Grid Engine tells when a job started, in local time without a zone, but not how late it is.
    const clock = records.some((record) => textOf(record, "JAT_start_time"))
      ? yield { program: "date", args: ["+%Y-%m-%dT%H:%M:%S"] }
      : undefined;
    const now = clock?.code === 0 ? parseLocal(clock.stdout) : undefined;
    return mergeHosts(records.flatMap((record) => toJob(record, now) ?? []));
  },
  *lookup(job) {
    const [id = job, index] = elementOf(job);
    const detail = yield* askDetail(`Cannot look up job "${job}"`, id);
    return detail ? jobOfDetail(detail, { id, index }) : null;
  },
  *clusterName() {
    // No program tells it; settings.sh sets here what execd sets in the job.
    const args = ["SGE_CLUSTER_NAME", "SGE_CELL"];
    const { stdout } = yield { program: "printenv", args };
    return stdout.split("\n").find((line) => line !== "") ?? "default";
  },
  helper({ job, nodes }, command) {
    // One host a call.
    const [node, ...others] = nodes;
    if (node === undefined || others.length > 0) return null;
    const [id = job, index = "undefined"] = elementOf(job);
    return {
      program: "qrsh",
      args: ["-inherit", node, ...wordsForShell(command)],
      // Both must be set: without the second, 8.1.9 says that it is missing.
      env: { JOB_ID: id, SGE_TASK_ID: index },
    };
  },
  helperFailure({ stderr }): HelperFailure | null {
    if (/didn't accept task|no free queue/i.test(stderr)) {
      return {
        message: "Grid Engine does not let a helper into this job on that host",
        hint: "ssh to the node; only a parallel job with control_slaves and a free slot takes one",
        kind: "refused",
        ssh: true,
      };
    }
    if (/can't resolve host name|failed sending task/i.test(stderr)) {
      return {
        message: "Grid Engine cannot reach the job's host",
        hint: "check the host's name with: qstat -g t",
        kind: "unreachable",
        ssh: true,
      };
    }
    return null;
  },
  broadcast: () => null,
  *output(job) {
    const [id = job, index] = elementOf(job);
    const detail = yield* askDetail(`Cannot find the output of job "${job}"`, id);
    return detail ? outputPath(detail, { id, index }) : null;
  },
  canonicalId: (id) => elementOf(id).join("."),
} satisfies SchedulerPlugin;

/** Job and index of `2.1` (Grid Engine's own way to write an element) or `2_1` (rdg's). */
function elementOf(id: string): string[] {
  return id.split(/[._]/);
}

/** Asks about one job; undefined where Grid Engine knows none of this number. */
function* askDetail(action: string, id: string): Steps<XmlElement | undefined> {
  const output = yield { program: "qstat", args: ["-j", id, "-xml"] };
  // 8.1.9 says so in XML and exits with 0; others may say it in words and fail.
  if (
    output.code !== 0 && /do(?:es)? not exist|unknown_jobs/i.test(output.stdout + output.stderr)
  ) {
    return undefined;
  }
  return findAll(readXml(action, output), "djob_info")[0]?.children[0];
}

function readXml(action: string, output: RunOutput): XmlElement {
  if (output.code !== 0) throw commandFailed(action, { program: "qstat", output, hint });
  try {
    return parseXml(output.stdout);
  } catch (cause) {
    // Without a master, some versions print the reason and exit with 0.
    if (/^error:|^critical error:/m.test(output.stderr)) {
      throw commandFailed(action, { program: "qstat", output, hint });
    }
    const why = cause instanceof Error ? ` (${cause.message})` : "";
    const { stdout } = output;
    throw unreadable(action, { program: "qstat", stdout, wanted: `complete XML${why}`, hint });
  }
}

/** A record: one task of a job on one host. */
function toJob(record: XmlElement, now: number | undefined): Job | undefined {
  const base = textOf(record, "JB_job_number");
  if (!base) return undefined;
  const tasks = textOf(record, "tasks");
  const id = tasks && /^\d+$/.test(tasks) ? `${base}.${tasks}` : base;
  const stateText = textOf(record, "state") ?? record.attributes["state"] ?? "";
  const started = parseLocal(textOf(record, "JAT_start_time") ?? "");
  const elapsedS = now === undefined || started === undefined
    ? undefined
    : Math.max(0, now - started);
  const limit = record.children.find(({ name, attributes }) =>
    name === "hard_request" && attributes["name"] === "h_rt"
  );
  const leftS = timeLeft(parseDuration(limit?.text ?? ""), elapsedS);
  const host = /@(.+)$/.exec(textOf(record, "queue_name") ?? "")?.[1];
  const user = textOf(record, "JB_owner");
  return {
    id,
    displayId: tasks ? `${base}_${tasks}` : base,
    name: jobName(record),
    state: stateOf(stateText),
    stateText,
    nodes: host ? [host] : [],
    ...(user ? { user } : {}),
    ...(elapsedS !== undefined ? { elapsedS } : {}),
    ...(leftS !== undefined ? { leftS } : {}),
  };
}

/**
 * A job as `qstat -j` tells it: whose it is and whether it has started. An element of an array is
 * listed there from its start on.
 */
function jobOfDetail(detail: XmlElement, job: { id: string; index: string | undefined }): Job {
  const { id, index } = job;
  const tasks = findAll(detail, "JAT_task_number").map(({ text }) => text.trim());
  const started = index === undefined ? tasks.length > 0 : tasks.includes(index);
  const user = textOf(detail, "JB_owner");
  return {
    id: index === undefined ? id : `${id}.${index}`,
    displayId: index === undefined ? id : `${id}_${index}`,
    name: jobName(detail),
    state: started ? "running" : "pending",
    stateText: started ? "r" : "qw",
    nodes: [],
    ...(user ? { user } : {}),
  };
}

/** The name; 8.1.9 writes `<` as `%lt;` (seen). */
function jobName(record: XmlElement): string {
  const name = textOf(record, "full_job_name") ?? textOf(record, "JB_name") ??
    textOf(record, "JB_job_name") ?? "";
  return name.replaceAll("%lt;", "<");
}

/** Letters of qstat(1), in any combination; deletion and suspension weigh more than running. */
function stateOf(letters: string): Job["state"] {
  if (letters.includes("E")) return "other";
  if (letters.includes("d")) return "ending";
  if (/[sSTN]/.test(letters)) return "suspended";
  // t: on its way to the host, which takes no helper yet (seen).
  if (/[qwt]/.test(letters)) return "pending";
  return /[rR]/.test(letters) ? "running" : "other";
}

/** One job of the records of each; the master's host comes first, as the records do. */
function mergeHosts(records: readonly Job[]): Job[] {
  const jobs = new Map<string, Job>();
  for (const job of records) {
    const key = job.displayId;
    const known = jobs.get(key);
    if (!known) jobs.set(key, job);
    else if (job.nodes[0] && !known.nodes.includes(job.nodes[0])) {
      jobs.set(key, { ...known, nodes: [...known.nodes, job.nodes[0]] });
    }
  }
  return [...jobs.values()];
}

/** Seconds of a local time without a zone; good for differences only. */
function parseLocal(text: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)/.exec(text.trim());
  const value = match ? Date.parse(`${match[1]}Z`) : NaN;
  return Number.isNaN(value) ? undefined : value / 1000;
}

/** The path of stdout: as asked for with -o, else `<name>.o<job>[.<task>]` in -cwd or the home. */
function outputPath(
  detail: XmlElement,
  job: { id: string; index: string | undefined },
): string | null {
  if (Number(textOf(detail, "JB_type") ?? 0) & interactive) return null;
  const name = jobName(detail);
  const home = findAll(detail, "job_sublist")
    .find((pair) => textOf(pair, "VA_variable") === "__SGE_PREFIX__O_HOME");
  const folder = textOf(detail, "JB_cwd") ?? (home && textOf(home, "VA_value"));
  const usual = `${name}.o${job.id}${job.index === undefined ? "" : `.${job.index}`}`;
  const asked = textOf(detail, "JB_stdout_path_list", "path_list", "PN_path");
  const path = (asked ?? usual).replace(/\/$/, `/${usual}`)
    .replaceAll("$JOB_ID", job.id)
    .replaceAll("$TASK_ID", job.index ?? "undefined")
    .replaceAll("$JOB_NAME", name)
    .replaceAll("$USER", textOf(detail, "JB_owner") ?? "$USER")
    .replaceAll("$HOME", (home && textOf(home, "VA_value")) ?? "$HOME");
  if (path === "/dev/null" || /\$(HOSTNAME|USER|HOME)/.test(path)) return null;
  return path.startsWith("/") ? path : folder ? `${folder}/${path}` : null;
}
