/**
 * Jobs' ids as they are typed, and what they mean. Pure.
 *
 * @module
 */

import { usageError } from "../plugins/error.ts";

/** What ids are made of: `12345`, `36_1`, `36[1]`, `12.server`, `8+1`, `ƒ26kXi` (Flux). */
const form = /^[\w.+[\]ƒ-]+$/;

/**
 * Checks a job's id.
 *
 * @param word What was typed.
 * @param example A command line with an id in it.
 * @returns The same.
 * @throws {RdgError} `usage` for what no job is called.
 */
export function parseJobId(word: string, example: string): string {
  if (form.test(word)) return word;
  throw usageError(`Cannot use "${word}" as a job's id`, example);
}

/**
 * Says whether a typed id means an array, or a job of several components, that a job is a part of.
 *
 * @param typed What was typed.
 * @param displayId The job's id as people write it: `36_1` (Slurm, Grid Engine), `36[1]` (PBS), `36.1`
 * (HTCondor), `8+1` (a heterogeneous job of Slurm's).
 * @returns Whether it is.
 */
export function isPartOf(typed: string, displayId: string): boolean {
  return displayId.startsWith(typed) && /^[_[.+]/.test(displayId.slice(typed.length));
}

/**
 * Says whether a typed id means a job.
 *
 * @param typed What was typed.
 * @param job The job's id, and the one that people write.
 * @returns Whether it is the very job, or the whole that the job is a part of.
 */
export function namesJob(typed: string, job: { id: string; display: string }): boolean {
  return [job.id, job.display].includes(typed) || isPartOf(typed, job.display);
}
