/**
 * `rdg connect --all` from a laptop of its own user, through a real sshd, into a real Slurm: from one F5
 * of a DAP client to a breakpoint in every rank of srun, Open MPI's mpirun and torchrun. Needs root,
 * Debian's packages of Slurm, OpenSSH, Open MPI, mpi4py and PyTorch.
 */

import assert from "node:assert/strict";
import type { Cluster } from "../../../cluster/cluster.ts";
import { jobOutput, submit, untilArmed, writeProgram } from "../../../cluster/jobs.ts";
import { runToEnd, waitUntil } from "../../../cluster/process.ts";
import type { DapClient } from "../../../support/dap.ts";
import { HubEditor } from "../../../support/hub_editor.ts";
import type { Child } from "../../../support/rdg.ts";
import { killSsh, leave, nothingLeft, zeroQuestions } from "../desk.ts";
import type { Laptop } from "../laptop.ts";
import { laptopSuite } from "../suite.ts";
import { type Ready, said, saidThat } from "./ranks.ts";

let cluster: Cluster;
let laptop: Laptop;

/** Counts, a step every 50 ms; line 7 is in the midst of one. */
const training = `import os, sys, time
RANK = %RANK%

def step(number):
    mine = number * 10 + RANK
    time.sleep(0.05)
    return mine

number = 0
while not os.path.exists("finish"):
    number += 1
    step(number)
`;
const line = 7;

const programs = {
  "srun.py": training.replace("%RANK%", 'int(os.environ["SLURM_PROCID"])'),
  "mpi.py": `from mpi4py import MPI
import os, time
RANK = MPI.COMM_WORLD.Get_rank()

def step(number):
    mine = number * 10 + RANK
    time.sleep(0.05)
    return mine

number = 0
while MPI.COMM_WORLD.allreduce(os.path.exists("finish")) == 0:
    number += 1
    step(number)
`,
  "torch_train.py": `import os, time, torch
import torch.distributed as dist
dist.init_process_group("gloo")
RANK = dist.get_rank()
def step(number):
    mine = torch.tensor([number * 10.0 + RANK])
    time.sleep(0.05)
    return mine
number = 0
restarts = int(os.environ["TORCHELASTIC_RESTART_COUNT"])
while not os.path.exists("finish"):
    number += 1
    total = step(number)
    dist.all_reduce(total)
    if restarts == 0 and os.path.exists("fail") and RANK == 1:
        os._exit(3)
`,
};

const hubTest = await laptopSuite({
  subject: "rdg connect --all",
  programs,
  nodeSshd: true,
  setUp: (theCluster, theLaptop) => {
    [cluster, laptop] = [theCluster, theLaptop];
  },
  tidy: async () => {
    for (const name of ["finish", "fail", "more", "over"]) {
      await Deno.remove(`${cluster.user.home}/${name}`).catch(() => {});
    }
  },
});

function connect(...words: string[]): Child {
  return laptop.connect(["login", "--port=0", "--json", "--verbose", ...words]);
}

/** Presses F5 as the laptop's user, with the configuration that asks nothing. */
async function attach(
  ready: Ready,
  file: string,
  options: { near?: number } = {},
): Promise<HubEditor> {
  const port = options.near ?? await laptop.bridge(ready.port);
  return await HubEditor.attach({
    port,
    breakpoints: { [`${laptop.project}/${file}`]: [line] },
    arguments: {
      ...zeroQuestions(laptop),
      // A tunnel of the person's own in front: further sessions come the same way.
      connect: { host: "127.0.0.1", port },
    },
  });
}

/** Waits until a rank is at the breakpoint; what it says of itself there. */
async function rankAtLine(
  client: DapClient,
): Promise<{ rank: number; threadId: number; path: string }> {
  while (true) {
    const { threadId } = (await client.waitFor<{ threadId: number }>("stopped")).body;
    const { stackFrames } = await client.request<{
      stackFrames: { line: number; source?: { path: string } }[];
    }>("stackTrace", { threadId, levels: 1 });
    const [frame] = stackFrames;
    if (frame?.line === line && frame.source?.path.startsWith(laptop.project)) {
      const rank = Number(await client.evaluate("RANK", threadId));
      return { rank, threadId, path: frame.source.path };
    }
    await client.request("continue", { threadId });
  }
}

