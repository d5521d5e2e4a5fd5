/**
 * Looks at COMMAND's words: what keeps the program from being armed. Pure.
 *
 * @module
 */

import { usageError } from "../../plugins/error.ts";

/** Programs that run the command that follows them. */
const wrappers = new Set([
  ..."srun mpirun mpiexec mpiexec.hydra orterun prterun jsrun aprun flux ibrun env nohup time nice"
    .split(" "),
  ..."timeout numactl taskset stdbuf uv pixi conda mamba micromamba poetry apptainer singularity"
    .split(" "),
]);

/**
 * Refuses interpreters that are told to ignore the environment: by that rdg gets in.
 *
 * @param command COMMAND's words.
 * @throws {RdgError} `usage`.
 */
export function checkInterpreter(command: readonly string[]): void {
  const first = baseName(command[0] ?? "");
  const at = command.findIndex((word) => isPython(baseName(word)));
  if (at < 0 || (at > 0 && !wrappers.has(first))) return;
  for (let index = at + 1; index < command.length; index++) {
    const word = command[index] ?? "";
    if (word === "--check-hash-based-pycs") index++;
    if (/^--./.test(word)) continue;
    if (!/^-[A-Za-z]/.test(word)) return;
    const [letters = ""] = word.slice(1).split(/[cmWX]/);
    const bad = /[IES]/.exec(letters)?.[0];
    if (bad) {
      throw usageError(
        `Cannot debug "${
          command[at]
        } ${word}": with -${bad} the interpreter ignores PYTHONPATH, by which rdg gets in`,
        `leave -${bad} away, or call remote_debug.start_debugger() in the program`,
      );
    }
    const taking = word[letters.length + 1];
    if (taking === "c" || taking === "m") return;
    if (taking !== undefined && word.length === letters.length + 2) index++;
  }
}

/** Whether a program's name is a Python interpreter's. */
function isPython(name: string): boolean {
  return /^(python|pypy)[\d.]*(-dbg|t)?$/.test(name);
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
