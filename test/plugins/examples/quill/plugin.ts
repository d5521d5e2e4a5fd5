/**
 * Quill, an editor that nobody has: the worked example of README, "Writing a plugin". Edits
 * `.quill.conf`. Pure.
 *
 * The file has sections, `[debug "TITLE"]` for something to debug and `[ask "NAME"]` for a value that
 * Quill asks the person for and that others name by `${ask:NAME}`. In them stand lines `key = value`,
 * with a text in quotes, a number or a word; `#` begins a comment. Rdg's are the sections with its
 * heads, one by one: whatever stands between them is the person's.
 *
 * @module
 */

import type {
  AttachEntry,
  AttachInput,
  AttachProfile,
  EditorPlugin,
} from "../../../../plugins/contract.ts";

const file = ".quill.conf";

/** A value that Quill's file can hold. */
type Value = string | number | boolean;

/** A section as rdg wants it. */
interface Wanted {
  /** What stands in its brackets: `debug "rdg: Attach"`. */
  head: string;
  /** What stands below, in order. */
  values: [key: string, value: Value][];
}

/** A section of a file: its lines, each with its end, and what they say. */
interface Section {
  /** As in {@linkcode Wanted}; empty for what stands before the first one. */
  head: string;
  /** From its head to its last value. */
  lines: string[];
  /** Comments and blank lines after that: what they are about can't be known, so they are no part. */
  rest: string[];
  /** Its values. */
  values: Map<string, Value>;
}

/** A literal as it is; what has to be asked for by its name. */
function valueOf(value: Value | { input: string }): Value {
  return typeof value === "object" ? `\${ask:${value.input}}` : value;
}

function debugSection(entry: AttachEntry, { localRoot, realRoot }: AttachProfile): Wanted {
  const { name, host, port, remoteRoot, extra = {} } = entry;
  const values: Wanted["values"] = [
    ["adapter", "debugpy"],
    ["host", valueOf(host)],
    ["port", valueOf(port)],
  ];
  const resolved = typeof remoteRoot === "object" && "resolved" in remoteRoot;
  const root = resolved ? (realRoot === localRoot ? undefined : realRoot) : remoteRoot;
  if (root !== undefined) values.push(["local", localRoot], ["remote", valueOf(root)]);
  for (const [key, value] of Object.entries(extra)) values.push([`arg.${key}`, valueOf(value)]);
  return { head: `debug ${JSON.stringify(name)}`, values };
}

function askSection({ id, description, default: preset, password }: AttachInput): Wanted {
  const values: Wanted["values"] = [["prompt", description]];
  if (preset !== undefined) values.push(["default", preset]);
  if (password) values.push(["hidden", true]);
  return { head: `ask ${JSON.stringify(id)}`, values };
}

/** All of rdg's sections: the entries, then what they ask for. */
function wantedSections(profile: AttachProfile): Wanted[] {
  return [
    ...profile.entries.map((entry) => debugSection(entry, profile)),
    ...profile.inputs.map(askSection),
  ];
}

/** What stands behind a `=`; undefined where it is no value. */
function readValue(text: string): Value | undefined {
  const [, quoted, bare] = /^(?:("(?:[^"\\]|\\.)*")|([^\s#"]+))\s*(?:#.*)?$/s.exec(text) ?? [];
  if (quoted !== undefined) return JSON.parse(quoted);
  if (bare === "true" || bare === "false") return bare === "true";
  return bare === undefined || Number.isNaN(Number(bare)) ? bare : Number(bare);
}

/** A text taken apart. */
interface Parts {
  /** A byte order mark, or nothing. */
  mark: string;
  /** What ends its lines. */
  end: string;
  /** Whether its last line has an end. */
  ended: boolean;
  /** Its sections; all of their lines, one after the other, are the text. */
  sections: Section[];
}

