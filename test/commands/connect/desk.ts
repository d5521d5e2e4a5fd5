/**
 * What the tests of `rdg connect` do again and again: start it as the laptop's user, be an editor with
 * the configuration that asks nothing, look at what is left behind.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Cluster } from "../../cluster/cluster.ts";
import { countingLine } from "../../cluster/jobs.ts";
import { processesOf, signal, waitUntil } from "../../cluster/process.ts";
import { DapClient } from "../../support/dap.ts";
import type { Child } from "../../support/rdg.ts";
import type { Laptop } from "./laptop.ts";

/** What `rdg connect --json` prints for each session. */
export interface Ready {
  event: string;
  port: number;
  way: string;
  job: string;
  node: string;
  pid: number;
  rank: number | null;
}

/** Waits until a session is ready; `count` for a later one. */
export async function ready(child: Child, count = 1): Promise<Ready> {
  const pattern = new RegExp(`(?:^\\{"event".*\\}\\n){${count}}`, "m");
  const [lines] = await child.until(pattern, { stream: "stdout", timeoutMs: 60_000 });
  return JSON.parse(lines.trim().split("\n").at(-1)!);
}

/** The attach arguments that `rdg init` makes VS Code send. */
export function zeroQuestions(laptop: Laptop): Record<string, unknown> {
  return {
    name: "rdg: Attach",
    type: "debugpy",
    request: "attach",
    connect: { host: "127.0.0.1", port: 5678 },
    pathMappings: [{ localRoot: laptop.project, remoteRoot: "." }],
    justMyCode: false,
  };
}

/** Connects as an editor does and stops in count.py. */
export async function stopInLoop(
  laptop: Laptop,
  port: number,
): Promise<{ client: DapClient; threadId: number; path: string }> {
  const client = await DapClient.connect({ port });
  const file = `${laptop.project}/count.py`;
  const { breakpoints } = await client.attach({
    arguments: zeroQuestions(laptop),
    breakpoints: { [file]: [countingLine] },
  });
  assert.equal(breakpoints[file]?.[0]?.verified, true);
  while (true) {
    const { threadId } = (await client.waitFor<{ threadId: number }>("stopped")).body;
    const { stackFrames } = await client.request<{
      stackFrames: { line: number; source: { path: string } }[];
    }>("stackTrace", { threadId, levels: 1 });
    const [frame] = stackFrames;
    if (frame?.line === countingLine) return { client, threadId, path: frame.source.path };
    await client.request("continue", { threadId });
  }
}

/** From a running `rdg connect` to a breakpoint hit, and away again. */
export async function hitBreakpoint(laptop: Laptop, port: number): Promise<void> {
  const { client, threadId, path } = await stopInLoop(laptop, port);
  assert.equal(path, `${laptop.project}/count.py`);
  assert.equal(await client.evaluate("number >= 0", threadId), "True");
  await client.disconnect();
}

/** Ends `rdg connect` as Ctrl-C does, and checks that nothing is left on any machine. */
export async function leave(
  child: Child,
  { cluster, laptop }: { cluster: Cluster; laptop: Laptop },
): Promise<void> {
  await child.kill("SIGINT");
  const { code } = await child.status();
  assert.equal(code, 0, child.stderr);
  await nothingLeft({ cluster, laptop });
}

/** Checks that no process, no step and no file of `rdg connect` is left. */
export async function nothingLeft(
  { cluster, laptop }: { cluster: Cluster; laptop: Laptop },
): Promise<void> {
  await waitUntil("the laptop's processes to end", {
    ask: async () => (await commands(laptop.user.uid)).every((line) => line.includes("bridge")),
    timeoutMs: 10_000,
  }).catch(async (error) => {
    throw new Error(`${error.message}: ${(await commands(laptop.user.uid)).join("; ")}`);
  });
  await waitUntil("everything on the cluster to end", {
    ask: async () => (await leftThere(cluster)).length === 0,
    timeoutMs: 10_000,
  }).catch(async (error) => {
    throw new Error(`${error.message}: ${(await leftThere(cluster)).join("; ")}`);
  });
  const { stdout } = await cluster.run(["squeue", "--me", "-h", "-s", "-o", "%i %j"]);
  assert.doesNotMatch(stdout, / sh$/m);
  for await (const { name } of Deno.readDir(laptop.temporary)) {
    assert.fail(`${name} is left among the temporary files`);
  }
}

/** Kills the laptop's connection to the login node. */
export async function killSsh(uid: number): Promise<void> {
  for (const pid of await processesOf(uid)) {
    const words = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
    if (/^[^\0]*ssh\0/.test(words) && words.includes("\0-M\0")) signal(pid, "SIGKILL");
  }
}

/** Processes of the cluster's user that only `rdg connect` starts. */
async function leftThere(cluster: Cluster): Promise<string[]> {
  const lines = await commands(cluster.user.uid);
  return lines.filter((line) => /rdg-relay|while IFS=|srun .*--overlap|^sshd: .*notty/.test(line));
}

async function commands(uid: number): Promise<string[]> {
  const lines = await Promise.all((await processesOf(uid)).map(async (pid) => {
    const text = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
    return text.replaceAll("\0", " ").slice(0, 200).trim();
  }));
  return lines.filter(Boolean);
}
