/**
 * One "machine" of the test cluster: a UTS and a mount namespace of its own on this host, so that it
 * has its own hostname and /etc/hosts. Where namespaces can't be had (a container without rights),
 * it is the host itself. Starts unshare and nsenter; needs root.
 *
 * @module
 */

import { readLine } from "./process.ts";

/** A machine that programs can be started on. */
export interface Machine {
  /** Its hostname. */
  name: string;
  /** Words to put before a command so that it runs there. */
  prefix: readonly string[];
  /** Whether it has namespaces of its own. */
  separate: boolean;
  /** Gives the namespaces back; programs that still run there keep them. */
  close(): Promise<void>;
}

/**
 * Makes a machine.
 *
 * @param name Its hostname.
 * @param options The file to show as /etc/hosts, and shell commands to run in it as root, once.
 * @returns The machine; not `separate` where the kernel refuses.
 */
export async function makeMachine(
  name: string,
  options: { hosts: string; setup?: string },
): Promise<Machine> {
  const script = [
    "set -e",
    'mount --bind "$2" /etc/hosts',
    'hostname "$1"',
    options.setup ?? ":",
    "echo ready",
    "exec cat",
  ].join("\n");
  // cat ends when its stdin closes, so the namespaces go even when the tests are killed.
  const holder = new Deno.Command("unshare", {
    args: [
      "--uts",
      "--mount",
      "--propagation",
      "private",
      "sh",
      "-c",
      script,
      "sh",
      name,
      options.hosts,
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  if (await readLine(holder.stdout) !== "ready") {
    await holder.stdin.close().catch(() => {});
    await holder.status;
    return { name: Deno.hostname(), prefix: [], separate: false, close: () => Promise.resolve() };
  }
  return {
    name,
    prefix: ["nsenter", `--uts=/proc/${holder.pid}/ns/uts`, `--mount=/proc/${holder.pid}/ns/mnt`],
    separate: true,
    close: async () => {
      await holder.stdin.close().catch(() => {});
      await holder.status;
    },
  };
}
