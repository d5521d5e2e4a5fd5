/**
 * Kate: the object `dap` of `.kateproject`. A run without a command but with a number as port makes
 * Kate connect to 127.0.0.1 at that port, whatever host is given, so only entries for this machine
 * can be had; `${name}` becomes a field in its debug panel (both read in Kate's sources).
 *
 * @module
 */

import type { AttachEntry, AttachInput, AttachProfile, EditorPlugin } from "../contract.ts";
import { attachArguments, findInput } from "./_attach.ts";
import type { Json } from "./_jsonc.ts";
import { applyShape } from "./_jsonc_edit.ts";
import { removeShape } from "./_jsonc_remove.ts";
import type { Shape } from "./_jsonc_shape.ts";

/** Port that Kate connects to: the literal one, or what the prompt would offer. */
function portOf(entry: AttachEntry, profile: AttachProfile): number {
  return typeof entry.port === "number"
    ? entry.port
    : Number(findInput(profile, entry.port.input).default ?? 5678);
}

function usable(profile: AttachProfile): AttachEntry[] {
  return profile.entries.filter(({ host }) => host === "127.0.0.1");
}

function shape(profile: AttachProfile): Shape {
  const dialect = {
    localRoot: profile.localRoot,
    ask: ({ id }: AttachInput): Json => `\${${id}}`,
  };
  const configurations = Object.fromEntries(
    usable(profile).map((entry) => {
      const port = portOf(entry, profile);
      const request = attachArguments({ ...entry, port }, { profile, dialect });
      return [entry.name, { port, request: { command: "attach", ...request } }];
    }),
  );
  return {
    fresh: {
      name: profile.localRoot.split("/").findLast((part) => part !== "") ?? "project",
      files: [{ git: 1 }],
    },
    parts: [{
      property: "dap",
      items: [{
        key: "rdg",
        value: {
          run: { host: "127.0.0.1", port: 5678, supportsSourceRequest: false },
          configurations,
        },
      }],
    }],
  };
}

/** Kate. */
export const kate: EditorPlugin = {
  contract: 1,
  kind: "editor",
  name: "kate",
  title: "Kate",
  summary: "Kate with its Debugger plugin: .kateproject",
  programs: [],
  detect: {
    files: [".kateproject"],
    programs: ["kate"],
    home: ["~/.config/katerc"],
  },
  files: [{ path: ".kateproject" }],
  apply: ({ oldText, profile, force }) => applyShape(oldText, shape(profile), { force }),
  remove: ({ oldText, profile, force }) => removeShape(oldText, shape(profile), { force }),
  press: ({ name }) => `in the debug panel, choose "rdg" with "${name}"`,
  instructions(profile) {
    const rest = profile.entries.filter((entry) => !usable(profile).includes(entry));
    return [
      `In Kate: switch on the plugin Debugger, open the project, and in the debug panel choose "rdg" ` +
      `with "${profile.entries[0]?.name}".`,
      ...rest.map(({ name }) =>
        `Kate connects to this machine only, so "${name}" is left out: run "rdg connect", or a tunnel.`
      ),
    ];
  },
};
