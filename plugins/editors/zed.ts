/**
 * Zed: `.zed/debug.json`, a list at the top. It asks for nothing, wants a number as port and an IP
 * address as host. Attaching through `connect` came with zed's change 41690 (end of October 2025).
 *
 * @module
 */

import type { AttachProfile, EditorPlugin } from "../contract.ts";
import { attachArguments, leftOut, literalEntries, noAsking } from "./_attach.ts";
import { applyShape } from "./_jsonc_edit.ts";
import { removeShape } from "./_jsonc_remove.ts";
import type { Shape } from "./_jsonc_shape.ts";

function shape(profile: AttachProfile): Shape {
  const dialect = { localRoot: "$ZED_WORKTREE_ROOT", ask: noAsking };
  return {
    parts: [{
      key: "label",
      items: literalEntries(profile).map((entry) => ({
        key: entry.name,
        value: {
          label: entry.name,
          adapter: "Debugpy",
          request: "attach",
          ...attachArguments(entry, { profile, dialect }),
        },
      })),
    }],
  };
}

/** Zed. */
export const zed: EditorPlugin = {
  contract: 1,
  kind: "editor",
  name: "zed",
  title: "Zed",
  summary: "Zed: .zed/debug.json",
  programs: [],
  detect: {
    files: [".zed"],
    env: { ZED_TERM: "", TERM_PROGRAM: "zed" },
    programs: ["zed", "zeditor"],
    home: ["~/.config/zed"],
  },
  files: [{ path: ".zed/debug.json" }],
  apply: ({ oldText, profile, force }) => applyShape(oldText, shape(profile), { force }),
  remove: ({ oldText, profile, force }) => removeShape(oldText, shape(profile), { force }),
  press: ({ name }) => `press F4 (debugger: start), and choose "${name}"`,
  instructions(profile) {
    return [
      `In Zed: "debugger: start", choose "${
        literalEntries(profile)[0]?.name
      }". Zed wants a Python on this machine.`,
      ...leftOut(profile, "Zed"),
    ];
  },
};
