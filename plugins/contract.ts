/**
 * What a plugin is: plain data and pure functions. Types only; this module runs nothing.
 *
 * A plugin never starts a program and never looks at the clock, the environment or the disk. Where
 * it needs the outside, one function says what to run (a {@linkcode RunSpec}) and its partner turns
 * the {@linkcode RunOutput} into plain data. The host runs it: declared programs only, never through
 * a shell, always with a time limit.
 *
 * @module
 */

/** The version of this contract; a plugin names the one that it was written for. */
export type ContractVersion = 1;

/** One program to run, without a shell. */
export interface RunSpec {
  /** Name or absolute path; must be among the plugin's `programs`. */
  program: string;
  /** Arguments, one word each. */
  args: readonly string[];
  /** Variables to set (a string) or to take away (`null`) for this program. */
  env?: Readonly<Record<string, string | null>>;
  /** Variables to take away: names, or beginnings that end in `*`. `env` and `keep` win over it. */
  without?: readonly string[];
  /** Names that `without` must leave alone. */
  keep?: readonly string[];
  /** Text for the program's stdin; nothing (`/dev/null`) when absent. */
  stdin?: string;
  /** Limit in milliseconds; when absent, 60,000 for a scheduler's programs and 20,000 for others. */
  timeoutMs?: number;
}

/** What came out of a program. */
export interface RunOutput {
  /** Exit status; 128 + n when signal n ended it. */
  code: number;
  /** Everything it wrote to stdout, as text. */
  stdout: string;
  /** Everything it wrote to stderr, as text. */
  stderr: string;
}

/** Several programs, one after the other: yields what to run, is sent what came out. */
export type Steps<T> = Generator<RunSpec, T, RunOutput>;

/** An environment as plain data. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What every plugin has. */
export interface PluginBase {
  /** The contract it was written for. */
  contract: ContractVersion;
  /** Its name: lower-case letters, digits and `-`. */
  name: string;
  /** One line about it, for `rdg plugin list`. */
  summary: string;
  /** The programs that it may ask for; nothing else is ever started for it. */
  programs: readonly string[];
}

/** Names of environment variables: the first one that is set and not empty counts. */
export type Variables = readonly string[];

/**
 * Which environment variables mark a job and hold its identity.
 * Data, so that the Python inside the job reads the very same table.
 */
export interface JobVariables {
  /** All groups must have at least one member set: then the process is inside a job. */
  present: readonly Variables[];
  /** Variables that must not be set, to keep a relative apart. */
  absent?: Variables;
  /** The unique id of the job: the one to hand to the scheduler's programs. */
  job: Variables;
  /** The id people see for an array's element is `<arrayJob>_<arrayIndex>`. */
  arrayJob?: Variables;
  /** Index of this element of an array. */
  arrayIndex?: Variables;
  /** Values of `arrayIndex` that mean "no array". */
  noArrayIndex?: readonly string[];
  /**
   * How the unique id of an array's element is written where `job` is the same for all of them, with
   * `{job}` and `{index}` for the two values: `{job}[{index}]`. Without it, `job` is unique by itself.
   */
  elementId?: string;
  /**
   * A file that holds the id where no variable does: the variable with its path, and the names of the
   * lines `Name = value` whose values, joined by `.`, are the id. Counts when `job` gives nothing.
   */
  jobFile?: { variable: string; names: readonly string[] };
  /** The step within the job. */
  step?: Variables;
  /** The cluster's name. */
  cluster?: Variables;
  /** This node as the scheduler calls it. */
  node?: Variables;
  /** The host that the job was submitted from: the login node, usually. */
  submitHost?: Variables;
  /** The person's name on the cluster. */
  user?: Variables;
}

/** A job as the scheduler lists it. */
export interface Job {
  /** The id to hand to the scheduler's programs and to look up records by. */
  id: string;
  /** The id as people see it (`36_1` for an array's element). */
  displayId: string;
  /** Its name, whatever characters it holds. */
  name: string;
  /** The person who owns it, if the listing tells. */
  user?: string;
  /** What the state means to rdg. */
  state: "running" | "pending" | "suspended" | "ending" | "other";
  /** The state in the scheduler's own words. */
  stateText: string;
  /** The nodes it runs on, as the scheduler calls them. */
  nodes: readonly string[];
  /** Seconds since it started, if known. */
  elapsedS?: number;
  /** Seconds until its time limit, if it has one and it is known. */
  leftS?: number;
  /** Folder it was submitted from, if known. */
  workDir?: string;
}

