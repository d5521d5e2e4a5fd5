// deno-lint-ignore-file no-console -- a program of its own, not part of rdg
/**
 * Measures `rdg stack` on the real Slurm: time and calls of the scheduler's programs for 4, 64 and 256
 * sleeping processes on two nodes of this machine; against `py-spy dump` run for each process over
 * `srun`, one after another and eight at a time. Needs root, Debian's packages of Slurm, and py-spy on
 * PATH (without it, only `rdg stack` is measured). Run by hand:
 *
 * ```sh
 * deno run -A test/bench/stack.ts [COUNT…]
 * ```
 *
 * Touches: starts a cluster and that many Python programs, one set after another.
 *
 * @module
 */

import { type Cluster, startCluster } from "../cluster/cluster.ts";
import { installRdg } from "../cluster/install.ts";
import { endJobs, rdg, submit, untilArmed, writeProgram } from "../cluster/jobs.ts";
import { which } from "../cluster/packages.ts";
import { waitUntil } from "../cluster/process.ts";
import type { Session } from "../../python/sessions.ts";

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

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function show(count: number, way: string, all: readonly Measured[]): number {
  const seconds = median(all.map((one) => one.seconds));
  const { calls, stacks } = all[0]!;
  const range = all.map((one) => one.seconds.toFixed(2)).join(", ");
  console.log(
    `${count} processes, ${way}: ${
      seconds.toFixed(2)
    } s (${range}), ${calls} calls, ${stacks} stacks`,
  );
  return seconds;
}

async function measure(cluster: Cluster, count: number, pySpy: boolean): Promise<void> {
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
  const base = show(count, "rdg stack", ours);
  for (const parallel of pySpy ? [1, 8] : []) {
    const times = count > 64 ? 1 : rounds;
    const theirs: Measured[] = [];
    for (let round = 0; round < times; round++) {
      theirs.push(await byPySpy(cluster, { job, sessions, parallel }));
    }
    const seconds = show(count, `srun py-spy, ${parallel} at a time`, theirs);
    console.log(`  ${(seconds / base).toFixed(1)} times as long as rdg stack`);
  }
  await endJobs(cluster);
}

const counts = Deno.args.length > 0 ? Deno.args.map(Number) : [4, 64, 256];
const pySpy = await which("py-spy");
const cluster = await startCluster({ cpus: 128 });
try {
  await installRdg(cluster);
  if (pySpy) {
    await Deno.copyFile(pySpy, `${cluster.root}/bin/py-spy`);
    await Deno.chmod(`${cluster.root}/bin/py-spy`, 0o755);
  } else console.log("No py-spy on PATH: only rdg stack is measured");
  await writeProgram(cluster, { name: "sleeping.py", text: sleeping });
  for (const count of counts) await measure(cluster, count, pySpy !== null);
} finally {
  await cluster.stop();
}
