/**
 * exampleq, as rdg knows it: the file that is rdg's own in it, from the first to the last byte. Pure;
 * README of rdg, "Writing a plugin", says what each member means.
 *
 * @module
 */

import type { AttachProfile, EditorPlugin } from "../../../../plugins/contract.ts";

const file = ".exampleq/rdg.json";

/** The entries that ask the person nothing, as debugpy's attach requests. */
function wanted({ entries, localRoot, realRoot }: AttachProfile): string {
  const requests = entries.flatMap(({ name, host, port, remoteRoot, extra }) => {
    const resolved = typeof remoteRoot === "object" && "resolved" in remoteRoot;
    const root = resolved ? (realRoot === localRoot ? undefined : realRoot) : remoteRoot;
    const asks = [host, port, root, ...Object.values(extra ?? {})]
      .some((value) => typeof value === "object");
    if (asks) return [];
    const pathMappings = root === undefined ? [] : [{ localRoot, remoteRoot: root }];
    return [{ name, request: "attach", connect: { host, port }, pathMappings, ...extra }];
  });
  return `${JSON.stringify(requests, null, 2)}\n`;
}

/** The plugin. */
const plugin: EditorPlugin = {
  contract: 1,
  kind: "editor",
  name: "exampleq",
  title: "exampleq",
  summary: `exampleq: ${file}`,
  programs: [],
  detect: { files: [".exampleq"], programs: ["exampleq"] },
  files: [{ path: file }],

  apply({ oldText, profile, force }) {
    const text = wanted(profile);
    if (oldText === null || oldText === text || force) return { text };
    return { text: oldText, notes: [`${file} was changed by hand: left as it is (--force)`] };
  },

  remove({ oldText, profile, force }) {
    if (force || oldText === wanted(profile)) return { text: null };
    return { text: oldText, notes: [`${file} was changed by hand: left as it is (--force)`] };
  },

  instructions({ entries }) {
    return [`In exampleq: choose "${entries[0]?.name}". It asks for no values: run rdg connect.`];
  },
};

export default plugin;
