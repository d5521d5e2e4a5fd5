/**
 * `rdg connect` from a laptop of its own user, through a real sshd, into a real Slurm: each way, from
 * the command to a breakpoint that a DAP client hits with the configuration that asks nothing. Needs
 * root, Debian's packages of Slurm and OpenSSH, and nftables.
 */

import assert from "node:assert/strict";
import type { Cluster } from "../../cluster/cluster.ts";
import { jobOutput, submit, untilArmed, writeProgram } from "../../cluster/jobs.ts";
import { asContained, whyNoContainers } from "../../cluster/packages.ts";
import { processesOf, signal, waitUntil } from "../../cluster/process.ts";
import { DapClient, DapFailure } from "../../support/dap.ts";
import type { Child } from "../../support/rdg.ts";
import {
  hitBreakpoint,
  killSsh,
  leave,
  nothingLeft,
  ready,
  stopInLoop,
  zeroQuestions,
} from "./desk.ts";
import type { Laptop } from "./laptop.ts";
import { laptopSuite } from "./suite.ts";

let cluster: Cluster;
let laptop: Laptop;

const connectTest = await laptopSuite({
  nodeSshd: true,
  setUp: (theCluster, theLaptop) => {
    [cluster, laptop] = [theCluster, theLaptop];
  },
});

async function armed(script = "rdg debug --lite python3 count.py"): Promise<string> {
  const job = await submit(cluster, { script });
  await untilArmed(cluster, { job });
  return job;
}

/** Starts it with a free port; what it says is waited for by its JSON. */
function connect(...words: string[]): Child {
  return laptop.connect(["login", "--port=0", "--json", ...words]);
}

for (const via of ["direct", "relay", "jump"]) {
  connectTest(`goes by way "${via}" to a breakpoint, again after a detach`, async () => {
    const job = await armed();
    await using child = connect("--via", via);
    const { port, way, job: shown } = await ready(child);
    assert.deepEqual([way, shown], [via, job]);
    const near = await laptop.bridge(port);
    await hitBreakpoint(laptop, near);
    await hitBreakpoint(laptop, near);
    await leave(child, { cluster, laptop });
  });
}

const noContainers = await whyNoContainers();

connectTest("goes into a container with process ids and users of its own", async () => {
  await armed(`rdg debug --lite ${asContained} python3 count.py`);
  await using child = connect();
  const { port } = await ready(child);
  await hitBreakpoint(laptop, await laptop.bridge(port));
  await leave(child, { cluster, laptop });
}, noContainers);

connectTest("says why nobody reaches a container with a network of its own", async () => {
  await armed(`rdg debug --lite ${asContained} --net python3 count.py`);
  await using child = connect("--via=direct");
  assert.equal((await child.status(60_000)).code, 5, child.stderr);
  assert.match(
    child.stderr,
    /Cannot reach port .*\n[\s\S]*^Try: start the program's container with /m,
  );
}, noContainers);

for (const verdict of ["reject with tcp reset", "drop"] as const) {
  connectTest(`takes the relay where a firewall says ${verdict.split(" ")[0]}`, async () => {
    await armed();
    await laptop.closePorts(verdict);
    await using child = connect();
    const { port, way } = await ready(child);
    assert.equal(way, "relay");
    assert.match(child.stderr, /Not direct: .*(refused|no answer within 4 s)/);
    await hitBreakpoint(laptop, await laptop.bridge(port));
    await leave(child, { cluster, laptop });
  });
}

connectTest("asks the scheduler three times at most, and not while connected", async () => {
  await armed();
  await laptop.closePorts("reject with tcp reset");
  await using child = connect("--verbose");
  const { port } = await ready(child);
  const near = await laptop.bridge(port);
  await hitBreakpoint(laptop, near);
  await hitBreakpoint(laptop, near);
  const calls = [...child.stderr.matchAll(/^\$ (squeue|srun|scontrol)/gm)].map(([, word]) => word);
  assert.deepEqual(calls, ["squeue", "srun", "srun"]);
  await leave(child, { cluster, laptop });
});

