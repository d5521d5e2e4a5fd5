/**
 * The scheduler as the commands see it: which one it is, my jobs, one job. Runs the scheduler's programs
 * through the host.
 *
 * @module
 */

import type { Flag } from "./_args.ts";
import { hasDropIns, type Host } from "./_host.ts";
import { whileWaiting } from "./_waiting.ts";
import type { Job, RunOutput, RunSpec, SchedulerPlugin, Steps } from "../plugins/contract.ts";
import { ExitCode, RdgError, usageError } from "../plugins/error.ts";
import { isOnPath, type Runner, runSteps } from "../plugins/host.ts";
import { chooseScheduler, schedulers } from "../plugins/schedulers.ts";
import { local } from "../plugins/schedulers/local.ts";

/** For how long a scheduler's program may take, in seconds: a busy controller answers after 30. */
const usualLimitS = 60;

/** The flag that overrides detection. */
export const schedulerFlag = {
  type: "string",
  value: "NAME",
  help: "Talk to this scheduler instead of the one that is found (or set RDG_SCHEDULER)",
} as const satisfies Flag;

const known = new WeakMap<Host, readonly SchedulerPlugin[]>();

/**
 * The schedulers that can be talked to; looked for once.
 *
 * @param host The world.
 * @returns The built-in ones, and after them the person's own.
 */
export async function allSchedulers(host: Host): Promise<readonly SchedulerPlugin[]> {
  if (!hasDropIns(host.env)) return schedulers;
  const before = known.get(host);
  if (before) return before;
  const { openDropIns } = await import("./_drop_ins.ts");
  const all = [...schedulers, ...openDropIns(host).schedulers];
  known.set(host, all);
  return all;
}

/**
 * Chooses the scheduler.
 *
 * @param wanted What `--scheduler` says; undefined without it.
 * @param host The world.
 * @returns The plugin.
 * @throws {RdgError} `usage` for a name that no scheduler has.
 */
export async function openScheduler(
  wanted: string | undefined,
  host: Host,
): Promise<SchedulerPlugin> {
  const plugins = await allSchedulers(host);
  const env: Record<string, string | undefined> = { RDG_SCHEDULER: host.env("RDG_SCHEDULER") };
  for (const { job } of plugins) {
    for (const name of [...job.present.flat(), ...(job.absent ?? [])]) env[name] = host.env(name);
  }
  const path = host.env("PATH") ?? "";
  return chooseScheduler({
    name: wanted,
    env,
    isOnPath: (program) => isOnPath(program, path),
    plugins,
  });
}

/**
 * Lists my jobs: one call of the scheduler.
 *
 * @param scheduler The plugin.
 * @param host The world.
 * @returns The jobs.
 * @throws {RdgError} `scheduler` (exit code 5) when it fails or prints what can't be understood.
 */
export async function listJobs(scheduler: SchedulerPlugin, host: Host): Promise<Job[]> {
  const user = scheduler === local ? "" : host.user();
  return await ask(scheduler, scheduler.list({ user }), { host, action: "list your jobs" });
}

/**
 * Looks one job up that isn't among mine, to say what is wrong with it.
 *
 * @param scheduler The plugin.
 * @param options The job's id as it was typed, and the world.
 * @returns The job, or null where it isn't known.
 */
export async function lookUpJob(
  scheduler: SchedulerPlugin,
  options: { job: string; host: Host },
): Promise<Job | null> {
  if (!scheduler.lookup) return null;
  const action = `look up job ${options.job}`;
  return await ask(scheduler, scheduler.lookup(options.job), { host: options.host, action });
}

/**
 * Names a job's output, for a message that sends the person there.
 *
 * @param scheduler The plugin.
 * @param options The job's id, and the world.
 * @returns "the job's output", with the file's path where the scheduler tells it; one that doesn't, or
 * fails, is no reason for another message.
 */
