/**
 * TinyQ, a scheduler that nobody has but for the `tq` beside this file: the worked example of README,
 * "Writing a plugin". Describes `tq`. Pure.
 *
 * `tq jobs` and `tq job` print a block of lines for each job, `job ID` and below it `  key  value`, then
 * how many blocks there were. What is on hold of an array is one block, `job 8[0-2,5]`.
 *
 * @module
 */

import type {
  HelperFailure,
  Job,
  RunOutput,
  SchedulerPlugin,
} from "../../../../plugins/contract.ts";

/** What TinyQ's letters for a job's state mean to rdg. */
const states: Readonly<Record<string, Job["state"]>> = { H: "pending", R: "running", F: "ending" };

/** What `tq run-in` says by its exit codes, when it is tq itself that says something. */
const refusals: Readonly<Record<number, HelperFailure["kind"]>> = {
  3: "ended",
  4: "ended",
  5: "refused",
  6: "pending",
};

/** `12:05`, `1:00:00` or `2+03:04:05` in seconds. */
function seconds(text: string): number {
  const [, days, hours, minutes, rest] = /^(?:(\d+)\+)?(?:(\d+):)?(\d+):(\d\d)$/.exec(text) ?? [];
  if (rest === undefined) throw new Error(`"tq" printed "${text}" for a time`);
  const part = (digits: string | undefined) => Number(digits ?? 0);
  return ((part(days) * 24 + part(hours)) * 60 + part(minutes)) * 60 + part(rest);
}

/** `0-2,5` as 0, 1, 2 and 5. */
function indices(text: string): number[] {
  return text.split(",").flatMap((part) => {
    const [first = 0, last = first] = part.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
  });
}

/** The jobs of one block: one, or each element that an array's ranges name. */
function readBlock(block: string): Job[] {
  const [head = "", ...lines] = block.trimEnd().split("\n");
  const [, number, ranges] = /^(\d+)(?:\[([\d,-]+)\])?$/.exec(head) ?? [];
  const values = new Map<string, string>();
  for (const line of lines) {
    const [, key = "", value = ""] = /^ {2}(\S+) +(.*)$/.exec(line) ?? [];
    values.set(key, value);
  }
  const [name, stateText, nodes = ""] = ["name", "state", "nodes"].map((key) => values.get(key));
  if (number === undefined || name === undefined || !stateText) {
    throw new Error('"tq" did not print a list of jobs', { cause: block.slice(0, 300) });
  }
  const [user, used, limit, workDir] = ["user", "used", "limit", "dir"].map((key) =>
    values.get(key)
  );
  const elapsedS = used === undefined ? undefined : seconds(used);
  const job = {
    name,
    state: states[stateText] ?? "other",
    stateText,
    nodes: nodes.split(",").filter((node) => node !== ""),
    ...user === undefined ? {} : { user },
    ...elapsedS === undefined ? {} : { elapsedS },
    ...elapsedS === undefined || limit === undefined
      ? {}
      : { leftS: Math.max(0, seconds(limit) - elapsedS) },
    ...workDir === undefined ? {} : { workDir },
  };
  if (ranges === undefined) return [{ ...job, id: number, displayId: number }];
  return indices(ranges).map((index) => ({
    ...job,
    id: `${number}[${index}]`,
    displayId: `${number}_${index}`,
  }));
}

/** What `tq jobs` and `tq job` print. */
function readJobs({ code, stdout, stderr }: RunOutput): Job[] {
  if (code !== 0) {
    const error = new Error(`"tq" exited with code ${code}`, { cause: stderr });
    throw Object.assign(error, { hint: 'see whether "tq jobs" answers' });
  }
  const [, body = "", count] = /^([^]*?)(\d+) listed\n$/.exec(stdout) ?? [];
  const blocks = body.split(/^job /m).slice(1);
  if (count === undefined || blocks.length !== Number(count)) {
    throw new Error('"tq" printed a list without its end', { cause: stdout.slice(0, 300) });
  }
  return blocks.flatMap(readBlock);
}

const plugin: SchedulerPlugin = {
  contract: 1,
  kind: "scheduler",
  name: "tinyq",
  summary: "TinyQ (tq)",
  programs: ["tq"],
  detect: ["tq"],
  // So that `rdg debug tq run python train.py` works.
  launchers: ["tq"],
  job: {
    present: [["TINYQ_JOB"]],
    job: ["TINYQ_JOB"],
    arrayJob: ["TINYQ_JOB"],
    arrayIndex: ["TINYQ_INDEX"],
    elementId: "{job}[{index}]",
    node: ["TINYQ_NODE"],
    cluster: ["TINYQ_CLUSTER"],
    submitHost: ["TINYQ_HOST"],
  },

  *list({ user }) {
    return readJobs(yield { program: "tq", args: ["jobs", "--user", user] });
  },

  *lookup(typed) {
    // People write 8_3 for an element, tq 8[3].
    const id = typed.replace(/_(\d+)$/, "[$1]");
    const output = yield { program: "tq", args: ["job", id] };
    if (output.code === 3) return null;
    return readJobs(output)[0] ?? null;
  },

  *clusterName() {
    const { code, stdout } = yield { program: "tq", args: ["cluster"] };
    return code === 0 ? /^[\w.-]+$/.exec(stdout.trim())?.[0] ?? null : null;
  },

  helper({ job, nodes }, command) {
    return { program: "tq", args: ["run-in", job, nodes.join(","), "--", ...command] };
  },

  helperFailure({ code, stderr }) {
    const [, words] = /^tq: (.*)$/m.exec(stderr) ?? [];
    // Not tq's own words: the command itself failed.
    if (words === undefined) return null;
    const kind = refusals[code] ?? "scheduler";
    return { message: `TinyQ says: ${words}`, hint: "tq jobs lists what runs", kind };
  },

  relay({ job, nodes: [node = ""] }, command) {
    return { program: "tq", args: ["run-in", job, node, "--", ...command] };
  },

  broadcast({ job, signal }) {
    return { program: "tq", args: ["signal", job, String(signal)] };
  },
};

export default plugin;
