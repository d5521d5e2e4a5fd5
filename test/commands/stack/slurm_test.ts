/**
 * `rdg stack` on a real Slurm: which of eight ranks hangs elsewhere, with the GIL held or not, and
 * the program afterwards. Needs root and Debian's packages of Slurm.
 */

import assert from "node:assert/strict";
import type { Cluster } from "../../cluster/cluster.ts";
import { jobOutput, rdg, submit, untilArmed, writeProgram } from "../../cluster/jobs.ts";
import { waitUntil } from "../../cluster/process.ts";
import { slurmSuite } from "../../cluster/suite.ts";

let cluster: Cluster;

const slurmTest = await slurmSuite({
  subject: "rdg stack",
  setUp: (started) => {
    cluster = started;
    return Promise.resolve();
  },
});

/** What `rdg stack --json` prints, as far as the tests look. */
interface Picture {
  groups: {
    count: number;
    ranks: string;
    frames: { file: string; function: string; line: number }[];
  }[];
  processes: {
    rank: number | null;
    node: string;
    pid: number;
    child: boolean;
    threads: { main: boolean; frames: { file: string; line: number; function: string }[] }[];
  }[];
  missing: { rank: number | null; outcome: string; reason: string }[];
}

/**
 * Ranks that wait for each other in files (no MPI is needed for that), while rank 5 hangs somewhere
 * else: in Python's sleep, or in C with the GIL held.
 */
const hanging = `import ctypes, os, sys, threading, time
rank = int(os.environ["SLURM_PROCID"])
here = os.path.dirname(os.path.abspath(__file__))

def load_batch():
    if sys.argv[1] == "held":
        semaphore = ctypes.create_string_buffer(64)
        ctypes.PyDLL(None).sem_init(semaphore, 0, 0)
        ctypes.PyDLL(None).sem_wait(semaphore)
    while not os.path.exists(here + "/go"):
        time.sleep(0.05)

def all_reduce():
    while not os.path.exists(here + "/go"):
        time.sleep(0.05)

def background():
    time.sleep(1000)

def step():
    if rank == 5:
        load_batch()
    all_reduce()

threading.Thread(target=background, daemon=True).start()
open(here + "/at-%d" % rank, "w").close()
step()
print("rank", rank, "went on", flush=True)
`;

/** Line of {@linkcode hanging} that holds the GIL. */
const heldLine = 9;

/** Starts eight ranks on two nodes and waits until all are where they hang. */
async function startHanging(how: string): Promise<string> {
  const { home } = cluster.user;
  await writeProgram(cluster, { name: "hanging.py", text: hanging });
  for await (const { name } of Deno.readDir(home)) {
    if (/^(at-\d|go)$/.test(name)) await Deno.remove(`${home}/${name}`);
  }
  const job = await submit(cluster, {
    args: ["-N2", "-n8", "--ntasks-per-node=4"],
    script: `srun rdg debug --lite python3 hanging.py ${how}`,
  });
  await untilArmed(cluster, { job, count: 8 });
  await waitUntil("eight ranks in their places", {
    ask: async () => {
      let count = 0;
      for await (const { name } of Deno.readDir(home)) if (/^at-\d$/.test(name)) count++;
      return count === 8;
    },
  });
  return job;
}

/** A helper process of the program with workers; others, as multiprocessing's tracker, aren't. */
function isWorker({ child, threads }: Picture["processes"][number]): boolean {
  return child && threads[0]?.frames[0]?.function === "worker";
}

async function look(words: readonly string[]): Promise<Picture> {
  const done = await rdg(cluster, ["stack", ...words, "--json"]);
  assert.notEqual(done.stdout, "", done.stderr);
  return JSON.parse(done.stdout);
}

slurmTest(
  "names the rank that hangs elsewhere, by one helper step, and disturbs nobody",
  async () => {
    const job = await startHanging("sleep");
    const done = await rdg(cluster, ["stack", job, "--verbose"]);
    assert.equal(done.code, 0, done.stderr);
    const calls = done.stderr.split("\n").filter((line) => line.startsWith("$ "));
    assert.deepEqual(calls.map((line) => line.split(" ")[1]), ["squeue", "srun"]);
    const text = (await rdg(cluster, ["stack", job])).stdout;
    const [first, second] = text.split("\n");
    assert.match(first!, /^rank 5 in load_batch hanging\.py:\d+$/);
    assert.match(second!, /^7 ranks \(0-4,6-7\) in all_reduce hanging\.py:\d+$/);
    assert.match(text, /Other threads\n└─ all 8 ranks\n[^]*background/);
    const { groups, processes, missing } = await look([job]);
    assert.deepEqual(groups.map(({ count, ranks }) => [count, ranks]), [[1, "5"], [7, "0-4,6-7"]]);
    assert.deepEqual(missing, []);
    assert.equal(new Set(processes.map(({ node }) => node)).size, 2);
    await Deno.writeTextFile(`${cluster.user.home}/go`, "");
    await waitUntil("the end of the job", {
      ask: async () => (await cluster.run(["squeue", "--me", "-h"])).stdout.trim() === "",
    });
    const output = await jobOutput(cluster);
    for (let rank = 0; rank < 8; rank++) assert.match(output, new RegExp(`rank ${rank} went on`));
  },
);

