/**
 * PyCharm 2025.3 and later: the run configuration "Attach to DAP". Its file format is not documented
 * and could not be tried, so nothing is written: the fields to enter are said.
 *
 * @module
 */

import type { EditorPlugin } from "../contract.ts";
import { literalEntries } from "./_attach.ts";

/** PyCharm. */
export const pycharm: EditorPlugin = {
  contract: 1,
  kind: "editor",
  name: "pycharm",
  title: "PyCharm",
  aliases: ["jetbrains", "intellij"],
  summary: "PyCharm 2025.3 or later: says what to enter",
  programs: [],
  detect: {
    files: [".idea"],
    env: { TERMINAL_EMULATOR: "JetBrains" },
    programs: ["pycharm", "charm", "pycharm.sh"],
  },
  files: [],
  apply: ({ oldText }) => ({ text: oldText }),
  remove: ({ oldText }) => ({ text: oldText }),
  press: ({ name }) => `debug the configuration "${name}" (Attach to DAP)`,
  instructions(profile) {
    return [
      "In PyCharm 2025.3 or later: Run, Edit Configurations, +, Attach to DAP. Enter:",
      ...literalEntries(profile).flatMap((entry) => [
        `  Name:                 ${entry.name}`,
        `  Remote address:       ${entry.host}:${entry.port}`,
        `  Local project path:   ${profile.localRoot}`,
        `  Remote project path:  the "Remote Path" of the job's output`,
      ]),
      "Older versions speak no DAP.",
    ];
  },
};
