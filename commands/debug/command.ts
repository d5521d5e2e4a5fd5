/**
 * `rdg debug`: arms the Python processes of a command and becomes that command. Reads the environment,
 * writes rdg's Python files into the cache, and replaces this process.
 *
 * @module
 */

import { type CommandMeta, numberFlag, parseWords } from "../_args.ts";
import { hasDropIns, type Host } from "../_host.ts";
import { parseRanks, type RankRange } from "../_ranks.ts";
import { defaultSignal, defaultStackSignal, parseSignal } from "../_signals.ts";
import type { SchedulerPlugin } from "../../plugins/contract.ts";
import { usageError } from "../../plugins/error.ts";
import { currentScheduler, firstSet, schedulers } from "../../plugins/schedulers.ts";
import { type AgentConfig, agentEnvironment, cacheFolder } from "../../python/launch.ts";
import { stateFolder } from "../../python/sessions.ts";
import { type Machine, systemMachine } from "./become.ts";
import { checkInterpreter } from "./words.ts";

/** What the command says about itself. */
export const meta = {
  name: "debug",
  summary: "Start a Python command so that an editor can debug it",
  usage: "[flags] COMMAND…",
  passThrough: true,
  flags: {
    lite: { type: "boolean", short: "l", help: "Run at full speed until woken by rdg attach" },
    "post-mortem": {
      type: "boolean",
      short: "p",
      help: "Open at an exception that nobody caught, with its own frames",
    },
    "stop-on-entry": { type: "boolean", help: "Stop on the program's first line" },
    port: { type: "string", value: "N", help: "Listen on this port (default: any free one)" },
    bind: {
      type: "string",
      value: "ADDRESS",
      help: "Listen on this address (default: all, so that the login node reaches it)",
    },
    signal: {
      type: "string",
      value: "SIGNAL",
      help: "Signal that wakes the program (default: RTMIN+6)",
    },
    "stack-signal": {
      type: "string",
      value: "SIGNAL",
      help: "Signal for its stacks (default: RTMIN+7)",
    },
    "wait-timeout": {
      type: "string",
      value: "SECONDS",
      help: "Wait no longer for an editor, 0 for ever (default: 1800 after a crash or a wake)",
    },
    program: {
      type: "string",
      value: "GLOB",
      multiple: true,
      help: "Scripts or modules below COMMAND that are the program",
    },
    subprocess: { type: "boolean", help: "Have debugpy follow child processes" },
    rank: { type: "string", value: "LIST", help: "Only these ranks take part, e.g. 0,3-5" },
    "no-auth": { type: "boolean", help: "Let in whoever reaches the port, without the token" },
    quiet: { type: "boolean", help: "Print only what is needed to connect" },
  },
  examples: [
    ["rdg debug python train.py --epochs 3", "wait for the editor before the first line"],
    ["rdg debug -lp python train.py", "full speed; open when woken, or at a crash"],
    ["srun -n 4 rdg debug --rank 0 python train.py", "only rank 0 waits"],
    ["rdg debug --program 'eval*.py' bash run.sh", "the programs of a script that wait"],
  ],
} as const satisfies CommandMeta;

/** What was asked for. */
export interface DebugOptions {
  /** What the agent is told, but for what only the running process knows. */
  agent: Omit<
    AgentConfig,
    "pid" | "start" | "spawned" | "job" | "machine" | "follow" | "schedulers"
  >;
}

/**
 * Reads the command line.
 *
 * @param argv The words after `rdg debug`.
 * @returns The options.
 * @throws {RdgError} `usage` for flags or values that make no sense, or when COMMAND is missing.
 */