connectTest("tells the editor when ssh is killed, and goes on under the same port", async () => {
  await armed();
  await using child = connect();
  const { port } = await ready(child);
  const near = await laptop.bridge(port);
  const { client } = await stopInLoop(laptop, near);
  await killSsh(laptop.user.uid);
  const { body } = await client.waitFor<{ restart?: boolean }>("terminated");
  assert.equal(body.restart, true);
  const output = await client.waitFor<{ output: string }>(
    "output",
    ({ body }) => (body as { output: string }).output.startsWith("rdg: "),
  );
  assert.match(output.body.output, /connection to the program was lost; it is being built again/);
  await client.close();
  // At once, as an editor does that is told to restart: the port holds it until the way is there.
  await hitBreakpoint(laptop, near);
  assert.match(child.stderr, /broke .*building it again[\s\S]*Connected to "login" again/);
  await leave(child, { cluster, laptop });
});

connectTest("gets an editor in again when ssh died and the login node doesn't know", async () => {
  await armed();
  await using child = connect();
  const { port } = await ready(child);
  const near = await laptop.bridge(port);
  const { client } = await stopInLoop(laptop, near);
  await laptop.silence();
  await killSsh(laptop.user.uid);
  const { body } = await client.waitFor<{ restart?: boolean }>("terminated");
  assert.equal(body.restart, true);
  await client.close();
  await hitBreakpoint(laptop, near);
  await leave(child, { cluster, laptop });
});

connectTest("builds the relay again when it is killed under an editor", async () => {
  await armed();
  await using child = connect("--via", "relay");
  const { port } = await ready(child);
  const near = await laptop.bridge(port);
  const { client } = await stopInLoop(laptop, near);
  for (const pid of await processesOf(cluster.user.uid)) {
    const words = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
    if (words.includes("CONNECT_SECONDS") && !words.startsWith("srun")) signal(pid, "SIGKILL");
  }
  const { body } = await client.waitFor<{ restart?: boolean }>("terminated");
  assert.equal(body.restart, true);
  await client.close();
  await hitBreakpoint(laptop, near);
  await leave(child, { cluster, laptop });
});

connectTest("waits for a job that is queued, and holds the editor meanwhile", async () => {
  const first = await submit(cluster, { args: ["-N2", "--exclusive"], script: "sleep 1000" });
  const job = await submit(cluster, { script: "rdg debug --lite python3 count.py" });
  await using child = connect(job, "--wait");
  await child.until(/Waiting for a session: .*has not started yet/);
  await cluster.run(["scancel", first]);
  const { port, job: shown } = await ready(child);
  assert.equal(shown, job);
  await hitBreakpoint(laptop, await laptop.bridge(port));
  await leave(child, { cluster, laptop });
});

connectTest("waits for a job that is not submitted yet, and goes on to the next", async () => {
  await using child = connect("--wait");
  await child.until(/Waiting for a session: /);
  const one = await armed();
  const { port, job } = await ready(child);
  assert.equal(job, one);
  const near = await laptop.bridge(port);
  const { client } = await stopInLoop(laptop, near);
  await cluster.run(["scancel", one]);
  await client.waitFor("terminated");
  await client.close();
  await child.until(/of job \d+ has ended|does not answer any more/);
  const two = await armed();
  assert.equal((await ready(child, 2)).job, two);
  await hitBreakpoint(laptop, near);
  await leave(child, { cluster, laptop });
});