/** Ways to run a helper inside a job. */
export interface HelperTarget {
  /** The job's unique id. */
  job: string;
  /** Nodes to run on, as the scheduler calls them; one helper task on each. */
  nodes: readonly string[];
  /**
   * All nodes of the job in the order of {@linkcode Job.nodes}; some schedulers (Flux, HTCondor) name
   * a node by its place in there and can't be told one without it.
   */
  jobNodes?: readonly string[];
}

/** Why a helper could not run inside a job. */
export interface HelperFailure {
  /** What happened, capital first, no final period. */
  message: string;
  /** What the person can do. */
  hint: string;
  /** What the program printed, where that says more. */
  cause?: string | undefined;
  /** The same helper may well get through by ssh to the node. */
  ssh?: boolean;
  /** What it means to rdg; `scheduler` when absent. */
  kind?: "ended" | "pending" | "refused" | "busy" | "unreachable" | "scheduler";
  /** The same again in a form that this version of the scheduler understands. */
  retry?: RunSpec;
}

/** A scheduler, as a plugin describes it. */
export interface SchedulerPlugin extends PluginBase {
  /** Says which kind of plugin this is. */
  kind: "scheduler";
  /** The variables that mark a job of this scheduler. */
  job: JobVariables;
  /** Launchers that start a job of their own, so that `rdg debug LAUNCHER …` works outside a job. */
  launchers?: readonly string[];
  /** Programs whose presence on PATH means that this scheduler is here; the first is the decisive one. */
  detect: readonly string[];
  /** Lists my jobs that have not ended: the records of a job that is left out are removed. */
  list(options: { user: string }): Steps<Job[]>;
  /**
   * Looks one job up, whoever owns it and even if it has ended; `null` where it is not known.
   *
   * @param job As the person typed it: any spelling, or anything.
   */
  lookup?(job: string): Steps<Job | null>;
  /** The name of this cluster, as its jobs' environment has it; `null` where it has none. */
  clusterName?(): Steps<string | null>;
  /**
   * Says how to run a helper inside a job, one task a node, all in one call, with a clean stdout and
   * the variable of {@linkcode JobVariables.node} set; `null` where that can't be done. For several
   * nodes the host then asks for each of them, and goes by ssh where nothing enters a job from outside.
   */
  helper?(target: HelperTarget, command: readonly string[]): RunSpec | null;
  /**
   * Says how to run a program inside a job, on one node, that is talked to through stdin and stdout,
   * both 8-bit clean; absent or `null` where the scheduler can't.
   */
  relay?(target: HelperTarget, command: readonly string[]): RunSpec | null;
  /**
   * Says what went wrong when {@linkcode SchedulerPlugin.helper}'s program failed; `null` when it was
   * not the scheduler's doing.
   */
  helperFailure?(output: RunOutput, spec: RunSpec): HelperFailure | null;
  /**
   * The one spelling of a job's id, for schedulers that know several (Flux: `ƒD2e73NP`, `fD2e73NP`,
   * decimal): two ids are the same job when this gives the same. Absent: ids are compared as they are.
   */
  canonicalId?(id: string): string;
  /** Sends a signal by the scheduler's own command to everything in a job or step (a broadcast). */
  broadcast?(target: { job: string; step?: string; signal: number }): RunSpec | null;
  /**
   * Where the job's output goes: path of stdout, or `null` where it has none. Asked for where a
   * message sends the person there.
   */
  output?(job: string): Steps<string | null>;
}

/** A value that the editor asks for: the `id` of an {@linkcode AttachInput}. */
export interface InputReference {
  /** Which input. */
  input: string;
}

/**
 * The project folder with its symbolic links resolved, for a cluster whose nodes know the same
 * folder by another name; no mapping where both names are the same.
 */
export interface ResolvedRoot {
  /** Says so. */
  resolved: true;
}

/** One entry that `rdg init` wants in an editor's configuration. */
export interface AttachEntry {
  /** Short name for editors where an entry is typed: letters, digits and `-`. */
  id: string;
  /** Its title; entries of rdg are found again by it. */
  name: string;
  /** Host: a literal, or an input. */
  host: string | InputReference;
  /** Port: a literal, or an input. */
  port: number | InputReference;
  /**
   * Path of the project on the cluster: a literal (`"."`: the folder that the program runs in), an
   * input, the resolved name of the local one, or none where the paths are equal on both sides.
   */
  remoteRoot?: string | InputReference | ResolvedRoot;
  /** Further attach arguments, passed on to the adapter (`rdgToken`, …). */
  extra?: Readonly<Record<string, string | boolean | InputReference>>;
}

