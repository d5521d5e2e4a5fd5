/**
 * Vim (or Neovim) with vimspector: `.vimspector.json`. `${name:default}` asks; `"port#json"` turns
 * what was typed into a number. One adapter an entry, since host and port belong to the adapter.
 *
 * @module
 */

import type { AttachEntry, AttachInput, AttachProfile, EditorPlugin } from "../contract.ts";
import { attachArguments } from "./_attach.ts";
import type { Json } from "./_jsonc.ts";
import { applyShape } from "./_jsonc_edit.ts";
import { removeShape } from "./_jsonc_remove.ts";
import type { Shape } from "./_jsonc_shape.ts";

function asked({ id, default: preset }: AttachInput): string {
  return preset === undefined ? `\${${id}}` : `\${${id}:${preset}}`;
}

function configuration(entry: AttachEntry, profile: AttachProfile): { [key: string]: Json } {
  const { connect, ...rest } = attachArguments(entry, {
    profile,
    dialect: { localRoot: "${workspaceRoot}", ask: asked },
  });
  const port: { [key: string]: Json } = typeof connect.port === "number"
    ? { port: connect.port }
    : { "port#json": connect.port };
  return {
    adapter: `rdg-${entry.id}`,
    filetypes: ["python"],
    configuration: { request: "attach", connect: { host: connect.host, ...port }, ...rest },
    breakpoints: { exception: { raised: "N", uncaught: "Y", userUnhandled: "" } },
  };
}

function shape(profile: AttachProfile): Shape {
  const adapters = profile.entries.map((entry) => {
    const { connect } = attachArguments(entry, {
      profile,
      dialect: { localRoot: "${workspaceRoot}", ask: asked },
    });
    return {
      key: `rdg-${entry.id}`,
      value: { ...connect, custom_handler: "vimspector.custom.python.Debugpy" },
    };
  });
  return {
    parts: [
      { property: "adapters", items: adapters },
      {
        property: "configurations",
        items: profile.entries.map((entry) => ({
          key: entry.name,
          value: configuration(entry, profile),
        })),
      },
    ],
  };
}

/** Vim with vimspector. */
export const vimspector: EditorPlugin = {
  contract: 1,
  kind: "editor",
  name: "vimspector",
  title: "Vim (vimspector)",
  aliases: ["vim"],
  summary: "Vim with vimspector: .vimspector.json",
  programs: [],
  detect: {
    files: [".vimspector.json"],
    home: [
      "~/.vim/pack/*/*/vimspector",
      "~/.vim/plugged/vimspector",
      "~/.vim/bundle/vimspector",
      "~/.local/share/nvim/plugged/vimspector",
    ],
  },
  files: [{ path: ".vimspector.json" }],
  apply: ({ oldText, profile, force }) => applyShape(oldText, shape(profile), { force }),
  remove: ({ oldText, profile, force }) => removeShape(oldText, shape(profile), { force }),
  press: ({ name }) => `:call vimspector#Launch(), and choose "${name}"`,
  instructions(profile) {
    return [
      `In Vim: call vimspector#Launch(), choose "${
        profile.entries[0]?.name
      }". vimspector needs a Vim with Python 3 (:echo has("python3")).`,
    ];
  },
};
