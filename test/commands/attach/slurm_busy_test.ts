/**
 * `rdg attach` on a real Slurm to programs that are busy, run on after a detach, or are wanted by two at
 * once: each to a breakpoint that a DAP client hits. Needs root and Debian's packages of Slurm.
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
  withRecord,
  type Woken,
  writeProgram,
} from "../../cluster/jobs.ts";
import { slurmSuite } from "../../cluster/suite.ts";
import { DapClient } from "../../support/dap.ts";
import { stopped } from "../../support/debugging.ts";
import { asleep } from "../../support/proc.ts";

let cluster: Cluster;
let file: string;

const slurmTest = await slurmSuite({
  subject: "rdg attach",
  setUp: async (started) => {
    cluster = started;
    file = await writeProgram(cluster, { name: "count.py", text: counting });
    await writeProgram(cluster, { name: "hang.c", text: hangingC });
    const built = await cluster.run(["cc", "-shared", "-fPIC", "-o", "hang.so", "hang.c"]);
    assert.equal(built.code, 0, built.stderr);
  },
});

/** Writes a program, starts it armed, and waits for its record. */
async function start(
  name: string,
  lines: readonly string[],
): Promise<{ job: string; path: string; pid: number }> {
  const path = await writeProgram(cluster, { name, text: [...lines, ""].join("\n") });
  const script = `export HANG=$PWD/hang.so\nrdg debug --lite python3 ${name}`;
  const job = await submit(cluster, { script });
  const [session] = await untilArmed(cluster, { job });
  return { job, path, pid: session!.pid };
}

async function enter(woken: Woken, lines: Record<string, number[]> = {}): Promise<DapClient> {
  const client = await DapClient.connect({ port: woken.port, timeoutMs: 60_000 });
  try {
    await client.attach({ token: woken.token!, breakpoints: lines });
    return client;
  } catch (error) {
    await client.close();
    throw error;
  }
}

slurmTest("stops within hours of time.sleep, which goes on afterwards", async () => {
  const { job, pid } = await start("sleeper.py", [
    "import time",
    "marker = 'asleep'",
    "time.sleep(7200)",
  ]);
  for (const _ of ["once", "again"]) {
    await asleep(pid);
    const [woken] = await attach(cluster, [job]);
    assert.equal(woken!.state, "listening");
    await using client = await enter(woken!);
    const { threadId, frames } = await stopped(client);
    assert.deepEqual(frames, ["<module> sleeper.py:3"]);
    assert.equal(await client.evaluate("marker", threadId), "'asleep'");
    await client.disconnect();
    await withRecord(cluster, { job, is: ({ state }) => state === "listening" });
  }
});

slurmTest("leaves a time.sleep its remainder, not less and not all of it again", async () => {
  const { job, path, pid } = await start("nap.py", [
    "import time",
    "begin = time.monotonic()",
    "time.sleep(12)",
    "slept = time.monotonic() - begin",
    "while True:",
    "    time.sleep(0.1)",
  ]);
  await asleep(pid);
  const [woken] = await attach(cluster, [job]);
  await using client = await enter(woken!, { [path]: [5] });
  const nap = await stopped(client);
  assert.deepEqual(nap.frames, ["<module> nap.py:3"]);
  const gone = Number(await client.evaluate("time.monotonic() - begin", nap.threadId));
  await client.request("continue", { threadId: nap.threadId });
  const after = await stopped(client);
  assert.deepEqual(after.frames, ["<module> nap.py:5"]);
  const slept = Number(await client.evaluate("slept", after.threadId));
  assert.ok(slept >= 12, `it woke early: ${slept}`);
  assert.ok(slept < gone + 12, `it began anew after ${gone}: ${slept}`);
});

for (const [library, what] of [["CDLL", "released"], ["PyDLL", "held"]]) {
  slurmTest(`shows where a C call hangs with the GIL ${what}, and opens after it`, async () => {
    const text = [
      "import ctypes, os, time",
      "def hang():",
      "    end = time.time() + 9",
      `    ctypes.${library}(os.environ["HANG"]).hang(9)`,
      "    return end",
      "value = hang()",
      "while True:",
      "    value += 1",
      "    time.sleep(0.1)",
    ];
    const { job, path } = await start("hang.py", text);
    const done = await rdg(cluster, ["attach", job]);
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stderr, /busy in native code/);
    assert.match(done.stderr, /hang\.py", line 4 in hang/);
    assert.match(done.stdout, /Python Debugger Info/);
    const [woken] = await attach(cluster, [job]);
    const value = await stopAt(woken!, { file: path, line: 8, expression: "value > 9" });
    assert.equal(value, "True");
  });
}

