/**
 * Starts the Python side: puts its files where the job's Python finds them, and says which environment
 * arms a process. Touches the cache folder (`$XDG_CACHE_HOME/rdg/python/<version>`), where that can't be
 * written a private folder below the temporary one.
 *
 * @module
 */

import type { JobVariables } from "../plugins/contract.ts";
import { ExitCode, RdgError } from "../plugins/error.ts";
import { pythonFiles } from "./files.ts";

/** What the processes below COMMAND are told; read by `remote_debug/_config.py`. */
export interface AgentConfig {
  /** Version of this form. */
  format: 1;
  /** The process that becomes COMMAND; not the last key, `_old.py` looks for the comma. */
  pid: number;
  /** Its start time in clock ticks since boot; null where unknown. */
  start: number | null;
  /** COMMAND is a child of `pid` instead (where the process couldn't be replaced). */
  spawned: boolean;
  /** What it is to do. */
  modes: ("wait" | "lite" | "post-mortem")[];
  /** Stop on the first line of the program. */
  stopOnEntry: boolean;
  /** TCP port, 0 for any free one. */
  port: number;
  /** Address to listen on. */
  bind: string;
  /** Number of the wake signal, 0 for SIGRTMIN+6. */
  signal: number;
  /** Number of the stack signal, 0 for SIGRTMIN+7. */
  stackSignal: number;
  /** Seconds to wait for an editor, 0 without limit, null by mode. */
  waitTimeout: number | null;
  /** Globs of scripts and modules that are programs. */
  programs: string[];
  /** Have debugpy follow child processes. */
  subprocess: boolean;
  /** Ranks that take part, null for all. */
  ranks: [number, number][] | null;
  /** Print only what is needed to connect. */
  quiet: boolean;
  /** The port wants the session's token. */
  auth: boolean;
  /** What the scheduler's variable for the job's id says where rdg runs, null outside a job. */
  job: string | null;
  /** Where rdg runs, so that a container below it can be told from it; null where unknown. */
  machine: MachineNames | null;
  /** COMMAND starts a job of its own (srun, salloc). */
  follow: boolean;
  /** Schedulers of the person's own plugins, beside those of `remote_debug/_tables.py`. */
  schedulers?: { name: string; job: JobVariables }[];
  /** COMMAND's words; of a long line only the first ones reach the processes. */
  command: string[];
}

/** What tells this machine, outside any container below it, from all others. */
export interface MachineNames {
  /** The kernel's id of this boot, the same in every container. */
  boot: string;
  /** `readlink /proc/self/ns/pid`. */
  pids: string;
  /** `readlink /proc/self/ns/net`. */
  network: string;
  /** Its name. */
  host: string;
  /** The person's name; null where the environment doesn't tell. */
  user: string | null;
  /** Folder of the session records. */
  state: string | null;
  /** rdg's cache folder. */
  cache: string | null;
}

/** Folders to look at, in order. */
export interface AgentPlaces {
  /** The cache folder of rdg; null where there is none. */
  cache: string | null;
  /** Folder for temporary files. */
  temporary: string;
  /** The person's user id; null where there is none. */
  uid: number | null;
}

/**
 * Says where rdg's cache is.
 *
 * @param env Looks up a variable.
 * @returns The folder; null where the environment names no home.
 */
export function cacheFolder(env: (name: string) => string | undefined): string | null {
  const home = env("HOME");
  const base = env("XDG_CACHE_HOME") || (home ? `${home}/.cache` : null);
  return base === null ? null : `${base}/rdg`;
}

/**
 * Puts the Python files on disk, once for each version of them. Safe for many processes at once: the
 * folder is filled under another name and renamed.
 *
 * @param places Where to put them.
 * @returns The folder that belongs on PYTHONPATH.
 * @throws {RdgError} `permission` when none of the places can be written.
 */
