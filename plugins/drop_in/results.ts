/**
 * The contract's types as checks: what the functions of a drop-in plugin give is used only after it
 * went through these. Pure.
 *
 * @module
 */

import type {
  EditorPlugin,
  FileEdit,
  HelperFailure,
  Job,
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
  prose,
  text,
  words,
} from "./_check.ts";
import { type EditorData, program, type SchedulerData, variable } from "./forms.ts";

/** Beginnings of the names by which a program, or a library in it, is told what to load. */
const families = "BASH_ CONDOR_ _CONDOR_ DENO_ DYLD_ FLUX_ GIT_ GLIBC_ GTK_ I_MPI_ JAVA_ JDK_ " +
  "_JAVA_ JULIA_ KRB5 LD_ LESS LUA_ MAKE MALLOC_ NODE_ NPM_ OMPI_ OPAL_ OPENSSL_ PERL PIP_ PMIX_ " +
  "PROMPT_ PRTE_ PYTHON QT_ RUBY R_ SSH_ SSL_ TCL UV_ XDG_";

/** Endings of such names, and of those that name a program, a folder or a file of settings. */
const endings =
  "PATH HOME ROOT DIR CONF CONF_SERVER CONFIG CONFIG_FILE CONF_FILE ENVDIR EXEC ENV IFS RC SHELL " +
  "SHELLOPTS BASHOPTS PS4 EDITOR VISUAL PAGER BROWSER ASKPASS RSH PRELOAD LIB LIBRARY MODULES " +
  "PLUGINS OPTIONS OPTS FLAGS PROLOG EPILOG";

/** Variables by which a program becomes another one, or loads code of somebody's choice. */
const swaying = new RegExp(
  `^(?:(?:${families.replaceAll(" ", "|")}).*|.*(?:${endings.replaceAll(" ", "|")}))$`,
  "i",
);

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

/** A node's or a host's name: it becomes a word of ssh's command line, where a dash would be an option. */
const hostName = like(/^\w[\w.:-]{0,254}$/, "a host's name");

/** Ids become names of folders, and words of command lines. */
const jobId = like(/^(?!-)[^\s/\\\p{Cc}]{1,200}$/u, "an id without blanks and slashes");

const job = object<Job>(
  {
    id: jobId,
    displayId: jobId,
    name: text(10_000),
    state: oneOf("running", "pending", "suspended", "ending", "other"),
    stateText: words(),
    nodes: list(hostName),
  },
  { user: words(), elapsedS: number(0), leftS: number(0), workDir: text(10_000) },
);

const helperFailure = object<HelperFailure>(
  { message: words(2000), hint: words(2000) },
  {
    cause: prose(),
    ssh: flag,
    kind: oneOf("ended", "pending", "refused", "busy", "unreachable", "scheduler"),
    retry: runSpec,
  },
);

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
};

const fileEdit: Check<FileEdit> = (value, at) => {
  const edit = object<Omit<FileEdit, "text">>({}, { notes: list(prose(), 100) })(value, at);
  const given = (value as { text?: unknown }).text;
  if (given === undefined) throw new FormError(`${at}.text`, "a text or null", given);
  return { ...edit, text: orNull(text(8 * 1024 * 1024))(given, `${at}.text`) };
};

/** What the functions of editors give. */
export const editorResults = {
  apply: fileEdit,
  remove: fileEdit,
  instructions: list(words(2000), 100),
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
