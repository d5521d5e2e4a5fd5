/**
 * Measures `rdg stack` on the real Slurm: time and calls of the scheduler's programs for 4 and 64 (with
 * `--full` also 256) sleeping processes on two nodes of this machine; against `py-spy dump` run for each
 * process over `srun`, one after another and eight at a time. Needs root, Debian's packages of Slurm,
 * and py-spy on PATH, which run.ts sees to.
 *
 * Touches: starts a cluster and that many Python programs, one set after another.
 *
 * @module
 */

import { type Cluster, startCluster } from "../cluster/cluster.ts";
import { installRdg } from "../cluster/install.ts";
import { endJobs, rdg, submit, untilArmed, writeProgram } from "../cluster/jobs.ts";
import { which, whyNoCluster } from "../cluster/packages.ts";
import { waitUntil } from "../cluster/process.ts";
import type { Session } from "../../python/sessions.ts";
import {
  type BenchOptions,
  type BenchTable,
  median,
  ratio,
  type SummaryRow,
  withRatio,
} from "./_table.ts";

const rounds = 3;

/** A program with a few frames and two threads, as a small training script has. */
const sleeping = `import threading, time
def wait():
    time.sleep(10000)
def step():
    time.sleep(10000)
def train():
    step()
threading.Thread(target=wait, daemon=True).start()
train()
`;

/** One way to look at all processes of a job. */
interface Measured {
  seconds: number;
  calls: number;
  stacks: number;
}

async function timed(work: () => Promise<Omit<Measured, "seconds">>): Promise<Measured> {
  const begin = performance.now();
  const result = await work();
  return { ...result, seconds: (performance.now() - begin) / 1000 };
}

async function byRdg(cluster: Cluster, job: string): Promise<Measured> {
  return await timed(async () => {
    const words = ["stack", job, "--json", "--verbose", "--timeout", "60"];
    const { stdout, stderr } = await rdg(cluster, words, { timeoutMs: 300_000 });
    const calls = stderr.split("\n").filter((line) => line.startsWith("$ ")).length;
    return { calls, stacks: stdout === "" ? 0 : JSON.parse(stdout).processes.length };
  });
}

async function byPySpy(
  cluster: Cluster,
  { job, sessions, parallel }: { job: string; sessions: readonly Session[]; parallel: number },
): Promise<Measured> {
  return await timed(async () => {
    let stacks = 0;
    const queue = [...sessions];
    const worker = async () => {
      for (let one = queue.pop(); one; one = queue.pop()) {
        const { code } = await cluster.run([
          ...["srun", `--jobid=${job}`, "--overlap", "-w", one.host, "-N1", "-n1", "--mem=0", "-Q"],
          ...["py-spy", "dump", "--pid", String(one.pid)],
        ], { timeoutMs: 120_000 });
        if (code === 0) stacks++;
      }
    };
    await Promise.all(Array.from({ length: parallel }, worker));
    return { stacks, calls: sessions.length };
  });
}

/** The middle time of some runs, and what each of them did. */
function middle(all: readonly Measured[]): Measured {
  return { ...all[0]!, seconds: median(all.map(({ seconds }) => seconds)) };
}

/** What was found for one number of processes. */
interface Found {
  row: string[];
  summary: SummaryRow;
}

async function measure(cluster: Cluster, count: number): Promise<Found> {
  const job = await submit(cluster, {
    args: ["-N2", `-n${count}`, `--ntasks-per-node=${count / 2}`, "--overcommit", "--mem=900"],
    script: "srun --overcommit --mem=900 rdg debug --lite --quiet python3 sleeping.py",
  });
  let sessions: Session[] = [];
  await waitUntil(`${count} programs`, {
    ask: async () => {
      sessions = await untilArmed(cluster, { job, count }).catch(() => []);
      return sessions.length === count;
    },
    timeoutMs: 300_000,
  });
  // All of them asleep: nothing of the machine's time goes into starting.
  await waitUntil("rest", {
    ask: async () => {
      const stats = await Promise.all(
        sessions.map(({ pid }) => Deno.readTextFile(`/proc/${pid}/stat`)),
      );
      return stats.every((stat) => stat[stat.lastIndexOf(")") + 2] === "S");
    },
    timeoutMs: 60_000,
  });
  const ours: Measured[] = [];
  for (let round = 0; round < rounds; round++) ours.push(await byRdg(cluster, job));
  const base = middle(ours);
  const theirs: Measured[] = [];
  for (const parallel of [1, 8]) {
    const all: Measured[] = [];
    for (let round = 0; round < (count > 64 ? 1 : rounds); round++) {
      all.push(await byPySpy(cluster, { job, sessions, parallel }));
    }
    theirs.push(middle(all));
  }
  await endJobs(cluster);
  const lost = [base, ...theirs].find(({ stacks }) => stacks !== count);
  if (lost) throw new Error(`${lost.stacks} of ${count} stacks`);
  const [one, eight] = theirs as [Measured, Measured];
  const cell = ({ seconds }: Measured) => `${seconds.toFixed(2)} (${ratio(seconds, base.seconds)})`;
  const text = ({ seconds, calls }: Measured) =>
    `${withRatio(seconds, { unit: "s", base: base.seconds, digits: 2 })}, ${calls} calls`;
  return {
    row: [
      String(count),
      base.seconds.toFixed(2),
      String(base.calls),
      cell(one),
      cell(eight),
      String(one.calls),
    ],
    summary: {
      what: `stacks of ${count} processes on two nodes`,
      rdg: `${withRatio(base.seconds, { unit: "s", digits: 2 })}, ${base.calls} calls`,
      other: `\`srun py-spy dump\`: ${text(one)}; eight at a time ${text(eight)}`,
    },
  };
}

/** Measures. */
export async function bench({ full }: BenchOptions): Promise<BenchTable> {
  const reason = await whyNoCluster();
  if (reason !== null) throw new Error(`Cannot measure: ${reason}`);
  const pySpy = await which("py-spy");
  if (!pySpy) throw new Error("Cannot measure: py-spy is not on PATH");
  const cluster = await startCluster({ cpus: 128 });
  try {
    await installRdg(cluster);
    await Deno.copyFile(pySpy, `${cluster.root}/bin/py-spy`);
    await Deno.chmod(`${cluster.root}/bin/py-spy`, 0o755);
    await writeProgram(cluster, { name: "sleeping.py", text: sleeping });
    const found: Found[] = [];
    for (const count of full ? [4, 64, 256] : [4, 64]) found.push(await measure(cluster, count));
    return {
      title: "Stacks of all processes of a job: `rdg stack`, and `srun py-spy dump` for each",
      columns: [
        "processes",
        "`rdg stack`, s",
        "calls",
        "py-spy one after another, s",
        "eight at a time, s",
        "calls",
      ],
      rows: found.map(({ row }) => row),
      summary: found.map(({ summary }) => summary),
      notes: [`median of ${rounds}, of 1 for py-spy with 256; two nodes on one machine`],
    };
  } finally {
    await cluster.stop();
  }
}
