/**
 * Jobs that were started without rdg, on a real Slurm: `rdg stack --inject` and `rdg attach --inject`;
 * and `rdg stack` over a real ssh. Needs root, Debian's packages of Slurm, ssh and gdb.
 */

import assert from "node:assert/strict";
import type { Cluster } from "../../cluster/cluster.ts";
import {
  attach,
  counting,
  countingLine,
  rdg,
  stopAt,
  submit,
  untilArmed,
  writeProgram,
} from "../../cluster/jobs.ts";
import { which } from "../../cluster/packages.ts";
import { mustRun, waitUntil } from "../../cluster/process.ts";
import { slurmSuite } from "../../cluster/suite.ts";

let cluster: Cluster;

const slurmTest = await slurmSuite({
  ssh: true,
  whyNot: async () => await which("gdb") === null ? "not installed: apt-get install -y gdb" : null,
  setUp: (started) => {
    cluster = started;
    return Promise.resolve();
  },
});

/** Rank 2 hangs in C with the GIL held, the others wait for it; each says where it is in a file. */
const hanging = `import ctypes, os, threading, time
rank = int(os.environ["SLURM_PROCID"])
def load_batch():
    semaphore = ctypes.create_string_buffer(64)
    ctypes.PyDLL(None).sem_init(semaphore, 0, 0)
    ctypes.PyDLL(None).sem_wait(semaphore)
def all_reduce():
    while not os.path.exists("go"):
        time.sleep(0.05)
open("pid-%d" % rank, "w").write("%d %s" % (os.getpid(), os.environ["SLURMD_NODENAME"]))
if rank == 2:
    load_batch()
all_reduce()
print("rank", rank, "went on", flush=True)
`;

/** Starts four ranks without rdg; gives PID and node of each. */
async function startUnprepared(): Promise<{ job: string; ranks: { pid: string; node: string }[] }> {
  const { home } = cluster.user;
  await writeProgram(cluster, { name: "hanging.py", text: hanging });
  for await (const { name } of Deno.readDir(home)) {
    if (/^(pid-\d|go)$/.test(name)) await Deno.remove(`${home}/${name}`);
  }
  const job = await submit(cluster, {
    args: ["-N2", "-n4", "--ntasks-per-node=2"],
    script: "srun python3 hanging.py",
  });
  const ranks = await waitUntil("four ranks", {
    ask: async () => {
      const texts = await Promise.all(
        [0, 1, 2, 3].map((rank) => Deno.readTextFile(`${home}/pid-${rank}`).catch(() => "")),
      );
      return texts.every((text) => text.includes(" ")) && texts.map((text) => {
        const [pid = "", node = ""] = text.split(" ");
        return { pid, node };
      });
    },
  });
  return { job, ranks };
}

slurmTest("rdg stack JOB --inject shows a job that was started without rdg, by rank", async () => {
  const { job, ranks } = await startUnprepared();
  const { stdout, stderr } = await waitUntil("rank 2 in its place", {
    ask: async () => {
      const done = await rdg(cluster, ["stack", job, "--inject", "--verbose"]);
      assert.equal(done.code, 0, done.stderr);
      return /^rank 2 in load_batch /m.test(done.stdout) &&
        /^3 ranks \(0-1,3\) in all_reduce /m.test(done.stdout) && done;
    },
  });
  assert.match(stdout, /^rank 2 in load_batch /);
  assert.match(stderr, /all 4 ranks: read from outside by gdb/);
  const calls = stderr.split("\n").filter((line) => line.startsWith("$ "));
  assert.deepEqual(calls.map((line) => line.split(" ")[1]), ["squeue", "srun"]);
  // Some of them by number: only those are looked into.
  const pids = [ranks[0]!, ranks[3]!].map(({ pid }) => pid).join(",");
  const some = await rdg(cluster, ["stack", job, "--pid", pids, "--inject", "--json"]);
  assert.equal(some.code, 0, some.stderr);
  const { processes } = JSON.parse(some.stdout);
  assert.deepEqual(
    processes.map((one: { rank: number; via: string; node: string }) => [
      ...[one.rank, one.via, one.node],
    ]),
    [[0, "gdb", ranks[0]!.node], [3, "gdb", ranks[3]!.node]],
  );
  // Without the flag nothing is stopped.
  const plain = await rdg(cluster, ["stack", job, "--pid", ranks[0]!.pid]);
  assert.equal(plain.code, 1);
  assert.match(plain.stderr, /py-spy, which could look from outside, is not on PATH .*--inject/);
});

slurmTest("rdg attach JOB PID --inject gets into a job that was started without rdg", async () => {
  const file = await writeProgram(cluster, { name: "count.py", text: counting });
  const job = await submit(cluster, { script: "exec python3 count.py" });
  const pid = await waitUntil("the program", {
    ask: async () => {
      const found = await cluster.run([
        "pgrep",
        "-u",
        cluster.user.name,
        "-f",
        "^python3 count.py",
      ]);
      return found.stdout.trim().split("\n")[0] || null;
    },
  });
  const refused = await rdg(cluster, ["attach", job, pid]);
  assert.equal(refused.code, 1, refused.stderr);
  assert.match(refused.stderr, new RegExp(`rdg attach ${job} ${pid} --inject prepares it first`));
  const [woken] = await attach(cluster, [job, pid, "--inject"]);
  assert.match(woken!.token!, /^[0-9a-f]{64}$/);
  const value = await stopAt(woken!, { file, line: countingLine, expression: "number >= 0" });
  assert.equal(value, "True");
  // From now on it is like any other.
  const sessions = await rdg(cluster, ["sessions", "--job", job]);
  assert.match(sessions.stdout, new RegExp(`${pid} +listening`));
  const stack = await rdg(cluster, ["stack", job, "--json"]);
  assert.equal(stack.code, 0, stack.stderr);
  assert.equal(JSON.parse(stack.stdout).processes[0].via, "signal");
  assert.equal((await attach(cluster, [job])).length, 1);
});

slurmTest("rdg stack --via=ssh asks over a real ssh, one for each node", async () => {
  const { uid, gid, home } = cluster.user;
  await Deno.mkdir(`${home}/.ssh`, { mode: 0o700, recursive: true });
  await Deno.copyFile(`${cluster.root}/ssh/user_key`, `${home}/.ssh/id`);
  await Deno.writeTextFile(
    `${home}/.ssh/config`,
    `Host n1 n2\n  HostName 127.0.0.1\n  Port ${cluster.ssh!.port}\n  IdentityFile ~/.ssh/id\n` +
      "  StrictHostKeyChecking no\n  LogLevel ERROR\n",
  );
  await mustRun(["chown", "-R", `${uid}:${gid}`, `${home}/.ssh`]);
  await writeProgram(cluster, { name: "count.py", text: counting });
  const job = await submit(cluster, {
    args: ["-N2", "-n4", "--ntasks-per-node=2"],
    script: "srun rdg debug --lite python3 count.py",
  });
  await untilArmed(cluster, { job, count: 4 });
  const done = await rdg(cluster, ["stack", job, "--via=ssh", "--verbose"]);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /all 4 ranks|ranks? .* in step /);
  const calls = done.stderr.split("\n").filter((line) => line.startsWith("$ "));
  assert.deepEqual(calls.map((line) => line.split(" ")[1]).sort(), ["squeue", "ssh", "ssh"]);
});
