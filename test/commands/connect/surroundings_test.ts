/**
 * `rdg connect` with bad input and in broken surroundings: what it says, its exit code, and that it
 * leaves nothing behind. On the real sshd and the real Slurm of the test cluster.
 */

import assert from "node:assert/strict";
import type { Cluster } from "../../cluster/cluster.ts";
import { submit, untilArmed, writeProgram } from "../../cluster/jobs.ts";
import { mustRun, processesOf, runToEnd, signal, waitUntil } from "../../cluster/process.ts";
import { record, writeRecord } from "../../support/records.ts";
import { hitBreakpoint, leave, nothingLeft, ready } from "./desk.ts";
import type { Laptop } from "./laptop.ts";
import { laptopSuite } from "./suite.ts";

let cluster: Cluster;
let laptop: Laptop;

const connectTest = await laptopSuite({
  setUp: (theCluster, theLaptop) => {
    [cluster, laptop] = [theCluster, theLaptop];
  },
  tidy: () => laptop.configure(),
});

async function armed(script = "rdg debug --lite python3 count.py"): Promise<string> {
  const job = await submit(cluster, { script });
  await untilArmed(cluster, { job });
  return job;
}

/** Runs it to its end; returns what it said, after a look at what it left. */
async function fails(words: readonly string[], exitCode: number): Promise<string> {
  await using child = laptop.connect(words);
  const { code } = await child.status(60_000);
  assert.equal(code, exitCode, child.stderr);
  assert.equal(child.stdout, "");
  await nothingLeft({ cluster, laptop });
  return child.stderr;
}

async function works(...words: string[]): Promise<void> {
  await using child = laptop.connect(["login", "--port=0", "--json", ...words]);
  const { port } = await ready(child);
  await hitBreakpoint(laptop, await laptop.bridge(port));
  await leave(child, { cluster, laptop });
}

connectTest("says that there is no such host", async () => {
  const text = await fails(["nosuchhost.invalid", "--port=0"], 3);
  assert.match(text, /^Cannot connect to "nosuchhost.invalid": there is no host of that name/m);
  assert.match(text, /Could not resolve hostname/);
});

connectTest("says that the host does not answer", async () => {
  const { port } = cluster.ssh!;
  await laptop.configure(["Host dead", "  HostName 127.0.0.1", `  Port ${port === 9 ? 10 : 9}`]);
  assert.match(await fails(["dead", "--port=0"], 1), /"dead": it does not answer\n.*refused/);
});

connectTest("shows ssh's own words about a refused key", async () => {
  const key = `${laptop.user.home}/.ssh/other`;
  await mustRun(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]);
  const lines = ["Host other", "  HostName 127.0.0.1", `  Port ${cluster.ssh!.port}`];
  await laptop.configure([...lines, `  IdentityFile ${key}`, "  IdentitiesOnly yes"]);
  const config = `${laptop.user.home}/.ssh/config`;
  // Keys of several matching blocks add up: the general one must not help out.
  const text = await Deno.readTextFile(config);
  await Deno.writeTextFile(config, text.replace(/^ {2}IdentityFile .*\.ssh\/key$/m, ""));
  const said = await fails(["other", "--port=0"], 4);
  assert.match(said, /"other": it refused your key or password/);
  assert.match(said, /Permission denied \(publickey\)/);
});

connectTest("shows ssh's own words about a changed host key", async () => {
  const key = `${laptop.user.home}/.ssh/fake`;
  await mustRun(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]);
  const known = `${laptop.user.home}/.ssh/known_hosts`;
  const [kind, data] = (await Deno.readTextFile(`${key}.pub`)).split(" ");
  await Deno.writeTextFile(known, `[127.0.0.1]:${cluster.ssh!.port} ${kind} ${data}\n`);
  await mustRun(["chown", laptop.user.name, known]);
  try {
    const said = await fails(["login", "--port=0"], 4);
    assert.match(said, /"login": its host key has changed/);
    assert.match(said, /Host key verification failed/);
  } finally {
    await Deno.remove(known);
  }
});

