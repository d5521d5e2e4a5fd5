/**
 * No scheduler: my own processes on this host. Runs nothing.
 *
 * @module
 */

import type { SchedulerPlugin } from "../contract.ts";

/** The plugin for machines without a scheduler. */
export const local: SchedulerPlugin = {
  contract: 1,
  kind: "scheduler",
  name: "local",
  summary: "No scheduler: processes on this host",
  programs: [],
  detect: [],
  job: { present: [], job: [] },
  *list() {
    return [];
  },
};
