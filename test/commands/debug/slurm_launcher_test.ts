/**
 * A crash in a parallel program on a real Slurm: what is said about srun, and whether the flags do
 * what is said of them. Needs root and Debian's packages of Slurm.
 */

import assert from "node:assert/strict";
import type { Cluster } from "../../cluster/cluster.ts";
import { jobOutput, records, submit, writeProgram } from "../../cluster/jobs.ts";
import type { Session } from "../../../python/sessions.ts";
import { waitUntil } from "../../cluster/process.ts";
import { slurmSuite } from "../../cluster/suite.ts";

let cluster: Cluster;

const slurmTest = await slurmSuite({
  subject: "rdg debug --post-mortem",
  setUp: async (started) => {
    cluster = started;
    await writeProgram(cluster, { name: "crash.py", text: crashing });
  },
});

/** Rank 1 crashes, rank 2 ends with an error as soon as "end" is there, rank 0 lives on. */
const crashing = `import os, sys, time
rank = int(os.environ["SLURM_PROCID"])
if rank == 1:
    raise ValueError("rank one")
while rank == 2 and not os.path.exists("end"):
    time.sleep(0.05)
if rank == 2:
    sys.exit(3)
while not os.path.exists("finish"):
    time.sleep(0.05)
print("rank 0 went on", flush=True)
`;

/** The job's records; a job that was killed leaves some. */
async function recordsOf(job: string): Promise<Session[]> {
  return (await records(cluster)).filter((session) => session.job.display === job);
}

async function startCrash(flags: string): Promise<string> {
  for (const name of ["end", "finish"]) {
    await Deno.remove(`${cluster.user.home}/${name}`).catch(() => {});
  }
  const job = await submit(cluster, {
    args: ["-n3", `--output=${flags.replaceAll(/\W/g, "")}.out`],
    script: `srun ${flags} rdg debug --post-mortem python3 crash.py`,
  });
  await waitUntil("the crash", {
    ask: async () => (await recordsOf(job)).some(({ state }) => state === "crashed"),
  });
  return job;
}

const advice = "To keep them: srun --kill-on-bad-exit=0 --wait=0";

slurmTest("says what srun does to the other ranks: at the start, and at the crash", async () => {
  await startCrash("--kill-on-bad-exit=1");
  const output = await waitUntil("both places", {
    ask: async () => {
      const text = await jobOutput(cluster);
      return text.split(advice).length === 3 && text;
    },
  });
  assert.match(output, /^\[rdg\] When one rank ends with an error, srun may end all the others/m);
  assert.match(output, /\(at most 30 min; .*\)\nWhen one rank ends with an error, srun may/);
  // And so it is: another rank's end takes the waiting one along.
  await Deno.writeTextFile(`${cluster.user.home}/end`, "");
  await waitUntil("the end of the job", {
    ask: async () => (await cluster.run(["squeue", "--me", "-h"])).stdout.trim() === "",
  });
});

slurmTest("goes on waiting with the flags that it names", async () => {
  const job = await startCrash("--kill-on-bad-exit=0 --wait=0");
  await Deno.writeTextFile(`${cluster.user.home}/end`, "");
  await waitUntil("the failed rank's end", {
    ask: async () => (await recordsOf(job)).length === 2,
  });
  await Deno.writeTextFile(`${cluster.user.home}/finish`, "");
  await waitUntil("rank 0's last word", {
    ask: async () => (await jobOutput(cluster)).includes("rank 0 went on"),
  });
  const left = await waitUntil("the crashed rank alone", {
    ask: async () => {
      const all = await recordsOf(job);
      return all.length === 1 && all;
    },
  });
  assert.equal(left[0]!.state, "crashed");
});
