/**
 * The contract's types as checks: what a drop-in plugin says of itself, and what its functions give,
 * is used only after it went through these. Pure.
 *
 * @module
 */

import type {
  EditorFile,
  EditorPlugin,
  FileEdit,
  HelperFailure,
  Job,
  JobVariables,
  RunSpec,
  SchedulerPlugin,
} from "../contract.ts";
import {
  byName,
  type Check,
  flag,
  FormError,
  like,
  line,
  list,
  number,
  object,
  oneOf,
  orNull,
  text,
} from "./_check.ts";

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
      "loginHost",
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

const pluginName = like(/^[a-z][a-z0-9-]{0,63}$/, "lower-case letters, digits and -");
const variable = like(/^[A-Za-z_]\w{0,199}$/, "the name of a variable");
const variables = list(variable, 100);
const program = like(
  /^(?:\/(?:[\w.+-]+\/)*)?[\w+][\w.+-]{0,100}$/,
  "a program's name, or its absolute path",
);
/** Below the project or the home, never out of it, and no part of Git's own folder. */
const path: Check<string> = (value, at) => {
  const given = line(500)(value, at);
  const parts = given.replace(/^~\//, "").split("/");
  const odd = (part: string) => part === "" || part === "." || part === ".." || part === ".git";
  if (parts.some(odd) || given.includes("\\")) {
    throw new FormError(at, "a path below the project, or one that begins with ~/", value);
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

const editorFile = object<EditorFile>({ path }, { fresh: path });

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

/** Variables by which a program becomes another one, or loads code of somebody's choice. */
const swaying =
  /^(?:PATH|IFS|ENV|BASH_.*|SHELLOPTS|BASHOPTS|(?:LD|DYLD|PYTHON|PERL|RUBY|NODE|LUA|JAVA|GIT)_?.*)$/i;

/** Variables that a plugin may set for a program. */
const environment: Check<Record<string, string | null>> = (value, at) => {
  const given = byName(orNull(argument()))(value, at);
  for (const [name, text] of Object.entries(given)) {
    variable(name, `${at}'s name`);
    if (text !== null && swaying.test(name)) {
      throw new FormError(`${at}.${name}`, "no variable that decides what code runs", text);
    }
  }
  return given;
};

/** What to run. */
export const runSpec: Check<RunSpec> = object<RunSpec>(
  { program, args: list(argument(), 100_000) },
  {
    env: environment,
    without: list(argument(), 1000),
    keep: list(argument(), 1000),
    stdin: text(),
    timeoutMs: number(1, 600_000),
  },
);

/** A word for a program: no NUL, which the system takes for its end. */
function argument(): Check<string> {
  return (value, at) => {
    const given = text()(value, at);
    if (given.includes("\0")) throw new FormError(at, "a text without NUL", value);
    return given;
  };
}

/** Ids become names of folders, and words of command lines. */
const jobId = like(/^(?!-)[^\s/\\\p{Cc}]{1,200}$/u, "an id without blanks and slashes");

const job = object<Job>(
  {
    id: jobId,
    displayId: jobId,
    name: text(10_000),
    state: oneOf("running", "pending", "suspended", "ending", "other"),
    stateText: text(200),
    nodes: list(like(/^[\w][\w.:-]*$/, "a node's name")),
  },
  { user: text(200), elapsedS: number(0), leftS: number(0), workDir: text(10_000) },
);

const helperFailure = object<HelperFailure>(
  { message: text(2000), hint: text(2000) },
  {
    cause: text(),
    ssh: flag,
    kind: oneOf("ended", "pending", "refused", "busy", "unreachable", "scheduler"),
    retry: runSpec,
  },
);

/** A host or a node's name: it becomes a word of ssh's command line, where a dash would be an option. */
const hostName = like(/^[\w][\w.:-]*$/, "a host's name");

/** What the functions of schedulers give; of those with steps, in the end. */
export const schedulerResults = {
  list: list(job),
  lookup: orNull(job),
  clusterName: orNull(line(200)),
  helper: orNull(runSpec),
  relay: orNull(runSpec),
  helperFailure: orNull(helperFailure),
  canonicalId: jobId,
  broadcast: orNull(runSpec),
  output: orNull(text(10_000)),
  loginHost: orNull(hostName),
};

const fileEdit: Check<FileEdit> = (value, at) => {
  const edit = object<Omit<FileEdit, "text">>({}, { notes: list(text(20_000), 100) })(value, at);
  const given = (value as { text?: unknown }).text;
  if (given === undefined) throw new FormError(`${at}.text`, "a text or null", given);
  return { ...edit, text: orNull(text(8 * 1024 * 1024))(given, `${at}.text`) };
};

/** What the functions of editors give. */
export const editorResults = {
  apply: fileEdit,
  remove: fileEdit,
  instructions: list(text(2000), 100),
  obstacle: orNull(line(500)),
  press: line(500),
};

/** Members of a type that are functions. */
type FunctionNames<T> = {
  [K in keyof T]-?: NonNullable<T[K]> extends (...args: never[]) => unknown ? K : never;
}[keyof T];

/** What the contract has and this file forgets: such a member would be lost on its way in. */
type Forgotten =
  | Exclude<FunctionNames<SchedulerPlugin>, keyof typeof schedulerResults>
  | Exclude<FunctionNames<EditorPlugin>, keyof typeof editorResults>
  | Exclude<keyof SchedulerPlugin, FunctionNames<SchedulerPlugin> | keyof SchedulerData>
  | Exclude<keyof EditorPlugin, FunctionNames<EditorPlugin> | keyof EditorData>;

type Nothing<T extends never> = T;

/** `never`; while anything is forgotten, `deno check` ends here and says what. */
export type Complete = Nothing<Forgotten>;
