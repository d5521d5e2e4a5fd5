/**
 * What PBS Pro, OpenPBS and Torque have in common: the attributes of a job, in the three forms in
 * which qstat prints them, and what they mean. Pure; touches nothing.
 *
 * @module
 */

import type { Job } from "../contract.ts";
import { isRecord, parseJson } from "./_json.ts";
import { parseDuration, timeLeft } from "./_time.ts";
import { findAll, parseXml, type XmlElement } from "./_xml.ts";

/** Attributes of one job, flat: a resource's name is `Resource_List.walltime`. */
export type Attributes = Readonly<Record<string, string>>;

/** Jobs by their ids. */
export type JobTable = Map<string, Attributes>;

/** What the state letters mean; a letter that isn't here counts as "other". */
const states: Readonly<Record<string, Job["state"]>> = {
  R: "running",
  E: "ending",
  S: "suspended",
  U: "suspended",
  Q: "pending",
  H: "pending",
  W: "pending",
  T: "pending",
};

/**
 * Reads `qstat -f -F json` (PBS Pro 14 and later).
 *
 * Values are typed by their looks there (a job named `123` is a number): all are made text again.
 *
 * @param text Its stdout.
 * @returns The jobs; undefined when it isn't JSON (19.1.1 prints invalid JSON when a job's
 * environment holds shell functions) or not of this form.
 */
export function readJson(text: string): JobTable | undefined {
  const data = parseJson(text);
  if (!isRecord(data)) return undefined;
  const table: JobTable = new Map();
  // Without any job the key "Jobs" is left out.
  const jobs = data["Jobs"] ?? {};
  if (!isRecord(jobs) || !("pbs_version" in data || "Jobs" in data)) return undefined;
  for (const [id, job] of Object.entries(jobs)) {
    if (isRecord(job)) table.set(id, flatten(job));
  }
  return table;
}

/**
 * Reads `qstat -f`: `Job Id: x`, then `    key = value`, long values going on after a tab.
 *
 * @param text Its stdout.
 * @returns The jobs; lines of another form are passed over.
 */
export function readText(text: string): JobTable {
  const table: JobTable = new Map();
  let attributes: Record<string, string> | undefined;
  let key: string | undefined;
  for (const line of text.split("\n")) {
    const head = /^Job Id:\s*(\S+)/.exec(line);
    const pair = /^ {4}(\w[\w.]*) = (.*)$/.exec(line);
    if (head) {
      attributes = {};
      table.set(head[1]!, attributes);
      key = undefined;
    } else if (pair && attributes) {
      key = pair[1]!;
      attributes[key] = pair[2]!;
    } else if (line.startsWith("\t") && attributes && key) {
      attributes[key] += line.slice(1);
    } else {
      key = undefined;
    }
  }
  return table;
}

/**
 * Reads Torque's `qstat -x`.
 *
 * @param text Its stdout.
 * @returns The jobs; undefined when it isn't such XML.
 */
export function readXml(text: string): JobTable | undefined {
  let root: XmlElement;
  try {
    root = parseXml(text);
  } catch {
    return undefined;
  }
  if (!root.children.some(({ name }) => name === "Data")) return undefined;
  const table: JobTable = new Map();
  for (const job of findAll(root, "Job")) {
    const attributes: Record<string, string> = {};
    for (const child of job.children) {
      if (child.children.length === 0) attributes[child.name] = child.text.trim();
      for (const part of child.children) {
        attributes[`${child.name}.${part.name}`] = part.text.trim();
      }
    }
    const id = attributes["Job_Id"];
    if (id) table.set(id, attributes);
  }
  return table;
}

/**
 * Makes jobs of attributes. An array that has begun is left out where its elements are listed.
 *
 * The time used is polled by PBS and up to two minutes old.
 *
 * @param table The jobs.
 * @returns The jobs in the order listed.
 */