export async function outputOf(
  scheduler: SchedulerPlugin,
  options: { job: string; host: Host },
): Promise<string> {
  const words = "the job's output";
  if (!scheduler.output) return words;
  const action = `find the output of job ${options.job}`;
  const path = await ask(scheduler, scheduler.output(options.job), { ...options, action })
    .catch(() => null);
  return path === null ? words : `${words} (${path})`;
}

/**
 * Runs steps of a scheduler's plugin, its complaints turned into words.
 *
 * @param scheduler The plugin.
 * @param steps What it yields.
 * @param options The world, and what is attempted, for the error.
 * @returns What the steps return.
 * @throws {RdgError} `scheduler` for whatever the plugin throws, `timeout` when a program is too slow.
 */
export async function ask<T>(
  scheduler: SchedulerPlugin,
  steps: Steps<T>,
  options: { host: Host; action: string },
): Promise<T> {
  const { host, action } = options;
  const timeoutMs = schedulerLimitMs(host);
  const runner: Runner = (spec, more) =>
    whileWaiting(
      `Waiting for ${spec.program}`,
      () => inTime({ timeoutMs, ...spec }, { ...more, host, action }),
      { terminal: host.terminal },
    );
  try {
    return await runSteps(steps, { plugin: scheduler, runner });
  } catch (error) {
    if (error instanceof RdgError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new RdgError(`Cannot ${action}: ${reason}`, {
      code: "scheduler",
      exitCode: ExitCode.scheduler,
      hint: hintOf(error) ?? "run this on a login node, or name the scheduler: --scheduler=" +
          (await allSchedulers(host)).map(({ name }) => name).join("|"),
      cause: error instanceof Error ? error.cause : undefined,
    });
  }
}

/** What a drop-in plugin says can be done. */
function hintOf(error: unknown): string | undefined {
  const hint = error instanceof Error && "hint" in error ? error.hint : undefined;
  return typeof hint === "string" ? hint : undefined;
}

/**
 * For how long a scheduler's program may take.
 *
 * @param host The world: `RDG_SCHEDULER_TIMEOUT` holds another number of seconds than 60.
 * @returns The limit in milliseconds.
 * @throws {RdgError} `usage` when the variable holds no such number.
 */
export function schedulerLimitMs(host: Host): number {
  const text = host.env("RDG_SCHEDULER_TIMEOUT");
  if (!text) return usualLimitS * 1000;
  const seconds = Number(text);
  if (seconds >= 1 && seconds <= 3600) return seconds * 1000;
  throw usageError(
    `Cannot use "RDG_SCHEDULER_TIMEOUT=${text}": want a number of seconds from 1 to 3600`,
  );
}

/**
 * Runs a program of the scheduler's, its lateness turned into words.
 *
 * @param spec What to run, with its limit.
 * @param options The world, what is attempted, and who wants each line.
 * @returns What came out.
 * @throws {RdgError} `timeout` (exit code 6) when it takes longer than its limit.
 */
export async function inTime(
  spec: RunSpec & { timeoutMs: number },
  options: { host: Host; action: string; onLine?: (line: string) => void },
): Promise<RunOutput> {
  const { host, action, onLine } = options;
  try {
    return await host.runner(spec, onLine ? { onLine } : {});
  } catch (error) {
    if (!(error instanceof RdgError) || error.code !== "timeout") throw error;
    const limit = schedulerLimitMs(host) / 1000;
    throw new RdgError(
      `Cannot ${action}: "${spec.program}" has not answered within ${spec.timeoutMs / 1000} s`,
      {
        code: "timeout",
        exitCode: ExitCode.timeout,
        hint: "again in a while: the scheduler is busy or down. Or give it longer: " +
          `RDG_SCHEDULER_TIMEOUT=${Math.min(3600, limit * 5)}`,
        cause: error.cause,
      },
    );
  }
}

/**
 * Says whether two names are one node's: the scheduler may know it by its full name, the node itself
 * by the short one, or the other way round.
 *
 * @param one A node's name.
 * @param other Another.
 * @returns Whether they agree up to the domain.
 */
export function sameNode(one: string, other: string): boolean {
  return one.split(".")[0] === other.split(".")[0];
}
