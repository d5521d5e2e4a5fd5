/**
 * Slurm, 20.02 to 26.05. Describes squeue, scontrol, srun and scancel.
 *
 * @module
 */

import type { SchedulerPlugin } from "../contract.ts";

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
  *list() {
    return [];
  },
};
