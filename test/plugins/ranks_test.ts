/** The table of ranks, read in TypeScript; test/python/unit/test_job.py reads it in Python. */

import assert from "node:assert/strict";
import { rankIn, rankVariables } from "../../plugins/ranks.ts";

Deno.test("rankIn() takes the innermost launcher that gave a rank", () => {
  const step = { SLURM_STEP_ID: "0", SLURM_PROCID: "1", SLURM_STEP_NUM_TASKS: "2" };
  const rank = (environment: Record<string, string>) => {
    const found = rankIn(environment);
    return found && [found.launcher, found.rank, found.size];
  };
  assert.equal(rank({}), null);
  assert.deepEqual(rank(step), ["srun", 1, 2]);
  assert.equal(rank({ ...step, SLURM_STEP_ID: "4294967291" }), null);
  assert.deepEqual(
    rank({ ...step, OMPI_COMM_WORLD_RANK: "5", OMPI_COMM_WORLD_SIZE: "8" }),
    ["mpirun", 5, 8],
  );
  assert.deepEqual(
    rank({ ...step, TORCHELASTIC_RUN_ID: "x", RANK: "3", WORLD_SIZE: "4" }),
    ["torchrun", 3, 4],
  );
  assert.deepEqual(rank({ PMI_RANK: "1", PMI_SIZE: "3" }), ["mpiexec", 1, 3]);
  assert.deepEqual(rank({ PALS_RANKID: "1", PALS_SIZE: "3", PMI_RANK: "1" }), ["pals", 1, 3]);
  assert.deepEqual(rank({ JSM_NAMESPACE_RANK: "1", JSM_NAMESPACE_SIZE: "3" }), ["jsrun", 1, 3]);
  assert.deepEqual(rank({ FLUX_TASK_RANK: "1", FLUX_JOB_SIZE: "3" }), ["flux", 1, 3]);
  // As seen on two nodes: the step is that of the daemons.
  const namespace = { PMIX_NAMESPACE: "prterun-login-13918@1" };
  assert.deepEqual(rank({ ...step, ...namespace, PMIX_RANK: "3" }), ["prterun", 3, null]);
  const hydra = { MPI_LOCALRANKID: "0", PMI_RANK: "3", PMI_SIZE: "4", PMI_JOBID: "36.0" };
  assert.deepEqual(rank({ ...step, ...hydra }), ["mpiexec", 3, 4]);
  // A stale one: no such rank, or no number.
  assert.equal(rank({ RANK: "7", WORLD_SIZE: "4" }), null);
  assert.deepEqual(rank({ ...step, RANK: "x", WORLD_SIZE: "4" }), ["srun", 1, 2]);
});

Deno.test("rankIn() takes srun for no other launcher, whatever srun sets for MPI", () => {
  const step = { SLURM_STEP_ID: "0", SLURM_PROCID: "1", SLURM_STEP_NUM_TASKS: "2" };
  const rank = (more: Record<string, string>) => {
    const found = rankIn({ ...step, ...more });
    return found && [found.launcher, found.rank, found.size];
  };
  const pmi2 = { PMI_RANK: "1", PMI_SIZE: "2", PMI_JOBID: "36.0" };
  assert.deepEqual(rank(pmi2), ["srun", 1, 2]);
  assert.deepEqual(rank({ PMIX_RANK: "1", PMIX_NAMESPACE: "slurm.pmix.36.0" }), ["srun", 1, 2]);
  assert.deepEqual(rank({ PALS_RANKID: "1", PALS_APID: "36.0" }), ["srun", 1, 2]);
  assert.deepEqual(rank({ ...pmi2, RANK: "5", WORLD_SIZE: "8" }), ["launcher", 5, 8]);
  // Another launcher took PMI's variables over: the node's index would be a wrong rank.
  assert.equal(rank({ ...pmi2, PMI_RANK: "0" }), null);
});

Deno.test("rankVariables holds every name that rankIn() looks at, once", () => {
  const seen = new Set<string>();
  rankIn(
    new Proxy<Record<string, string>>({}, {
      get: (_, name) => (seen.add(String(name)), "1"),
    }),
  );
  for (const name of [...seen, "SLURM_PROCID", "PMIX_RANK", "PMIX_NAMESPACE", "PMI_JOBID"]) {
    assert.ok(rankVariables.includes(name), name);
  }
  assert.equal(new Set(rankVariables).size, rankVariables.length);
});
