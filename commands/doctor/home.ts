/**
 * The folder that session records are kept in: whether it can be written, whether others can read it,
 * whether compute nodes see it. Writes a file there and removes it again; runs `sh` with `df`.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import type { Session } from "../../python/sessions.ts";
import { note, ok, type Place, problem, type Row } from "./row.ts";
import type { Role } from "./role.ts";

/** A folder as it is. */
export interface FolderFacts {
  /** The folder. */
  path: string;
  /** Whether it is there already. */
  exists: boolean;
  /** Permission bits; null where unknown. */
  mode: number | null;
  /** The owner's number; null where unknown. */
  uid: number | null;
  /** Whether a folder above it shuts everybody else out. */
  shutAbove: boolean;
  /** Why nothing can be written there; null where it can. */
  writeError: string | null;
}

/** A file system as `df` and `/proc/mounts` have it. */
export interface DiskFacts {
  /** Free space in KiB; null where unknown. */
  freeKib: number | null;
  /** Its kind: `ext4`, `nfs4`; null where unknown. */
  type: string | null;
  /** Where it is mounted; null where unknown. */
  mount: string | null;
}

/** Bytes written to see whether anything can be: a record has some 2 KiB, quotas count in blocks. */
const trialBytes = 64 * 1024;

/** Space below which programs that write records, stacks and pages will soon fail. */
const littleKib = 100 * 1024;

/** File systems that several machines share. */
const networked =
  /^(nfs\d?|lustre|gpfs|beegfs(_nodev)?|ceph|fuse\.|afs|panfs|wekafs|cifs|smb3?|9p|orangefs|pvfs2|gfs2|ocfs2|virtiofs|glusterfs|cvmfs|quobyte|dvs)/;

/**
 * Looks at the state folder, and writes there.
 *
 * @param path The state folder.
 * @returns How it is; folders that were made for the trial are gone again.
 */
export async function folderFacts(path: string): Promise<FolderFacts> {
  const info = await Deno.stat(path).catch(() => null);
  const facts = {
    path,
    exists: info !== null,
    mode: info?.mode == null ? null : info.mode & 0o7777,
    uid: info?.uid ?? null,
    shutAbove: await isShutAbove(path),
  };
  const made: string[] = [];
  try {
    await makeFolders(path, made);
    const file = `${path}/.doctor-${crypto.randomUUID()}`;
    try {
      await Deno.writeFile(file, new Uint8Array(trialBytes), { mode: 0o600, createNew: true });
    } finally {
      await Deno.remove(file).catch(() => {});
    }
    return { ...facts, writeError: null };
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return {
      ...facts,
      writeError: words.replace(/ \(os error \d+\)/, "").replace(/: \w+ '.*$/s, ""),
    };
  } finally {
    for (const folder of made.reverse()) await Deno.remove(folder).catch(() => {});
  }
}

async function isShutAbove(path: string): Promise<boolean> {
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
    const info = await Deno.stat(path.slice(0, at)).catch(() => null);
    if (info?.mode != null && (info.mode & 0o011) === 0) return true;
  }
  return false;
}

async function makeFolders(path: string, made: string[]): Promise<void> {
  if (await Deno.stat(path).then(() => true, () => false)) return;
  const above = path.slice(0, path.lastIndexOf("/"));
  if (above) await makeFolders(above, made);
  await Deno.mkdir(path, { mode: 0o700 });
  made.push(path);
}

/** `df` and the kind of file system of `$1`, or of the nearest folder above that is there. */
const diskScript = [
  'd=$1; while [ ! -d "$d" ] && [ -n "$d" ]; do d=${d%/*}; done',
  'set -- $(df -Pk "${d:-/}" 2>/dev/null | tail -n 1)',
  'for last; do :; done; echo "free $4"; echo "mount $last"',
  'while read -r x at type y; do [ "$at" = "$last" ] && echo "type $type"; done </proc/mounts',
  ":",
].join("\n");

/**
 * Asks for the file system of a folder.
 *
 * @param path The folder, whether it exists or not.
 * @param host The world.
 * @returns What is known.
 */
export async function diskFacts(path: string, host: Host): Promise<DiskFacts> {
  const args = ["-c", diskScript, "sh", path];
  return readDisk((await host.runner({ program: "sh", args, timeoutMs: 10_000 })).stdout);
}

/**
 * Reads what the script prints.
 *
 * @param stdout The lines.
 * @returns What they say.
 */
