/**
 * Which variables tell a process its rank, launcher by launcher. Data only: the Python inside the
 * job is handed this very table. Touches nothing.
 *
 * The innermost launcher comes first: under `sbatch` + `mpirun` the ranks inherit SLURM_PROCID of the
 * step that carries Open MPI's daemon (the node's index), and under `srun torchrun` it is the node's.
 * A bare RANK is easily stale, so it counts only together with WORLD_SIZE, and late.
 *
 * Sources: the launchers' own sources and manuals (torch.distributed.elastic, Open MPI 4.1, MPICH's
 * Hydra, MVAPICH2, Cray PALS, jsrun, flux-core, srun(1)).
 *
 * @module
 */

import type { RankVariables } from "./contract.ts";

/** The table, innermost launcher first. */
export const rankTable = [
  {
    launcher: "torchrun",
    requires: ["TORCHELASTIC_RUN_ID"],
    rank: "RANK",
    size: "WORLD_SIZE",
    localRank: "LOCAL_RANK",
  },
  {
    launcher: "mpirun",
    requires: ["OMPI_COMM_WORLD_RANK"],
    rank: "OMPI_COMM_WORLD_RANK",
    size: "OMPI_COMM_WORLD_SIZE",
    localRank: "OMPI_COMM_WORLD_LOCAL_RANK",
  },
  {
    launcher: "mvapich",
    requires: ["MV2_COMM_WORLD_RANK"],
    rank: "MV2_COMM_WORLD_RANK",
    size: "MV2_COMM_WORLD_SIZE",
    localRank: "MV2_COMM_WORLD_LOCAL_RANK",
  },
  {
    launcher: "pals",
    requires: ["PALS_RANKID"],
    rank: "PALS_RANKID",
    size: "PALS_SIZE",
    localRank: "PALS_LOCAL_RANKID",
  },
  {
    launcher: "jsrun",
    requires: ["JSM_NAMESPACE_RANK"],
    rank: "JSM_NAMESPACE_RANK",
    size: "JSM_NAMESPACE_SIZE",
    localRank: "JSM_NAMESPACE_LOCAL_RANK",
  },
  {
    launcher: "flux",
    requires: ["FLUX_TASK_RANK"],
    rank: "FLUX_TASK_RANK",
    size: "FLUX_JOB_SIZE",
    localRank: "FLUX_TASK_LOCAL_ID",
  },
  {
    launcher: "mpiexec",
    requires: ["PMI_RANK", "PMI_SIZE"],
    rank: "PMI_RANK",
    size: "PMI_SIZE",
    localRank: "MPI_LOCALRANKID",
  },
  {
    launcher: "launcher",
    requires: ["RANK", "WORLD_SIZE"],
    rank: "RANK",
    size: "WORLD_SIZE",
    localRank: "LOCAL_RANK",
  },
  {
    // SLURM_PROCID is 0 in the batch script as well: only in a step of its own is it a rank.
    // Steps that are none (batch, extern, interactive) have ids from 0xfffffff0 on.
    launcher: "srun",
    requires: ["SLURM_STEP_ID"],
    rank: "SLURM_PROCID",
    size: "SLURM_STEP_NUM_TASKS",
    localRank: "SLURM_LOCALID",
    below: { variable: "SLURM_STEP_ID", limit: 0xfffffff0 },
  },
  {
    launcher: "pmix",
    requires: ["PMIX_RANK"],
    rank: "PMIX_RANK",
  },
] as const satisfies readonly RankVariables[];

/** The names of all variables of {@linkcode rankTable}. */
export const rankVariables: readonly string[] = [
  ...new Set(
    rankTable.flatMap((row: RankVariables) => [
      ...row.requires,
      ...[row.rank, row.size, row.localRank, row.below?.variable].filter((name) =>
        name !== undefined
      ),
    ]),
  ),
];

/**
 * Reads a rank out of an environment, as `remote_debug/_job.py` does in the process itself.
 *
 * @param environment The variables.
 * @returns The innermost launcher and the rank that it gave; null where there is none.
 */
export function rankIn(
  environment: Readonly<Record<string, string>>,
): { launcher: string; rank: number; size: number | null } | null {
  const number = (name: string | undefined) => {
    const text = name === undefined ? "" : environment[name] ?? "";
    return /^-?\d+$/.test(text.trim()) ? Number(text) : null;
  };
  for (const row of rankTable as readonly RankVariables[]) {
    if (!row.requires.every((name) => environment[name])) continue;
    if (row.below) {
      const value = number(row.below.variable);
      if (value === null || value >= row.below.limit) continue;
    }
    const rank = number(row.rank);
    const size = number(row.size);
    if (rank === null || rank < 0 || (size !== null && rank >= size)) continue;
    return { launcher: row.launcher, rank, size };
  }
  return null;
}
