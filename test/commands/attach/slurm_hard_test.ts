/**
 * `rdg attach` and `rdg sessions` on a real Slurm where things are not as they should be. Needs root and Debian's packages of Slurm.
 */

import assert from "node:assert/strict";
import type { Cluster } from "../../cluster/cluster.ts";
import {
  attach,
  attachAndStop,
  counting,
  endJobs,
  jobOutput,
  processLike,
  rdg,
  records,
  submit,
  untilArmed,
  withRecord,
  writeProgram,
} from "../../cluster/jobs.ts";
import { mustRun, processesOf, waitUntil } from "../../cluster/process.ts";
import { slurmSuite } from "../../cluster/suite.ts";

let cluster: Cluster;
let file: string;

const slurmTest = await slurmSuite({
  ssh: true,
  setUp: async (started) => {
    cluster = started;
    file = await writeProgram(cluster, { name: "count.py", text: counting });
  },
});

async function nameOf(pid: number): Promise<string> {
  const words = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
  return `${pid} ${words.replaceAll("\0", " ")}`;
}

async function isAlive(pid: number): Promise<boolean> {
  return (await processesOf(cluster.user.uid)).includes(pid);
}

async function refused(words: readonly string[], code: number, text: RegExp): Promise<void> {
  const done = await rdg(cluster, ["attach", ...words]);
  assert.match(done.stderr, text);
  assert.equal(done.code, code, done.stderr);
}

const armed = "rdg debug --lite python3 count.py";

slurmTest("rdg attach leaves a process alone that was never prepared", async () => {
  const job = await submit(cluster, { script: "python3 count.py" });
  const pid = await processLike(cluster, /^python3 count\.py/);
  await refused([job, String(pid)], 1, /not started by "rdg debug --lite"/);
  assert.ok(await isAlive(pid));
  await refused([job], 3, /no session of it can be seen/);
});

slurmTest("rdg sessions and rdg attach know a job in a hidden partition", async () => {
  const job = await submit(cluster, { args: ["--partition=dark"], script: armed });
  await untilArmed(cluster, { job });
  // A second job, so that the scheduler does list one, and with it the cluster's name.
  const seen = await submit(cluster, { script: armed });
  await untilArmed(cluster, { job: seen });
  const { stdout } = await rdg(cluster, ["sessions"]);
  assert.match(stdout, new RegExp(`^${job} .* armed .*python3 count\\.py$`, "m"));
  assert.equal((await records(cluster)).length, 2);
  await attachAndStop(cluster, { words: [job], file });
});

slurmTest("rdg attach says how a process lost its arming", async (): Promise<void> => {
  const unset = await submit(cluster, {
    script: "rdg debug --lite bash -c 'PYTHONPATH= python3 count.py 1; true'",
  });
  const cleared = await submit(cluster, {
    script: "rdg debug --lite bash -c 'env -i /usr/bin/python3 count.py 2; true'",
  });
  await writeProgram(cluster, {
    name: "rude.py",
    text: "import ctypes\nctypes.CDLL(None).signal(40, 0)\n" + counting,
  });
  const rude = await submit(cluster, { script: "rdg debug --lite python3 rude.py" });
  const first = await processLike(cluster, /^python3 count\.py 1/);
  await refused([unset, String(first)], 1, /has lost that: PYTHONPATH was cleared/);
  const second = await processLike(cluster, /^\/usr\/bin\/python3 count\.py 2/);
  await refused([cleared, String(second)], 1, /has lost that: the environment was cleared between/);
  const [third] = await untilArmed(cluster, { job: rude });
  await waitUntil("the handler to go", {
    ask: async () => {
      const status = await Deno.readTextFile(`/proc/${third!.pid}/status`);
      const mask = BigInt(`0x${/SigCgt:\s*(\w+)/.exec(status)![1]}`);
      return (mask >> 39n & 1n) === 0n;
    },
  });
  await refused([rude], 1, /has lost that: the program took the handler of signal 40 away/);
  for (const pid of [first, second, third!.pid]) assert.ok(await isAlive(pid));
});

