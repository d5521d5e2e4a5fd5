/**
 * `rdg sessions`: lists the debug sessions of all my jobs. Reads session records, asks the scheduler
 * once, and removes records that nothing stands behind any more.
 *
 * @module
 */

import { type CommandMeta, parseWords } from "../_args.ts";
import type { Host } from "../_host.ts";
import { parseJobId } from "../_job_id.ts";
import { schedulerFlag } from "../_scheduler.ts";
import { usageError } from "../../plugins/error.ts";
import { stateFolder } from "../../python/sessions.ts";
import { type Listing, type Look, look } from "./look.ts";
import { otherBootLine, sessionData, sessionTable } from "./show.ts";
import { type Pause, watch } from "./watch.ts";

/** What was typed after `rdg sessions`. */
export interface SessionsOptions {
  /** Only this job, as people write it. */
  job?: string;
  /** The scheduler's name. */
  scheduler?: string;
  /** Print JSON. */
  json: boolean;
  /** Print again and again. */
  watch: boolean;
  /** Show the tokens. */
  token: boolean;
  /** Remove the records of another boot. */
  forget: boolean;
}

/** What the command says about itself. */
export const meta: CommandMeta = {
  name: "sessions",
  summary: "List armed, listening, attached and crashed programs of your jobs",
  usage: "[flags]",
  flags: {
    job: { type: "string", value: "JOB", help: "Only this job" },
    token: { type: "boolean", help: "Show the tokens that the ports want" },
    watch: {
      type: "boolean",
      help: "Keep the list up to date until Ctrl-C: the records every 2 s (10 s where it is " +
        "no terminal), the scheduler once a minute",
    },
    forget: {
      type: "boolean",
      help:
        "Remove the records marked other boot: you know that this machine was restarted, which " +
        "ended their programs",
    },
    scheduler: schedulerFlag,
    json: { type: "boolean", help: "Print one JSON object" },
  },
  examples: [
    ["rdg sessions", "everything that can be attached to"],
    ["rdg sessions --job 12345 --json", "one job's, for a program"],
  ],
};

/**
 * Reads the command line.
 *
 * @param argv The words after `sessions`.
 * @returns The options.
 * @throws {RdgError} `usage` when it makes no sense.
 */
export function parse(argv: readonly string[]): SessionsOptions {
  const { values, words } = parseWords(argv, meta);
  if (words.length > 0) {
    throw usageError(`Cannot use "${words[0]}": rdg sessions takes flags only`, "--job=JOB");
  }
  if (values.forget === true && values.watch === true) {
    throw usageError('Cannot use "--forget" together with "--watch"', "rdg sessions --forget");
  }
  return {
    ...(values.job === undefined
      ? {}
      : { job: parseJobId(String(values.job), "rdg sessions --job=12345") }),
    ...(values.scheduler === undefined ? {} : { scheduler: String(values.scheduler) }),
    json: values.json === true,
    watch: values.watch === true,
    token: values.token === true,
    forget: values.forget === true,
  };
}

/**
 * Lists the sessions.
 *
 * @param options What was typed.
 * @param host The world.
 * @param pause Waits between two looks under `--watch`.
 * @returns 0.
 */
export async function run(options: SessionsOptions, host: Host, pause?: Pause): Promise<number> {
  const { terminal } = host;
  const state = stateFolder(host.env);
  const lookAgain = (before?: Listing) => look({ ...options, state, host, before });
  const lines = ({ rows }: Look, width: number) =>
    rows.length === 0
      ? [noSessions(options)]
      : sessionTable(rows, { now: host.now() / 1000, width, token: options.token });
  const say = (line: string) => terminal.say(terminal.style("dim", line));
  const print = (found: Look) => {
    const { rows, forgotten } = found;
    if (options.forget) {
      say(`Removed the records of another boot: ${forgotten || "there are none"}`);
    }
    if (options.json) {
      const sessions = rows.map((row) => sessionData(row, host.now() / 1000));
      terminal.out(`${JSON.stringify({ sessions }, null, options.watch ? 0 : 2)}\n`);
    } else if (rows.length === 0) {
      terminal.say(noSessions(options));
    } else {
      // A token that is cut short is of no use, and neither is a column for a program that reads this.
      const width = terminal.outLive && !options.token ? terminal.columns : Infinity;
      terminal.out(`${lines(found, width).join("\n")}\n`);
      const { job } = options;
      const line = options.watch ? null : otherBootLine(rows, { hostname: host.hostname(), job });
      if (line !== null) say(line);
    }
  };
  if (options.watch) {
    const live = terminal.redraws === true && !options.json;
    await watch({ look: lookAgain, lines, print, live, host, ...(pause ? { pause } : {}) });
  } else {
    print(await lookAgain());
  }
  return 0;
}

function noSessions({ job }: SessionsOptions): string {
  return job === undefined ? "No sessions." : `No sessions of job ${job}.`;
}
