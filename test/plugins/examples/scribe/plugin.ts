/**
 * Scribe, an editor that nobody has: the example of README, "Writing a plugin". Its `.scribe/debug.ini`
 * holds a section for each way to debug; lines that begin with `;` are comments. Rdg's own sections
 * stand between two comments.
 *
 * @module
 */

import type { AttachEntry, AttachProfile, EditorPlugin } from "../../../../plugins/contract.ts";

const file = ".scribe/debug.ini";
const begin = "; rdg: begin";
const end = "; rdg: end";

type Value = AttachEntry["host"] | AttachEntry["port"] | boolean;

/** A literal as it is; what has to be asked for as `?id` with what the box holds at first. */
function text(value: Value, { inputs }: AttachProfile): string {
  if (typeof value !== "object") return String(value);
  const preset = inputs.find(({ id }) => id === value.input)?.default;
  return `?${value.input}${preset === undefined ? "" : `=${preset}`}`;
}

function section(entry: AttachEntry, profile: AttachProfile): string[] {
  const { localRoot, realRoot } = profile;
  const { remoteRoot } = entry;
  const resolved = typeof remoteRoot === "object" && "resolved" in remoteRoot;
  const root = resolved ? (localRoot === realRoot ? undefined : realRoot) : remoteRoot;
  return [
    `[${entry.name}]`,
    "adapter = debugpy",
    `connect = ${text(entry.host, profile)} ${text(entry.port, profile)}`,
    ...root === undefined ? [] : [`map = ${localRoot} -> ${text(root, profile)}`],
    ...Object.entries(entry.extra ?? {}).map(([key, value]) => `${key} = ${text(value, profile)}`),
  ];
}

function block(profile: AttachProfile): string {
  const sections = profile.entries.flatMap((entry) => section(entry, profile));
  return [begin, ...sections, end, ""].join("\n");
}

/** The text around rdg's block, and the block. */
function split(all: string): { before: string; own: string | null; after: string } {
  const from = all.indexOf(`${begin}\n`);
  const to = all.indexOf(`${end}\n`, from);
  if (from < 0 && all.indexOf(end) < 0) {
    if (/^[^;[\s].*$/m.test(all) && !/^\[/m.test(all)) {
      throw new SyntaxError("there is a setting before the first [section]");
    }
    return { before: all, own: null, after: "" };
  }
  if (from < 0 || to < 0) throw new SyntaxError(`only one of "${begin}" and "${end}" is left`);
  const stop = to + end.length + 1;
  return { before: all.slice(0, from), own: all.slice(from, stop), after: all.slice(stop) };
}

const note = `rdg's block in ${file} was changed by hand: left as it is (--force)`;

const plugin: EditorPlugin = {
  contract: 1,
  kind: "editor",
  name: "scribe",
  title: "Scribe",
  aliases: ["scr"],
  summary: `Scribe: ${file}`,
  programs: [],
  detect: { files: [".scribe"], env: { SCRIBE_TERM: "" }, programs: ["scribe"] },
  files: [{ path: file }],

  apply({ oldText, profile, force }) {
    const wanted = block(profile);
    const { before, own, after } = split(oldText ?? "");
    if (own !== null && own !== wanted && !force) return { text: oldText, notes: [note] };
    const gap = before === "" || before.endsWith("\n") ? "" : "\n";
    return { text: `${before}${gap}${wanted}${after}` };
  },

  remove({ oldText, profile, force }) {
    const { before, own, after } = split(oldText);
    if (own === null) return { text: oldText };
    if (own !== block(profile) && !force) return { text: oldText, notes: [note] };
    return { text: before + after === "" ? null : before + after };
  },

  instructions({ entries }) {
    return [`In Scribe: press F8 and choose "${entries[0]?.name}".`];
  },
};

export default plugin;