slurmTest("rdg attach sends nothing to a process that got the number of another", async () => {
  const job = await submit(cluster, { script: armed });
  const [session] = await untilArmed(cluster, { job });
  const record = JSON.parse(await Deno.readTextFile(session!.path));
  await Deno.writeTextFile(session!.path, JSON.stringify({ ...record, startTime: 1 }));
  await refused([job], 3, /its number belongs to another one now/);
  assert.ok(await isAlive(session!.pid));
  assert.doesNotMatch(
    await jobOutput(cluster),
    new RegExp(`PID: *${session!.pid}[^=]*Python Debugger`),
  );
});

slurmTest("rdg attach tells jobs apart: pending, finished, unknown, somebody else's", async () => {
  const pending = await submit(cluster, { args: ["--begin=now+1hour"], script: "true" });
  await refused([pending], 3, /has not started yet/);
  const finished = await submit(cluster, { script: "true" });
  await waitUntil("the end of the job", {
    ask: async () => (await cluster.run(["squeue", "-h", "-j", finished])).stdout === "",
  });
  await refused([finished], 3, /does not run any more \(COMPLETED\)/);
  await refused(["424242"], 3, /slurm does not know it/);
  const output = await mustRun([
    "sbatch",
    "--parsable",
    "-D",
    "/",
    "-o",
    "/dev/null",
    "--wrap",
    "sleep 60",
  ], {
    env: { SLURM_CONF: `${cluster.root}/slurm.conf` },
  });
  await refused([output.trim()], 4, /it belongs to "root"/);
  await mustRun(["scancel", output.trim()], { env: { SLURM_CONF: `${cluster.root}/slurm.conf` } });
});

slurmTest("rdg attach wakes by PID where the records lie on the node only", async () => {
  const local = `${cluster.root}/node-local`;
  await Deno.mkdir(local);
  await Deno.chown(local, cluster.user.uid, cluster.user.gid);
  const job = await submit(cluster, { script: `export RDG_STATE_DIR=${local}\n${armed}` });
  const pid = await waitUntil("the PID in the job's output", {
    ask: async () => {
      const text = await Deno.readTextFile(`${cluster.user.home}/slurm-${job}.out`).catch(() => "");
      return /PID: *(\d+)/.exec(text)?.[1] ?? null;
    },
  });
  await refused(
    [job],
    3,
    /can be seen from here\nTry: rdg attach \d+ PID, with the PID from the job's output \(\/.*\/home\/slurm-\d+\.out\)/,
  );
  await attachAndStop(cluster, { words: [job, pid], file });
});

slurmTest("rdg attach --via=ssh wakes over a real ssh", async () => {
  const { uid, gid, home } = cluster.user;
  await Deno.mkdir(`${home}/.ssh`, { mode: 0o700 });
  await Deno.copyFile(`${cluster.root}/ssh/user_key`, `${home}/.ssh/id`);
  await Deno.writeTextFile(
    `${home}/.ssh/config`,
    `Host n1\n  HostName 127.0.0.1\n  Port ${cluster.ssh!.port}\n  IdentityFile ~/.ssh/id\n` +
      "  StrictHostKeyChecking no\n  LogLevel ERROR\n",
  );
  await mustRun(["chown", "-R", `${uid}:${gid}`, `${home}/.ssh`]);
  const job = await submit(cluster, { args: ["-w", "n1"], script: armed });
  await untilArmed(cluster, { job });
  const done = await rdg(cluster, ["attach", job, "--via=ssh", "--verbose"]);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /Python Debugger Info/);
  assert.match(done.stderr, /^\$ ssh .* n1 'exec sh'$/m);
  await attachAndStop(cluster, { words: [job, "--via=ssh"], file });
});

