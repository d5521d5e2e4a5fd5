/**
 * The job's time limit, and the warnings before it. Reads the clock.
 *
 * @module
 */

import { duration } from "../_columns.ts";
import type { Job } from "../../plugins/contract.ts";

/** Seconds before the time limit at which to warn. */
const warnings = [600, 120] as const;

/** The time limit of the job that is served. */
export class TimeLimit {
  #job: Job | null = null;
  #until: number | null = null;
  readonly #warned = new Set<number>();
  readonly #now: () => number;

  /** @param now The time; the system's when absent. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /**
   * Begins anew.
   *
   * @param job The job; null outside of one.
   */
  of(job: Job | null): void {
    this.#job = job;
    this.#until = job?.leftS === undefined ? null : this.#now() + job.leftS * 1000;
    this.#warned.clear();
  }

  /** Seconds left; undefined where there is no limit. */
  get leftS(): number | undefined {
    return this.#until === null ? undefined : Math.max(0, (this.#until - this.#now()) / 1000);
  }

  /** A warning that is due and was not given yet; null without one. */
  due(): string | null {
    const { leftS } = this;
    const due = warnings.filter((at) => leftS !== undefined && leftS <= at);
    const news = due.filter((at) => !this.#warned.has(at));
    for (const at of due) this.#warned.add(at);
    return news.length === 0 ? null : this.#words();
  }

  /** What an editor is told that attaches after the first warning; null before it. */
  get late(): string | null {
    const { leftS } = this;
    return leftS === undefined || leftS > warnings[0] ? null : this.#words();
  }

  #words(): string {
    return `job ${this.#job?.displayId} reaches its time limit in ${duration(this.leftS)}`;
  }
}