export function toJobs(table: JobTable): Job[] {
  const begun = new Set([...table.keys()].filter((id) => /\[\d+\]/.test(id)).map(arrayOf));
  return [...table].filter(([id]) => !(id.includes("[]") && begun.has(id))).map(([id, job]) => {
    const letter = job["job_state"] ?? "?";
    const elapsedS = parseDuration(job["resources_used.walltime"] ?? "");
    const leftS = parseDuration(job["Walltime.Remaining"] ?? "") ??
      timeLeft(parseDuration(job["Resource_List.walltime"] ?? ""), elapsedS);
    const user = job["Job_Owner"]?.replace(/@.*/, "");
    const workDir = job["init_work_dir"] ?? submitDir(job);
    const running = letter === "R" || letter === "S" || letter === "U";
    return {
      id,
      displayId: id,
      name: job["Job_Name"] ?? "",
      state: states[letter] ?? "other",
      stateText: letter,
      nodes: parseExecHost(job["exec_host"] ?? ""),
      ...(user ? { user } : {}),
      ...(elapsedS !== undefined ? { elapsedS } : {}),
      ...(leftS !== undefined && running ? { leftS } : {}),
      ...(workDir ? { workDir } : {}),
    };
  });
}

/**
 * The job that an id means, which may lack the server's name.
 *
 * @param jobs Jobs.
 * @param id The id.
 * @returns The very job, else the first; null where there is none.
 */
export function nearest(jobs: readonly Job[], id: string): Job | null {
  return jobs.find((job) => job.id === id) ?? jobs[0] ?? null;
}

/**
 * The nodes of `n1/0*4+n2/0*4` (PBS) or `n1/0-43+n2/0,2` (Torque).
 *
 * @param text The attribute `exec_host`.
 * @returns Each node once.
 */
export function parseExecHost(text: string): string[] {
  const hosts = text.split("+").map((part) => part.trim().replace(/^\(/, "").split("/")[0]!);
  return [...new Set(hosts)].filter((host) => host !== "");
}

/**
 * The path of a job's stdout.
 *
 * @param id The job's id, whose index stands for `^array_index^`.
 * @param job Its attributes.
 * @returns An absolute path, or null: interactive jobs have none.
 */
export function outputPath(id: string, job: Attributes): string | null {
  const value = job["Output_Path"];
  if (!value) return null;
  const path = value.replace(/^[^/:]*:/, "");
  if (!path.startsWith("/") || path.startsWith("/dev/")) return null;
  const index = /\[(\d+)\]/.exec(id)?.[1];
  return index === undefined ? path : path.replaceAll("^array_index^", index);
}

/**
 * The short spelling of an id, as people type it: `1234[5]` of `1234[5].server` or `1234_5`.
 *
 * @param id The id.
 * @returns It, without the server.
 */
export function shortId(id: string): string {
  return id.replace(/\..*$/, "").replace(/^(\d+)_(\d+)$/, "$1[$2]");
}

/** PBS_O_WORKDIR of the job's environment, which is a table in JSON and one text elsewhere. */
function submitDir(job: Attributes): string | undefined {
  const listed = job["Variable_List.PBS_O_WORKDIR"];
  if (listed !== undefined) return listed;
  // A comma within a value has a backslash before it.
  const value = /(?:^|,)PBS_O_WORKDIR=((?:\\.|[^,\\])*)/.exec(job["Variable_List"] ?? "")?.[1];
  return value?.replaceAll(/\\(.)/g, "$1");
}

/** `12[].server` of `12[3].server`. */
function arrayOf(id: string): string {
  return id.replace(/\[\d+\]/, "[]");
}

function flatten(job: Record<string, unknown>): Attributes {
  const flat: Record<string, string> = {};
  for (const [key, value] of Object.entries(job)) {
    if (isRecord(value)) {
      for (const [name, part] of Object.entries(value)) flat[`${key}.${name}`] = String(part);
    } else {
      flat[key] = String(value);
    }
  }
  return flat;
}
