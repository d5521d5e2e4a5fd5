/**
 * The world as a command sees it. A command reaches outside only through this, so that a test can
 * hand in literals. {@linkcode systemHost} is the real one.
 *
 * @module
 */

import { userInfo } from "node:os";
import type { CommandMeta } from "./_args.ts";
import { systemTerminal, type Terminal } from "./_terminal.ts";
import { usageError } from "../plugins/error.ts";
import { type Runner, systemRunner } from "../plugins/host.ts";

/** What a command is given. */
export interface Host {
  /** Looks up an environment variable; undefined where it is unset or may not be read. */
  env(name: string): string | undefined;
  /** Where to write. */
  readonly terminal: Terminal;
  /** Starts programs: the only way to. */
  readonly runner: Runner;
  /** Folder that rdg was started in. */
  cwd(): string;
  /** This machine's name. */
  hostname(): string;
  /** The person's name on this machine; it throws where nothing tells it. */
  user(): string;
  /** Milliseconds since 1970. */
  now(): number;
  /** Show programs that are run, and stack traces. */
  readonly verbose: boolean;
}

/** What a command module exports. */
export interface Command<Options> {
  /** Its description of itself. */
  meta: CommandMeta;
  /** Reads its command line. Pure. */
  parse(argv: readonly string[]): Options;
  /** Does it. Returns the exit code. */
  run(options: Options, host: Host): Promise<number>;
}

/**
 * Makes the host of this process.
 *
 * @param options `verbose` shows every program that is run.
 * @returns The host.
 */
export function systemHost(options: { verbose: boolean }): Host {
  const terminal = systemTerminal(readEnv);
  return {
    env: readEnv,
    terminal,
    runner: systemRunner({
      ...(options.verbose
        ? { onRun: (line: string) => terminal.say(terminal.style("dim", `$ ${line}`)) }
        : {}),
    }),
    cwd: () => Deno.cwd(),
    hostname: () => Deno.hostname(),
    user: userName,
    now: () => Date.now(),
    verbose: options.verbose,
  };
}

/**
 * The folder of settings, by the XDG rules: a relative one does not count.
 *
 * @param env Looks up a variable.
 * @returns `${XDG_CONFIG_HOME:-~/.config}`; null where the environment names no home.
 */
export function configFolder(env: Host["env"]): string | null {
  const given = env("XDG_CONFIG_HOME");
  const home = env("HOME");
  if (given?.startsWith("/")) return withoutEnd(given);
  return home ? `${withoutEnd(home)}/.config` : null;
}

/**
 * A folder's path without slashes at its end.
 *
 * @param path The path, as somebody wrote it.
 * @returns The same folder; `/` stays.
 */
export function withoutEnd(path: string): string {
  return path.replace(/(?<=.)\/+$/, "");
}

/**
 * Says whether the person may have plugins of their own: all that a command does where there are none.
 *
 * @param env Looks up a variable.
 * @returns Whether their folder is there.
 */
export function hasDropIns(env: Host["env"]): boolean {
  const config = configFolder(env);
  try {
    return config !== null && Deno.statSync(`${config}/rdg/plugins`).isDirectory;
  } catch {
    return false;
  }
}

/** What the environment says, else (cron, containers) what the system knows of this process's owner. */
function userName(): string {
  const said = readEnv("USER") || readEnv("LOGNAME");
  if (said) return said;
  try {
    return userInfo().username;
  } catch {
    throw usageError(
      "Cannot tell who you are: neither USER nor LOGNAME is set, and your user id has no name here",
      "set USER to your name on the cluster",
    );
  }
}

/** A variable's value; a variable that may not be read counts as unset. */
function readEnv(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}