export function parse(argv: readonly string[]): DebugOptions {
  const { values, words } = parseWords(argv, meta);
  if (words.length === 0 || words[0] === "") {
    throw usageError("Cannot debug: no command was given", "rdg debug python script.py");
  }
  checkInterpreter(words);
  const modes: AgentConfig["modes"] = [];
  if (values.lite) modes.push("lite");
  if (values["post-mortem"]) modes.push("post-mortem");
  if (modes.length === 0) modes.push("wait");
  const signal = signalFlag(values.signal, "signal");
  const stackSignal = signalFlag(values["stack-signal"], "stack-signal");
  if ((signal || defaultSignal) === (stackSignal || defaultStackSignal)) {
    throw usageError(
      `Cannot use signal ${signal || stackSignal} for both --signal and --stack-signal`,
      "name another one for each: --signal=RTMIN+8 --stack-signal=RTMIN+9",
    );
  }
  const port = numberFlag(values.port, { flag: "port", min: 0, max: 65535, whole: true });
  const wait = numberFlag(values["wait-timeout"], { flag: "wait-timeout", min: 0, max: 1e9 });
  const ranks: RankRange[] | null = values.rank === undefined
    ? null
    : parseRanks(String(values.rank));
  return {
    agent: {
      format: 1,
      modes,
      stopOnEntry: values["stop-on-entry"] === true,
      port: port ?? 0,
      bind: values.bind === undefined ? "0.0.0.0" : String(values.bind),
      signal,
      stackSignal,
      waitTimeout: wait ?? null,
      programs: Array.isArray(values.program) ? values.program.map(String) : [],
      subprocess: values.subprocess === true,
      ranks,
      quiet: values.quiet === true,
      auth: values["no-auth"] !== true,
      command: words,
    },
  };
}

function signalFlag(value: unknown, flag: string): number {
  return value === undefined ? 0 : parseSignal(String(value), flag);
}

/**
 * Becomes COMMAND.
 *
 * @param options From {@linkcode parse}.
 * @param host The world.
 * @param machine This process, and how to put the Python files on disk.
 * @returns COMMAND's exit code, where the process could not be replaced.
 * @throws {RdgError} when COMMAND can't be started or the Python files can't be written.
 */
export async function run(
  options: DebugOptions,
  host: Host,
  machine: Machine = systemMachine(),
): Promise<number> {
  const command = options.agent.command;
  const site = await machine.installAgent({
    cache: cacheFolder(host.env),
    temporary: host.env("TMPDIR") || "/tmp",
    uid: machine.uid,
  });
  const environment = machine.environment();
  const own = await ownSchedulers(options, host);
  const all = [...schedulers, ...own];
  const scheduler = currentScheduler(environment, all);
  const names = machine.names();
  const state = stateFolder(host.env);
  // A container is handed it before the program makes it.
  if (state !== null) machine.makeFolder(state);
  const config: AgentConfig = {
    ...options.agent,
    pid: machine.pid,
    start: machine.startTime(),
    spawned: !machine.canReplace,
    job: firstSet(scheduler.job.job, environment) ?? null,
    machine: names && {
      ...names,
      user: host.env("USER") || host.env("LOGNAME") || null,
      state,
      cache: cacheFolder(host.env),
    },
    follow: startsJob(command, all),
    ...own.length > 0 ? { schedulers: own.map(({ name, job }) => ({ name, job })) } : {},
  };
  const changes = agentEnvironment(config, { site, pythonPath: environment["PYTHONPATH"] });
  return await machine.become(command, changes);
}

/** Whether COMMAND is a launcher of a scheduler that starts a job of its own (srun, salloc). */
function startsJob(command: readonly string[], all: readonly SchedulerPlugin[]): boolean {
  const name = command[0]?.split("/").at(-1) ?? "";
  return all.some(({ launchers }) => launchers?.includes(name));
}

/** The person's own schedulers; only their data is used here, so none of them is started again. */
async function ownSchedulers(
  { agent: { quiet } }: DebugOptions,
  host: Host,
): Promise<readonly SchedulerPlugin[]> {
  if (!hasDropIns(host.env)) return [];
  const { openDropIns } = await import("../_drop_ins.ts");
  return openDropIns(host, { quiet }).schedulers;
}
