/**
 * `rdg doctor`: one screen of what works here, on a laptop, a login node or in a job, and what to do
 * about what doesn't. Looks at the machine, an interpreter, the home, the scheduler (once), a login
 * node (once) and this folder's editor files, all at the same time; `--fix` fills rdg's cache of debugpy
 * and closes the state folder to others.
 *
 * @module
 */

import { type CommandMeta, parseWords } from "../_args.ts";
import type { Host } from "../_host.ts";
import { parseJobId } from "../_job_id.ts";
import { schedulerFlag } from "../_scheduler.ts";
import { usageError } from "../../plugins/error.ts";
import { cacheFolder } from "../../python/launch.ts";
import { stateFolder } from "../../python/sessions.ts";
import { look } from "./checks.ts";
import { type Knock, knockAt } from "./cluster.ts";
import { closeFolder, fillCache, type Fix } from "./fix.ts";
import { folderFacts } from "./home.ts";
import { examine, type Examined, findProgram, interpreterRows } from "./interpreter.ts";
import { findRole, type Role } from "./role.ts";
import { groups, type Row } from "./row.ts";
import { asJson, screen } from "./screen.ts";

/** What was typed after `rdg doctor`. */
export interface DoctorOptions {
  /** Interpreters, and perhaps a login node, as typed. */
  words: string[];
  /** The login node, by its flag. */
  login?: string;
  /** A job: only its sessions' ports are tried. */
  job?: string;
  /** The scheduler's name. */
  scheduler?: string;
  /** A folder of wheels to take debugpy from. */
  wheels?: string;
  /** Mend what can be mended. */
  fix: boolean;
  /** Print JSON. */
  json: boolean;
}

/** What the command needs besides the host; a test hands in its own. */
export interface DoctorParts {
  /** Connects to a port and hangs up. */
  knock: Knock;
  /** Version of Deno. */
  deno: string;
  /** The person's number; null where there is none. */
  uid: number | null;
  /** Whether this is a Unix: Windows has no `sh` and no state folder to look at. */
  unix: boolean;
}

const systemParts = (): DoctorParts => ({
  knock: knockAt,
  deno: Deno.version.deno,
  uid: Deno.uid(),
  unix: Deno.build.os !== "windows",
});

/** What the command says about itself. */
export const meta: CommandMeta = {
  name: "doctor",
  summary: "Say what works here, and what to do about what doesn't",
  usage: "[flags] [PYTHON…] [LOGIN]",
  flags: {
    fix: {
      type: "boolean",
      help: "Put debugpy for PYTHON (python on PATH) into rdg's cache, so that jobs without " +
        "internet have it; close rdg's state folder to others",
    },
    wheels: {
      type: "string",
      value: "FOLDER",
      help: "With --fix: take debugpy from wheels in this folder, not from the network",
    },
    login: { type: "string", value: "HOST", help: "Look at this login node over ssh as well" },
    job: { type: "string", value: "JOB", help: "Try the ports of this job's sessions only" },
    scheduler: schedulerFlag,
    json: { type: "boolean", help: "Print one JSON object" },
  },
  examples: [
    ["rdg doctor", "on a laptop, a login node, or in a job"],
    ["rdg doctor login.example.org", "the laptop, and the login node behind that name"],
    ["rdg doctor --fix ~/env/bin/python", "debugpy for that interpreter, before its jobs run"],
    ["rdg doctor --json", "the same for a program; exit code 1 where there is a problem"],
  ],
};

/**
 * Reads the command line.
 *
 * @param argv The words after `doctor`.
 * @returns The options.
 * @throws {RdgError} `usage` when it makes no sense.
 */
export function parse(argv: readonly string[]): DoctorOptions {
  const { values, words } = parseWords(argv, meta);
  if (values.job !== undefined) parseJobId(String(values.job), "rdg doctor --job 12345");
  const text = (flag: "login" | "job" | "scheduler" | "wheels") =>
    values[flag] === undefined ? {} : { [flag]: String(values[flag]) };
  const login = values.login === undefined ? undefined : String(values.login);
  if (login !== undefined) checkHost(login);
  if (values.wheels !== undefined && !values.fix) {
    throw usageError('Cannot use "--wheels" without "--fix"', "rdg doctor --fix --wheels FOLDER");
  }
  return {
    words,
    ...text("login"),
    ...text("job"),
    ...text("scheduler"),
    ...text("wheels"),
    fix: values.fix === true,
    json: values.json === true,
  };
}