function takeApart(text: string): Parts {
  const mark = text.startsWith("\uFEFF") ? "\uFEFF" : "";
  const end = text.includes("\r\n") ? "\r\n" : "\n";
  const ended = text === mark || text.endsWith("\n");
  const sections: Section[] = [{ head: "", lines: [], rest: [], values: new Map() }];
  const lines = (text.slice(mark.length) + (ended ? "" : end)).match(/[^\n]*\n/g) ?? [];
  for (const [index, line] of lines.entries()) {
    const words = line.trim();
    const [, head] = /^\[([^\]"]+(?:"(?:[^"\\]|\\.)*")?)\]\s*(?:#.*)?$/s.exec(words) ?? [];
    const [, key, written = ""] = /^([\w.-]+)\s*=\s*(.*)$/s.exec(words) ?? [];
    const value = readValue(written);
    const section = sections.at(-1)!;
    if (head !== undefined) {
      sections.push({ head, lines: [line], rest: [], values: new Map() });
    } else if (key !== undefined && value !== undefined) {
      section.lines.push(...section.rest.splice(0), line);
      section.values.set(key, value);
    } else if (words === "" || words.startsWith("#")) {
      section.rest.push(line);
    } else {
      throw new SyntaxError(`line ${index + 1} is neither a section nor a value nor a comment`);
    }
  }
  return { mark, end, ended, sections };
}

function putTogether({ mark, ended, sections }: Parts): string {
  const text = mark + sections.flatMap(({ lines, rest }) => [...lines, ...rest]).join("");
  return ended ? text : text.replace(/\r?\n$/, "");
}

function write({ head, values }: Wanted, end: string): string[] {
  const lines = values.map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  return [`[${head}]`, ...lines].map((line) => line + end);
}

/** Whether a section says what rdg wants, in whatever order and with whatever comments. */
function isSame({ values }: Section, wanted: Wanted): boolean {
  return values.size === wanted.values.length &&
    wanted.values.every(([key, value]) => values.get(key) === value);
}

/** The comments that the person wrote between a section's values. */
function commentsIn({ lines }: Section): string[] {
  return lines.filter((line) => line.trim().startsWith("#"));
}

function changed({ head }: Wanted): string {
  return `[${head}] in ${file} was changed by hand: left as it is (--force)`;
}

const plugin: EditorPlugin = {
  contract: 1,
  kind: "editor",
  name: "quill",
  title: "Quill",
  aliases: ["ql"],
  summary: `Quill: ${file}`,
  programs: [],
  detect: { files: [file], env: { QUILL_TERM: "" }, programs: ["quill"] },
  files: [{ path: file }],

  apply({ oldText, profile, force }) {
    const parts = takeApart(oldText ?? "");
    const { end, sections } = parts;
    const notes: string[] = [];
    for (const wanted of wantedSections(profile)) {
      const { head } = wanted;
      const section = sections.find((one) => one.head === head);
      if (section === undefined) {
        // A blank line before it, unless it is the first thing in the file.
        const empty = sections.every(({ lines, rest }) => lines.length + rest.length === 0);
        if (!empty) sections.at(-1)!.rest.push(end);
        sections.push({
          head,
          lines: write(wanted, end),
          rest: [],
          values: new Map(wanted.values),
        });
      } else if (!isSame(section, wanted)) {
        if (force) section.lines = [...write(wanted, end), ...commentsIn(section)];
        else notes.push(changed(wanted));
      }
    }
    return { text: putTogether(parts), notes };
  },

  remove({ oldText, profile, force }) {
    const parts = takeApart(oldText);
    const { sections } = parts;
    const notes: string[] = [];
    for (const wanted of wantedSections(profile)) {
      const index = sections.findIndex(({ head }) => head === wanted.head);
      const [before, section] = [sections[index - 1], sections[index]];
      if (before === undefined || section === undefined) continue;
      const name = /^ask "(.*)"$/.exec(wanted.head)?.[1];
      const isUsed = name !== undefined &&
        sections.some(({ values }) => [...values.values()].includes(`\${ask:${name}}`));
      if (isUsed) {
        notes.push(`[${wanted.head}] in ${file} stays: another section uses it`);
      } else if (!isSame(section, wanted) && !force) {
        notes.push(changed(wanted));
      } else {
        if (before.rest.at(-1)?.trim() === "") before.rest.pop();
        before.rest.push(...commentsIn(section), ...section.rest);
        sections.splice(index, 1);
      }
    }
    const text = putTogether(parts);
    return { text: text === parts.mark ? null : text, notes };
  },

  instructions({ entries }) {
    return [`In Quill: press F8 and choose "${entries[0]?.name}".`];
  },

  press({ name }) {
    return `press F8 and choose "${name}"`;
  },
};

export default plugin;
