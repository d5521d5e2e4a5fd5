/**
 * Shows a menu on stderr and reads the person's keys from stdin.
 *
 * @module
 */

import { ExitCode, RdgError } from "../plugins/error.ts";

/** Where a menu is shown: what each of @inquirer/prompts takes. */
export interface PromptContext {
  /** The stream. */
  output: NodeJS.WritableStream;
}

/**
 * Asks on stderr.
 *
 * @param ask Shows one of the menus of @inquirer/prompts.
 * @returns What was answered.
 * @throws {RdgError} `cancelled` on Ctrl-C.
 */
export async function prompt<T>(ask: (context: PromptContext) => Promise<T>): Promise<T> {
  // Not as `{ stderr }`: taken from the module by that name, a menu in a terminal of another user's
  // (after `su`) soon gets no key any more, Ctrl-C included (seen on Deno 2.9.6).
  const { default: process } = await import("node:process");
  try {
    return await ask({ output: process.stderr });
  } catch (error) {
    if (error instanceof Error && error.name === "ExitPromptError") {
      throw new RdgError("Cancelled", { code: "cancelled", exitCode: ExitCode.generic });
    }
    throw error;
  }
}