export function readDisk(stdout: string): DiskFacts {
  const all = (key: string) => [...stdout.matchAll(new RegExp(`^${key} (.+)$`, "gm"))];
  // What is mounted last lies on top.
  const last = (key: string) => all(key).at(-1)?.[1] ?? null;
  const free = last("free");
  return {
    freeKib: free !== null && /^\d+$/.test(free) ? Number(free) : null,
    type: last("type"),
    mount: last("mount"),
  };
}

/**
 * The row of the folder: writable, and closed to others.
 *
 * @param facts From {@linkcode folderFacts}.
 * @param uid The person's number; null where there is none.
 * @returns The row.
 */
export function folderRow(facts: FolderFacts, uid: number | null): Row {
  const place: Place = { group: "home", name: "state-folder" };
  const { path, mode } = facts;
  const octal = mode === null ? null : mode.toString(8).padStart(4, "0");
  const data = { path, exists: facts.exists, mode: octal, writable: facts.writeError === null };
  if (facts.writeError !== null) {
    const full = /space|quota/i.test(facts.writeError);
    return problem(place, `${path} cannot be written: ${facts.writeError}`, {
      todo: full
        ? "make room (du -xh ~ | sort -h | tail), or set RDG_STATE_DIR to a folder with space " +
          "that login and compute nodes share"
        : "set RDG_STATE_DIR to a folder that you can write and that login and compute nodes share",
      data,
    });
  }
  if (!facts.exists) return ok(place, `${path} will be made when it is needed`, data);
  if (uid !== null && facts.uid !== null && facts.uid !== uid) {
    return problem(place, `${path} belongs to user ${facts.uid}, not to you`, {
      todo: "set RDG_STATE_DIR to a folder of your own: whoever owns it can read the tokens",
      data,
    });
  }
  if (mode !== null && (mode & 0o077) !== 0) {
    const todo = `rdg doctor --fix, or chmod 700 ${path}`;
    return facts.shutAbove
      ? note(place, `${path} has mode ${octal}; a folder above it keeps others out`, { todo, data })
      : problem(place, `others may get into ${path} (mode ${octal}): tokens are kept there`, {
        todo,
        data,
      });
  }
  return ok(place, `${path}, writable, closed to others`, data);
}

/**
 * The row of the disk below it: shared with the other machines, with room.
 *
 * @param disk From {@linkcode diskFacts}.
 * @param options The role, this machine's name, and all session records.
 * @returns The rows.
 */
export function diskRows(
  disk: DiskFacts,
  options: { role: Role; hostname: string; sessions: readonly Session[] },
): Row[] {
  const { role, hostname, sessions } = options;
  const rows: Row[] = [];
  const shared: Place = { group: "home", name: "shared" };
  const data = { type: disk.type, mount: disk.mount };
  const other = sessions.find((session) => session.hostname !== hostname)?.hostname;
  if (role.kind === "laptop") {
    rows.push(ok(shared, "no compute nodes here that would have to see it", data));
  } else if (other !== undefined) {
    rows.push(ok(shared, `records of ${other} are seen here`, { ...data, seen: other }));
  } else if (disk.type !== null && networked.test(disk.type)) {
    rows.push(ok(shared, `on a network file system (${disk.type}, ${disk.mount})`, data));
  } else {
    const what = disk.type === null ? "an unknown file system" : `${disk.type}, ${disk.mount}`;
    rows.push(
      note(shared, `on ${what}: no network file system that rdg knows`, {
        todo: role.kind === "job"
          ? "if rdg sessions on the login node does not show this job's programs, set RDG_STATE_DIR " +
            "to a shared folder"
          : "if compute nodes have another disk there, set RDG_STATE_DIR to a shared folder, in jobs too",
        data,
      }),
    );
  }
  const space: Place = { group: "home", name: "space" };
  if (disk.freeKib !== null) {
    const free = disk.freeKib >= 1024 * 1024
      ? `${(disk.freeKib / 1024 / 1024).toFixed(1)} GiB`
      : `${Math.floor(disk.freeKib / 1024)} MiB`;
    const text = `${free} free on ${disk.mount ?? "it"}`;
    rows.push(
      disk.freeKib >= littleKib ? ok(space, text, { freeKib: disk.freeKib }) : note(space, text, {
        todo: "make room there: records, stacks and debugpy are written to it",
        data: { freeKib: disk.freeKib },
      }),
    );
  }
  return rows;
}
