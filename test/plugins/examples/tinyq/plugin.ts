/**
 * TinyQ, a scheduler that nobody has: the example of README, "Writing a plugin". Describes `tq`.
 *
 * `tq jobs` prints one job a line: id, array index or `-`, owner, state, seconds since the start,
 * seconds left, nodes, folder, name; separated by tabs, `-` for nothing.
 *
 * @module
 */

import type { Job, RunOutput, SchedulerPlugin } from "../../../../plugins/contract.ts";

const states: Readonly<Record<string, Job["state"]>> = {
  RUN: "running",
  WAIT: "pending",
  HOLD: "pending",
  STOP: "suspended",
  DONE: "ending",
};

function number(key: "elapsedS" | "leftS", text: string): Partial<Job> {
  return /^\d+$/.test(text) ? { [key]: Number(text) } : {};
}

function readJobs({ code, stdout, stderr }: RunOutput): Job[] {
  if (code !== 0) {
    throw Object.assign(new Error(`"tq" exited with code ${code}`, { cause: stderr }), {
      hint: 'see whether "tq ping" answers',
    });
  }
  return stdout.split("\n").filter((line) => line !== "").map((line) => {
    const fields = line.split("\t");
    const [id, index, user, stateText, elapsed, left, nodes, workDir, ...name] = fields;
    if (!id || !index || !user || !stateText || !elapsed || !left || !nodes || !workDir) {
      throw new Error('"tq" did not print a list of jobs', { cause: stdout.slice(0, 300) });
    }
    return {
      id: index === "-" ? id : `${id}:${index}`,
      displayId: index === "-" ? id : `${id}_${index}`,
      name: name.join("\t"),
      user,
      state: states[stateText] ?? "other",
      stateText,
      nodes: nodes === "-" ? [] : nodes.split(","),
      ...number("elapsedS", elapsed),
      ...number("leftS", left),
      ...workDir === "-" ? {} : { workDir },
    };
  });
}

const plugin: SchedulerPlugin = {
  contract: 1,
  kind: "scheduler",
  name: "tinyq",
  summary: "TinyQ (tq)",
  programs: ["tq"],
  detect: ["tq"],
  launchers: ["tqrun"],
  job: {
    present: [["TINYQ_JOB"]],
    job: ["TINYQ_JOB"],
    arrayJob: ["TINYQ_JOB"],
    arrayIndex: ["TINYQ_INDEX"],
    elementId: "{job}:{index}",
    node: ["TINYQ_NODE"],
    cluster: ["TINYQ_CLUSTER"],
    submitHost: ["TINYQ_LOGIN"],
  },

  *list({ user }) {
    return readJobs(yield { program: "tq", args: ["jobs", "--user", user] });
  },

  *lookup(id) {
    const output = yield { program: "tq", args: ["jobs", "--job", id, "--all"] };
    if (output.code === 4) return null;
    return readJobs(output)[0] ?? null;
  },

  *clusterName() {
    const { code, stdout } = yield { program: "tq", args: ["cluster"] };
    return code === 0 ? /^[\w.-]+$/.exec(stdout.trim())?.[0] ?? null : null;
  },

  helper({ job, nodes }, command) {
    return {
      program: "tq",
      args: ["exec", "--job", job, "--nodes", nodes.join(","), "--", ...command],
      without: ["TINYQ_*"],
      keep: ["TINYQ_SERVER"],
    };
  },

  helperFailure({ code, stderr }) {
    if (/no such job/.test(stderr)) {
      return { message: "The job has ended", hint: "tq jobs shows what runs", kind: "ended" };
    }
    if (/not allowed/.test(stderr)) {
      return { message: "TinyQ lets nothing in", hint: "--via=ssh", kind: "refused", ssh: true };
    }
    if (code === 0) return null;
    return { message: `"tq exec" exited with code ${code}`, hint: "tq ping" };
  },

  broadcast({ job, signal }) {
    return { program: "tq", args: ["signal", "--job", job, String(signal)] };
  },

  loginHost(env) {
    return env.TINYQ_LOGIN || null;
  },
};

export default plugin;
