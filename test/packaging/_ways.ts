/**
 * What the tests of the ways to install do again and again: run a program under some rdg to a
 * breakpoint, in surroundings where nothing but the way itself can help.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DapClient } from "../support/dap.ts";
import { python, root } from "../support/python.ts";
import { type Sandbox, start } from "../support/rdg.ts";

const script = "import time\nfor number in range(10**6):\n    time.sleep(0.05)\n";

/**
 * The environment of a child that may have to fetch packages: this one's, but for the sandbox's
 * folders and a cache of Deno's own.
 *
 * @param sandbox The sandbox.
 * @param more Further variables.
 * @returns Variables.
 */
export function fetching(sandbox: Sandbox, more: Record<string, string> = {}) {
  const { HOME: _home, DENO_DIR: _cache, ...env } = sandbox.env;
  return { ...Deno.env.toObject(), ...env, ...more };
}

/**
 * Runs a program to its end.
 *
 * @param words The program and its arguments.
 * @param options The sandbox, and the environment.
 * @returns Its stdout.
 */
export async function must(
  words: readonly string[],
  options: { sandbox: Sandbox; env?: Record<string, string>; cwd?: string },
): Promise<string> {
  await using child = start(words, options);
  const { code } = await child.status(180_000);
  assert.equal(code, 0, `${words.join(" ")}\n${child.stdout}\n${child.stderr}`);
  return child.stdout;
}

/**
 * Starts a program by `rdg debug`, and stops it at a breakpoint.
 *
 * @param rdg The words that start rdg.
 * @param options The sandbox, and the environment.
 */
export async function toBreakpoint(
  rdg: readonly string[],
  { sandbox, env = {} }: { sandbox: Sandbox; env?: Record<string, string> },
): Promise<void> {
  const file = await sandbox.write("loop.py", script);
  await using child = start([...rdg, "debug", python.path, "loop.py"], { sandbox, env });
  await child.until(/waiting for debugger/, { timeoutMs: 120_000 });
  const port = await child.port();
  const session = (await sandbox.records()).find(({ pid }) => pid === child.pid);
  await using client = await DapClient.connect({ port });
  await client.attach({ token: String(session?.["token"]), breakpoints: { [file]: [3] } });
  const { threadId } = (await client.waitFor<{ threadId: number }>("stopped")).body;
  assert.equal(await client.evaluate("number", threadId), "0");
}

/** Files of the checkout below some folders, by their ending. */
export async function filesOf(folders: readonly string[], ending: string): Promise<string[]> {
  const found: string[] = [];
  for (const folder of folders) {
    for await (const { name, isDirectory } of Deno.readDir(`${root}/${folder}`)) {
      if (name === "__pycache__") continue;
      if (isDirectory) found.push(...await filesOf([`${folder}/${name}`], ending));
      else if (name.endsWith(ending)) found.push(`${folder}/${name}`);
    }
  }
  return found.sort();
}
