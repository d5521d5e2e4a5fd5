/**
 * IBM Spectrum LSF, 9.1 to 10.1. Describes bjobs, bkill and lsid.
 *
 * No helper: battach runs one program without arguments and is not documented to leave stdin and
 * stdout alone, blaunch works only inside the job. The way in is ssh.
 *
 * @module
 */

import type { Job, RunOutput, SchedulerPlugin, Steps } from "../contract.ts";
import { commandFailed, unreadable } from "./_failure.ts";
import { isRecord, parseJson } from "./_json.ts";
import { parseDuration } from "./_time.ts";

/** Fields asked for, in the order of the plain form: the name comes last, it may hold anything. */
const fields = [
  "jobid",
  "jobindex",
  "stat",
  "user",
  "exec_host",
  "run_time",
  "time_left",
  "exec_cwd",
  "output_file",
  "job_name",
] as const;

/** What parts the fields in the plain form, which LSF before 10.1.0.2 needs. */
const delimiter = "\x1f";

/** What the states mean; one that isn't here counts as "other". */
const states: Readonly<Record<string, Job["state"]>> = {
  RUN: "running",
  PEND: "pending",
  WAIT: "pending",
  PSUSP: "suspended",
  USUSP: "suspended",
  SSUSP: "suspended",
};

const hint = 'run "bjobs" by hand on a login node, or name the scheduler: --scheduler=slurm';

/** One job's fields by their names. */
type Row = Readonly<Record<string, string>>;

/** The plugin for LSF. */
export const lsf = {
  contract: 1,
  kind: "scheduler",
  name: "lsf",
  summary: "IBM Spectrum LSF (bjobs); the way to the node is ssh",
  programs: ["bjobs", "bkill", "lsid"],
  detect: ["bjobs"],
  launchers: ["jsrun", "lsrun"],
  job: {
    present: [["LSB_JOBID"]],
    job: ["LSB_JOBID"],
    arrayJob: ["LSB_JOBID"],
    arrayIndex: ["LSB_JOBINDEX"],
    noArrayIndex: ["0"],
    elementId: "{job}[{index}]",
    cluster: ["LSB_EXEC_CLUSTER"],
    submitHost: ["LSB_SUB_HOST"],
  },
  *list({ user }) {
    const rows = yield* askLsf("Cannot list jobs", ["-u", user]);
    return rows.flatMap((row) => toJob(row) ?? []);
  },
  *lookup(job) {
    const rows = yield* askLsf(`Cannot look up job "${job}"`, ["-u", "all"], canonicalId(job));
    return rows.flatMap((row) => toJob(row) ?? [])[0] ?? null;
  },
  *clusterName() {
    const { stdout } = yield { program: "lsid", args: [] };
    return /^My cluster name is (\S+)/m.exec(stdout)?.[1] ?? null;
  },
  helper: () => null,
  broadcast: ({ job, step, signal }) =>
    step === undefined ? { program: "bkill", args: ["-s", String(signal), job] } : null,
  *output(job) {
    const [row] = yield* askLsf(`Cannot find the output of job "${job}"`, [], job);
    return row ? outputPath(row) : null;
  },
  canonicalId,
} satisfies SchedulerPlugin;

/** `123[5]` (LSF's own way to write an element) of `123_5` (rdg's). */
function canonicalId(id: string): string {
  return id.replace(/^(\d+)_(\d+)$/, "$1[$2]");
}

/**
 * Asks for jobs as JSON with times as hours, minutes and seconds; in the plain form where bjobs
 * knows neither `-hms` nor `-json` (before 10.1.0.2), or where its JSON is broken.
 */
function* askLsf(action: string, select: readonly string[], job?: string): Steps<Row[]> {
  const tail = job === undefined ? [] : [job];
  const names = fields.join(" ");
  const output = yield {
    program: "bjobs",
    args: [...select, "-hms", "-o", names, "-json", ...tail],
  };
  if (saysNoJob(output)) return [];
  const { code, stdout, stderr } = output;
  const refused = code !== 0 && /illegal|invalid|unknown|usage|unrecognized/i.test(stderr);
  // Jobs that could not be found are records with ERROR beside those that could.
  if (!refused && code !== 0 && !stdout.trim().startsWith("{")) {
    throw commandFailed(action, { program: "bjobs", output, hint });
  }
  const rows = refused ? undefined : readJson(stdout);
  if (rows) return rows;
  const plain = yield {
    program: "bjobs",
    args: [...select, "-noheader", "-o", `${names} delimiter='${delimiter}'`, ...tail],
  };
  if (saysNoJob(plain)) return [];
  if (plain.code !== 0) throw commandFailed(action, { program: "bjobs", output: plain, hint });
  const plainRows = readPlain(plain.stdout);
  if (plainRows && (refused || plainRows.length > 0)) return plainRows;
  const [shown, wanted] = refused ? [plain.stdout, "a list of jobs"] : [stdout, "JSON"];
  throw unreadable(action, { program: "bjobs", stdout: shown, wanted });
}