connectTest("says that there is no session", async () => {
  await submit(cluster, { script: "sleep 1000" });
  assert.match(await fails(["login", "--port=0"], 3), /none of your running jobs has a session/);
  assert.match(await fails(["login", "4711", "--port=0"], 3), /job 4711: slurm does not know it/);
});

for (const shell of ["/bin/csh", "/usr/bin/fish"]) {
  const there = await Deno.stat(shell).then(() => true, () => false);
  connectTest(`works with ${shell} as login shell`, async () => {
    await mustRun(["usermod", "--shell", shell, cluster.user.name]);
    try {
      await armed();
      await works("--via=relay");
      await works();
    } finally {
      await mustRun(["usermod", "--shell", "/bin/bash", cluster.user.name]);
    }
  }, there ? null : "not here");
}

connectTest("passes over what a profile prints", async () => {
  const path = await writeProgram(cluster, {
    name: ".bashrc",
    text: "echo Welcome; echo 'Your quota: 99%' >&2; printf 'no line end'; echo rdg-relay\n",
  });
  try {
    await armed();
    await works();
    await works("--via=relay");
  } finally {
    await Deno.remove(path);
  }
});

connectTest("needs no Python on the login node", async () => {
  const there = cluster.asRoot("login");
  const script = "for p in /usr/bin/python3*; do mount --bind /dev/null $p; done";
  await armed();
  await mustRun([...there, "sh", "-c", script]);
  try {
    assert.notEqual((await cluster.run(["python3", "-c", "1"]).catch(() => ({ code: 1 }))).code, 0);
    await works();
    await works("--via=relay");
  } finally {
    await mustRun([...there, "sh", "-c", "umount /usr/bin/python3*"]);
  }
});

