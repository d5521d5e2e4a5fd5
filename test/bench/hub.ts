/**
 * Measures "every rank from one F5": what the hub adds to a request's round trip, how long an F5 takes
 * until all ranks are attached, what a rank that stands still costs the others, and what a long list of
 * other sessions costs. Programs on this host, one after another.
 *
 * @module
 */

import { leave, Ranks } from "../commands/connect/hub/ranks.ts";
import { recordName } from "../../python/sessions.ts";
import { DapClient } from "../support/dap.ts";
import { HubEditor } from "../support/hub_editor.ts";
import { python } from "../support/python.ts";
import { record } from "../support/records.ts";
import { type BenchTable, beside, median, quantile, ratio } from "./_table.ts";

/** Works, says what a round cost in processor time, until "stop" appears. */
const training = `import os, sys, time

def tiny(i):
    return i + 1

def work():
    x = 0
    for _ in range(100000):
        x = tiny(x)

while not os.path.exists("stop"):
    begin = time.process_time()
    work()
    print("round", (time.process_time() - begin) * 1000, flush=True)
    time.sleep(0.01)
`;
const workLine = 9;
const trips = 400;
const rounds = 40;

/** Round trips of an evaluate in a stopped frame, milliseconds. */
async function measureTrips(client: DapClient): Promise<number[]> {
  const { body } = await client.waitFor<{ threadId: number }>("stopped");
  const { stackFrames } = await client.request<{ stackFrames: { id: number }[] }>("stackTrace", {
    threadId: body.threadId,
  });
  const frameId = stackFrames[0]?.id;
  const times: number[] = [];
  for (let count = 0; count < trips; count++) {
    const begin = performance.now();
    await client.request("evaluate", { expression: "1 + 1", frameId, context: "watch" });
    times.push(performance.now() - begin);
  }
  return times.slice(20);
}

/** The three ways to be attached to rank 0. */
async function tripsBy(ranks: Ranks, how: "one" | "child" | "merged"): Promise<number[]> {
  const words = { one: "--rank=0", child: "--all", merged: "--merge" }[how];
  const { child, ready } = await ranks.connect(words);
  const breakpoints = { [ranks.script]: [workLine] };
  try {
    if (how === "child") {
      await using editor = await HubEditor.attach({ port: ready.port, breakpoints });
      await editor.until(2);
      const times = await measureTrips(editor.rank(0));
      await editor.parent.disconnect();
      return times;
    }
    await using client = await DapClient.connect({ port: ready.port });
    await client.attach({ breakpoints });
    const times = await measureTrips(client);
    await client.disconnect();
    return times;
  } finally {
    await leave(child);
  }
}

/** From the F5 until every rank's session is configured, milliseconds. */
async function measureF5(size: number, how: "all" | "merge"): Promise<number> {
  await using ranks = await Ranks.start({ size, source: training, flags: [], atOnce: 4 });
  const { child, ready } = await ranks.connect(`--${how}`);
  const begin = performance.now();
  let took: number;
  if (how === "all") {
    await using editor = await HubEditor.attach({ port: ready.port });
    await editor.until(size, 120_000);
    took = performance.now() - begin;
    await editor.parent.disconnect();
  } else {
    await using client = await DapClient.connect({ port: ready.port, timeoutMs: 120_000 });
    await client.attach({});
    const seen = new Set<string>();
    while (seen.size < size) {
      const { threads } = await client.request<{ threads: { name: string }[] }>("threads");
      for (const { name } of threads) seen.add(name.split(":")[0]!);
    }
    took = performance.now() - begin;
    await client.disconnect();
  }
  await leave(child);
  return took;
}

/** Processor time of the next rounds of some ranks, milliseconds. */
async function nextRounds(ranks: Ranks, which: readonly number[]): Promise<number> {
  const starts = which.map((rank) => ranks.processes[rank]!.stdout.length);
  await Promise.all(
    which.map((rank, index) =>
      ranks.processes[rank]!.until(new RegExp(`(?:[^\\n]*\\n){${rounds + 2}}`), {
        stream: "stdout",
        from: starts[index]!,
        timeoutMs: 120_000,
      })
    ),
  );
  return median(
    which.flatMap((rank, index) =>
      [...ranks.processes[rank]!.stdout.slice(starts[index]!).matchAll(/^round (\S+)$/gm)].slice(1)
        .map(([, ms]) => Number(ms))
    ),
  );
}

interface Speeds {
  alone: number;
  attached: number;
  oneStopped: number;
  detached: number;
}

