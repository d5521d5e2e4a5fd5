/**
 * A `/proc` that hides processes that live. Mounts one in a namespace of its own, which needs root.
 *
 * @module
 */

import { powerless } from "./rdg.ts";

/** Whether it can be had here. */
export const mayMount: boolean = Deno.uid() === 0 &&
  (await new Deno.Command("unshare", {
    args: ["--mount", "--pid", "--fork", "mount", "-t", "proc", "-o", "hidepid=2", "proc", "/proc"],
  }).output().catch(() => ({ success: false }))).success;

/** To be put behind a test's name. */
export const skipped: string = mayMount ? "" : " (skipped: needs root, to mount /proc)";

/**
 * Hides a process of root's from a command, which has root's number, but not the rights.
 *
 * @param pid The process.
 * @returns Words before the command; where they hide nothing, it isn't run.
 */
export function hiding(pid: number): string[] {
  // Root's group would be shown everything.
  const mount = 'mount -t proc -o hidepid=2,gid=65534 proc /proc && exec "$@"';
  const look = `! test -e /proc/${pid} && exec "$@"`;
  return ["unshare", "--mount", "sh", "-c", mount, "sh", ...powerless, "sh", "-c", look, "sh"];
}
