/**
 * exampleq, as rdg knows it: what to run, and how to read what it prints. Pure; README of rdg, "Writing
 * a plugin", says what each member means.
 *
 * @module
 */

import type { Job, RunOutput, SchedulerPlugin } from "../../../../plugins/contract.ts";

/** What exampleq's words for a job's state mean to rdg. */
const states: Readonly<Record<string, Job["state"]>> = {
  R: "running",
  Q: "pending",
  S: "suspended",
  E: "ending",
};

/** One job a line: id, name, state, nodes (separated by commas, or -). */
function readJobs({ code, stdout, stderr }: RunOutput): Job[] {
  if (code !== 0) throw new Error(`"exampleq" exited with code ${code}`, { cause: stderr });
  return stdout.split("\n").filter((line) => line !== "").map((line) => {
    const [id, name, stateText, nodes, ...rest] = line.split("\t");
    if (id === undefined || !name || !stateText || !nodes || rest.length > 0) {
      throw new Error('"exampleq" did not print a list of jobs', { cause: stdout.slice(0, 300) });
    }
    return {
      id,
      displayId: id,
      name,
      state: states[stateText] ?? "other",
      stateText,
      nodes: nodes === "-" ? [] : nodes.split(","),
    };
  });
}

/** The plugin. */
const plugin: SchedulerPlugin = {
  contract: 1,
  kind: "scheduler",
  name: "exampleq",
  summary: "exampleq",
  programs: ["exampleq"],
  detect: ["exampleq"],
  job: {
    present: [["EXAMPLEQ_JOB_ID"]],
    job: ["EXAMPLEQ_JOB_ID"],
    node: ["EXAMPLEQ_NODE"],
    submitHost: ["EXAMPLEQ_SUBMIT_HOST"],
  },

  *list({ user }) {
    return readJobs(yield { program: "exampleq", args: ["jobs", "--user", user] });
  },

  helper({ job, nodes }, command) {
    const where = ["--job", job, "--nodes", nodes.join(",")];
    return { program: "exampleq", args: ["run", ...where, "--", ...command] };
  },
};

export default plugin;
