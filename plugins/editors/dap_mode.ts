/**
 * Emacs with dap-mode: an entry of its own in `.vscode/launch.json`, since dap-mode takes the type
 * `python` and knows no prompts. Hidden in VS Code's list.
 *
 * @module
 */

import type { AttachProfile, EditorPlugin } from "../contract.ts";
import { leftOut, literalEntries } from "./_attach.ts";
import { applyShape } from "./_jsonc_edit.ts";
import { removeShape } from "./_jsonc_remove.ts";
import type { Shape } from "./_jsonc_shape.ts";
import { launchConfiguration, launchFile } from "./vscode.ts";

function shape(profile: AttachProfile): Shape {
  return {
    fresh: { version: "0.2.0" },
    parts: [{
      property: "configurations",
      key: "name",
      items: literalEntries(profile).map((entry) => {
        const name = `${entry.name} (dap-mode)`;
        const { connect, ...rest } = launchConfiguration({ ...entry, name }, profile);
        return {
          key: name,
          value: {
            ...rest,
            type: "python",
            debugger: "debugpy",
            connect: connect!,
            presentation: { hidden: true },
          },
        };
      }),
    }],
  };
}

/** Emacs with dap-mode. */
export const dapMode: EditorPlugin = {
  contract: 1,
  kind: "editor",
  name: "dap-mode",
  title: "Emacs (dap-mode)",
  aliases: ["emacs"],
  summary: `Emacs with dap-mode: its own entry in ${launchFile}`,
  programs: [],
  detect: { home: ["~/.emacs.d/elpa/dap-mode-*", "~/.config/emacs/elpa/dap-mode-*"] },
  files: [{ path: launchFile }],
  malformed: "set-aside",
  apply: ({ oldText, profile, force }) => applyShape(oldText, shape(profile), { force }),
  remove: ({ oldText, profile, force }) => removeShape(oldText, shape(profile), { force }),
  press: ({ name }) => `M-x dap-debug, and choose "${name} (dap-mode)"`,
  instructions(profile) {
    return [
      `In Emacs with dap-mode: (require 'dap-python), M-x dap-debug, choose "${
        literalEntries(profile)[0]?.name
      } (dap-mode)".`,
      ...leftOut(profile, "dap-mode"),
    ];
  },
};