slurmTest("sees through a C call that holds the GIL", async () => {
  const job = await startHanging("held");
  // A rank is in place a moment before it is in its call.
  await waitUntil("all ranks in their calls", {
    ask: async () => {
      const { groups } = await look([job]);
      return groups[0]?.frames[0]?.line === heldLine && groups.at(-1)!.ranks === "0-4,6-7";
    },
  });
  // Again and again: the call goes on as if nobody had asked.
  for (let i = 0; i < 3; i++) {
    const { groups, missing } = await look([job]);
    assert.deepEqual(missing, []);
    assert.equal(groups[0]!.ranks, "5");
    const [innermost, ...outer] = groups[0]!.frames;
    assert.deepEqual([innermost!.function, innermost!.line], ["load_batch", heldLine]);
    assert.deepEqual(outer.map((frame) => frame.function), ["step", "<module>"]);
    assert.equal(groups.at(-1)!.ranks, "0-4,6-7");
  }
});

slurmTest("takes ranks, says which aren't there, and names those that don't answer", async () => {
  const job = await startHanging("sleep");
  const some = await rdg(cluster, ["stack", job, "--rank", "4-5,99"]);
  assert.match(some.stdout, /^rank 4 in all_reduce .*\nrank 5 in load_batch /);
  assert.match(some.stderr, /No session of rank 99 of 8: never armed/);
  const nobody = await rdg(cluster, ["stack", job, "--rank", "99"]);
  assert.equal(nobody.code, 3);
  assert.match(nobody.stderr, /Cannot show the stacks of job \d+: nothing armed has rank 99/);
  const all = (await look([job])).processes;
  const pidOf = (rank: number) => all.find((process) => process.rank === rank)!;
  const signal = async (rank: number, name: string) => {
    const { node, pid } = pidOf(rank);
    const done = await cluster.run(["kill", `-${name}`, String(pid)], { on: node });
    assert.equal(done.code, 0, done.stderr);
  };
  await signal(2, "STOP");
  await signal(6, "KILL");
  const done = await rdg(cluster, ["stack", job, "--timeout", "3"]);
  assert.notEqual(done.code, 0);
  assert.match(done.stderr, /No stacks of rank 2 \(PID \d+ on n1\): the process is stopped/);
  assert.match(done.stderr, /rank 6|No session of/);
  assert.match(done.stdout, /^rank 5 in load_batch/);
  await signal(2, "CONT");
  const again = (await look([job])).processes;
  assert.ok(again.some(({ rank }) => rank === 2));
});

slurmTest("shows long stacks of two nodes unmixed, and workers below their rank", async () => {
  const text = [
    "import multiprocessing, os, time, threading",
    "def a_function_with_a_rather_long_name_to_fill_the_lines(depth):",
    "    if depth:",
    "        a_function_with_a_rather_long_name_to_fill_the_lines(depth - 1)",
    "    time.sleep(1000)",
    "def worker():",
    "    time.sleep(1000)",
    "if __name__ == '__main__':",
    "    multiprocessing.get_context('spawn').Process(target=worker).start()",
    "    multiprocessing.get_context('fork').Process(target=worker).start()",
    "    for _ in range(20):",
    "        threading.Thread(",
    "            target=a_function_with_a_rather_long_name_to_fill_the_lines, args=(60,)",
    "        ).start()",
    "    a_function_with_a_rather_long_name_to_fill_the_lines(60)",
    "",
  ].join("\n");
  await writeProgram(cluster, { name: "long.py", text });
  const job = await submit(cluster, {
    args: ["-N2", "-n4", "--ntasks-per-node=2"],
    script: "srun rdg debug --lite python3 long.py",
  });
  await untilArmed(cluster, { job, count: 4 });
  const picture = await waitUntil("all threads and workers", {
    ask: async () => {
      const now = await look([job]);
      const ranks = now.processes.filter(({ child }) => !child);
      const deep = ranks.filter(({ threads }) =>
        threads.filter(({ frames }) => frames.length > 60).length === 21
      );
      const workers = now.processes.filter(isWorker);
      return deep.length === 4 && workers.length === 8 && now;
    },
  });
  assert.deepEqual(picture.missing, []);
  assert.deepEqual(
    picture.processes.filter(isWorker).map(({ rank }) => rank),
    [0, 0, 1, 1, 2, 2, 3, 3],
  );
  assert.equal(picture.groups.length, 1);
  assert.equal(picture.groups[0]!.ranks, "0-3");
});

slurmTest("says why a process that was never armed shows nothing", async () => {
  const job = await submit(cluster, { script: "exec python3 -c 'import time; time.sleep(1000)'" });
  const { pid, node } = await waitUntil("the job's process", {
    ask: async () => {
      const { stdout } = await cluster.run(["squeue", "-h", "-j", job, "-t", "R", "-o", "%N"]);
      const node = stdout.trim();
      if (!node) return null;
      const found = await cluster.run(["pgrep", "-u", cluster.user.name, "-f", "time.sleep"]);
      const pid = found.stdout.trim().split("\n")[0];
      return pid ? { pid, node } : null;
    },
  });
  const done = await rdg(cluster, ["stack", job, "--pid", pid, "--node", node]);
  assert.equal(done.code, 1, done.stderr);
  assert.match(done.stderr, /was not started by "rdg debug", and py-spy, which .* not on PATH/);
  const none = await rdg(cluster, ["stack", job]);
  assert.equal(none.code, 3);
  assert.match(none.stderr, /no session of it can be seen from here/);
  assert.match(none.stderr, /rdg stack \d+ --pid PID/);
});
