/**
 * What `rdg connect` does with sessions that are more than one program waiting: child processes under
 * the local port, the next element of an array, a crash that is waited for, the time limit coming near.
 * On the real sshd and the real Slurm of the test cluster.
 */

import assert from "node:assert/strict";
import type { Cluster } from "../../cluster/cluster.ts";
import { countingLine, submit, untilArmed, writeProgram } from "../../cluster/jobs.ts";
import { DapClient } from "../../support/dap.ts";
import type { Child } from "../../support/rdg.ts";
import { hitBreakpoint, leave, ready, stopInLoop, zeroQuestions } from "./desk.ts";
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

async function armed(script = "rdg debug --lite python3 count.py", args: string[] = []) {
  const job = await submit(cluster, { args, script });
  await untilArmed(cluster, { job });
  return job;
}

function connect(...words: string[]): Child {
  return laptop.connect(["login", "--port=0", "--json", ...words]);
}

const parentProgram = `import subprocess, sys, time

for number in range(2):
    subprocess.run([sys.executable, "child.py", str(number)], check=True)
while True:
    time.sleep(0.1)
`;
const childProgram = `import sys
number = int(sys.argv[1])
print(number * 2)
`;
const childLine = 3;

type Body = Record<string, unknown>;

/** What the session announces, one configuration for each child. */
function announced(parent: DapClient): { next: () => Promise<Body> } {
  const queue: Body[] = [];
  parent.onReverse("startDebugging", (args) => {
    assert.equal(args.request, "attach");
    queue.push(args.configuration as Body);
    return {};
  });
  return {
    async next() {
      const end = Date.now() + 20_000;
      while (Date.now() < end) {
        const one = queue.shift() ??
          await parent.waitFor<Body>("debugpyAttach", undefined, 100).then(({ body }) => body)
            .catch(() => undefined);
        if (one) return one;
      }
      throw new Error("Waited in vain for a child session");
    },
  };
}

for (
  const [via, supportsStartDebuggingRequest] of [
    ["direct", false],
    ["relay", true],
    ["jump", false],
  ] as const
) {
  const how = supportsStartDebuggingRequest ? "startDebugging" : "debugpyAttach";
  connectTest(`brings child processes to the local port (${via}, ${how})`, async () => {
    await writeProgram(cluster, { name: "parent.py", text: parentProgram });
    await writeProgram(cluster, { name: "child.py", text: childProgram });
    await armed("rdg debug --subprocess python3 parent.py");
    await using child = connect("--via", via);
    const { port } = await ready(child);
    const near = await laptop.bridge(port);
    const file = `${laptop.project}/child.py`;
    const breakpoints = { [file]: [childLine] };
    await using parent = await DapClient.connect({ port: near });
    const sessions = announced(parent);
    // As VS Code's own attach does: nothing but the type.
    const { connect: _, ...open } = zeroQuestions(laptop);
    await parent.attach({
      arguments: open,
      initialize: { supportsStartDebuggingRequest },
      breakpoints,
    });
    for (const number of [0, 1]) {
      const configuration = await sessions.next();
      assert.deepEqual(configuration.connect, { host: "127.0.0.1", port });
      assert.equal(typeof configuration.subProcessId, "number");
      await using session = await DapClient.connect({ port: near });
      await session.attach({ arguments: configuration, breakpoints });
      const { threadId } = (await session.waitFor<{ threadId: number }>("stopped")).body;
      const { stackFrames } = await session.request<{
        stackFrames: { line: number; source: { path: string } }[];
      }>("stackTrace", { threadId });
      assert.deepEqual([stackFrames[0]?.line, stackFrames[0]?.source.path], [childLine, file]);
      assert.equal(await session.evaluate("number", threadId), String(number));
      await session.request("continue", { threadId });
      await session.waitFor("terminated");
    }
    const { threads } = await parent.request<{ threads: unknown[] }>("threads");
    assert.ok(threads.length > 0, "the parent's own session goes on");
    assert.doesNotMatch(child.stderr, /left\./);
    await parent.disconnect();
    await child.until(/rdg-test left\./);
    await leave(child, { cluster, laptop });
  });
}

connectTest("lets no child session in without the token of its parent", async () => {
  await writeProgram(cluster, { name: "parent.py", text: parentProgram });
  await writeProgram(cluster, { name: "child.py", text: childProgram });
  await armed("rdg debug --subprocess python3 parent.py");
  await using child = connect();
  const { port } = await ready(child);
  const near = await laptop.bridge(port);
  await using parent = await DapClient.connect({ port: near });
  const sessions = announced(parent);
  await parent.attach({ arguments: zeroQuestions(laptop) });
  const { rdgToken: _, ...bare } = await sessions.next();
  // Another user of the laptop, who guessed the child's number.
  await using stranger = await DapClient.connect({
    port: await laptop.bridge(port, cluster.asUser()),
  });
  await assert.rejects(stranger.attach({ arguments: bare }));
  // The owner needs none: it is filled in for a child as well.
  await using session = await DapClient.connect({ port: near });
  await session.attach({ arguments: bare });
  await session.waitFor("terminated");
  await parent.disconnect();
  await leave(child, { cluster, laptop });
});

for (const typed of [true, false]) {
  connectTest(`goes on to the next element of an array${typed ? " by its id" : ""}`, async () => {
    const job = await submit(cluster, {
      args: ["--array=0-1%1"],
      script: "rdg debug --lite python3 count.py",
    });
    await untilArmed(cluster, { job: `${job}_0` });
    await using child = connect("--wait", ...typed ? [job] : []);
    const first = await ready(child);
    assert.equal(first.job, `${job}_0`);
    const near = await laptop.bridge(first.port);
    const { client } = await stopInLoop(laptop, near);
    await cluster.run(["scancel", `${job}_0`]);
    await client.waitFor("terminated");
    await client.close();
    await child.until(new RegExp(`of job ${job}_0 (has ended|does not answer any more)`));
    const second = await ready(child, 2);
    assert.deepEqual([second.job, second.port], [`${job}_1`, first.port]);
    await hitBreakpoint(laptop, near);
    await leave(child, { cluster, laptop });
  });
}

