/**
 * `rdg doctor` on the real Slurm, in its three roles: the login node, inside a job, and a laptop that
 * has ssh and nothing else. Needs root and Debian's packages of Slurm and OpenSSH.
 */

import assert from "node:assert/strict";
import type { Cluster } from "../../cluster/cluster.ts";
import { systemPython } from "../../cluster/install.ts";
import {
  counting,
  jobOutput,
  rdg,
  submit,
  untilArmed,
  withDebugpy,
  writeProgram,
} from "../../cluster/jobs.ts";
import { mustRun, waitUntil } from "../../cluster/process.ts";
import { slurmSuite } from "../../cluster/suite.ts";

/** What `--json` prints, as far as the tests look at it. */
interface Report {
  ok: boolean;
  checks: {
    name: string;
    status: string;
    text: string;
    todo: string | null;
    data: Record<string, unknown>;
  }[];
}

let cluster: Cluster;

const doctorTest = await slurmSuite({
  subject: "rdg doctor",
  ssh: true,
  setUp: async (started) => {
    cluster = started;
    await writeProgram(cluster, { name: "count.py", text: counting });
  },
});

function check(report: Report, name: string): Report["checks"][number] {
  const found = report.checks.find((one) => one.name === name);
  assert.ok(found, `${name} is missing in ${JSON.stringify(report)}`);
  return found;
}