/** From one F5 to a breakpoint in each of so many ranks. */
async function allStop(editor: HubEditor, count: number, from = 0): Promise<void> {
  const arriving: ReturnType<typeof rankAtLine>[] = [];
  while (arriving.length < count) {
    const sessions = await editor.until(from + arriving.length + 1, 60_000);
    const { client } = sessions[from + arriving.length]!;
    // One that waits in a collective for a rank that stands still wakes only when that one goes on.
    arriving.push(
      rankAtLine(client).then(async (at) => {
        await client.request("continue", { threadId: at.threadId });
        return at;
      }),
    );
  }
  const ranks = await Promise.all(arriving);
  const sessions = editor.children.slice(from);
  assert.deepEqual(
    ranks.map(({ rank }) => rank).sort((a, b) => a - b),
    Array.from({ length: count }, (_, rank) => rank),
  );
  for (const [index, { name }] of sessions.entries()) {
    assert.match(name, new RegExp(`^rank ${ranks[index]!.rank} · n[12] · \\d+$`));
  }
}

function schedulerCalls(child: Child): string[] {
  return [...child.stderr.matchAll(/^\$ (squeue|srun|scontrol)/gm)].map(([, word]) => word!);
}

async function finish(): Promise<void> {
  await writeProgram(cluster, { name: "finish", text: "" });
  await waitUntil("the end of the job", {
    ask: async () => (await cluster.run(["squeue", "--me", "-h"])).stdout.trim() === "",
  }).catch(async (error) => {
    throw new Error(`${error.message}\n${await jobOutput(cluster)}`);
  });
}

hubTest("stops every rank of srun's four tasks on two nodes, from one F5", async () => {
  const job = await submit(cluster, {
    args: ["-N2", "-n4"],
    script: "srun -n4 rdg debug --lite python3 srun.py",
  });
  await untilArmed(cluster, { job, count: 4 });
  await using child = connect(job, "--all");
  const ready = await said(child);
  assert.deepEqual(ready.ranks.map(({ rank }) => rank), [0, 1, 2, 3]);
  assert.deepEqual([...new Set(ready.ranks.map(({ node }) => node))].sort(), ["n1", "n2"]);
  // One list of jobs, and one step that wakes all four.
  assert.deepEqual(schedulerCalls(child), ["squeue", "srun"]);
  {
    await using editor = await attach(ready, "srun.py");
    await allStop(editor, 4);
    await editor.parent.disconnect();
  }
  assert.deepEqual(schedulerCalls(child), ["squeue", "srun"]);
  // A rank of its own all the same.
  {
    await using editor = await attach(ready, "srun.py");
    await allStop(editor, 4);
    await editor.parent.disconnect();
  }
  await leave(child, { cluster, laptop });
  await finish();
});

hubTest("takes one relay a node where a firewall is in between", async () => {
  const job = await submit(cluster, {
    args: ["-N2", "-n4"],
    script: "srun -n4 rdg debug --lite python3 srun.py",
  });
  await untilArmed(cluster, { job, count: 4 });
  await laptop.closePorts("reject with tcp reset");
  await using child = connect(job, "--all");
  const ready = await saidThat(child, ({ ranks }) => ranks.every(({ way }) => way !== null));
  assert.deepEqual(ready.ranks.map(({ way }) => way), ["relay", "relay", "relay", "relay"]);
  // The list, one step to wake all, and a relay on each of two nodes.
  assert.deepEqual(schedulerCalls(child), ["squeue", "srun", "srun", "srun"]);
  await using editor = await attach(ready, "srun.py");
  await allStop(editor, 4);
  await editor.parent.disconnect();
  await leave(child, { cluster, laptop });
});

for (const sessions of [1, 2]) {
  hubTest(`opens more connections where sshd takes ${sessions} sessions over one`, async () => {
    const job = await submit(cluster, {
      args: ["-N2", "-n2"],
      script: "srun rdg debug --lite python3 srun.py",
    });
    await untilArmed(cluster, { job, count: 2 });
    await laptop.configureSshd([`MaxSessions ${sessions}`]);
    try {
      await using child = connect(job, "--all", "--via=relay");
      const ready = await saidThat(child, ({ ranks }) => ranks.every(({ way }) => way !== null));
      assert.deepEqual(ready.ranks.map(({ way }) => way), ["relay", "relay"]);
      await using editor = await attach(ready, "srun.py");
      await allStop(editor, 2);
      await editor.parent.disconnect();
      await leave(child, { cluster, laptop });
    } finally {
      await laptop.configureSshd();
    }
  });
}

