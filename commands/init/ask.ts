/**
 * Asks which editors to set up. Loaded only where a person can be asked.
 *
 * @module
 */

import process from "node:process";
import { checkbox } from "@inquirer/prompts";
import type { EditorPlugin } from "../../plugins/contract.ts";
import { ExitCode, RdgError } from "../../plugins/error.ts";

/**
 * Shows the editors, the installed ones first and chosen.
 *
 * @param plugins All editors.
 * @param installed Those to choose beforehand.
 * @returns What was chosen, at least one.
 * @throws {RdgError} when the question is broken off.
 */
export async function askEditors(
  plugins: readonly EditorPlugin[],
  installed: readonly EditorPlugin[],
): Promise<EditorPlugin[]> {
  const others = plugins.filter((plugin) => !installed.includes(plugin));
  try {
    return await checkbox({
      message: "Which editors do you want to attach with?",
      required: true,
      pageSize: plugins.length,
      choices: [...installed, ...others].map((plugin) => ({
        name: plugin.title,
        value: plugin,
        checked: installed.includes(plugin),
      })),
    }, { output: process.stderr });
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "ExitPromptError") throw error;
    throw new RdgError("Cannot set up an editor: none was chosen", {
      code: "cancelled",
      exitCode: ExitCode.generic,
      hint: "rdg init --editor=NAME",
    });
  }
}
