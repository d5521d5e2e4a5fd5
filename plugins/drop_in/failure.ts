/**
 * The errors that come of a drop-in plugin. Touches nothing.
 *
 * @module
 */

import { ExitCode, RdgError } from "../error.ts";

/** A plugin that can't be used, or misbehaved in use: it is at fault, not the person. */
export class PluginFailure extends RdgError {
  /** Its name, where known. */
  readonly plugin: string | undefined;
  /** The file that it was read from. */
  readonly path: string;
  /** What is wrong, without saying with what: small first letter. */
  readonly reason: string;
  /** It lies in the plugin: the same file will not do better another time. */
  readonly lasting: boolean;

  /**
   * @param plugin Its name, where known, and its path.
   * @param reason What is wrong, with a small first letter.
   * @param options `lasting` is false where it lies in rdg or the machine.
   */
  constructor(
    plugin: { name?: string | undefined; path: string },
    reason: string,
    options: { lasting?: boolean } = {},
  ) {
    const named = plugin.name === undefined ? "" : `"${plugin.name}" `;
    super(`Cannot use the plugin ${named}in ${plugin.path}: ${reason}`, {
      code: "plugin",
      exitCode: ExitCode.generic,
      hint: `rdg plugin test ${plugin.path}`,
    });
    this.plugin = plugin.name;
    this.path = plugin.path;
    this.reason = reason;
    this.lasting = options.lasting ?? true;
  }
}
