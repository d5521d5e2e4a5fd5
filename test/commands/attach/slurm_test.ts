/**
 * `rdg attach` on a real Slurm: each kind of job, from the command to a breakpoint that a DAP client
 * hits. Needs root and Debian's packages of Slurm.
 */

import assert from "node:assert/strict";
import type { Cluster } from "../../cluster/cluster.ts";
import {
  attach,
  attachAndStop,
  counting,
  rdg,
  submit,
  untilArmed,
  withDebugpy,
  writeProgram,
} from "../../cluster/jobs.ts";
import { endChild, waitUntil } from "../../cluster/process.ts";
import { slurmSuite } from "../../cluster/suite.ts";

let cluster: Cluster;
let file: string;

const slurmTest = await slurmSuite({
  subject: "rdg attach",
  setUp: async (started) => {
    cluster = started;
    file = await writeProgram(cluster, { name: "count.py", text: counting });
  },
});

async function hitBreakpoint(words: readonly string[], count = 1): Promise<void> {
  await attachAndStop(cluster, { words, file, count });
}

slurmTest("wakes a program of a batch script, again after a detach", async () => {
  const job = await submit(cluster, { script: "rdg debug --lite python3 count.py" });
  await untilArmed(cluster, { job });
  await hitBreakpoint([job]);
  await hitBreakpoint([job]);
});

slurmTest("wakes a program of sbatch --wrap, by job and PID", async () => {
  const { stdout } = await cluster.run([
    ...["sbatch", "--parsable", "--wrap", "rdg debug --lite python3 count.py"],
  ], { env: withDebugpy(cluster) });
  const job = stdout.trim();
  const [session] = await untilArmed(cluster, { job });
  await hitBreakpoint([job, String(session!.pid)]);
});

slurmTest("wakes the task of an srun step, and leaves shells around it alone", async () => {
  const job = await submit(cluster, {
    script: "srun bash -c 'sleep 1000 & rdg debug --lite python3 count.py'",
  });
  await untilArmed(cluster, { job });
  await hitBreakpoint([job]);
  const { stdout } = await cluster.run(["squeue", "-h", "-s", "-j", job, "-o", "%i"]);
  assert.match(stdout, new RegExp(`^${job}\\.0$`, "m"));
});

slurmTest("wakes four tasks on two nodes by one call, or one of them by its rank", async () => {
  const job = await submit(cluster, {
    args: ["-N2", "-n4", "--ntasks-per-node=2"],
    script: "srun rdg debug --lite python3 count.py",
  });
  await untilArmed(cluster, { job, count: 4 });
  await hitBreakpoint([job, "--rank", "3"]);
  const verbose = await rdg(cluster, ["attach", job, "--all", "--verbose"]);
  assert.equal(verbose.code, 0, verbose.stderr);
  const calls = verbose.stderr.split("\n").filter((line) => line.startsWith("$ "));
  assert.deepEqual(calls.map((line) => line.split(" ")[1]), ["squeue", "srun"]);
  assert.equal(verbose.stdout.match(/Python Debugger Info/g)?.length, 4);
  await hitBreakpoint([job, "--all"], 4);
});

slurmTest("tells the elements of an array apart", async () => {
  const base = await submit(cluster, {
    args: ["--array=1-2"],
    script: "rdg debug --lite python3 count.py",
  });
  await untilArmed(cluster, { job: `${base}_1` });
  await untilArmed(cluster, { job: `${base}_2` });
  const [first] = await attach(cluster, [`${base}_1`]);
  const [second] = await untilArmed(cluster, { job: `${base}_2` });
  assert.notEqual(first!.pid, second!.pid);
  assert.equal(second!.state, "armed");
  await hitBreakpoint([`${base}_2`]);
  const both = await rdg(cluster, ["attach", base]);
  assert.equal(both.code, 2);
  assert.match(both.stderr, new RegExp(`${base}_1 .*${base}_2 |${base}_2 .*${base}_1 `));
});

slurmTest("gets into a job that fills its node", async () => {
  const job = await submit(cluster, {
    args: ["-n4", "--mem=1000", "--exclusive"],
    script: "srun -n4 --mem=1000 --exclusive rdg debug --lite --rank 0 python3 count.py",
  });
  await untilArmed(cluster, { job });
  await hitBreakpoint([job]);
});

slurmTest("gets into both components of a heterogeneous job", async () => {
  const { stdout } = await cluster.run([
    ...["sbatch", "--parsable", "-n1", "-w", "n1", ":", "-n1", "-w", "n2", "--wrap"],
    "srun --het-group=0,1 rdg debug --lite python3 count.py",
  ], { env: withDebugpy(cluster) });
  const job = stdout.trim();
  await untilArmed(cluster, { job, count: 2 });
  await hitBreakpoint([job, "--all"], 2);
});

slurmTest("wakes a program of salloc", async () => {
  const words = cluster.asUser({ env: withDebugpy(cluster) });
  const child = new Deno.Command(words[0]!, {
    args: [...words.slice(1), "salloc", "-n1", "srun", "rdg", "debug", "--lite", "python3", file],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const job = await waitUntil("salloc's job", {
    ask: async () => {
      const { stdout } = await cluster.run(["squeue", "--me", "-h", "-t", "R", "-o", "%i"]);
      return stdout.trim() || null;
    },
  });
  await untilArmed(cluster, { job });
  await hitBreakpoint([job]);
  await endChild(child);
});