slurmTest("stops again what runs on after a detach, and says which of both it does", async () => {
  const job = await submit(cluster, { script: "rdg debug --lite python3 count.py" });
  await untilArmed(cluster, { job });
  const state = async () => (await rdg(cluster, ["sessions", "--job", job])).stdout.split("\n")[1];
  assert.match((await state())!, / armed /);
  for (const _ of ["once", "again"]) {
    const done = await rdg(cluster, ["attach", job]);
    assert.match(done.stdout, /Script is paused, waiting for debugger to attach/);
    assert.match((await state())!, / listening {2}/);
    // Asking once more sends nothing: it waits already.
    const [woken] = await attach(cluster, [job]);
    const value = await stopAt(woken!, { file, line: countingLine, expression: "number >= 0" });
    assert.equal(value, "True");
    await withRecord(cluster, { job, is: ({ state }) => state === "listening" });
    assert.match((await state())!, / listening, runs on /);
  }
});

slurmTest("says that a program is busy that listens already, and can be attached to", async () => {
  const { job, path } = await start("busy.py", [
    "import ctypes, os, time",
    'hang = ctypes.CDLL(os.environ["HANG"]).hang',
    "while not os.path.exists('go'):",
    "    time.sleep(0.05)",
    "hang(3600)",
    "while True:",
    "    time.sleep(0.05)",
  ]);
  const [woken] = await attach(cluster, [job]);
  await stopAt(woken!, { file: path, line: 4, expression: "1" });
  await withRecord(cluster, { job, is: ({ state }) => state === "listening" });
  await cluster.run(["touch", "go"]);
  const { stderr, stdout, code } = await attachUntilBusy(job);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /busy\.py", line 5[^]*an editor can attach before that/);
  assert.match(stdout, /^Script runs on: attach whenever you like/m);
  await using client = await enter(woken!);
  const { threads } = await client.request<{ threads: { name: string }[] }>("threads");
  assert.ok(threads.some(({ name }) => name === "MainThread"));
});

/** Attaches again and again until the program is within its call. */
async function attachUntilBusy(job: string): ReturnType<typeof rdg> {
  const done = await rdg(cluster, ["attach", job]);
  if (/busy in native code/.test(done.stderr)) return done;
  const [woken] = await attach(cluster, [job]);
  const client = await enter(woken!);
  await stopped(client);
  await client.disconnect();
  await withRecord(cluster, { job, is: ({ state }) => state === "listening" });
  return await attachUntilBusy(job);
}

slurmTest("serves two who attach at once, one editor after the other", async () => {
  const job = await submit(cluster, { script: "rdg debug --lite python3 count.py" });
  await untilArmed(cluster, { job });
  const both = await Promise.all([attach(cluster, [job]), attach(cluster, [job])]);
  assert.equal(both[0][0]!.port, both[1][0]!.port);
  const [one, other] = [both[0][0]!, both[1][0]!];
  await using first = await enter(one, { [file]: [countingLine] });
  while ((await stopped(first)).frames[0] !== `step count.py:${countingLine}`) {
    await first.request("continue", { threadId: 1 });
  }
  const third = await rdg(cluster, ["attach", job]);
  assert.equal(third.code, 0, third.stderr);
  assert.match(third.stdout, /^A debugger is attached already; it has to disconnect before/m);
  await assert.rejects(enter(other), /another|already|attached/i);
  await first.disconnect();
  await withRecord(cluster, { job, is: ({ state }) => state === "listening" });
  const value = await stopAt(other, { file, line: countingLine, expression: "number >= 0" });
  assert.equal(value, "True");
});

/** Native code that goes back to sleep when a signal interrupts it, as most libraries do. */
const hangingC = `
#include <time.h>
#include <errno.h>
void hang(int seconds) {
  struct timespec left = { seconds, 0 };
  while (nanosleep(&left, &left) == -1 && errno == EINTR) {}
}
`;
