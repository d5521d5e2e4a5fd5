/**
 * Lets another, ordinary user of this machine try to get into a running session. Touches: `ss`,
 * /proc, and a process that becomes that user; needs root.
 *
 * What belongs to the session is found as root, from its processes: the TCP ports they listen on,
 * their Unix sockets and open files. The tries are made as the other user (testdata/intruder.py).
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { readText } from "./door_program.ts";

/** The session to get into. */
export interface Target {
  /** Its processes: the program, its debugpy adapter, helpers. */
  pids: readonly number[];
  /** The session's token: looked for in everything that can be read, never sent. */
  token: string;
  /** Files and folders that must be closed to others: records, stack files, their folders. */
  privatePaths?: readonly string[];
}

/** How it went. */
export interface Intrusion {
  /** The ports that were found and tried, as `address:port`. */
  ports: string[];
  /** How often each kind of thing was tried. */
  tried: Record<string, number>;
  /** Each way in that was open, in words; none is as it should be. */
  breaches: string[];
}

/** The user `nobody`: ordinary, and on every system. */
const other = { uid: 65534, gid: 65534 };

/** SIGRTMIN+6 and SIGRTMIN+7 as glibc counts, and SIGUSR1. */
const wakeSignals = [40, 41, 10];

/** Whether this test run may become another user. */
export const canBecomeOther: boolean = Deno.uid() === 0;

/**
 * Tries everything.
 *
 * @param target The session.
 * @returns What was tried and what was open.
 * @throws {Error} with the intruder's last words if it broke.
 */
export async function intrude(target: Target): Promise<Intrusion> {
  const ports = await portsOf(target.pids);
  const plan = {
    ...other,
    ports,
    ...openedBy(target.pids),
    private: target.privatePaths ?? [],
    pids: target.pids,
    signals: wakeSignals,
    secret: target.token,
  };
  const child = new Deno.Command("python3", {
    args: ["-I", fileURLToPath(new URL("../python/testdata/intruder.py", import.meta.url))],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(`${JSON.stringify(plan)}\n`));
  await input.close();
  const { success, stdout, stderr } = await child.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const outcome = JSON.parse(new TextDecoder().decode(stdout));
  return { ports: ports.map(([address, port]) => `${address}:${port}`), ...outcome };
}

/** The listening TCP ports of some processes, each with an address to reach it by. */
async function portsOf(pids: readonly number[]): Promise<[string, number][]> {
  const { stdout } = await new Deno.Command("ss", { args: ["-H", "-l", "-t", "-n", "-p"] })
    .output();
  const ports: [string, number][] = [];
  for (const line of new TextDecoder().decode(stdout).split("\n")) {
    const [, , , local] = line.trim().split(/\s+/);
    const holders = [...line.matchAll(/pid=(\d+)/g)].map(([, pid]) => Number(pid));
    if (local === undefined || !holders.some((pid) => pids.includes(pid))) continue;
    const at = local.lastIndexOf(":");
    const address = local.slice(0, at).replace(/^\[|\]$|%.*$/g, "");
    const everywhere = address === "0.0.0.0" || address === "*" || address === "::";
    ports.push([everywhere ? "127.0.0.1" : address, Number(local.slice(at + 1))]);
  }
  return ports;
}

/** Paths of the Unix sockets and files that some processes hold open. */
function openedBy(pids: readonly number[]): { sockets: string[]; files: string[] } {
  const inodes = new Set<string>();
  const files = new Set<string>();
  for (const pid of pids) {
    for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
      let path: string;
      try {
        path = Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
      } catch {
        continue; // Closed since.
      }
      const inode = /^socket:\[(\d+)\]$/.exec(path)?.[1];
      if (inode) inodes.add(inode);
      else if (path.startsWith("/") && !path.startsWith("/dev/")) files.add(path);
    }
  }
  const sockets = readText("/proc/net/unix").split("\n").flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    return inodes.has(fields[6] ?? "") && fields[7] ? [fields[7]] : [];
  });
  return { sockets, files: [...files] };
}