hubTest("tells the ranks' sessions to restart when ssh breaks, and the parent stays", async () => {
  const job = await submit(cluster, {
    args: ["-n2"],
    script: `export SLURM_OVERLAP=1
srun -n2 rdg debug --lite python3 srun.py &
until [ -e more ]; do sleep 0.1; done
srun -n1 rdg debug --lite python3 srun.py`,
  });
  await untilArmed(cluster, { job, count: 2 });
  await using child = connect(job, "--all");
  const ready = await said(child);
  const near = await laptop.bridge(ready.port);
  await using editor = await attach(ready, "srun.py", { near });
  await allStop(editor, 2);
  await killSsh(laptop.user.uid);
  for (const rank of [0, 1]) {
    const { body } = await editor.rank(rank).waitFor<{ restart?: boolean }>("terminated");
    assert.equal(body.restart, true);
  }
  await child.until(/Connected to "login" again/);
  await child.until(/Connected to 2 ranks|Connected to rank 1/);
  assert.equal(editor.parent.ended, false);
  // What VS Code does then: the same configuration once more.
  const before = editor.children.slice();
  await Promise.all(before.map(({ configuration }) => editor.open(configuration)));
  const again = editor.children.slice(2);
  const ranks = await Promise.all(again.map(({ client }) => rankAtLine(client)));
  assert.deepEqual(ranks.map(({ rank }) => rank).sort(), [0, 1]);
  // One that comes now is woken over the new connection.
  await writeProgram(cluster, { name: "more", text: "" });
  await allStop(editor, 1, 4);
  await editor.parent.disconnect();
  await leave(child, { cluster, laptop });
});

const noMpi = await missingMpi();
hubTest("stops every rank of Open MPI's mpirun with mpi4py, from one F5", async () => {
  const job = await submit(cluster, {
    args: ["-N2", "-n4"],
    script: "mpirun.openmpi --oversubscribe -n 4 rdg debug --lite python3 mpi.py",
  });
  await untilArmed(cluster, { job, count: 4 });
  await using child = connect(job, "--all");
  const ready = await said(child);
  await using editor = await attach(ready, "mpi.py");
  await allStop(editor, 4);
  await editor.parent.disconnect();
  await leave(child, { cluster, laptop });
  await finish();
}, noMpi);

const noTorch = await missingTorch();
/** Debian's 1.13 under Python 3.11 can't do without the two flags: the default "0" is lost there. */
const torchrun = "torchrun -r 1 -t 1 --monitor_interval=1";

hubTest("opens sessions for the workers that torchrun starts again, and ends with it", async () => {
  const job = await submit(cluster, {
    args: ["-n1", "-c4"],
    script: `rdg debug --lite ${torchrun} --max_restarts=1 --nproc_per_node=2 torch_train.py
until [ -e over ]; do sleep 0.2; done`,
  });
  await untilArmed(cluster, { job, count: 2, timeoutMs: 60_000 });
  await using child = connect(job, "--all");
  const ready = await said(child);
  await using editor = await attach(ready, "torch_train.py");
  await allStop(editor, 2);
  const pids = new Set(ready.ranks.map(({ pid }) => pid));
  for (const { client } of editor.children) {
    const path = `${laptop.project}/torch_train.py`;
    await client.request("setBreakpoints", { source: { path }, breakpoints: [] });
  }
  // Only now: a rank that is on its way to its breakpoint would see it at once.
  await writeProgram(cluster, { name: "fail", text: "" });
  await editor.parent.request("continue", { threadId: 1 });
  const again = await saidThat(
    child,
    ({ ranks }) => ranks.length === 2 && ranks.every(({ pid }) => !pids.has(pid)),
  );
  assert.deepEqual(again.ranks.map(({ rank }) => rank), [0, 1]);
  assert.equal(editor.parent.ended, false);
  await allStop(editor, 2, 2);
  await editor.parent.disconnect();
  await writeProgram(cluster, { name: "finish", text: "" });
  // The job goes on, but torchrun had no restart left: nobody waits for one.
  assert.equal((await child.status(20_000)).code, 0);
  await writeProgram(cluster, { name: "over", text: "" });
  await finish();
  assert.match(child.stderr, new RegExp(`All ranks of job ${job} have ended\\.\n$`));
  await nothingLeft({ cluster, laptop });
}, noTorch);

async function missingTorch(): Promise<string | null> {
  const code = "import torch.distributed as d; d.init_process_group";
  const torch = await runToEnd(["/usr/bin/python3", "-c", code]).catch(() => null);
  const command = await runToEnd(["torchrun", "--help"]).catch(() => null);
  return torch?.code === 0 && command?.code === 0 ? null : "no torchrun with PyTorch here";
}

async function missingMpi(): Promise<string | null> {
  const mpirun = await runToEnd(["mpirun.openmpi", "--version"]).catch(() => null);
  const mpi4py = await runToEnd(["/usr/bin/python3", "-c", "import mpi4py"]).catch(() => null);
  return mpirun?.code === 0 && mpi4py?.code === 0 ? null : "no mpirun with mpi4py here";
}
