/**
 * Asks which editors to set up. Loaded only where a person can be asked.
 *
 * @module
 */

import process from "node:process";
import { checkbox } from "@inquirer/prompts";
import type { EditorPlugin } from "../../plugins/contract.ts";

/**
 * Shows the editors with those that are installed chosen.
 *
 * @param plugins All editors.
 * @param installed Those to choose beforehand.
 * @returns What was chosen, at least one.
 */
export async function askEditors(
  plugins: readonly EditorPlugin[],
  installed: readonly EditorPlugin[],
): Promise<EditorPlugin[]> {
  return await checkbox({
    message: "Which editors do you want to attach with?",
    required: true,
    choices: plugins.map((plugin) => ({
      name: plugin.title,
      value: plugin,
      checked: installed.includes(plugin),
    })),
  }, { output: process.stderr });
}
