/**
 * Puts rdg, Deno and debugpy where the test cluster's user can read them: this checkout may lie in a
 * folder that is closed to others. Copies files; runs pip once to get debugpy into `.cache/`.
 *
 * @module
 */

import type { Cluster } from "./cluster.ts";
import { mustRun, runToEnd } from "./process.ts";

const project = new URL("../../", import.meta.url);

/** What belongs to the program, relative to the project's folder. */
const parts = ["main.ts", "deno.json", "deno.lock", "commands", "plugins", "python"];

/**
 * Installs rdg for the cluster's user: `rdg` is then on PATH on all machines, and `debugpy` can be
 * imported with `PYTHONPATH=<root>/site`.
 *
 * @param cluster A running cluster.
 */
export async function installRdg(cluster: Cluster): Promise<void> {
  const { root, user } = cluster;
  const folder = `${root}/rdg`;
  await Deno.mkdir(folder);
  for (const part of parts) {
    const from = new URL(part, project).pathname;
    if (await exists(from)) await mustRun(["cp", "-r", from, `${folder}/`]);
  }
  await copyDeno(root);
  const npm = `${await denoDir()}/npm`;
  if (await exists(npm)) await mustRun(["cp", "-r", npm, `${root}/deno/npm`]);
  await Deno.writeTextFile(
    `${root}/bin/rdg`,
    `#!/bin/sh\nexec ${root}/bin/deno run -A -q ${folder}/main.ts "$@"\n`,
    { mode: 0o755 },
  );
  await mustRun(["cp", "-r", await debugpyFolder(), `${root}/site`]);
  await mustRun(["chmod", "-R", "a+rX", folder, `${root}/deno`, `${root}/site`]);
  await mustRun(["chown", "-R", `${user.uid}:${user.gid}`, `${root}/deno`]);
  const { code, stderr } = await cluster.run(["rdg", "--version"]);
  if (code !== 0) throw new Error(`rdg doesn't start for the cluster's user: ${stderr}`);
}

/** A second name for the running Deno costs nothing; another file system needs a copy. */
async function copyDeno(root: string): Promise<void> {
  const from = await Deno.realPath(Deno.execPath());
  await Deno.link(from, `${root}/bin/deno`).catch(() => Deno.copyFile(from, `${root}/bin/deno`));
  await Deno.chmod(`${root}/bin`, 0o755);
}

async function denoDir(): Promise<string> {
  const info: unknown = JSON.parse(await mustRun([Deno.execPath(), "info", "--json"]));
  return (info as { denoDir: string }).denoDir;
}

/**
 * Finds or makes a folder with debugpy for the system's Python.
 *
 * @returns The folder, to be put on PYTHONPATH.
 */
async function debugpyFolder(): Promise<string> {
  const python = systemPython;
  const tag = (await mustRun([
    python,
    "-c",
    "import sys, platform as p; print(sys.implementation.cache_tag + '-' + p.machine())",
  ])).trim();
  // `deno task test` has brought it already; the cluster alone fetches its own.
  const brought = new URL(`.cache/test/debugpy/newest/${tag}`, project).pathname;
  if (await exists(`${brought}/debugpy`)) return brought;
  const folder = new URL(`.cache/test-debugpy-${tag}`, project).pathname;
  if (await exists(`${folder}/debugpy`)) return folder;
  const fresh = `${folder}.${Deno.pid}`;
  const wanted = [
    ...["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", fresh],
    "debugpy",
  ];
  const { code, stderr } = await runToEnd([python, ...wanted], { timeoutMs: 120_000 });
  if (code !== 0) throw new Error(`Cannot get debugpy for ${python}: ${stderr}`);
  await Deno.rename(fresh, folder).catch(() => Deno.remove(fresh, { recursive: true }));
  return folder;
}

/** The Python that the cluster's jobs run: one that every user can reach. */
export const systemPython = "/usr/bin/python3";

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