async function measureSpeeds(): Promise<Speeds> {
  await using ranks = await Ranks.start({ size: 4, source: training });
  const all = [0, 1, 2, 3];
  const alone = await nextRounds(ranks, all);
  const { child, ready } = await ranks.connect("--all");
  await using editor = await HubEditor.attach({ port: ready.port });
  await editor.until(4);
  for (const rank of all) await editor.rank(rank).waitFor("stopped");
  for (const rank of all) await editor.rank(rank).request("continue", { threadId: 1 });
  const attached = await nextRounds(ranks, all);
  await editor.rank(3).request("pause", { threadId: 1 });
  await editor.rank(3).waitFor("stopped");
  const oneStopped = await nextRounds(ranks, [0, 1, 2]);
  await editor.parent.disconnect();
  const detached = await nextRounds(ranks, all);
  await leave(child);
  return { alone, attached, oneStopped, detached };
}

/** From the command until it is ready for two ranks, beside many sessions of other jobs. */
async function measureReady(others: number): Promise<number> {
  await using ranks = await Ranks.start({ size: 2, source: training, flags: [] });
  const folder = `${ranks.sandbox.state}/sessions/c1/other`;
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  for (let pid = 1; pid <= others; pid++) {
    const job = { id: "other", display: "other", step: null };
    const text = JSON.stringify(record({ pid, job, uid: Deno.uid(), rank: pid }));
    await Deno.writeTextFile(`${folder}/${recordName("n1")}-${pid}.json`, `${text}\n`, {
      mode: 0o600,
    });
  }
  const times: number[] = [];
  for (let run = 0; run < 5; run++) {
    const begin = performance.now();
    const { child } = await ranks.connect("--rank=0-1");
    times.push(performance.now() - begin);
    await leave(child);
  }
  return median(times);
}

/** Measures all of it. */
export async function bench(): Promise<BenchTable> {
  const rows: string[][] = [];
  {
    await using ranks = await Ranks.start({ size: 2, source: training, flags: [] });
    const results = { one: [] as number[], child: [] as number[], merged: [] as number[] };
    for (let round = 0; round < 3; round++) {
      for (const how of ["one", "child", "merged"] as const) {
        results[how].push(...await tripsBy(ranks, how));
      }
    }
    const base = median(results.one);
    for (
      const [how, name] of [
        ["one", "a session of its own (`--rank 0`)"],
        ["child", "a rank's session below `--all`"],
        ["merged", "the session of `--merge`"],
      ] as const
    ) {
      const value = median(results[how]);
      rows.push([
        `round trip, ${name}`,
        how === "one" ? `${value.toFixed(2)} ms` : `${beside(value, base, 2)} ms`,
        `95 % below ${quantile(results[how], 0.95).toFixed(2)} ms`,
      ]);
    }
  }
  const first = await measureF5(2, "all");
  for (const size of [2, 8, 32]) {
    const all = size === 2 ? first : await measureF5(size, "all");
    const merged = await measureF5(size, "merge");
    rows.push([
      `F5 to all attached, ${size} ranks`,
      `${all.toFixed(0)} ms (${(all / size).toFixed(0)} a rank)`,
      `--merge: ${merged.toFixed(0)} ms`,
    ]);
  }
  const speeds = await measureSpeeds();
  rows.push(
    ["a round of work, undebugged", `${speeds.alone.toFixed(1)} ms`, ""],
    [
      "the same, four ranks attached",
      `${speeds.attached.toFixed(1)} ms`,
      ratio(speeds.attached, speeds.alone),
    ],
    [
      "the same while one of four ranks is stopped",
      `${speeds.oneStopped.toFixed(1)} ms`,
      `${ratio(speeds.oneStopped, speeds.alone)}; ${
        ratio(speeds.oneStopped, speeds.attached)
      } of attached`,
    ],
    [
      "the same after all have been let go",
      `${speeds.detached.toFixed(1)} ms`,
      ratio(speeds.detached, speeds.alone),
    ],
  );
  const [few, many] = [await measureReady(0), await measureReady(1000)];
  rows.push(
    ["command to ready, two ranks", `${few.toFixed(0)} ms`, ""],
    ["the same beside 1,000 other sessions", `${many.toFixed(0)} ms`, ratio(many, few)],
  );
  return {
    title: "Every rank from one F5",
    columns: ["", "median", ""],
    rows,
    notes: [
      `Python ${python.version}, no scheduler and no ssh: laptop, login node and ranks are this host`,
      `a round is 100,000 calls of a Python function, its processor time; attached without breakpoint`,
    ],
  };
}
