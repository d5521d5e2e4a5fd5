/**
 * The contract's types as checks: what a drop-in plugin says of itself is used only after it went
 * through these. Pure.
 *
 * @module
 */

import type { EditorFile, EditorPlugin, JobVariables, SchedulerPlugin } from "../contract.ts";
import { byName, type Check, FormError, like, line, list, object, oneOf, text } from "./_check.ts";

/** Functions of each kind: those it must have, and those it may. `*` gives steps. */
export const functions = {
  scheduler: {
    needed: ["*list"],
    optional: [
      "*lookup",
      "*clusterName",
      "helper",
      "relay",
      "helperFailure",
      "canonicalId",
      "broadcast",
      "*output",
    ],
  },
  editor: { needed: ["apply", "remove", "instructions"], optional: ["*obstacle", "press"] },
} as const;

/** The data of a scheduler's plugin. */
export type SchedulerData = Pick<
  SchedulerPlugin,
  "contract" | "kind" | "name" | "summary" | "programs" | "detect" | "launchers" | "job"
>;

/** The data of an editor's plugin. */
export type EditorData = Pick<
  EditorPlugin,
  | "contract"
  | "kind"
  | "name"
  | "summary"
  | "programs"
  | "title"
  | "aliases"
  | "detect"
  | "files"
  | "malformed"
>;

/** What a plugin says of itself. */
export type PluginData = SchedulerData | EditorData;

/** What a plugin may be called. */
export const pluginName = like(/^[a-z][a-z0-9-]{0,63}$/, "lower-case letters, digits and -");
/** The name of an environment variable. */
export const variable = like(/^[A-Za-z_]\w{0,199}$/, "the name of a variable");
const variables = list(variable, 100);
/** A program by name or absolute path, which leads where it says. */
export const program = like(
  /^(?!.*\/\.{1,2}\/)(?:\/(?:[\w.+-]+\/)*)?[\w+][\w.+-]{0,100}$/,
  "a program's name, or its absolute path",
);
/** Below the project or the home, never out of it. */
const path: Check<string> = (value, at) => {
  const given = line(500)(value, at);
  const parts = given.replace(/^~\//, "").split("/");
  const odd = (part: string) => part === "" || part === "." || part === "..";
  if (parts.some(odd) || given.includes("\\")) {
    throw new FormError(at, "a path below the project, or one that begins with ~/", value);
  }
  return given;
};
/** Such a path to a file that is written, which stands for no part of Git's own folder. */
const writtenPath: Check<string> = (value, at) => {
  const given = path(value, at);
  // Some systems don't tell .git from .GIT.
  const isGits = (part: string) =>
    new RegExp(`^${part.split("*").map(RegExp.escape).join(".*")}$`, "i").test(".git");
  if (given.split("/").some(isGits)) {
    throw new FormError(at, "a path that does not lead into Git's folder", value);
  }
  return given;
};

const base = {
  contract: oneOf(1),
  name: pluginName,
  summary: line(200),
  programs: list(program, 100),
};

const jobForm = object<JobVariables>(
  { present: list(variables, 20), job: variables },
  {
    absent: variables,
    arrayJob: variables,
    arrayIndex: variables,
    noArrayIndex: list(text(100), 20),
    elementId: like(/^(?=.*\{job\})(?=.*\{index\})[^"\\]{1,100}$/, "a text with {job} and {index}"),
    jobFile: object<NonNullable<JobVariables["jobFile"]>>(
      { variable, names: list(line(100), 20) },
      {},
    ),
    step: variables,
    cluster: variables,
    node: variables,
    submitHost: variables,
    user: variables,
  },
);

/** All of it goes into one variable of every job, beside what else is there. */
const jobVariables: Check<JobVariables> = (value, at) => {
  const job = jobForm(value, at);
  const { length } = JSON.stringify(job);
  if (length > 8192) throw new FormError(at, "at most 8192 characters in all", length);
  return job;
};

const schedulerData = object<SchedulerData>(
  { ...base, kind: oneOf("scheduler"), detect: list(program, 100), job: jobVariables },
  { launchers: list(program, 100) },
);

const editorFile = object<EditorFile>({ path: writtenPath }, { fresh: writtenPath });

const editorData = object<EditorData>(
  {
    ...base,
    kind: oneOf("editor"),
    title: line(80),
    detect: object<EditorPlugin["detect"]>({}, {
      files: list(path, 100),
      env: byName(text(200)),
      programs: list(program, 100),
      home: list(path, 100),
    }),
    files: list(editorFile, 100),
  },
  { aliases: list(pluginName, 100), malformed: oneOf("set-aside", "refuse") },
);

/**
 * Checks what a plugin says of itself.
 *
 * @param given Its members that are data, and the names of those that are functions.
 * @returns The data.
 * @throws {FormError} when it is no plugin of this contract.
 */
export function checkPlugin(
  given: { data: Record<string, unknown>; functions: readonly string[] },
): PluginData {
  const { data } = given;
  const at = "its member";
  const contract = data.contract;
  if (contract !== 1) {
    throw new FormError("its contract", "1, the one that this version of rdg knows", contract);
  }
  const kind = oneOf("scheduler", "editor")(data.kind, `${at} kind`);
  const missing = functions[kind].needed.map((name) => name.replace("*", ""))
    .find((name) => !given.functions.includes(name));
  if (missing !== undefined) throw new FormError(`${at} ${missing}`, "a function", data[missing]);
  const check: Check<PluginData> = kind === "scheduler" ? schedulerData : editorData;
  return renamed(() => check(data, at));
}

/** `its member.job.job` reads better as `its member job.job`. */
function renamed<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof FormError) error.message = error.message.replace("member.", "member ");
    throw error;
  }
}
