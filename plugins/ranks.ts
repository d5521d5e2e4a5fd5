/**
 * Which variables tell a process its rank, launcher by launcher. Data only: the Python inside the
 * job is handed this very table. Touches nothing.
 *
 * The innermost launcher comes first: under `sbatch` + `mpirun` the ranks inherit SLURM_PROCID of the
 * step that carries Open MPI's daemon (the node's index), and under `srun torchrun` it is the node's.
 * A bare RANK is easily stale, so it counts only together with WORLD_SIZE, and late. A wrong rank is
 * worse than none.
 *
 * srun sets variables of others beside its own, and so on many clusters for every task: PMI_*, with
 * PMI_JOBID (`--mpi=pmi2`, seen with 22.05), PMIX_* (`--mpi=pmix`), PALS_* (`--mpi=cray_shasta`). The
 * rows of these others must not take such a task for theirs.
 *
 * Sources: the launchers' own sources and manuals (torch.distributed.elastic, Open MPI 4.1, MPICH's
 * Hydra, MVAPICH2, Cray PALS, jsrun, flux-core, srun(1)), and runs of srun, mpirun, MPICH's mpiexec and
 * prterun 5.0 under Slurm 22.05.
 *
 * @module
 */

/** Rank variables of one launcher. */
export interface RankVariables {
  /** The launcher: `torchrun`, `srun`, … */
  launcher: string;
  /** Variables that must be set for this row to count. */
  requires: readonly string[];
  /** Rank within the whole program, counted from 0. */
  rank: string;
  /** Number of ranks; a rank outside it makes the row not count. */
  size?: string;
  /** Rank within the node, counted from 0. */
  localRank?: string;
  /** How often the launcher has started the ranks anew, and how often it may: two numbers. */
  restarts?: { count: string; most: string };
  /** A variable with a number that must be below `limit` for this row to count. */
  below?: { variable: string; limit: number };
  /** Pairs of variables that must hold the same for this row to count. */
  equal?: readonly (readonly [string, string])[];
  /** A variable, and how it must not begin for this row to count; `""`: it must not be set. */
  unless?: { variable: string; begins: string };
}

/**
 * What a step of Slurm's own sets. SLURM_PROCID is 0 in the batch script as well: only in such a step
 * is it a rank. Steps that are none (batch, extern, interactive) have ids from 0xfffffff0 on.
 */
const step = {
  launcher: "srun",
  rank: "SLURM_PROCID",
  size: "SLURM_STEP_NUM_TASKS",
  localRank: "SLURM_LOCALID",
  below: { variable: "SLURM_STEP_ID", limit: 0xfffffff0 },
} as const;

/** The table, innermost launcher first. */
export const rankTable = [
  {
    launcher: "torchrun",
    requires: ["TORCHELASTIC_RUN_ID"],
    rank: "RANK",
    size: "WORLD_SIZE",
    localRank: "LOCAL_RANK",
    restarts: { count: "TORCHELASTIC_RESTART_COUNT", most: "TORCHELASTIC_MAX_RESTARTS" },
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
    unless: { variable: "SLURM_STEP_ID", begins: "" },
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
    // prterun, of Open MPI 5, tells no size. The namespace `slurm.pmix.JOB.STEP` is srun's.
    launcher: "prterun",
    requires: ["PMIX_RANK"],
    rank: "PMIX_RANK",
    unless: { variable: "PMIX_NAMESPACE", begins: "slurm." },
  },
  {
    // MPI_LOCALRANKID is Hydra's. Its daemons are a step of srun's, whose variables they hand on.
    launcher: "mpiexec",
    requires: ["PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"],
    rank: "PMI_RANK",
    size: "PMI_SIZE",
    localRank: "MPI_LOCALRANKID",
  },
  {
    launcher: "mpiexec",
    requires: ["PMI_RANK", "PMI_SIZE"],
    rank: "PMI_RANK",
    size: "PMI_SIZE",
    unless: { variable: "PMI_JOBID", begins: "" },
  },
  {
    launcher: "launcher",
    requires: ["RANK", "WORLD_SIZE"],
    rank: "RANK",
    size: "WORLD_SIZE",
    localRank: "LOCAL_RANK",
  },
  {
    ...step,
    requires: ["SLURM_STEP_ID", "PMI_RANK"],
    equal: [["PMI_RANK", "SLURM_PROCID"], ["PMI_SIZE", "SLURM_STEP_NUM_TASKS"]],
  },
  {
    ...step,
    requires: ["SLURM_STEP_ID"],
    unless: { variable: "PMI_RANK", begins: "" },
  },
] as const satisfies readonly RankVariables[];

/** The names of all variables of {@linkcode rankTable}. */
export const rankVariables: readonly string[] = [
  ...new Set(
    rankTable.flatMap((row: RankVariables) => [
      ...row.requires,
      ...row.equal?.flat() ?? [],
      ...[row.rank, row.size, row.localRank, row.below?.variable, row.unless?.variable]
        .filter((name) => name !== undefined),
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
  for (const row of rankTable as readonly RankVariables[]) {
    if (!counts(row, environment)) continue;
    const rank = numberOf(row.rank, environment);
    const size = numberOf(row.size, environment);
    if (rank === null || rank < 0 || (size !== null && rank >= size)) continue;
    return { launcher: row.launcher, rank, size };
  }
  return null;
}

function counts(
  { requires, below, equal, unless }: RankVariables,
  environment: Readonly<Record<string, string>>,
): boolean {
  if (!requires.every((name) => environment[name])) return false;
  if (equal?.some(([one, other]) => environment[one] !== environment[other])) return false;
  if (unless && environment[unless.variable]?.startsWith(unless.begins)) return false;
  if (!below) return true;
  const value = numberOf(below.variable, environment);
  return value !== null && value < below.limit;
}

function numberOf(
  name: string | undefined,
  environment: Readonly<Record<string, string>>,
): number | null {
  const text = name === undefined ? "" : environment[name] ?? "";
  return /^-?\d+$/.test(text.trim()) ? Number(text) : null;
}
