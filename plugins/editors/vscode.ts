/**
 * VS Code and the editors made from it: `.vscode/launch.json`.
 *
 * Written in the subset that nvim-dap, Zed and dap-mode read too: strict JSON, input ids of letters,
 * digits and `_`, ports as literal numbers where nothing is asked. VS Code turns a port from a prompt
 * into a number itself.
 *
 * @module
 */

import type { AttachEntry, AttachProfile, EditorPlugin, FileEdit } from "../contract.ts";
import { attachArguments } from "./_attach.ts";
import { type Json, readDocument, valueOf } from "./_jsonc.ts";
import { applyShape } from "./_jsonc_edit.ts";
import { removeShape } from "./_jsonc_remove.ts";
import type { Shape } from "./_jsonc_shape.ts";

/** The file, relative to the project. */
export const launchFile = ".vscode/launch.json";

/**
 * One entry as a configuration of launch.json.
 *
 * @param entry The entry.
 * @param profile The profile that it belongs to.
 * @returns The configuration.
 */
export function launchConfiguration(
  entry: AttachEntry,
  profile: AttachProfile,
): { [key: string]: Json } {
  const dialect = {
    localRoot: "${workspaceFolder}",
    ask: ({ id }: { id: string }) => `\${input:${id}}`,
  };
  return {
    name: entry.name,
    type: "debugpy",
    request: "attach",
    ...attachArguments(entry, { profile, dialect }),
  };
}

/**
 * What launch.json should hold.
 *
 * @param profile Entries and inputs.
 * @returns The shape of the file.
 */
export function launchShape(profile: AttachProfile): Shape {
  return {
    fresh: { version: "0.2.0" },
    parts: [
      {
        property: "configurations",
        key: "name",
        items: profile.entries.map((entry) => ({
          key: entry.name,
          value: launchConfiguration(entry, profile),
        })),
      },
      {
        property: "inputs",
        key: "id",
        items: profile.inputs.map(({ id, description, default: preset, password }) => ({
          key: id,
          lenient: true,
          value: {
            id,
            type: "promptString",
            description,
            ...(preset === undefined ? {} : { default: preset }),
            ...(password ? { password } : {}),
          },
        })),
      },
    ],
    keep: (id, rest) => rest.includes(`\${input:${id}}`),
  };
}

/** The text of a workspace file stays; what to add to it is said, unless it is there. */
function workspaceNotes(file: string, oldText: string, profile: AttachProfile): FileEdit {
  const shape = launchShape(profile);
  const wanted = Object.fromEntries(
    shape.parts.map(({ property, items }) => [property, items.map(({ value }) => value)]),
  );
  try {
    const { root } = readDocument(oldText);
    const value = root && valueOf(root);
    const names = JSON.stringify(value ?? {});
    if (profile.entries.every(({ name }) => names.includes(JSON.stringify(name)))) {
      return { text: oldText };
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const block = JSON.stringify({ launch: wanted }, null, 2).split("\n").slice(1, -1);
  return {
    text: oldText,
    notes: [
      [
        `${file} is a workspace file: left as it is. The folder's own ${launchFile} works in it, ` +
        `too. To have the entries in the workspace file itself, add:`,
        ...block,
      ].join("\n"),
    ],
  };
}

/** Makes the plugin of one editor of the family. */
function family(
  own: Pick<EditorPlugin, "name" | "title" | "detect"> & { aliases?: readonly string[] },
): EditorPlugin {
  return {
    contract: 1,
    kind: "editor",
    summary: `${own.title}: ${launchFile}`,
    programs: [],
    ...own,
    files: [{ path: launchFile, fresh: launchFile }, { path: "*.code-workspace" }],
    malformed: "set-aside",
    apply({ file, oldText, profile, force }) {
      if (file !== launchFile) return workspaceNotes(file, oldText ?? "", profile);
      return applyShape(oldText, launchShape(profile), { force });
    },
    remove({ file, oldText, profile, force }) {
      if (file !== launchFile) return { text: oldText };
      return removeShape(oldText, launchShape(profile), { force });
    },
    press: ({ name }) => `press F5 with "${name}" chosen (Run and Debug)`,
    instructions(profile) {
      const [first] = profile.entries;
      return [
        `In ${own.title}: Run and Debug (Ctrl+Shift+D), choose "${first?.name}", press F5. ` +
        "It needs the extension ms-python.debugpy (Python Debugger).",
      ];
    },
  };
}

/** Visual Studio Code. */
export const vscode: EditorPlugin = family({
  name: "vscode",
  title: "VS Code",
  aliases: ["code", "vs-code"],
  detect: {
    files: [".vscode", "*.code-workspace"],
    env: { TERM_PROGRAM: "vscode" },
    programs: ["code", "code-insiders"],
    home: ["~/.vscode-server", "~/.vscode"],
  },
});

/** Cursor. */
export const cursor: EditorPlugin = family({
  name: "cursor",
  title: "Cursor",
  detect: {
    files: [".cursor"],
    env: { CURSOR_TRACE_ID: "" },
    programs: ["cursor"],
    home: ["~/.cursor-server"],
  },
});

/** Windsurf. */
export const windsurf: EditorPlugin = family({
  name: "windsurf",
  title: "Windsurf",
  detect: {
    files: [".windsurf"],
    programs: ["windsurf"],
    home: ["~/.windsurf-server"],
  },
});

/** VSCodium. */
export const vscodium: EditorPlugin = family({
  name: "vscodium",
  title: "VSCodium",
  aliases: ["codium"],
  detect: { programs: ["codium"], home: ["~/.vscodium-server"] },
});

/** Eclipse Theia, which reads VS Code's file beside its own. */
export const theia: EditorPlugin = family({
  name: "theia",
  title: "Theia",
  detect: { files: [".theia"], env: { THEIA_PARENT_PID: "" } },
});
