/**
 * Menus of my jobs and of a job's processes, on stderr. The prompts' package is loaded only when a
 * menu is shown.
 *
 * @module
 */

import { columns, duration } from "./_columns.ts";
import { prompt } from "./_prompt.ts";
import type { Job } from "../plugins/contract.ts";
import { compareSessions, type Session } from "../python/sessions.ts";

/** What a person may be asked. */
export interface Menus {
  /** Which job. */
  job(jobs: readonly Job[], armed: (job: Job) => number): Promise<Job>;
  /** Which of a job's processes; several for "all". */
  processes(sessions: readonly Session[]): Promise<Session[]>;
  /** A process id, from the job's output as it is named for people. */
  pid(job: Job, output: string): Promise<number>;
}

/** One line of a menu. */
export interface Choice<T> {
  /** The line as it is shown. */
  name: string;
  /** What it stands for. */
  value: T;
  /** What stays to be seen once it is chosen. */
  short: string;
  /** What it is called. */
  keys: string[];
}

/**
 * The menus of this terminal.
 *
 * @param width Columns of the terminal.
 * @returns The menus; each throws an `RdgError` as {@linkcode prompt} does.
 */
export function terminalMenus(width: number): Menus {
  return {
    job: async (jobs, armed) => {
      const choices = jobChoices(jobs, { armed, width });
      return await choose("Which job? (type to filter)", choices);
    },
    processes: async (sessions) => {
      return await choose("Which process? (type to filter)", processChoices(sessions, width));
    },
    pid: async (job, output) => {
      const { input } = await import("@inquirer/prompts");
      const text = await prompt((context) =>
        input({
          message: `No session of job ${job.displayId} can be seen from here. PID from ${output}:`,
          validate: (value) => /^\s*[1-9]\d{0,9}\s*$/.test(value) || "a number, as in PID: 67890",
        }, context)
      );
      return Number(text);
    },
  };
}

/**
 * Lines of the menu of jobs.
 *
 * @param jobs The jobs.
 * @param options How many armed sessions each has, and the columns of the terminal.
 * @returns The choices, jobs with sessions first, each found again by any text in it.
 */
function jobChoices(
  jobs: readonly Job[],
  options: { armed: (job: Job) => number; width: number },
): Choice<Job>[] {
  const order = [...jobs].sort((a, b) =>
    Number(options.armed(b) > 0) - Number(options.armed(a) > 0)
  );
  const rows = order.map((job) => {
    const count = options.armed(job);
    return [
      job.displayId,
      job.stateText,
      duration(job.elapsedS),
      duration(job.leftS),
      shortList(job.nodes),
      count > 0 ? `● ${count} armed` : "",
      job.name,
    ];
  });
  return columns(rows, options.width - 4).map((name, i) => ({
    name,
    value: order[i]!,
    short: `${order[i]!.displayId} ${order[i]!.name}`,
    keys: [order[i]!.displayId, order[i]!.name],
  }));
}

/**
 * Lines of the menu of processes.
 *
 * @param sessions The sessions of one job.
 * @param width Columns of the terminal.
 * @returns One choice for each, by rank, and one for all of them at the end.
 */
function processChoices(sessions: readonly Session[], width: number): Choice<Session[]>[] {
  const order = [...sessions].sort(compareSessions);
  const rows = order.map((session) => [
    session.rank === null ? "" : `rank ${session.rank}`,
    session.host,
    `PID ${session.pid}`,
    session.state,
    session.exception ?? session.command.join(" "),
  ]);
  const choices = columns(rows, width - 4).map((name, i) => ({
    name,
    value: [order[i]!],
    short: `PID ${order[i]!.pid}`,
    keys: keysOf(order[i]!),
  }));
  const all = `all ${order.length} of them`;
  return [...choices, { name: all, value: order, short: all, keys: [all] }];
}

function keysOf({ rank, pid, host }: Session): string[] {
  const ranks = rank === null ? [] : [String(rank), `rank ${rank}`];
  return [...ranks, String(pid), `PID ${pid}`, host];
}

function shortList(nodes: readonly string[]): string {
  return nodes.length > 2 ? `${nodes[0]} and ${nodes.length - 1} more` : nodes.join(",");
}

/**
 * Choices that hold what was typed; where none does, those that hold each of its words.
 *
 * @param choices All of them.
 * @param term What was typed.
 * @returns Those that fit. First what is called so, then what begins so, so that a job's id and Enter
 * never take another one, in whose times the same digits stand.
 */
export function filtered<T>(choices: readonly Choice<T>[], term: string): Choice<T>[] {
  const normal = (text: string) => text.toLowerCase().replaceAll(/\s+/g, " ");
  const texts = choices.map(({ name, short }) => normal(`${name} ${short}`));
  const phrase = normal(term).trim();
  const distance = ({ keys }: Choice<T>) =>
    keys.some((key) => normal(key) === phrase)
      ? 0
      : keys.some((key) => normal(key).startsWith(phrase))
      ? 1
      : 2;
  const exact = choices.filter((_, i) => texts[i]!.includes(phrase));
  if (phrase === "") return exact;
  if (exact.length > 0) return exact.sort((a, b) => distance(a) - distance(b));
  const words = phrase.split(" ");
  return choices.filter((_, i) => words.every((word) => texts[i]!.includes(word)));
}

async function choose<T>(message: string, choices: readonly Choice<T>[]): Promise<T> {
  const { search } = await import("@inquirer/prompts");
  return await prompt((context) =>
    search<T>({
      message,
      pageSize: 12,
      source: (term) => filtered(choices, term ?? ""),
    }, context)
  );
}
