/**
 * PBS Pro and OpenPBS (14 to 23): qstat prints JSON. Describes qselect, qstat and qsig.
 *
 * No command of PBS enters a job from outside (pbsdsh and pbs_tmrsh have to be started inside, and
 * their output goes to the job's output file), so there is no helper: the way in is ssh.
 *
 * @module
 */

import type { SchedulerPlugin, Steps } from "../contract.ts";
import { commandFailed, unreadable } from "./_failure.ts";
import { type JobTable, nearest, outputPath, readJson, readText, shortId, toJobs } from "./_pbs.ts";
import { askTorque, pbsHint, saysUnknownJob, selectJobs } from "./_qstat.ts";

/** Ids in one command line: far below what the kernel allows. */
const idsPerCall = 2000;

/** The plugin for PBS Pro and OpenPBS. */
export const pbs = {
  contract: 1,
  kind: "scheduler",
  name: "pbs",
  summary: "PBS Pro, OpenPBS (qstat -F json); the way to the node is ssh",
  programs: ["qselect", "qstat", "qsig"],
  // pbs_rstat lists reservations: Torque has none. pbsnodes is the sign of either.
  detect: ["pbs_rstat", "pbsnodes"],
  // PBS_JOBID of an array's element holds its index (`1234[5].server`) and is unique as it is.
  job: {
    present: [["PBS_JOBID"]],
    absent: ["PBS_VERSION", "PBS_VNODENUM", "PBS_NUM_PPN"],
    job: ["PBS_JOBID"],
    submitHost: ["PBS_O_HOST"],
  },
  *list({ user }) {
    const ids = yield* selectJobs(user);
    const table: JobTable = new Map();
    for (let at = 0; at < ids.length; at += idsPerCall) {
      const part = ids.slice(at, at + idsPerCall);
      for (const [id, job] of yield* askPbs("Cannot list jobs", part)) table.set(id, job);
    }
    return toJobs(table);
  },
  *lookup(job) {
    // -x: those that have ended as well, where the server keeps a history.
    return nearest(toJobs(yield* askPbs(`Cannot look up job "${job}"`, [job], ["-x"])), job);
  },
  helper: () => null,
  broadcast: ({ job, step, signal }) =>
    step === undefined ? { program: "qsig", args: ["-s", String(signal), job] } : null,
  *output(job) {
    const table = yield* askPbs(`Cannot find the output of job "${job}"`, [job]);
    const [found] = table;
    return found ? outputPath(...found) : null;
  },
  canonicalId: shortId,
} satisfies SchedulerPlugin;

/**
 * Asks about jobs: as JSON; as text where the JSON is broken (19.1.1 with shell functions in a job's
 * environment); as XML where qstat turns out to be Torque's.
 */
function* askPbs(
  action: string,
  ids: readonly string[],
  flags: readonly string[] = [],
): Steps<JobTable> {
  const args = [...flags, "-t", "-f"];
  const output = yield { program: "qstat", args: [...args, "-F", "json", ...ids] };
  if (output.code !== 0 && /(invalid|illegal|unrecognized) option/i.test(output.stderr)) {
    return yield* askTorque(action, ids);
  }
  const table = readJson(output.stdout);
  if (table && (output.code === 0 || table.size > 0)) {
    return yield* askForTheRest(table, { action, ids, stderr: output.stderr });
  }
  if (output.code !== 0 && saysUnknownJob(output.stderr)) return new Map();
  if (output.code !== 0) throw commandFailed(action, { program: "qstat", output, hint: pbsHint });
  if (output.stdout.trim() === "") return new Map();
  const plain = yield { program: "qstat", args: [...args, "-w", ...ids] };
  const jobs = readText(plain.stdout);
  if (jobs.size > 0) return jobs;
  if (plain.code !== 0 && !saysUnknownJob(plain.stderr)) {
    throw commandFailed(action, { program: "qstat", output: plain, hint: pbsHint });
  }
  throw unreadable(action, { program: "qstat", stdout: output.stdout, wanted: "JSON" });
}

/**
 * A development version of OpenPBS (2025) answers about the first of several ids only: the others
 * are asked about one by one. Jobs that have ended are complained about on stderr and not asked
 * about again.
 */
function* askForTheRest(
  table: JobTable,
  options: { action: string; ids: readonly string[]; stderr: string },
): Steps<JobTable> {
  const answered = new Set([...table.keys()].map((id) => id.replace(/\[\d+\]/, "[]")));
  const missing = options.ids.filter((id) =>
    !table.has(id) && !answered.has(id) && !options.stderr.includes(id)
  );
  if (answered.size !== 1 || missing.length !== options.ids.length - 1) return table;
  for (const id of missing) {
    for (const [key, job] of yield* askPbs(options.action, [id])) table.set(key, job);
  }
  return table;
}
