// deno-lint-ignore-file no-console -- a program of its own, not part of rdg
/**
 * Measures `rdg attach` and `rdg sessions` on the test cluster: time to "listening" and how it splits,
 * calls of the scheduler, many records, and a step of 64 overcommitted processes. Needs root.
 *
 *     deno run -A test/bench/attach_bench.ts [tasks]
 *
 * @module
 */

import { type Cluster, startCluster } from "../cluster/cluster.ts";
import { installRdg } from "../cluster/install.ts";
import {
  attach,
  counting,
  endJobs,
  rdg,
  submit,
  untilArmed,
  writeProgram,
} from "../cluster/jobs.ts";
import { whyNoCluster } from "../cluster/packages.ts";
import { processesOf } from "../cluster/process.ts";
import { record, writeRecord } from "../support/records.ts";

const rounds = 5;

async function timed<T>(work: () => Promise<T>): Promise<[number, T]> {
  const begin = performance.now();
  const result = await work();
  return [performance.now() - begin, result];
}

function median(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  return `${Math.round(sorted[Math.floor(sorted.length / 2)]!)} ms`;
}

async function times(work: () => Promise<unknown>): Promise<string> {
  const all: number[] = [];
  for (let i = 0; i < rounds; i++) all.push((await timed(work))[0]);
  return median(all);
}

async function oneProcess(cluster: Cluster): Promise<void> {
  const first: number[] = [];
  const again: number[] = [];
  let job = "";
  let calls = 0;
  for (let i = 0; i < rounds; i++) {
    job = await submit(cluster, { script: "rdg debug --lite python3 count.py" });
    await untilArmed(cluster, { job });
    const [ms, { stderr }] = await timed(() => rdg(cluster, ["attach", job, "--verbose"]));
    first.push(ms);
    calls = stderr.match(/^\$ /gm)?.length ?? 0;
    again.push((await timed(() => attach(cluster, [job])))[0]);
    if (i < rounds - 1) await endJobs(cluster);
  }
  console.log(`rdg attach JOB, to "listening":           ${median(first)}`);
  console.log(`  the same when it listens already:       ${median(again)}`);
  const step = ["srun", `--jobid=${job}`, "--overlap", "-N1", "-n1", "--mem=0", "--quiet"];
  console.log(
    `  of that, rdg --version (start of rdg):  ${await times(() => rdg(cluster, ["--version"]))}`,
  );
  console.log(
    `  of that, squeue:                        ${await times(() =>
      cluster.run(["squeue", "--me"])
    )}`,
  );
  console.log(
    `  of that, an empty helper step of srun:  ${await times(() =>
      cluster.run([...step, "true"])
    )}`,
  );
  console.log(`  scheduler calls:                        ${calls}`);
  await endJobs(cluster);
}

async function manyRecords(cluster: Cluster, count: number): Promise<void> {
  const state = `${cluster.root}/records-${count}`;
  const job = await cluster.sbatch("#!/bin/sh\nsleep 1000\n", ["-w", "n1"]);
  const content = { uid: cluster.user.uid, cluster: "rdgtest", pidNamespace: "pid:[0]" };
  for (let i = 0; i < count; i++) {
    const own = { job: { id: job, display: job, step: null }, pid: i + 2, rank: i };
    await writeRecord(state, record({ ...content, ...own }));
  }
  await cluster.run(["true"]);
  await new Deno.Command("chown", { args: ["-R", String(cluster.user.uid), state] }).output();
  const env = { RDG_STATE_DIR: state };
  const time = await times(async () => {
    const { stdout, stderr } = await rdg(cluster, ["sessions"], { env });
    const lines = stdout.trimEnd().split("\n").length - 1;
    if (lines !== count) throw new Error(`${lines} of ${count} lines: ${stderr.slice(0, 300)}`);
  });
  console.log(`rdg sessions with ${count} records:${" ".repeat(15 - String(count).length)}${time}`);
  await endJobs(cluster);
}

async function manyTasks(cluster: Cluster, tasks: number): Promise<void> {
  const job = await submit(cluster, {
    args: ["-N2", "-n2"],
    script:
      `srun -O -n${tasks} --mem=0 bash -c 'sleep 1000 & rdg debug --lite python3 count.py; true'`,
  });
  await untilArmed(cluster, { job, count: tasks, timeoutMs: 300_000 });
  const before = await processesOf(cluster.user.uid);
  const words = ["attach", job, "--all", "--verbose", "--timeout", "500"];
  const [ms, done] = await timed(() => rdg(cluster, words, { timeoutMs: 550_000 }));
  const after = new Set(await processesOf(cluster.user.uid));
  const gone = before.filter((pid) => !after.has(pid)).length;
  const woken = done.stdout.match(/Python Debugger Info/g)?.length ?? 0;
  const calls = done.stderr.split("\n").filter((line) => line.startsWith("$ srun")).length;
  console.log(
    `${tasks} overcommitted tasks with shells and children: ${woken} woken by ${calls} call`,
  );
  console.log(
    `  in ${Math.round(ms / 100) / 10} s, of ${before.length} processes ${gone} ended`,
  );
}

const reason = await whyNoCluster();
if (reason) {
  console.error(`Cannot measure: ${reason}`);
  Deno.exit(1);
}
const cluster = await startCluster();
try {
  await installRdg(cluster);
  await writeProgram(cluster, { name: "count.py", text: counting });
  if (Deno.args[1] !== "tasks") await oneProcess(cluster);
  if (Deno.args[1] !== "tasks") await manyRecords(cluster, 1000);
  if (Deno.args[1] !== "tasks") await manyRecords(cluster, 10_000);
  await manyTasks(cluster, Number(Deno.args[0] ?? 64));
} finally {
  await cluster.stop();
}
