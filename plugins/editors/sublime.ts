/**
 * Sublime Text with the package "Debugger": `debugger_configurations` in the project's file. It asks
 * for nothing, and takes `${input:…}` for an error; the port must be a number.
 *
 * @module
 */

import type { AttachProfile, EditorPlugin } from "../contract.ts";
import { attachArguments, leftOut, literalEntries, noAsking } from "./_attach.ts";
import { applyShape } from "./_jsonc_edit.ts";
import { removeShape } from "./_jsonc_remove.ts";
import type { Shape } from "./_jsonc_shape.ts";

function shape(profile: AttachProfile): Shape {
  const dialect = { localRoot: "${workspaceFolder}", ask: noAsking };
  return {
    fresh: { folders: [{ path: "." }] },
    parts: [{
      property: "debugger_configurations",
      key: "name",
      items: literalEntries(profile).map((entry) => ({
        key: entry.name,
        value: {
          name: entry.name,
          type: "debugpy",
          request: "attach",
          ...attachArguments(entry, { profile, dialect }),
        },
      })),
    }],
  };
}

/** Sublime Text. */
export const sublime: EditorPlugin = {
  contract: 1,
  kind: "editor",
  name: "sublime",
  title: "Sublime Text",
  aliases: ["sublime-text", "subl"],
  summary: "Sublime Text with the package Debugger: *.sublime-project",
  programs: [],
  detect: {
    files: ["*.sublime-project"],
    env: { TERM_PROGRAM: "sublime" },
    programs: ["subl", "sublime_text"],
    home: ["~/.config/sublime-text"],
  },
  files: [{ path: "*.sublime-project", fresh: "${folder}.sublime-project" }],
  apply: ({ oldText, profile, force }) => applyShape(oldText, shape(profile), { force }),
  remove: ({ oldText, profile, force }) => removeShape(oldText, shape(profile), { force }),
  press: ({ name }) => `Debugger: Start, with "${name}"`,
  instructions(profile) {
    return [
      `In Sublime Text: open the project file (Project, Open Project), then "Debugger: Start" with "${
        literalEntries(profile)[0]?.name
      }". It needs the package Debugger.`,
      ...leftOut(profile, "Sublime Text"),
    ];
  },
};
