/**
 * Runs `rdg init` with a host and a disk made of literals. Touches nothing.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type InitOptions, run } from "../../../commands/init/command.ts";
import { RdgError } from "../../../plugins/error.ts";
import { type Disk, literalHost, literalParts } from "./_host.ts";

/** What is typed where nothing is. */
export const plain: InitOptions = {
  editors: [],
  remove: false,
  print: false,
  dryRun: false,
  force: false,
};

/** A project, and nothing else. */
export function project(more: Disk = {}): Disk {
  return { "/home/ada/proj": null, ...more };
}

/** Runs `rdg init` on a disk, which is changed. */
export async function init(
  disk: Disk,
  given: Partial<InitOptions> = {},
  more: { env?: Record<string, string>; cwd?: string; interactive?: boolean; ask?: "zed" } = {},
) {
  const { host, written } = literalHost(more.env ?? {}, more);
  const parts = literalParts(
    disk,
    more.ask && ((plugins) => Promise.resolve(plugins.filter(({ name }) => name === more.ask))),
  );
  const code = await run({ ...plain, ...given }, host, parts);
  return { code, ...written };
}

/** The error that something ends with. */
export async function refusal(promise: Promise<unknown>): Promise<RdgError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof RdgError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "it was not refused" });
}

/** The paths of a disk's files. */
export function files(disk: Disk): string[] {
  return Object.keys(disk).filter((path) => typeof disk[path] === "string").sort();
}

/** VS Code's file. */
export const launch = "/home/ada/proj/.vscode/launch.json";