connectTest("keeps to the cluster that it asked, where two share a home", async () => {
  const job = await armed();
  const other = {
    cluster: "other",
    job: { id: job, display: job, step: null },
    host: "x1",
    uid: cluster.user.uid,
    state: "listening",
    address: { host: "x1", port: 1 },
  };
  const path = await writeRecord(`${cluster.user.home}/.local/state/rdg`, record(other));
  const folder = path.slice(0, path.lastIndexOf("/sessions/") + 10) + "other";
  await mustRun(["chown", "-R", cluster.user.name, folder]);
  try {
    await works();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

connectTest("says who has the port", async () => {
  const job = await armed();
  await using first = laptop.connect(["login", "--port=0", "--json"]);
  const { port } = await ready(first);
  await using second = laptop.connect(["login", `--port=${port}`]);
  assert.equal((await second.status()).code, 1);
  assert.match(
    second.stderr,
    new RegExp(`another "rdg connect" of yours has it \\(PID \\d+, for job ${job} on "login"\\)`),
  );
  await leave(first, { cluster, laptop });
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const text = await fails(["login", `--port=${listener.addr.port}`], 1);
  listener.close();
  assert.match(text, /another program of user 0 has it\nTry: choose another one: --port=N/);
});

connectTest("says that a process has ended in the meantime", async () => {
  const job = await armed("rdg debug --lite python3 count.py & wait; sleep 1000");
  const [session] = await untilArmed(cluster, { job });
  signal(session!.pid, "SIGKILL");
  const text = await fails(["login", "--port=0"], 3);
  assert.match(text, new RegExp(`process ${session!.pid} on n1: .*has no such process|has ended`));
});

connectTest("says that another user's job isn't mine, and asks for a rank", async () => {
  const job = await submit(cluster, {
    args: ["-N2", "-n2"],
    script: "srun rdg debug --lite python3 count.py",
  });
  await untilArmed(cluster, { job, count: 2 });
  const text = await fails(["login", job, "--port=0"], 2);
  assert.match(text, /Cannot ask which of 2 processes[\s\S]*--rank N, one of: 0, 1/);
  assert.match(await fails(["login", job, "--rank=7", "--port=0"], 3), /nothing there has rank 7/);
  await using child = laptop.connect(["login", job, "--rank=1", "--port=0", "--json"]);
  const { rank, port } = await ready(child);
  assert.equal(rank, 1);
  await hitBreakpoint(laptop, await laptop.bridge(port));
  await leave(child, { cluster, laptop });
});

connectTest("says what is wrong where forwarding is forbidden, and takes the relay", async () => {
  await laptop.configureSshd(["AllowTcpForwarding no"]);
  try {
    await armed();
    await using child = laptop.connect(["login", "--port=0", "--json"]);
    const { way, port } = await ready(child);
    assert.equal(way, "relay");
    assert.match(child.stderr, /Not direct: /);
    await hitBreakpoint(laptop, await laptop.bridge(port));
    await leave(child, { cluster, laptop });
  } finally {
    await laptop.configureSshd();
  }
});

connectTest("runs on the login node itself, under a port of the user's own", async () => {
  const job = await armed();
  const words = cluster.asUser({ env: { NO_COLOR: "1" } });
  await using child = laptop.start([...words, "rdg", "connect", "--json"]);
  const answer = await ready(child);
  assert.deepEqual([answer.job, answer.way], [job, "direct"]);
  assert.equal(answer.port, 20_000 + cluster.user.uid % 10_000);
  const near = await laptop.bridge(answer.port, cluster.asUser());
  await hitBreakpoint(laptop, near);
  await child.kill("SIGTERM");
  assert.equal((await child.status()).code, 0);
  await nothingLeft({ cluster, laptop });
});

connectTest("makes VS Code attach by itself, and takes its file away again", async () => {
  await armed();
  const file = `${laptop.temporary}/endpoints.txt`;
  await Deno.writeTextFile(file, "old");
  await mustRun(["chown", laptop.user.name, file]);
  const env = { VSCODE_DEBUGPY_ADAPTER_ENDPOINTS: file };
  await using child = laptop.connect(["login", "--port=0", "--json"], env);
  const { port } = await ready(child);
  await child.until(/VS Code attaches by itself/);
  assert.deepEqual(JSON.parse(await Deno.readTextFile(file)), {
    client: { host: "127.0.0.1", port },
  });
  await leave(child, { cluster, laptop });
});

connectTest("goes through the person's own ControlMaster, and leaves that alone", async () => {
  const socket = `${laptop.temporary}/own`;
  await laptop.configure(["Host *", `  ControlPath ${socket}`]);
  await using master = laptop.start([...laptop.asUser(), "ssh", "-M", "-N", "login"]);
  await waitUntil("the person's own connection", {
    ask: async () => {
      const { code } = await runToEnd([...laptop.asUser(), "ssh", "-O", "check", "login"]);
      return code === 0;
    },
  });
  await armed();
  for (const via of ["direct", "relay"]) {
    await using child = laptop.connect(["login", "--via", via, "--port=0", "--json", "--verbose"]);
    const { port } = await ready(child);
    assert.doesNotMatch(child.stderr, /^\$ ssh .* -M /m);
    await hitBreakpoint(laptop, await laptop.bridge(port));
    await child.kill("SIGINT");
    assert.equal((await child.status()).code, 0);
  }
  const { code } = await runToEnd([...laptop.asUser(), "ssh", "-O", "check", "login"]);
  assert.equal(code, 0, "the person's own connection has to stay");
  await master.kill("SIGTERM");
  await master.status();
  await nothingLeft({ cluster, laptop });
});

connectTest("ends at once on Ctrl-C while ssh still tries", async () => {
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = silent.addr;
  await laptop.configure(["Host silent", "  HostName 127.0.0.1", `  Port ${port}`]);
  await using child = laptop.connect(["silent", "--port=0"]);
  const connection = await silent.accept();
  await child.kill("SIGINT");
  const { code } = await child.status(10_000);
  connection.close();
  silent.close();
  assert.equal(code, 0, child.stderr);
  await nothingLeft({ cluster, laptop });
});

connectTest("leaves nothing on the cluster when it is killed itself", async () => {
  await armed();
  await using child = laptop.connect(["login", "--via=relay", "--port=0", "--json"]);
  await ready(child);
  for (const pid of await processesOf(laptop.user.uid)) {
    const words = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
    if (words.includes("main.ts")) signal(pid, "SIGKILL");
  }
  await child.status();
  await laptop.tidy();
  await nothingLeft({ cluster, laptop });
});