export async function installAgent(places: AgentPlaces): Promise<string> {
  const version = await contentVersion();
  const failures: unknown[] = [];
  for (const root of [places.cache, `${places.temporary}/rdg-${places.uid ?? "user"}`]) {
    // PYTHONPATH can't hold a folder with its own separator in the name.
    if (root === null || root.includes(":")) continue;
    const folder = `${root}/python/${version}`;
    try {
      if (root !== places.cache) await ensurePrivate(root, places.uid);
      if (!isComplete(folder)) await write(folder);
      return `${folder}/remote_debug/_site`;
    } catch (error) {
      failures.push(error);
    }
  }
  throw new RdgError("Cannot put rdg's Python files where the program can read them", {
    code: "permission",
    exitCode: ExitCode.permission,
    hint: "set XDG_CACHE_HOME to a folder that you can write and that the compute nodes see",
    cause: failures.map(String).join("\n"),
  });
}

/**
 * The environment that arms every Python below COMMAND.
 *
 * @param config What they are told.
 * @param options The folder from {@linkcode installAgent} and the PYTHONPATH of now.
 * @returns Variables to set, and (null) to take away.
 */
export function agentEnvironment(
  config: AgentConfig,
  options: { site: string; pythonPath: string | undefined },
): Record<string, string | null> {
  // An empty entry of PYTHONPATH means the current folder, so an empty one is not kept.
  const rest = (options.pythonPath ?? "").split(":").filter((entry, index, all) =>
    !entry.endsWith("/remote_debug/_site") && !(entry === "" && all.length === 1 && index === 0)
  );
  return {
    "PYTHONPATH": [options.site, ...rest].join(":"),
    "RDG_CONFIG": JSON.stringify({ ...config, command: head(config.command) }),
    "RDG_CLAIM": null,
  };
}

/** The first words: the kernel takes no variable of more than 128 KiB, and globs make long lines. */
function head(words: readonly string[]): string[] {
  let left = 8192;
  return words.filter((word) => (left -= word.length + 1) >= 0);
}

async function contentVersion(): Promise<string> {
  const text = Object.entries(pythonFiles).flat().join("\0");
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest, 0, 8), (byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

/**
 * Whether all files are there: cleaners of scratch folders take old ones away one by one. One after
 * the other is quicker than all at once: handing them to other threads costs 2 ms.
 */
function isComplete(folder: string): boolean {
  try {
    return Object.keys(pythonFiles).every((name) =>
      Deno.statSync(`${folder}/remote_debug/${name}`).size > 0
    );
  } catch {
    return false;
  }
}

async function write(folder: string): Promise<void> {
  const temporary = `${folder}.${crypto.randomUUID()}.tmp`;
  await Deno.mkdir(`${temporary}/remote_debug/_site`, { recursive: true, mode: 0o700 });
  try {
    for (const [name, text] of Object.entries(pythonFiles)) {
      await Deno.writeTextFile(`${temporary}/remote_debug/${name}`, text, { mode: 0o600 });
    }
    for (let left = 10;; left--) {
      try {
        return await Deno.rename(temporary, folder);
      } catch (error) {
        if (isComplete(folder)) return; // another process was quicker
        if (left === 0) throw error;
      }
      // An incomplete folder is in the way: processes that use it have read what they need. Another
      // process may be mending it as well.
      const old = `${temporary}.${left}.old`;
      await Deno.rename(folder, old).then(() => Deno.remove(old, { recursive: true }), () => {});
    }
  } finally {
    await Deno.remove(temporary, { recursive: true }).catch(() => {});
  }
}

/** Makes a folder below the temporary one; refuses one that another user prepared. */
async function ensurePrivate(folder: string, uid: number | null): Promise<void> {
  await Deno.mkdir(folder, { mode: 0o700 }).catch((error) => {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  });
  const info = await Deno.lstat(folder);
  const open = info.mode !== null && (info.mode & 0o077) !== 0;
  if (!info.isDirectory || (uid !== null && info.uid !== uid) || open) {
    throw new Deno.errors.PermissionDenied(`"${folder}" is not a private folder of this user`);
  }
}
