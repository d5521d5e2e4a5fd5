/**
 * Torque (2.5 to 6.1), the other descendant of PBS: its qstat prints XML. Describes qselect, qstat
 * and qsig.
 *
 * No command of Torque enters a job from outside (pbsdsh has to be started inside, and its output
 * goes to the job's output file), so there is no helper: the way in is ssh.
 *
 * @module
 */

import type { SchedulerPlugin } from "../contract.ts";
import { nearest, outputPath, shortId, toJobs } from "./_pbs.ts";
import { askTorque, selectJobs } from "./_qstat.ts";

/** The plugin for Torque. */
export const torque = {
  contract: 1,
  kind: "scheduler",
  name: "torque",
  summary: "Torque (qstat -x); the way to the node is ssh",
  programs: ["qselect", "qstat", "qsig"],
  // qstat and pbsnodes are PBS Pro's as well; these three only Torque has (src/cmds/Makefile.am).
  detect: ["qchkpt", "qgpumode", "pbs_track"],
  // The id holds the index (`189[299].server`), so neither array variable is needed.
  job: {
    present: [["PBS_JOBID"], ["PBS_VERSION", "PBS_VNODENUM", "PBS_NUM_PPN"]],
    job: ["PBS_JOBID"],
    submitHost: ["PBS_O_HOST"],
  },
  *list({ user }) {
    const ids = yield* selectJobs(user);
    if (ids.length === 0) return [];
    return toJobs(yield* askTorque("Cannot list jobs", ids));
  },
  *lookup(job) {
    return nearest(toJobs(yield* askTorque(`Cannot look up job "${job}"`, [job])), job);
  },
  helper: () => null,
  broadcast: ({ job, step, signal }) =>
    step === undefined ? { program: "qsig", args: ["-s", String(signal), job] } : null,
  *output(job) {
    const table = yield* askTorque(`Cannot find the output of job "${job}"`, [job]);
    const [found] = table;
    return found ? outputPath(...found) : null;
  },
  canonicalId: shortId,
} satisfies SchedulerPlugin;
