/**
 * Measures `rdg attach` and `rdg sessions` on the test cluster: time to "listening" and how it splits,
 * calls of the scheduler, many jobs, many records, and a step of 64 overcommitted processes with shells
 * and unprepared children among them. Starts a cluster; needs root and Debian's packages of Slurm.
 *
 *     deno task bench attach_bench
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
import { mustRun, processesOf, waitUntil } from "../cluster/process.ts";
import { record, writeRecord } from "../support/records.ts";
import { squeueLine } from "../support/squeue.ts";
import { type BenchTable, median, type SummaryRow } from "./_table.ts";

const rounds = 5;

/** Processes of the step that is woken as a whole. */
const taskCount = 64;

/** What was measured, and the result. */
type RowCells = [what: string, result: string];

async function timed<T>(work: () => Promise<T>): Promise<[number, T]> {
  const begin = performance.now();
  const result = await work();
  return [performance.now() - begin, result];
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

async function times(work: () => Promise<unknown>): Promise<string> {
  const all: number[] = [];
  for (let i = 0; i < rounds; i++) all.push((await timed(work))[0]);
  return seconds(median(all));
}

async function oneProcess(cluster: Cluster): Promise<RowCells[]> {
  const first: number[] = [];
  const again: number[] = [];
  let job = "";
  const calls = new Set<number>();
  for (let i = 0; i < rounds; i++) {
    job = await submit(cluster, { script: "rdg debug --lite python3 count.py" });
    await untilArmed(cluster, { job });
    const [ms, { stderr }] = await timed(() => rdg(cluster, ["attach", job, "--verbose"]));
    first.push(ms);
    calls.add(stderr.match(/^\$ /gm)?.length ?? 0);
    again.push((await timed(() => attach(cluster, [job])))[0]);
    if (i < rounds - 1) await endJobs(cluster);
  }
  const step = ["srun", `--jobid=${job}`, "--overlap", "-N1", "-n1", "--mem=0", "--quiet"];
  const load = [
    "env",
    `PYTHONPATH=${cluster.root}/site`,
    "python3",
    "-c",
    "import debugpy, pydevd",
  ];
  const rows: RowCells[] = [
    ['`rdg attach JOB`, to "listening"', seconds(median(first))],
    ["the same when it listens already", seconds(median(again))],
    ["of that, the start of rdg", await times(() => rdg(cluster, ["--version"]))],
    ["of that, squeue", await times(() => cluster.run(["squeue", "--me"]))],
    ["of that, an empty helper step of srun", await times(() => cluster.run([...step, "true"]))],
    ["of the first, loading debugpy", await times(() => cluster.run(load))],
    ["calls of the scheduler", [...calls].join(", ")],
  ];
  await endJobs(cluster);
  return rows;
}

/** A squeue that lists many jobs, and an srun that refuses: what rdg itself takes to read them. */
async function manyJobs(cluster: Cluster, count: number): Promise<RowCells> {
  const bin = `${cluster.root}/many`;
  await Deno.mkdir(bin);
  const list = Array.from({ length: count }, (_, i) => squeueLine({ id: String(i + 100) }));
  await Deno.writeTextFile(`${bin}/list`, list.join(""));
  const program = (name: string, text: string) =>
    Deno.writeTextFile(`${bin}/${name}`, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  await program("squeue", `cat ${bin}/list`);
  await program("srun", "echo 'Job has finished' >&2; exit 1");
  const env = { PATH: `${bin}:${cluster.env.PATH}` };
  const time = await times(async () => {
    const { code, stderr } = await rdg(cluster, ["attach", String(count), "42"], { env });
    if (code !== 3) throw new Error(stderr);
  });
  return [`\`rdg attach\` to one of ${count.toLocaleString("en")} jobs, up to srun`, time];
}

async function manyRecords(cluster: Cluster, count: number): Promise<RowCells> {
  const state = `${cluster.root}/records-${count}`;
  const job = await cluster.sbatch("#!/bin/sh\nsleep 1000\n", ["-w", "n1"]);
  // Records of a job that waits (again) are leftovers, and swept.
  await waitUntil(`job ${job} to run`, {
    ask: async () => (await cluster.run(["squeue", "-h", "-t", "R", "-j", job])).stdout !== "",
  });
  const content = { uid: cluster.user.uid, cluster: "rdgtest", pidNamespace: "pid:[0]" };
  for (let i = 0; i < count; i++) {
    const own = { job: { id: job, display: job, step: null }, pid: i + 2, rank: i };
    await writeRecord(state, record({ ...content, ...own }));
  }
  await mustRun(["chown", "-R", String(cluster.user.uid), state]);
  const env = { RDG_STATE_DIR: state };
  const time = await times(async () => {
    const { stdout, stderr } = await rdg(cluster, ["sessions"], { env });
    const lines = stdout.trimEnd().split("\n").length - 1;
    if (lines !== count) throw new Error(`${lines} of ${count} lines: ${stderr.slice(0, 300)}`);
  });
  await endJobs(cluster);
  return [`\`rdg sessions\` with ${count.toLocaleString("en")} records`, time];
}

async function manyTasks(cluster: Cluster): Promise<RowCells[]> {
  const job = await submit(cluster, {
    args: ["-N2", "-n2"],
    script: `srun -O -n${taskCount} --mem=0 bash -c ` +
      "'sleep 1000 & python3 count.py plain & rdg debug --lite python3 count.py; true'",
  });
  await untilArmed(cluster, { job, count: taskCount, timeoutMs: 300_000 });
  const before = await running(cluster);
  const words = ["attach", job, "--all", "--verbose", "--timeout", "500"];
  const [ms, done] = await timed(() => rdg(cluster, words, { timeoutMs: 550_000 }));
  const after = new Set(await running(cluster));
  const gone = before.filter((pid) => !after.has(pid)).length;
  const woken = done.stdout.match(/Python Debugger Info/g)?.length ?? 0;
  const calls = done.stderr.split("\n").filter((line) => line.startsWith("$ srun")).length;
  return [
    [`a step of ${taskCount} overcommitted tasks: woken`, String(woken)],
    ["calls of srun", String(calls)],
    ["time", seconds(ms)],
    [`of ${before.length} processes (shells, sleeps, unprepared Pythons), ended`, String(gone)],
  ];
}

/** The user's processes, without those that have ended and wait for their parent to notice. */
async function running(cluster: Cluster): Promise<number[]> {
  const found: number[] = [];
  for (const pid of await processesOf(cluster.user.uid)) {
    const words = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
    if (words !== "") found.push(pid);
  }
  return found;
}

/** The rows that stand in the one table of all benches. */
function summed(rows: readonly RowCells[]): SummaryRow[] {
  const of = (starts: string) => rows.find(([what]) => what.startsWith(starts))?.[1] ?? "";
  const records = "`rdg sessions` with 10,000 records";
  return [
    {
      what: '`rdg attach JOB`, to "listening"',
      rdg: `${of("`rdg attach JOB`")}, ${of("calls of the scheduler")} calls`,
      other: `an empty step of \`srun\`: ${of("of that, an empty helper step")}`,
    },
    { what: "the same when it listens already", rdg: of("the same when") },
    { what: records, rdg: of(records) },
    {
      what: `waking a step of ${taskCount} tasks`,
      rdg: `${of("time")}, ${of("a step of")} woken, calls of \`srun\`: ${of("calls of srun")}`,
    },
  ];
}

/** Measures. */
export async function bench(): Promise<BenchTable> {
  const reason = await whyNoCluster();
  if (reason !== null) throw new Error(`Cannot measure: ${reason}`);
  const cluster = await startCluster();
  try {
    await installRdg(cluster);
    await writeProgram(cluster, { name: "count.py", text: counting });
    const rows = [
      ...await oneProcess(cluster),
      await manyJobs(cluster, 20_000),
      await manyRecords(cluster, 1000),
      await manyRecords(cluster, 10_000),
      ...await manyTasks(cluster),
    ];
    return {
      title: "rdg attach and rdg sessions on a real Slurm",
      columns: ["what", "result"],
      rows,
      summary: summed(rows),
      notes: [`times are medians of ${rounds}, the step's is of one run; two nodes on one machine`],
    };
  } finally {
    await cluster.stop();
  }
}
