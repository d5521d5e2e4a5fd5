/**
 * The pages that list something: environment variables and exit codes. The codes come from the table
 * that the program itself uses. Pure.
 *
 * @module
 */

import { table } from "../_args.ts";
import { ExitCode } from "../../plugins/error.ts";

/** Variables that rdg reads, by who sets them. */
const variables: readonly (readonly [string, string])[] = [
  ["RDG_STATE_DIR", "Folder of the session records; login and compute nodes must share it"],
  ["RDG_SCHEDULER", "Name of the scheduler to talk to, as with --scheduler"],
  ["RDG_SCHEDULER_TIMEOUT", "Seconds that a program of the scheduler may take (60)"],
  [
    "RDG_WAIT_TIMEOUT",
    "Seconds that start_debugger() and pause() wait for an editor, unless they are told",
  ],
  ["RDG_COMPLETE", '"scheduler": completion asks the scheduler for jobs, too'],
  ["XDG_STATE_HOME", "Records go below it instead of ~/.local/state"],
  ["XDG_CACHE_HOME", "debugpy and rdg's Python files go below it instead of ~/.cache"],
  ["XDG_CONFIG_HOME", "Editors' settings and plugins lie below it instead of ~/.config"],
  ["TMPDIR", "Folder for temporary files: ssh's socket, a cache that can't be written"],
  ["NO_COLOR", "Any value: no colours"],
  ["FORCE_COLOR", "Any value: colours, also into a pipe; NO_COLOR wins"],
];

/** Variables that `rdg debug` sets for the processes below COMMAND. */
const ours: readonly (readonly [string, string])[] = [
  ["PYTHONPATH", "rdg's folder is put before what is there"],
  ["RDG_CONFIG", "What the processes below COMMAND are to do"],
  ["RDG_CLAIM", "Which process is the program, so that its children aren't"],
];

const folders: readonly (readonly [string, string])[] = [
  ["~/.local/state/rdg", "Session records (mode 0700), by cluster and job"],
  ["~/.cache/rdg", "debugpy for each Python, rdg's Python files; may be removed"],
  ["~/.config/rdg", "Plugins, and dape's settings for Emacs"],
];

const codes: Readonly<Record<keyof typeof ExitCode, string>> = {
  ok: "Done",
  generic: "Not done, for another reason; rdg doctor: something will fail",
  usage: "The command line makes no sense, or a question can't be asked",
  notFound: "No such program, job, session, process or host",
  permission: "It may not be done: somebody else's job, a file, a refused step",
  scheduler: "The scheduler failed, or no way led to the node",
  timeout: "No answer in time",
};

/**
 * The page about variables and folders.
 *
 * @returns Its lines.
 */
export function environmentPage(): readonly string[] {
  return [
    "Variables and folders",
    "",
    "Read by rdg:",
    ...table(variables),
    "",
    "Set by rdg debug for the program:",
    ...table(ours),
    "",
    "Folders:",
    ...table(folders),
  ];
}

/**
 * The page about exit codes.
 *
 * @returns Its lines.
 */
export function exitCodesPage(): readonly string[] {
  const names = Object.keys(codes) as (keyof typeof ExitCode)[];
  return [
    "Exit codes",
    "",
    ...table(names.map((name) => [String(ExitCode[name]), codes[name]])),
    "",
    "rdg debug becomes its command, so it returns the command's own exit code; 2, 3",
    "and 4 come from rdg only when the command could not be started, and 3 also when",
    "there is no debugpy for it.",
  ];
}
