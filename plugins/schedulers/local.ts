/**
 * No scheduler: my own processes on this host. Describes no program; the host enters nothing here.
 *
 * @module
 */

import type { Job, SchedulerPlugin } from "../contract.ts";

/** What stands for everything that runs here outside a job. */
export const localJob: Job = {
  id: "local",
  displayId: "local",
  name: "this host",
  state: "running",
  stateText: "RUNNING",
  nodes: [],
};

/** The plugin for machines without a scheduler. Its only job is called `local`. */
export const local: SchedulerPlugin = {
  contract: 1,
  kind: "scheduler",
  name: "local",
  summary: "No scheduler: processes on this host",
  programs: [],
  detect: [],
  job: { present: [], job: [] },

  // deno-lint-ignore require-yield -- there is no program to ask
  *list() {
    return [localJob];
  },
};
