/**
 * `rdg connect`: brings a session in a job to one local port, so that the editor attaches without any
 * question, and stays until Ctrl-C. Starts ssh (or, on the login node, the scheduler's programs), and
 * listens on 127.0.0.1.
 *
 * @module
 */

import { type CommandMeta, numberFlag, parseWords } from "../_args.ts";
import type { Host } from "../_host.ts";
import { type Menus, terminalMenus } from "../_job_menu.ts";
import { parseRanks, type RankRange } from "../_ranks.ts";
import { schedulerFlag } from "../_scheduler.ts";
import { usageError } from "../../plugins/error.ts";
import { SessionKeeper } from "./keeper.ts";
import type { Link } from "./link.ts";
import { openLink, reopenLink } from "./open.ts";
import { openPort, portOfUser, usualPort } from "./port.ts";
import { Stay } from "./stay.ts";
import { type WayName, wayNames } from "./ways.ts";

/** What was typed after `rdg connect`. */
export interface ConnectOptions {
  /** The login node; undefined for this host. */
  login?: string;
  /** The job, as people write it. */
  job?: string;
  /** The rank, where one alone is served. */
  rank?: number;
  /** The ranks that are served together. */
  ranks?: readonly RankRange[];
  /** All ranks are served together. */
  all?: true;
  /** Those that are served together are shown in one session of the editor. */
  merge?: true;
  /** The local port; undefined for the usual one. */
  port?: number;
  /** The way; undefined to try. */
  via?: WayName;
  /** The scheduler's name. */
  scheduler?: string;
  /** Wait for a session, and go on to the next one. */
  wait: boolean;
  /** Print JSON. */
  json: boolean;
  /** Seconds to wait until a woken program listens. */
  timeoutS: number;
}

/** What the command says about itself. */
export const meta: CommandMeta = {
  name: "connect",
  summary: "Bring a running session to this machine: one port for the editor, nothing to copy",
  usage: "[flags] [[USER@]LOGIN] [JOB]",
  flags: {
    rank: {
      type: "string",
      value: "LIST",
      help: "The rank of a parallel program, or several from one F5, as in 0-3 or 0,3-5",
    },
    all: { type: "boolean", help: "Every rank of the job from one F5, also those that come later" },
    merge: {
      type: "boolean",
      help: "Show the ranks in one session, for editors that open no further ones",
    },
    port: {
      type: "string",
      value: "PORT",
      help: `Local port (${usualPort}; on a login node one of your own)`,
    },
    via: {
      type: "string",
      value: "WAY",
      choices: wayNames,
      help: "Only this way: direct, relay (a step of the scheduler's) or jump (ssh to the node)",
    },
    wait: {
      type: "boolean",
      help: "Wait for a job that has not started or a session that isn't there, and go on to the " +
        "next one when it ends",
    },
    scheduler: schedulerFlag,
    timeout: {
      type: "string",
      value: "SECONDS",
      help: "How long to wait until a woken program listens (60)",
    },
    json: { type: "boolean", help: "Print one JSON object for each session that is ready" },
  },
  examples: [
    ["rdg connect login", "on the laptop: the session on the cluster behind that host"],
    ["rdg connect ada@login.example.org 12345 --rank 3", "a job and a rank, no questions"],
    ["rdg connect login 12345 --all", "every rank from one F5"],
    ["rdg connect", "on the login node itself"],
    ["rdg connect login --wait", "start it before the job does"],
  ],
};

/**
 * Reads the command line.
 *
 * @param argv The words after `connect`.
 * @returns The options.
 * @throws {RdgError} `usage` when it makes no sense.
 */
