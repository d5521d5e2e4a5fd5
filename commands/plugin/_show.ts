/**
 * What a person is shown of a plugin before it is added, and the question. Loads the prompts only
 * where a person can be asked.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import { prompt } from "../_prompt.ts";
import { ExitCode, RdgError, usageError } from "../../plugins/error.ts";
import type { PluginData } from "../../plugins/drop_in/forms.ts";

/** Programs that do whatever their arguments say: shells, languages, and what starts others. */
const mighty = new Set(
  ("sh bash dash zsh ksh mksh tcsh csh fish busybox awk gawk mawk nawk perl python pypy ruby node nodejs " +
    "deno bun lua luajit R Rscript julia php java tclsh wish expect osascript pwsh " +
    "env xargs find parallel sudo su doas pkexec runuser nice nohup timeout setsid stdbuf time watch " +
    "strace ltrace gdb script screen tmux at batch crontab systemd-run flock ionice taskset chroot " +
    "unshare nsenter docker podman apptainer singularity enroot " +
    "ssh scp sftp rsync rsh socat nc srun salloc sbatch sattach qsub qrsh qlogin bsub lsrun flux " +
    "condor_submit condor_ssh_to_job mpirun mpiexec jsrun " +
    "make cmake ninja git hg svn curl wget tar sed ed ex vi vim nvim emacs less more man " +
    "npm npx pip uv uvx pipx conda mamba pixi").split(" "),
);

/** Whether a program is one of those, whatever its folder and version. */
function isMighty(program: string): boolean {
  const name = program.slice(program.lastIndexOf("/") + 1);
  return mighty.has(name) || mighty.has(name.replace(/-?\d+(?:\.\d+)*$/, ""));
}

/**
 * Describes a plugin.
 *
 * @param data What it says of itself.
 * @param from Where it comes from, in words.
 * @returns Lines.
 */
export function describePlugin(data: PluginData, from: string): string[] {
  const anything = data.programs.filter(isMighty);
  return [
    `Plugin "${data.name}": ${data.summary}`,
    `  ${data.kind}, contract ${data.contract}`,
    `  may start: ${data.programs.join(", ") || "nothing"}`,
    ...anything.length > 0
      ? [`  ${anything.join(", ")} can do whatever you can: add it only if you trust its author`]
      : [],
    ...filesOf(data).length > 0 ? [`  edits: ${filesOf(data).join(", ")}`] : [],
    `  from: ${from}`,
  ];
}

/** The files that a plugin's texts go into. */
export function filesOf(data: PluginData): string[] {
  if (data.kind !== "editor") return [];
  return data.files.map(({ path, fresh }) => fresh ? `${path} (${fresh})` : path);
}

/**
 * Asks whether to go on.
 *
 * @param question The question.
 * @param options Whether the answer was typed already, and the world.
 * @throws {RdgError} `usage` without a terminal, `cancelled` for a no.
 */
export async function confirmed(
  question: string,
  options: { yes: boolean; host: Host },
): Promise<void> {
  if (options.yes) return;
  if (!options.host.terminal.interactive) {
    throw usageError('Cannot ask "' + question + '": stdin is no terminal', "--yes, if you agree");
  }
  const { confirm } = await import("@inquirer/prompts");
  if (await prompt((context) => confirm({ message: question, default: false }, context))) return;
  throw new RdgError("Nothing was changed", { code: "cancelled", exitCode: ExitCode.generic });
}