/** A value that the editor asks for. */
export interface AttachInput {
  /** Letters, digits and `_`, so that every reader of launch.json understands it. */
  id: string;
  /** What the editor shows beside the box. */
  description: string;
  /** What the box holds at first. */
  default?: string;
  /** Hide what is typed, where the editor can. */
  password?: boolean;
}

/** What `rdg init` hands to an editor's plugin: the one place where entries are defined. */
export interface AttachProfile {
  /** The entries, in the order in which they should show up. */
  entries: readonly AttachEntry[];
  /** The inputs that they refer to. */
  inputs: readonly AttachInput[];
  /** Absolute path of the project folder on this machine, as the person sees it. */
  localRoot: string;
  /** The same with its symbolic links resolved. */
  realRoot: string;
}

/** What one file of an editor should become. */
export interface FileEdit {
  /** The whole new text; equal to the old where nothing has to change; `null` to remove the file. */
  text: string | null;
  /** Notes for the person, of one or more lines: what to add by hand, what was left alone. */
  notes?: readonly string[];
}

/** A file in which an editor's plugin owns entries. */
export interface EditorFile {
  /**
   * Relative to the project, or beginning with `~/`; `*` stands for any run of characters within one
   * name. Every file that matches is edited.
   */
  path: string;
  /**
   * The file to make when none matches; `${folder}` stands for the project folder's name. Without
   * it, a path without `*` is made, and one with `*` isn't.
   */
  fresh?: string;
}

/** What a plugin is given to edit one file. */
export interface EditorRequest<Text extends string | null> {
  /** The file as the plugin named it, `*` and `${folder}` filled in. */
  file: string;
  /** What it holds; `null` where it doesn't exist. */
  oldText: Text;
  /** What is wanted. */
  profile: AttachProfile;
  /** Replace, or take out, entries of rdg's names that were changed by hand. */
  force?: boolean;
}

/** An editor, as a plugin describes it. */
export interface EditorPlugin extends PluginBase {
  /** Says which kind of plugin this is. */
  kind: "editor";
  /** The editor's name as people write it. */
  title: string;
  /** Other names that `--editor` takes for it; one alias may stand for several plugins. */
  aliases?: readonly string[];
  /** Signs that the person uses it. */
  detect: {
    /** Files or folders in the project (`*` as in {@linkcode EditorFile}): a sure sign. */
    files?: readonly string[];
    /** Environment variables with a text that their value must contain (`""`: set): a sure sign. */
    env?: Readonly<Record<string, string>>;
    /** Programs on PATH: a hint. */
    programs?: readonly string[];
    /** Files or folders at home, beginning with `~/`: a hint. */
    home?: readonly string[];
  };
  /**
   * Why the installed editor can't take the file, as a sentence with a small first letter; `null`
   * where it can, or isn't installed here. For files that an older version would choke on.
   */
  obstacle?(): Steps<string | null>;
  /** The files it owns entries in; none where the person has to type the values in. */
  files: readonly EditorFile[];
  /**
   * What becomes of a file that can't be understood: it is set aside as `.bak` and written anew, or
   * it is refused. `"refuse"` when absent.
   */
  malformed?: "set-aside" | "refuse";
  /**
   * The new text of one of its files. Without `force`, entries of rdg's names that differ from what
   * is wanted are left alone, with a note.
   *
   * @throws {SyntaxError} when `oldText` cannot be understood, so that it must not be touched.
   */
  apply(request: EditorRequest<string | null>): FileEdit;
  /**
   * The text with everything that {@linkcode EditorPlugin.apply} added taken out again; `null` when
   * nothing else was in the file.
   *
   * @throws {SyntaxError} when `oldText` cannot be understood.
   */
  remove(request: EditorRequest<string>): FileEdit;
  /** What to do in the editor afterwards: lines for the person. */
  instructions(profile: AttachProfile): readonly string[];
  /**
   * How to start an entry whose port is ready: words to follow "In TITLE: ", with a small first letter
   * and no final period. `rdg connect` says them; without it, it names the entry alone.
   */
  press?(entry: AttachEntry): string;
}

/** Any plugin. */
export type Plugin = SchedulerPlugin | EditorPlugin;