async function doctor(
  words: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<{ code: number; report: Report; stderr: string }> {
  const { code, stdout, stderr } = await rdg(cluster, ["doctor", "--json", ...words], { env });
  assert.notEqual(stdout, "", stderr);
  return { code, report: JSON.parse(stdout), stderr };
}

/** Waits for the JSON object that a job has written to a file. */
async function reportOf(file: string): Promise<Report> {
  return await waitUntil(`${file} of the job`, {
    ask: async () => {
      const text = await Deno.readTextFile(`${cluster.user.home}/${file}`).catch(() => "");
      return text.endsWith("}\n") && JSON.parse(text) as Report;
    },
    timeoutMs: 60_000,
  }).catch(async (error) => {
    throw new Error(`${error.message}\n${await jobOutput(cluster)}`);
  });
}

doctorTest("knows the login node, and asks the scheduler once", async () => {
  const { code, report } = await doctor([systemPython], withDebugpy(cluster));
  assert.equal(code, 0, JSON.stringify(report, null, 2));
  assert.deepEqual([check(report, "role").data.role, check(report, "role").data.scheduler], [
    "login",
    "slurm",
  ]);
  assert.match(check(report, "scheduler").text, /^slurm answered in \d+\.\d s: 0 jobs of yours/);
  assert.equal(check(report, "debugpy").data.from, "environment");
  const verbose = await rdg(cluster, ["doctor", "--verbose"]);
  const asked = verbose.stderr.split("\n").filter((line) => /^\$ (squeue|sacct|sc)/.test(line));
  assert.equal(asked.length, 1, verbose.stderr);
});

doctorTest("misses debugpy on the login node, where jobs would miss it", async () => {
  const { code, report } = await doctor([systemPython]);
  assert.equal(code, 1);
  assert.equal(check(report, "debugpy").status, "problem");
  assert.match(check(report, "debugpy").todo!, new RegExp(`^rdg doctor --fix ${systemPython}`));
});

doctorTest("knows the job and the node, in a batch script and in a step", async () => {
  const line = `rdg doctor --json ${systemPython}`;
  const job = await submit(cluster, {
    script: `${line} >batch.json.tmp; mv batch.json.tmp batch.json\n` +
      `srun -w n1 -n1 ${line} >step.json.tmp; mv step.json.tmp step.json`,
  });
  for (const file of ["batch.json", "step.json"]) {
    const report = await reportOf(file);
    const { data } = check(report, "role");
    assert.deepEqual([data.role, data.scheduler, data.job, data.node], [
      "job",
      "slurm",
      job,
      "n1",
    ], file);
    assert.equal(check(report, "debugpy").data.from, "environment", file);
    assert.equal(check(report, "signals").status, "ok", file);
    assert.match(check(report, "scheduler").text, /1 job of yours, 1 running/, file);
    assert.equal(report.ok, true, JSON.stringify(report, null, 2));
  }
});

doctorTest("in a job fetches nothing that wasn't named", async () => {
  await submit(cluster, {
    script: "unset PYTHONPATH\nPATH=$PATH rdg doctor --fix --json >fix.json.tmp; " +
      "mv fix.json.tmp fix.json",
  });
  const report = await reportOf("fix.json");
  assert.equal(report.ok, false);
  const { fixes } = report as unknown as { fixes: { done: boolean; text: string }[] };
  assert.match(fixes[0]!.text, /inside a job rdg fetches nothing/);
  assert.match(check(report, "debugpy").todo!, /on the login node/);
  const cache = `${cluster.user.home}/.cache/rdg/debugpy`;
  assert.equal(await Deno.stat(cache).catch(() => null), null);
});

doctorTest(
  "tries the ports of a session that listens in a job, and sees the home shared",
  async () => {
    const job = await submit(cluster, { script: "rdg debug python3 count.py" });
    const [session] = await untilArmed(cluster, { job });
    await waitUntil("the session to listen", {
      ask: async () => /waiting for debugger/.test(await jobOutput(cluster)),
    });
    const { report } = await doctor(["--job", job]);
    const ports = check(report, "ports");
    assert.equal(ports.status, "ok", ports.text);
    assert.match(ports.text, /^n1:\d+ can be reached from here: rdg connect goes straight there$/);
    if (cluster.separate) {
      assert.equal(check(report, "shared").text, `records of ${session!.hostname} are seen here`);
    }
  },
);

doctorTest("names a controller that is down, and shows the other rows all the same", async () => {
  await cluster.stopDaemon("slurmctld");
  try {
    const env = { ...withDebugpy(cluster), ...await cluster.impatient() };
    const { code, report } = await doctor([systemPython], env);
    assert.equal(code, 1);
    const row = check(report, "scheduler");
    assert.equal(row.status, "problem");
    assert.match(
      row.text,
      /^slurm: Cannot list jobs: .*(contact slurm controller|no answer within)/,
    );
    assert.deepEqual(
      report.checks.filter(({ status }) => status === "problem").map(({ name }) => name),
      ["scheduler"],
    );
  } finally {
    await cluster.startDaemon("slurmctld");
    await cluster.waitForNodes("idle");
  }
});

doctorTest("says that the home can't be read or written", async () => {
  await Deno.chmod(cluster.user.home, 0o000);
  try {
    const words = ["doctor", "--json", systemPython];
    const { code, stdout } = await cluster.run(["rdg", ...words], { cwd: "/" });
    assert.equal(code, 1);
    const row = check(JSON.parse(stdout), "state-folder");
    assert.equal(row.status, "problem");
    assert.match(row.text, /cannot be written: Permission denied/);
  } finally {
    await Deno.chmod(cluster.user.home, 0o755);
  }
});

doctorTest("on a laptop looks at the login node by one ssh, without a question", async () => {
  const { root, user, ssh } = cluster;
  // What a laptop has: no Slurm on PATH, an ssh configuration, a key.
  const bin = `${root}/laptop`;
  await Deno.mkdir(bin);
  for (const name of ["sh", "ssh", "sed", "df", "tail", "getconf", "cat", "env"]) {
    await Deno.symlink(`/usr/bin/${name}`, `${bin}/${name}`);
  }
  await Deno.symlink(`${root}/bin/rdg`, `${bin}/rdg`);
  const home = `${user.home}/.ssh`;
  await Deno.mkdir(home, { mode: 0o700 });
  await Deno.copyFile(`${root}/ssh/user_key`, `${home}/key`);
  await Deno.writeTextFile(
    `${home}/config`,
    [
      `Host login\n  HostName 127.0.0.1\n  Port ${ssh!.port}`,
      "Host stranger\n  HostName 127.0.0.1\n  User nobody-here\n" +
      `  Port ${ssh!.port}`,
      `Host *\n  User ${user.name}\n  IdentityFile ${home}/key\n  StrictHostKeyChecking accept-new\n` +
      `  UserKnownHostsFile ${home}/known\n`,
    ].join("\n"),
  );
  await Deno.chmod(`${home}/key`, 0o600);
  await mustRun(["chown", "-R", `${user.uid}:${user.gid}`, home]);
  const env = { PATH: bin };
  const there = await doctor(["login"], env);
  const row = check(there.report, "login");
  assert.equal(check(there.report, "role").data.role, "laptop");
  // ssh takes its configuration from the home that the system knows, which is the same here.
  assert.equal(row.status, "ok", `${row.text}\n${there.stderr}`);
  assert.deepEqual([row.data.user, row.data.scheduler, row.data.rdg !== null], [
    user.name,
    "slurm",
    false,
  ]);
  assert.equal(there.code, 0, JSON.stringify(there.report, null, 2));
  const refused = await doctor(["--login", "stranger"], env);
  assert.equal(refused.code, 1);
  assert.match(check(refused.report, "login").text, /it refused your key/);
});
