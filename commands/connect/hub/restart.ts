/**
 * Whether ranks that have all ended may come again: torchrun starts its workers anew after a failure, as
 * often as it was told to (by default never), and only while it is there itself. Workers that a change
 * of its nodes ends aren't counted by it; where nothing is left they are not waited for, all the same.
 * Asks the login node: the scheduler for the job, a few times and
 * ever more seldom; outside of a job, for the launcher's own process.
 *
 * @module
 */

import type { Host } from "../../_host.ts";
import { listJobs } from "../../_scheduler.ts";
import type { RunSpec } from "../../../plugins/contract.ts";
import { local } from "../../../plugins/schedulers/local.ts";
import type { Session } from "../../../python/sessions.ts";
import type { Link } from "../link.ts";
import type { FoundRanks } from "./choose.ts";

/** Milliseconds after which nobody waits any more: a rendezvous of torchrun's takes up to 30 s. */
export const restartMs = 45_000;

/** The variable that torchrun gives to its workers, and that it hasn't itself. */
const mark = "TORCHELASTIC_RUN_ID";

/** Seconds that the scheduler has for an answer, at most. */
const answerS = 20;
/** Milliseconds that the login node has to tell that there was none. */
const graceMs = 30_000;

/** What {@linkcode Restart} needs. */
export interface RestartOptions {
  /** The job and its ranks. */
  found: FoundRanks;
  /** The login node of now. */
  link: () => Link;
  /** The time; the system's when absent. */
  now?: () => number;
}

/** The question whether ranks may come again. */
export class Restart {
  readonly #o: RestartOptions;
  #ranks: readonly Session[] = [];
  /** Outside of a job: torchrun's processes; null where they can't be told. */
  #launchers: string[] | null = null;
  #since: number | null = null;
  #nextMs = 0;

  /** @param options The job, and where to ask. */
  constructor(options: RestartOptions) {
    this.#o = options;
    this.came(options.found.sessions);
  }

  /** Looks for the launchers, as long as their ranks are there to tell. */
  async prepare(): Promise<void> {
    const { found, link } = this.#o;
    if (found.chosen.scheduler !== local || this.#ranks.length === 0) return;
    const script = [
      `for rank in ${this.#ranks.map(({ pid }) => pid).join(" ")}; do`,
      "  p=$rank",
      `  while tr '\\0' '\\n' <"/proc/$p/environ" | grep -q '^${mark}='; do`,
      `    p=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$p/status")`,
      "  done",
      '  [ "$p" != "$rank" ] && echo "$p"',
      "done 2>/dev/null; :",
    ].join("\n");
    const output = await link().script(script).catch(() => null);
    const pids = output?.stdout.match(/^\d+$/gm) ?? [];
    if (pids.length === this.#ranks.length) this.#launchers = [...new Set(pids)];
  }

  /** These ranks are there. */
  came(sessions: readonly Session[]): void {
    this.#ranks = sessions.filter(({ launcher, restartsLeft }) =>
      launcher === "torchrun" && restartsLeft !== 0
    );
    this.#since = null;
    this.#nextMs = 0;
  }

  /** Whether to go on waiting, while no rank is there. */
  async mayCome(): Promise<boolean> {
    if (this.#ranks.length === 0) return false;
    const now = (this.#o.now ?? Date.now)();
    this.#since ??= now;
    const waitedMs = now - this.#since;
    if (waitedMs > restartMs) return false;
    if (this.#o.found.chosen.scheduler === local) return await this.#launcherRuns();
    if (waitedMs < this.#nextMs) return true;
    this.#nextMs = 2 * waitedMs + 2000;
    return await this.#jobRuns();
  }

  async #launcherRuns(): Promise<boolean> {
    if (this.#launchers === null) return true;
    const tests = this.#launchers.map((pid) => `[ -d /proc/${pid} ]`).join(" || ");
    const output = await this.#o.link().script(tests).catch(() => null);
    return output?.code !== 1;
  }

  async #jobRuns(): Promise<boolean> {
    const { found: { chosen, host: remembering }, link } = this.#o;
    // Not from the list that was asked for before.
    const host: Host = {
      ...remembering,
      runner: (spec, more) => link().runner(link().local ? spec : limited(spec), more),
    };
    const jobs = await listJobs(chosen.scheduler, host).catch(() => null);
    if (jobs === null) return true;
    const own = new Set(chosen.jobs.map(({ id }) => id));
    return jobs.some(({ id, state }) => own.has(id) && ["running", "suspended"].includes(state));
  }
}

/**
 * Has a program ended over there when it takes too long: the shell of the connection can only end
 * together with the connection, and for that the person might have to log in again.
 */
function limited(spec: RunSpec): RunSpec {
  const seconds = Math.min(answerS, Math.ceil((spec.timeoutMs ?? Infinity) / 1000));
  const script = 'command -v timeout >/dev/null && exec timeout -k 5 "$@"; shift; exec "$@"';
  return {
    ...spec,
    program: "sh",
    args: ["-c", script, "sh", `${seconds}`, spec.program, ...spec.args],
    timeoutMs: seconds * 1000 + graceMs,
  };
}
