/**
 * The launcher: a small shell script that starts each command with the permissions of its own list in
 * `deno.json`. Pure.
 *
 * @module
 */

import { quoteWord } from "../../plugins/host.ts";

/** A list of permissions: everything, everything of a kind, or these. */
export interface PermissionList {
  /** All permissions. */
  all?: boolean;
  /** Files to read. */
  read?: boolean | readonly string[];
  /** Files to write. */
  write?: boolean | readonly string[];
  /** Variables of the environment. */
  env?: boolean | readonly string[];
  /** Hosts and ports. */
  net?: boolean | readonly string[];
  /** Programs to start. */
  run?: boolean | readonly string[];
  /** What the system tells: `uid`, `hostname`. */
  sys?: boolean | readonly string[];
  /** Libraries to load. */
  ffi?: boolean | readonly string[];
  /** Hosts to import code from. */
  import?: boolean | readonly string[];
}

/** What a launcher starts, and how. */
export interface LauncherParts {
  /** rdg's version. */
  version: string;
  /** Path of the Deno program that wrote it; one on PATH is used where that has gone. */
  deno: string;
  /** Path or URL of `main.ts`, or of the bundled file. */
  main: string;
  /** Configuration file with the names of npm's packages; null where the code needs none. */
  config: string | null;
  /** Lock file that lists every package's version, so that none is looked up; null where there is none. */
  lock: string | null;
  /** Features that Deno has to be told to switch on: `worker-options`. */
  unstable: readonly string[];
  /** The lists by command. */
  lists: Readonly<Record<string, PermissionList>>;
}

/** The second line of every launcher begins so: what bears it may be written over. */
export const mark = '# rdg\'s launcher, written by "rdg install"';

/**
 * Writes a list as Deno's flags.
 *
 * @param list The list.
 * @returns Words without blanks or quotes.
 */
export function permissionFlags(list: PermissionList): string[] {
  const { all, ...kinds } = list;
  if (all) return ["--allow-all"];
  return Object.entries(kinds).flatMap(([kind, what]) => {
    if (typeof what === "boolean") return what ? [`--allow-${kind}`] : [];
    return what.length === 0 ? [] : [`--allow-${kind}=${what.join(",")}`];
  });
}

/**
 * Renders the script.
 *
 * @param parts What it starts, and how.
 * @returns Its text. A word that names no command gets no permission at all: help pages need none.
 */
export function renderLauncher(parts: LauncherParts): string {
  const { version, deno, main, config, lock, unstable, lists } = parts;
  const cases = Object.entries(lists).map(([command, list]) =>
    `  ${command}) allow='${permissionFlags(list).join(" ")}' ;;`
  );
  const fixed = [
    ...["-q", "--no-prompt"],
    ...lock ? [`--lock=${lock}`, "--frozen"] : ["--no-lock"],
    config ? `--config=${config}` : "--no-config",
    ...unstable.map((feature) => `--unstable-${feature}`),
  ];
  return [
    "#!/bin/sh",
    `${mark} (version ${version}).`,
    "# Each command has its own permissions; who runs it is never asked for more.",
    'case "${1-}" in',
    ...cases,
    "  *) allow= ;;",
    "esac",
    `deno=${quoteWord(deno)}`,
    '[ -x "$deno" ] || deno=deno',
    "# Plugins of your own (rdg plugin) run in a Deno without permissions, and declare their programs.",
    'own="${XDG_CONFIG_HOME:-${HOME-}/.config}/rdg/plugins.programs"',
    'case "$allow:$deno" in',
    "  *--allow-run=*:*[[:space:],]*) ;;",
    "  *--allow-run=*)",
    '    [ ! -f "$own" ] || allow="$allow --allow-run=$deno,$(tr -dc \'A-Za-z0-9_+.,/-\' <"$own")" ;;',
    "esac",
    "# $allow is a list of words without blanks: it has to come apart.",
    `exec "$deno" run ${fixed.map(quoteWord).join(" ")} $allow ${quoteWord(main)} "$@"`,
    "",
  ].join("\n");
}

/**
 * Finds what the launcher has to start.
 *
 * @param module URL of the command's own module (`import.meta.url`).
 * @returns Path or URL of the program, and the configuration file that a checkout needs.
 */
export function findMain(module: string): Pick<LauncherParts, "main" | "config"> {
  const own = "/commands/install/command.ts";
  // In one bundled file every module has the file's own URL.
  const root = module.endsWith(own) ? module.slice(0, -own.length) : null;
  const main = new URL(root === null ? module : `${root}/main.ts`);
  if (main.protocol !== "file:") return { main: main.href, config: null };
  const path = decodeURIComponent(main.pathname);
  return { main: path, config: root === null ? null : path.replace(/main\.ts$/, "deno.json") };
}
