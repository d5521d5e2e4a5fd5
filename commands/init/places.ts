/**
 * Where things are: what a plugin's path stands for in this project and this home.
 *
 * @module
 */

import { configFolder, type Host, withoutEnd } from "../_host.ts";
import type { Files } from "./files.ts";

/** Where to look. */
export interface Surroundings {
  /** The project's folder. */
  root: string;
  /** The person's home; undefined where there is none. */
  home: string | undefined;
  /** Where settings lie: `~/.config` unless XDG_CONFIG_HOME says otherwise. */
  config: string | undefined;
  /** Looks up a variable. */
  env(name: string): string | undefined;
  /** The disk. */
  files: Files;
}

/**
 * Finds out where to look, the project's folder under the name that the person uses.
 *
 * @param host The world.
 * @param files The disk.
 * @returns Project, home and settings.
 */
export async function surroundings(host: Host, files: Files): Promise<Surroundings> {
  const cwd = host.cwd();
  const home = host.env("HOME");
  const pwd = host.env("PWD");
  let root = cwd;
  if (pwd?.startsWith("/") && pwd !== cwd) {
    try {
      if (await files.realPath(pwd) === await files.realPath(cwd)) {
        root = withoutEnd(pwd);
      }
    } catch {
      // A stale PWD says nothing.
    }
  }
  return {
    root,
    home: home ? withoutEnd(home) : undefined,
    config: configFolder(host.env) ?? undefined,
    env: (name) => host.env(name),
    files,
  };
}

/**
 * Finds the paths that a plugin's pattern stands for.
 *
 * @param pattern Relative to the project or beginning with `~/`; `*` within a name.
 * @param around Where to look.
 * @returns Absolute paths of what exists.
 */
export async function expand(pattern: string, around: Surroundings): Promise<string[]> {
  const start = absolute(pattern, around);
  if (start === undefined) return [];
  let paths = [""];
  for (const part of start.split("/").slice(1)) {
    const next: string[] = [];
    for (const path of paths) {
      if (!part.includes("*")) {
        next.push(`${path}/${part}`);
        continue;
      }
      const wanted = new RegExp(`^${part.split("*").map(RegExp.escape).join(".*")}$`, "s");
      const names = await around.files.list(path || "/");
      next.push(...names.filter((name) => wanted.test(name)).map((name) => `${path}/${name}`));
    }
    paths = next;
  }
  const existing: string[] = [];
  for (const path of paths) {
    if (await exists(path, around.files)) existing.push(path);
  }
  return existing;
}

/** Whether something is there, as far as this person may see. */
async function exists(path: string, files: Files): Promise<boolean> {
  try {
    return await files.kind(path) !== null;
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) return false;
    throw error;
  }
}

/**
 * Makes a plugin's path absolute.
 *
 * @returns The path; undefined for one at home where there is no home.
 */
export function absolute(path: string, around: Surroundings): string | undefined {
  if (path.startsWith("~/.config/") && around.config !== undefined) {
    return around.config + path.slice("~/.config".length);
  }
  if (path.startsWith("~/")) {
    return around.home === undefined ? undefined : around.home + path.slice(1);
  }
  return `${around.root === "/" ? "" : around.root}/${path}`;
}