/** Having no jobs is an error to LSF: a line on stderr and code 255. */
function saysNoJob(output: RunOutput): boolean {
  return output.stdout.trim() === "" &&
    /No (unfinished |matching )?job found|is not found/i.test(output.stderr);
}

/** The records; undefined where it isn't JSON of this form. */
function readJson(stdout: string): Row[] | undefined {
  const data = parseJson(stdout);
  const records = isRecord(data) ? data["RECORDS"] : undefined;
  if (!Array.isArray(records)) return undefined;
  return records.filter(isRecord).filter((record) => !("ERROR" in record)).map((record) =>
    Object.fromEntries(
      Object.entries(record).map(([key, value]) => [key.toLowerCase(), String(value)]),
    )
  );
}

/** The lines; undefined where there are some and none is a job. */
function readPlain(stdout: string): Row[] | undefined {
  const lines = stdout.split("\n").filter((line) => line.trim() !== "");
  const rows = lines.map((line) => line.split(delimiter)).filter((cells) =>
    cells.length >= fields.length && /^\d+$/.test(cells[0]!.trim())
  ).map((cells) => {
    const rest = cells.slice(fields.length - 1).join(delimiter);
    return Object.fromEntries(
      fields.map((field, at) => [field, field === "job_name" ? rest : blank(cells[at]!)]),
    );
  });
  return rows.length === 0 && lines.length > 0 ? undefined : rows;
}

/** The plain form has `-` for what is empty. */
function blank(cell: string): string {
  return cell.trim() === "-" ? "" : cell.trim();
}

function toJob(row: Row): Job | undefined {
  const base = row["jobid"] ?? "";
  if (!/^\d+(\[\d+\])?$/.test(base)) return undefined;
  const index = row["jobindex"] ?? "0";
  const id = /^[1-9]\d*$/.test(index) && !base.includes("[") ? `${base}[${index}]` : base;
  const stateText = row["stat"] ?? "";
  const state = states[stateText] ?? "other";
  const elapsedS = parseRunTime(row["run_time"] ?? "");
  const leftS = parseTimeLeft(row["time_left"] ?? "");
  return {
    id,
    displayId: id.replace(/\[(\d+)\]/, "_$1"),
    name: row["job_name"] ?? "",
    state,
    stateText,
    nodes: parseExecHosts(row["exec_host"] ?? ""),
    ...(row["user"] ? { user: row["user"] } : {}),
    ...(elapsedS !== undefined ? { elapsedS } : {}),
    ...(leftS !== undefined ? { leftS } : {}),
    ...(row["exec_cwd"] ? { workDir: row["exec_cwd"] } : {}),
  };
}

/**
 * The nodes of `hostA:hostA` or `4*hostA:4*hostB`.
 *
 * @param text The field EXEC_HOST.
 * @returns Each node once.
 */
export function parseExecHosts(text: string): string[] {
  const hosts = text.split(":").map((host) => host.trim().replace(/^\d+\*/, ""));
  return [...new Set(hosts)].filter((host) => host !== "" && host !== "-");
}

/** Seconds of `00:00:01`, or of `20 second(s)` without `-hms`. */
function parseRunTime(text: string): number | undefined {
  return parseDuration(text.replace(/\s*second.*$/, ""));
}

/**
 * Seconds until the limit: `00:09:49 L`, or `0:9 L` (hours and minutes) without `-hms`.
 *
 * The letter says whose limit it is: E and X speak of an estimate that ends no job.
 */
function parseTimeLeft(text: string): number | undefined {
  const match = /^(\d+:\d+(?::\d+)?)\s*L$/.exec(text.trim());
  if (!match) return undefined;
  const [, time = ""] = match;
  return parseDuration(time.split(":").length === 2 ? `${time}:00` : time);
}

/** The path of stdout: `%J` is the job, `%I` its index; without a path the output is mailed. */
function outputPath(row: Row): string | null {
  const pattern = row["output_file"];
  if (!pattern || pattern === "/dev/null") return null;
  const [, job = "", own] = /^(\d+)(?:\[(\d+)\])?$/.exec(row["jobid"] ?? "") ?? [];
  const path = pattern.replaceAll("%J", job).replaceAll("%I", own ?? row["jobindex"] ?? "0");
  const folder = row["exec_cwd"];
  return path.startsWith("/") ? path : folder ? `${folder.replace(/\/$/, "")}/${path}` : null;
}