export function parse(argv: readonly string[]): ConnectOptions {
  const { values, words } = parseWords(argv, meta);
  if (words.length > 2) {
    throw usageError(
      `Cannot use "${words[2]}": want a login host and a job at most`,
      "rdg connect LOGIN JOB",
    );
  }
  const [login, job] = splitWords(words);
  if (login !== undefined && !/^(?!-)[^\s'"\\;&|<>$`()]+$/.test(login)) {
    throw usageError(`Cannot use "${login}" as a host`, "rdg connect USER@HOST");
  }
  if (job !== undefined && !isJob(job)) {
    throw usageError(`Cannot use "${job}" as a job's id`, "rdg connect LOGIN 12345");
  }
  const via = values.via as string | undefined;
  if (via !== undefined && !(wayNames as readonly string[]).includes(via)) {
    throw usageError(
      `Cannot use "--via=${via}": there is no such way`,
      `one of ${wayNames.join(", ")}`,
    );
  }
  const number = (flag: string, min: number, max: number) =>
    numberFlag(values[flag], { flag, min, max, whole: true });
  const list = String(values.rank ?? "");
  const several = values.all === true || values.merge === true || /[,-]/.test(list);
  if (values.all === true && list) {
    throw usageError('Cannot use "--all" and "--rank" together', "one of them");
  }
  const ranks = several && list ? parseRanks(list) : undefined;
  const rank = several ? undefined : number("rank", 0, 999_999_999);
  const port = number("port", 0, 65_535);
  return {
    ...(login === undefined ? {} : { login }),
    ...(job === undefined ? {} : { job }),
    ...(rank === undefined ? {} : { rank }),
    ...(ranks === undefined ? {} : { ranks }),
    ...(several && ranks === undefined ? { all: true as const } : {}),
    ...(values.merge === true ? { merge: true as const } : {}),
    ...(port === undefined ? {} : { port }),
    ...(via === undefined ? {} : { via: via as WayName }),
    ...(values.scheduler === undefined ? {} : { scheduler: String(values.scheduler) }),
    wait: values.wait === true,
    json: values.json === true,
    timeoutS: number("timeout", 1, 86_400) ?? 60,
  };
}

/** One word alone is a job if it looks like one, for hosts hardly ever begin with a digit. */
function splitWords(words: readonly string[]): [string | undefined, string | undefined] {
  const [first, second] = words;
  if (second === undefined && first !== undefined && /^\d+([_+[].*|\.[a-z].*)?$/i.test(first)) {
    return [undefined, first];
  }
  return [first, second];
}

function isJob(text: string): boolean {
  return text === "local" || /^[\w.+[\]ƒ-]+$/.test(text) && text.trim() !== "";
}

/**
 * Connects, and stays.
 *
 * @param options What was typed.
 * @param host The world.
 * @param menus Asks the person; those of the terminal when absent.
 * @returns 0 when the person ends it, or the session has ended.
 */
export async function run(options: ConnectOptions, host: Host, menus?: Menus): Promise<number> {
  const abort = new AbortController();
  const stop = () => abort.abort();
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT"]
    : ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) Deno.addSignalListener(signal, stop);
  // The port first: a port that is taken is said at once, before anything is asked of anybody.
  let link: Link | undefined;
  let listener: Deno.TcpListener | undefined;
  try {
    if (options.login !== undefined || options.port !== undefined) {
      listener = await openPort(options.port ?? usualPort);
    }
    link = await openLink(options, { host, signal: abort.signal });
    listener ??= await openPort(portHere(link, options.scheduler ?? host.env("RDG_SCHEDULER")));
    const stay = {
      options,
      host,
      link,
      listener,
      menus: menus ?? terminalMenus(host.terminal.columns),
      signal: abort.signal,
      reopen: () => reopenLink(options, { host, signal: abort.signal }),
    };
    listener = undefined;
    link = undefined;
    if (options.ranks === undefined && !options.all) {
      return await new Stay(stay, (desk) => new SessionKeeper(desk)).run();
    }
    // What only parallel programs need is loaded for them only.
    const { RanksKeeper } = await import("./hub/keeper.ts");
    return await new Stay(stay, (desk) => new RanksKeeper(desk, stay.menus)).run();
  } catch (error) {
    if (abort.signal.aborted) return 0;
    throw error;
  } finally {
    listener?.close();
    await link?.close();
    for (const signal of signals) Deno.removeSignalListener(signal, stop);
  }
}

/** The port on a host without LOGIN: one a user where a scheduler says that it is a shared one. */
function portHere({ facts }: Link, scheduler: string | undefined): number {
  return facts.programs.size > 0 && scheduler !== "local" ? portOfUser(facts.uid) : usualPort;
}
