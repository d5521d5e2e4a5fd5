/**
 * Gets a plugin's files: from a folder or file of this machine, or from a repository by `git`, without
 * its hooks, filters, submodules and links. Runs `git`; works in a temporary folder.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import { ExitCode, RdgError } from "../../plugins/error.ts";
import { fileNames, maxBytes } from "../../plugins/drop_in/folder.ts";
import type { PluginSource } from "./source.ts";

/** Files by their path below the plugin's folder. */
export type PluginFiles = Map<string, Uint8Array<ArrayBuffer>>;

/** What was got. */
export interface Fetched {
  /** The files; one of them is the plugin. */
  files: PluginFiles;
  /** The commit that they are of. */
  commit?: string;
}

/** More is no plugin: somebody named the wrong folder. */
const limits = { files: 300, bytes: 8 * 1024 * 1024 } as const;

/** Time that `git` gets, in milliseconds. */
const gitTimeoutMs = 120_000;

/**
 * Gets the files.
 *
 * @param source Where they are.
 * @param host The world.
 * @returns The files, and the commit.
 * @throws {RdgError} when there is no plugin, or `git` fails.
 */
export async function fetchPlugin(source: PluginSource, host: Host): Promise<Fetched> {
  if (source.kind === "path") return { files: await readPath(source.path) };
  const folder = await Deno.makeTempDir({ prefix: "rdg-plugin-" });
  try {
    const repository = `${folder}/repository`;
    const commit = await clone(source, { folder: repository, host });
    return { files: await readFolder(repository, source.url), commit };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function clone(
  { url, ref }: Extract<PluginSource, { kind: "git" }>,
  { folder, host }: { folder: string; host: Host },
): Promise<string> {
  const git = async (action: string, args: readonly string[]) => {
    const output = await host.runner({
      program: "git",
      args: ["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", ...args],
      // Of a surrounding repository (a hook, an alias) nothing counts.
      without: ["GIT_*"],
      keep: ["GIT_SSH", "GIT_SSH_COMMAND", "GIT_ASKPASS", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"],
      env: {
        GIT_ALLOW_PROTOCOL: url.startsWith("file:") ? "file" : "https:ssh",
        GIT_LFS_SKIP_SMUDGE: "1",
        ...host.terminal.interactive ? {} : { GIT_TERMINAL_PROMPT: "0" },
      },
      timeoutMs: gitTimeoutMs,
    });
    if (output.code === 0) return output.stdout.trim();
    throw new RdgError(`Cannot ${action}: "git" exited with code ${output.code}`, {
      code: "git",
      exitCode: ExitCode.generic,
      hint: "see whether git clone of it works by hand",
      cause: output.stderr.trim(),
    });
  };
  await git(`fetch ${url}`, [
    ...["clone", "--quiet", "--no-checkout", "--no-recurse-submodules", "--", url, folder],
  ]);
  const inside = ["-C", folder];
  const names = ref === undefined ? ["HEAD"] : [`refs/remotes/origin/${ref}`, `refs/tags/${ref}`];
  if (ref !== undefined && /^[0-9a-f]{7,64}$/.test(ref)) names.push(ref);
  let commit: string | undefined;
  for (const name of names) {
    const verify = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`];
    commit ??= await git("find it", [...inside, ...verify]).catch(() => undefined);
  }
  if (commit === undefined) {
    throw new RdgError(
      ref === undefined
        ? `Cannot add ${url}: the repository is empty`
        : `Cannot add ${url}: it has no branch, tag or commit "${ref}"`,
      { code: "not-found", exitCode: ExitCode.notFound, hint: `git ls-remote ${url}` },
    );
  }
  await git(`unpack ${url}`, [
    ...["-c", "core.symlinks=false", "-c", "core.autocrlf=false", ...inside],
    ...["checkout", "--quiet", "--detach", commit, "--"],
  ]);
  return commit;
}

async function readPath(path: string): Promise<PluginFiles> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.stat(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new RdgError(`Cannot add "${path}": it is not there`, {
      code: "not-found",
      exitCode: ExitCode.notFound,
      hint: "rdg plugin add PATH | GIT-URL | OWNER/REPO",
    });
  }
  if (info.isDirectory) return await readFolder(path.replace(/(?<=.)\/+$/, ""), path);
  const ending = /\.(?:ts|js|mjs)$/.exec(path)?.[0];
  if (ending === undefined) throw noPlugin(path, "its name doesn't end in .ts, .js or .mjs");
  if (info.size > maxBytes) throw noPlugin(path, "it has more than 1 MB");
  return new Map([[`plugin${ending}`, await Deno.readFile(path)]]);
}

/** All regular files but hidden ones. */
async function readFolder(folder: string, shown: string): Promise<PluginFiles> {
  const files: PluginFiles = new Map();
  let bytes = 0;
  const read = async (below: string): Promise<void> => {
    for await (const entry of Deno.readDir(`${folder}/${below}`)) {
      if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
      const path = `${below}${entry.name}`;
      if (entry.isDirectory) await read(`${path}/`);
      if (!entry.isFile) continue;
      const { size } = await Deno.lstat(`${folder}/${path}`);
      bytes += size;
      if (files.size >= limits.files || bytes > limits.bytes || size > limits.bytes) {
        throw noPlugin(
          shown,
          `it holds more than ${limits.files} files or ${limits.bytes / 1024 / 1024} MB`,
        );
      }
      files.set(path, await Deno.readFile(`${folder}/${path}`));
    }
  };
  await read("");
  if (!fileNames.some((name) => files.has(name))) {
    throw noPlugin(shown, `it has no ${fileNames[0]} at its top`);
  }
  return files;
}

function noPlugin(path: string, why: string): RdgError {
  return new RdgError(`Cannot add "${path}": ${why}`, {
    code: "plugin",
    exitCode: ExitCode.generic,
    hint: "README, Writing a plugin",
  });
}