slurmTest("rdg attach --via=scancel wakes a step, with a warning", async () => {
  const job = await submit(cluster, { script: `srun ${armed}` });
  await untilArmed(cluster, { job });
  const done = await rdg(cluster, ["attach", job, "--via=scancel"]);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stderr, /Warning: this signals whole steps/);
  assert.match(done.stdout, /Python Debugger Info/);
  // Once from the start, and once more while it runs on after a detach.
  await attachAndStop(cluster, { words: [job, "--via=scancel"], file });
  await withRecord(cluster, { job, is: ({ state }) => state === "listening" });
  await attachAndStop(cluster, { words: [job, "--via=scancel"], file });
});

slurmTest("rdg attach wakes every rank among shells and children, and ends none", async () => {
  const job = await submit(cluster, {
    args: ["-N2", "-n6", "--ntasks-per-node=3"],
    script:
      "srun bash -c 'sleep 1000 & python3 count.py plain & rdg debug --lite python3 count.py; true'",
  });
  await untilArmed(cluster, { job, count: 6 });
  const before = await processesOf(cluster.user.uid);
  const names = await Promise.all(before.map(nameOf));
  const woken = await attach(cluster, [job, "--all"]);
  assert.deepEqual(woken.map(({ rank }) => rank).sort(), [0, 1, 2, 3, 4, 5]);
  const after = new Set(await processesOf(cluster.user.uid));
  // What has no command line has ended already, and waits for its parent to notice.
  const alive = before.filter((_, i) => /\d+ ./.test(names[i]!));
  assert.deepEqual(alive.filter((pid) => !after.has(pid)), []);
  assert.equal(names.filter((name) => name.endsWith(" count.py plain ")).length, 6);
});

slurmTest(
  "rdg sessions lists what is armed by one call, and sweeps it when the job has ended",
  async () => {
    const job = await submit(cluster, { args: ["-n2", "-t", "60"], script: `srun ${armed}` });
    await untilArmed(cluster, { job, count: 2 });
    const first = await rdg(cluster, ["sessions", "--verbose"]);
    assert.match(
      first.stdout,
      new RegExp(`^${job} +0 +n\\d +\\d+ +armed +\\d+s +(59:\\d\\d|1:00:00) +.*count\\.py$`, "m"),
    );
    assert.equal(first.stderr.match(/^\$ /gm)?.length, 1, first.stderr);
    for (const one of await records(cluster)) {
      if (one.job.id === job) {
        await mustRun(["kill", "-9", String(one.pid)]);
      }
    }
    await endJobs(cluster);
    await rdg(cluster, ["sessions"]);
    assert.deepEqual((await records(cluster)).filter((one) => one.job.id === job), []);
  },
);

slurmTest("rdg attach says that a node is down", async () => {
  const job = await submit(cluster, { args: ["-w", "n2"], script: armed });
  const [session] = await untilArmed(cluster, { job });
  await cluster.stopDaemon("n2");
  const done = await rdg(cluster, ["attach", job], { env: await cluster.impatient() });
  assert.match(done.stderr, /Cannot enter job \d+: Slurm cannot reach a node of the job/);
  assert.equal(done.code, 5);
  assert.ok(await isAlive(session!.pid));
  await cluster.startDaemon("n2");
});

slurmTest("rdg attach says that the controller is down", async () => {
  const job = await submit(cluster, { script: armed });
  await untilArmed(cluster, { job });
  await cluster.stopDaemon("slurmctld");
  try {
    const done = await rdg(cluster, ["attach", job], { env: await cluster.impatient() });
    assert.match(done.stderr, /Unable to contact slurm controller|no answer within/);
    assert.ok(done.code === 5 || done.code === 6);
  } finally {
    await cluster.startDaemon("slurmctld");
    await waitUntil("the controller", {
      ask: async () => (await cluster.run(["squeue", "-h"])).code === 0,
    });
  }
});
