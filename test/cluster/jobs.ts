/**
 * What the tests on the real Slurm do again and again: write a program, start it armed in a job, wake
 * it by `rdg attach`, and stop it at a breakpoint with a DAP client.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readSessions, type Session } from "../../python/sessions.ts";
import { DapClient } from "../support/dap.ts";
import type { Cluster, RunOptions } from "./cluster.ts";
import { type Finished, processesOf, waitUntil } from "./process.ts";

/** One session as `rdg attach --json` prints it. */
export interface Woken {
  node: string;
  pid: number;
  rank: number | null;
  state: string;
  host: string;
  port: number;
  token: string | null;
  ssh: string;
}

/** A program that counts, a step every tenth of a second; line 4 is hit again and again. */
export const counting = `import sys, time

def step(number):
    total = number * 2
    time.sleep(0.1)
    return total

for number in range(10**6):
    step(number)
`;

/** The line of {@linkcode counting} to stop at. */
export const countingLine = 4;

/** Writes a file of the user's; returns its path. */
export async function writeProgram(
  cluster: Cluster,
  options: { name: string; text: string },
): Promise<string> {
  const path = `${cluster.user.home}/${options.name}`;
  await Deno.writeTextFile(path, options.text);
  await Deno.chown(path, cluster.user.uid, cluster.user.gid);
  return path;
}

/** Environment in which the user's Python finds debugpy. */
export function withDebugpy(cluster: Cluster): Record<string, string> {
  return { PYTHONPATH: `${cluster.root}/site` };
}

/** Submits a batch script whose Python finds debugpy; returns the job's id. */
export async function submit(
  cluster: Cluster,
  options: { args?: readonly string[]; script: string },
): Promise<string> {
  const lines = options.script.split("\n");
  return await cluster.sbatch(
    ["#!/bin/bash", `export PYTHONPATH=${cluster.root}/site`, ...lines, ""].join("\n"),
    options.args ?? [],
  );
}

/** All records of the user's. */
export async function records(cluster: Cluster): Promise<Session[]> {
  const state = `${cluster.user.home}/.local/state/rdg`;
  return (await readSessions(state, { uid: cluster.user.uid })).sessions;
}

/** Waits until a job (by the id that people see) has a number of armed processes. */
export async function untilArmed(
  cluster: Cluster,
  options: { job: string; count?: number; timeoutMs?: number },
): Promise<Session[]> {
  return await waitUntil(`${options.count ?? 1} armed in job ${options.job}`, {
    ask: async () => {
      const mine = (await records(cluster)).filter(({ job }) => job.display === options.job);
      return mine.length >= (options.count ?? 1) && mine;
    },
    ...(options.timeoutMs ? { timeoutMs: options.timeoutMs, everyMs: 500 } : {}),
  }).catch(async (error) => {
    throw new Error(`${error.message}\n${await jobOutput(cluster)}\n${await cluster.logs()}`);
  });
}

/** Waits until the one record of a job (by the id that people see) is as wanted. */
export async function withRecord(
  cluster: Cluster,
  options: { job: string; is: (session: Session) => boolean },
): Promise<Session> {
  return await waitUntil(`another state in job ${options.job}`, {
    ask: async () => {
      const mine = (await records(cluster)).find(({ job }) => job.display === options.job);
      return mine !== undefined && options.is(mine) && mine;
    },
  });
}

/** Waits for a process of the user's by its command line; returns its id. */
export async function processLike(cluster: Cluster, pattern: RegExp): Promise<number> {
  return await waitUntil(`a process like ${pattern}`, {
    ask: async () => {
      for (const pid of await processesOf(cluster.user.uid)) {
        const words = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
        if (pattern.test(words.replaceAll("\0", " "))) return pid;
      }
      return null;
    },
  });
}

/** What all jobs have printed. */
export async function jobOutput(cluster: Cluster): Promise<string> {
  const parts: string[] = [];
  for await (const { name } of Deno.readDir(cluster.user.home)) {
    if (!name.endsWith(".out")) continue;
    parts.push(`== ${name}`, await Deno.readTextFile(`${cluster.user.home}/${name}`));
  }
  return parts.join("\n");
}

/** Runs rdg on the login node. */
export async function rdg(
  cluster: Cluster,
  words: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  return await cluster.run(["rdg", ...words], options);
}

/** Runs `rdg attach … --json`, which has to succeed. */
export async function attach(cluster: Cluster, words: readonly string[]): Promise<Woken[]> {
  const done = await rdg(cluster, ["attach", ...words, "--json"]);
  assert.equal(done.code, 0, `${done.stdout}${done.stderr}\n${await jobOutput(cluster)}`);
  return JSON.parse(done.stdout).sessions;
}

/** Connects as an editor does, stops at a line, and returns what an expression is worth there. */
export async function stopAt(
  woken: Woken,
  options: { file: string; line: number; expression: string },
): Promise<string> {
  await using client = await DapClient.connect({ port: woken.port });
  const { breakpoints } = await client.attach({
    ...(woken.token ? { token: woken.token } : {}),
    arguments: { name: "test", justMyCode: true },
    breakpoints: { [options.file]: [options.line] },
  });
  assert.equal(breakpoints[options.file]?.[0]?.verified, true);
  // Awake, the program stops where the signal met it; then it goes on to the breakpoint.
  let threadId: number;
  while (true) {
    threadId = (await client.waitFor<{ threadId: number }>("stopped")).body.threadId;
    const { stackFrames } = await client.request<{ stackFrames: { line: number }[] }>(
      "stackTrace",
      { threadId, levels: 1 },
    );
    if (stackFrames[0]?.line === options.line) break;
    await client.request("continue", { threadId });
  }
  const value = await client.evaluate(options.expression, threadId);
  await client.request("setBreakpoints", { source: { path: options.file }, breakpoints: [] });
  await client.disconnect();
  return value;
}

/** From `rdg attach` to a breakpoint in {@linkcode counting}, for each process that it woke. */
export async function attachAndStop(
  cluster: Cluster,
  options: { words: readonly string[]; file: string; count?: number },
): Promise<void> {
  const woken = await attach(cluster, options.words);
  assert.equal(woken.length, options.count ?? 1);
  for (const one of woken) {
    const value = await stopAt(one, {
      file: options.file,
      line: countingLine,
      expression: "number >= 0",
    });
    assert.equal(value, "True");
  }
}

/** Ends the user's jobs and waits until the nodes are free. */
export async function endJobs(cluster: Cluster): Promise<void> {
  await cluster.run(["scancel", `--user=${cluster.user.name}`]);
  await waitUntil("the end of all jobs", {
    ask: async () => (await cluster.run(["squeue", "--me", "-h"])).stdout.trim() === "",
  });
}
