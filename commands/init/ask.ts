/**
 * Asks which editors to set up. Loaded only where a person can be asked.
 *
 * @module
 */

import { checkbox } from "@inquirer/prompts";
import { prompt } from "../_prompt.ts";
import type { EditorPlugin } from "../../plugins/contract.ts";

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
  return await prompt((context) =>
    checkbox({
      message: "Which editors do you want to attach with?",
      required: true,
      pageSize: plugins.length,
      choices: [...installed, ...others].map((plugin) => ({
        name: plugin.title,
        value: plugin,
        checked: installed.includes(plugin),
      })),
    }, context)
  );
}
