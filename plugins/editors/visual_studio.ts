/**
 * Visual Studio on Windows: it keeps no file for attaching, so what to enter is said.
 *
 * @module
 */

import type { EditorPlugin } from "../contract.ts";
import { literalEntries } from "./_attach.ts";

/** Visual Studio. */
export const visualStudio: EditorPlugin = {
  contract: 1,
  kind: "editor",
  name: "visual-studio",
  title: "Visual Studio",
  aliases: ["vs"],
  summary: "Visual Studio: says what to enter",
  programs: [],
  detect: { files: ["*.sln", "*.pyproj"], env: { VSAPPIDNAME: "" }, programs: ["devenv"] },
  files: [],
  apply: ({ oldText }) => ({ text: oldText }),
  remove: ({ oldText }) => ({ text: oldText }),
  press: ({ host, port }) => `Debug, Attach to Process, tcp://${host}:${port}`,
  instructions(profile) {
    return [
      "In Visual Studio: Debug, Attach to Process. Enter:",
      ...literalEntries(profile).flatMap((entry) => [
        "  Connection type:    Python remote (debugpy)",
        `  Connection target:  tcp://${entry.host}:${entry.port}`,
      ]),
      "It maps no folders: open the project under the path that it has on the cluster.",
    ];
  },
};