connectTest("ends by itself when the session ends", async () => {
  await writeProgram(cluster, {
    name: "short.py",
    text: "import os, time\nwhile not os.path.exists('stop'):\n    time.sleep(0.1)\n",
  });
  const job = await armed("rdg debug --lite python3 short.py");
  await using child = connect();
  const { port } = await ready(child);
  const client = await DapClient.connect({ port: await laptop.bridge(port) });
  await client.attach({ arguments: zeroQuestions(laptop) });
  const { threadId } = (await client.waitFor<{ threadId: number }>("stopped")).body;
  await writeProgram(cluster, { name: "stop", text: "" });
  await client.request("continue", { threadId });
  await client.waitFor("terminated");
  await client.close();
  assert.equal((await child.status()).code, 0);
  assert.match(child.stderr, new RegExp(`The session of job ${job} has ended`));
  await nothingLeft({ cluster, laptop });
});

connectTest("lets one editor in at a time, and says so to the other", async () => {
  await armed();
  await using child = connect();
  const { port } = await ready(child);
  const near = await laptop.bridge(port);
  const { client, threadId } = await stopInLoop(laptop, near);
  await using second = await DapClient.connect({ port: near });
  await assert.rejects(
    second.attach({ arguments: zeroQuestions(laptop) }),
    (error) => error instanceof DapFailure && /Another editor is attached/.test(error.message),
  );
  await second.close();
  assert.equal(await client.evaluate("1 + 1", threadId), "2");
  await client.disconnect();
  await hitBreakpoint(laptop, near);
  await leave(child, { cluster, laptop });
});

connectTest("turns other users and other protocols away", async () => {
  await armed();
  await using child = connect();
  const { port } = await ready(child);
  const stranger = await DapClient.connect({
    port: await laptop.bridge(port, cluster.asUser()),
  });
  await assert.rejects(stranger.initialize());
  await child.until(new RegExp(`turned .* away: a process of user ${cluster.user.uid}`, "i"));
  const mapped = "import socket, sys; s = socket.create_connection(('::ffff:127.0.0.1', " +
    "int(sys.argv[1]))); s.sendall(b'Content-Length: 2\\r\\n\\r\\n'); print(s.recv(9))";
  const { stdout, stderr } = await cluster.run(["python3", "-c", mapped, String(port)]);
  assert.match(stdout + stderr, /^b''$|ConnectionResetError/m);
  const page = await Deno.connect({ hostname: "127.0.0.1", port: await laptop.bridge(port) });
  await page.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  assert.equal(await page.read(new Uint8Array(100)).catch(() => null), null);
  page.close();
  await child.until(/turned .* away: that is no DAP header/i);
  await hitBreakpoint(laptop, await laptop.bridge(port));
  await leave(child, { cluster, laptop });
});

connectTest("takes forty editors one after the other and leaks nothing", async () => {
  await armed();
  await laptop.closePorts("reject with tcp reset");
  await using child = connect();
  const { port } = await ready(child);
  const near = await laptop.bridge(port);
  const count = async () => {
    const pids = await processesOf(laptop.user.uid);
    let files = 0;
    for await (const _ of Deno.readDir(`/proc/${child.pid}/fd`)) files++;
    const there = await processesOf(cluster.user.uid);
    return { processes: pids.length, files, there: there.length };
  };
  await hitBreakpoint(laptop, near);
  const before = await count();
  for (let cycle = 0; cycle < 40; cycle++) {
    const client = await DapClient.connect({ port: near });
    await client.attach({ arguments: zeroQuestions(laptop) });
    if (cycle % 2 === 0) await client.disconnect();
    else await client.close();
  }
  await hitBreakpoint(laptop, near);
  await waitUntil("everything as before", {
    ask: async () => {
      const now = await count();
      return now.processes <= before.processes && now.files <= before.files &&
        now.there <= before.there;
    },
  }).catch(async (error) => {
    throw new Error(`${error.message}: ${JSON.stringify([before, await count()])}`);
  });
  const { stdout } = await cluster.run(["squeue", "--me", "-h", "-s", "-o", "%i"]);
  assert.ok(stdout.trim().split("\n").length <= 2, stdout + await jobOutput(cluster));
  await leave(child, { cluster, laptop });
});