function checkHost(word: string): void {
  if (/^(?!-)[^\s'"\\;&|<>$`()]+$/.test(word)) return;
  throw usageError(`Cannot use "${word}" as a host`, "rdg doctor --login USER@HOST");
}

/**
 * Looks at everything, mends what was asked for, and says what it found.
 *
 * @param options What was typed.
 * @param host The world.
 * @param parts Ports and numbers of this process.
 * @returns 0 where nothing will fail, else 1.
 */
export async function run(
  options: DoctorOptions,
  host: Host,
  parts: DoctorParts = systemParts(),
): Promise<number> {
  const { pythons, login } = sort(options, host);
  const role = await findRole(options.scheduler, host);
  // Without a home the interpreter itself knows one, as rdg debug's programs do.
  const cache = cacheFolder(host.env) ?? "";
  const named = pythons.length > 0;
  const names = named ? pythons : [findProgram("python", host) ? "python" : "python3"];
  const fixes: Fix[] = [];
  const examineAll = () => Promise.all(names.map((name) => examine(name, { cache, host })));
  if (options.fix) {
    fixes.push(...await mend(await examineAll(), { options, role, cache, named, host, parts }));
  }
  const [examined, others] = await Promise.all([
    examineAll(),
    look({ options, role, login, host, parts }),
  ]);
  const circumstances = { needed: named || role.kind !== "laptop", inJob: role.kind === "job" };
  const rows = [...examined.flatMap((one) => interpreterRows(one, circumstances)), ...others];
  const order = (row: Row) => groups.indexOf(row.group);
  rows.sort((a, b) => order(a) - order(b));
  const healthy = rows.every(({ status }) => status !== "problem") &&
    fixes.every(({ done }) => done);
  if (options.json) {
    host.terminal.out(`${JSON.stringify(asJson(rows, { fixes, healthy }), null, 2)}\n`);
  } else {
    const mark = host.terminal.mark ?? ((_style, text) => text);
    host.terminal.out(`${screen(rows, { fixes, mark, home: host.env("HOME") }).join("\n")}\n`);
  }
  return healthy ? 0 : 1;
}

/** Tells interpreters from a login node: what can be run, or looks as if it should, is the former. */
function sort(
  options: DoctorOptions,
  host: Host,
): { pythons: string[]; login: string | undefined } {
  const isPython = (word: string) =>
    word.includes("/") || /^(python|pypy)[\d.]*t?$/.test(word) || findProgram(word, host) !== null;
  const hosts = options.words.filter((word) => !isPython(word));
  hosts.forEach(checkHost);
  const all = [...options.login === undefined ? [] : [options.login], ...hosts];
  if (all.length > 1) {
    throw usageError(
      `Cannot use "${all[1]}": want one login node at most, and no program of that name is here`,
      "rdg doctor [PYTHON…] [LOGIN]",
    );
  }
  return { pythons: options.words.filter(isPython), login: all[0] };
}

async function mend(
  examined: readonly Examined[],
  { options, role, cache, named, host, parts }: {
    options: DoctorOptions;
    role: Role;
    cache: string;
    named: boolean;
    host: Host;
    parts: DoctorParts;
  },
): Promise<Fix[]> {
  const fixes: Fix[] = [];
  const { wheels } = options;
  const folder = wheels === undefined || wheels.startsWith("/")
    ? wheels
    : `${host.cwd()}/${wheels}`;
  // One after the other: two of them may be one interpreter under two names.
  for (const { answer } of examined) {
    if (!answer) continue;
    if (!options.json && !answer.own && !answer.cached) {
      host.terminal.say(`Fetching debugpy for ${answer.executable} …`);
    }
    const refuse = role.kind === "job" && !named;
    fixes.push(await fillCache(answer, { cache, wheels: folder, refuse, host }));
  }
  const state = stateFolder(host.env);
  const closed = state === null
    ? null
    : await closeFolder(await folderFacts(state), parts.uid).catch((error): Fix => ({
      what: `mode of ${state}`,
      done: false,
      text: error instanceof Error ? error.message : String(error),
    }));
  if (closed) fixes.push(closed);
  return fixes;
}