connectTest("waits for a crash, and shows the exception in the frame where it was", async () => {
  await writeProgram(cluster, {
    name: "crash.py",
    text: `import os, time

def fall(height):
    depth = height * 2
    raise ValueError(f"too deep: {depth}")

while not os.path.exists("crash"):
    time.sleep(0.1)
fall(21)
`,
  });
  const job = await armed("rdg debug --post-mortem python3 crash.py");
  await using child = connect("--wait");
  await child.until(
    /Waiting for a session: job \d+: .*armed for a crash only, and has not crashed/,
  );
  await writeProgram(cluster, { name: "crash", text: "" });
  const { port } = await ready(child);
  const answer = JSON.parse(child.stdout.trim());
  assert.deepEqual([answer.state, answer.job], ["crashed", job]);
  assert.match(answer.exception, /ValueError/);
  await child.until(/it has crashed: ValueError/);
  await using client = await DapClient.connect({ port: await laptop.bridge(port) });
  await client.attach({ arguments: zeroQuestions(laptop) });
  const { body } = await client.waitFor<{ threadId: number; reason: string }>("stopped");
  assert.equal(body.reason, "exception");
  const { stackFrames } = await client.request<{
    stackFrames: { name: string; line: number; source: { path: string } }[];
  }>("stackTrace", { threadId: body.threadId });
  const [frame] = stackFrames;
  assert.deepEqual([frame?.name, frame?.line, frame?.source.path], [
    "fall",
    5,
    `${laptop.project}/crash.py`,
  ]);
  assert.equal(await client.evaluate("depth", body.threadId), "42");
  await client.request("continue", { threadId: body.threadId });
  await child.until(new RegExp(`The session of job ${job} has ended`));
  await child.until(/Waiting for a session: /);
  await client.close();
  await leave(child, { cluster, laptop });
});

connectTest("warns when the time left falls below ten minutes", async () => {
  // The scheduler's own answer, with another time in it.
  const folder = `${cluster.user.home}/bin`;
  await Deno.mkdir(folder, { recursive: true });
  await writeProgram(cluster, {
    name: "bin/squeue",
    text: `#!/bin/sh
s=$(printf '\\037')
/usr/bin/squeue "$@" | awk -v FS="$s" -v OFS="$s" 'NF >= 9 { $6 = "10:12" } 1'
`,
  });
  await Deno.chmod(`${folder}/squeue`, 0o755);
  const profile = await writeProgram(cluster, {
    name: ".bashrc",
    text: `PATH=${folder}:$PATH\n`,
  });
  try {
    const job = await armed();
    await using child = connect();
    const { port } = await ready(child);
    const { client } = await stopInLoop(laptop, await laptop.bridge(port));
    const warning = new RegExp(`job ${job} reaches its time limit in (10:00|9:5\\d)`);
    assert.doesNotMatch(child.stderr, warning, "not yet");
    await child.until(new RegExp(`^Warning: ${warning.source}\\.$`, "m"));
    const output = await client.waitFor<{ output: string; category: string }>(
      "output",
      ({ body }) => warning.test(body.output),
    );
    assert.equal(output.body.category, "important");
    assert.equal([...child.stderr.matchAll(new RegExp(warning, "g"))].length, 1);
    await client.disconnect();
    await leave(child, { cluster, laptop });
  } finally {
    await Deno.remove(profile);
    await Deno.remove(folder, { recursive: true });
  }
});

connectTest("serves an editor that runs on Windows", async () => {
  await armed();
  await using child = connect();
  const { port } = await ready(child);
  await using client = await DapClient.connect({ port: await laptop.bridge(port) });
  const folder = "C:\\Users\\ada\\project";
  const file = `${folder}\\count.py`;
  const { breakpoints } = await client.attach({
    arguments: { ...zeroQuestions(laptop), pathMappings: [{ localRoot: folder, remoteRoot: "." }] },
    breakpoints: { [file]: [countingLine] },
  });
  assert.equal(breakpoints[file]?.[0]?.verified, true);
  assert.equal(breakpoints[file]?.[0]?.message, undefined);
  while (true) {
    const { threadId } = (await client.waitFor<{ threadId: number }>("stopped")).body;
    const { stackFrames: [frame] } = await client.request<{
      stackFrames: { line: number; source: { path: string } }[];
    }>("stackTrace", { threadId, levels: 1 });
    assert.equal(frame?.source.path, file);
    if (frame?.line === countingLine) break;
    await client.request("continue", { threadId });
  }
  await client.disconnect();
  await leave(child, { cluster, laptop });
});

connectTest("warns at once where less than ten minutes are left", async () => {
  const job = await armed("rdg debug --lite python3 count.py", ["--time=10"]);
  await using child = connect();
  const { port } = await ready(child);
  await child.until(new RegExp(`Warning: job ${job} reaches its time limit in (10:00|9:5\\d)\\.`));
  const { client } = await stopInLoop(laptop, await laptop.bridge(port));
  const { body } = await client.waitFor<{ output: string }>(
    "output",
    ({ body }) => body.output.startsWith("rdg: job "),
  );
  assert.match(body.output, new RegExp(`^rdg: job ${job} reaches its time limit in 9:`));
  await client.disconnect();
  await leave(child, { cluster, laptop });
});
