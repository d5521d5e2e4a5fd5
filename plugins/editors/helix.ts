/**
 * Helix: `.helix/languages.toml`. Helix merges languages by name but takes a `debugger` as a whole,
 * so rdg's templates go into the Python debugger that the file already has. They stand in a block
 * between two comments; nothing else is touched. A file that writes these tables inline gets no
 * block: what to add is said instead.
 *
 * Templates know no variable for the project's folder, so its absolute path is written. `:debug-remote`
 * takes the address apart from the template, and an address of digits only.
 *
 * @module
 */

import type {
  AttachEntry,
  AttachInput,
  AttachProfile,
  EditorPlugin,
  RunOutput,
  Steps,
} from "../contract.ts";
import { attachArguments, inputsOf } from "./_attach.ts";
import type { Json } from "./_jsonc.ts";
import { insertBlock, readHeaders, takeBlock } from "./_toml_block.ts";

const file = ".helix/languages.toml";

/** What Helix is called on PATH. */
const programs = ["hx", "helix"];

/** A value as TOML writes it inline. */
function toml(value: Json): string {
  if (value === null) throw new TypeError("TOML knows no null");
  if (Array.isArray(value)) return `[${value.map(toml).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value).replaceAll("\x7f", "\\u007f");
  const pairs = Object.entries(value).map(([key, item]) => `${key} = ${toml(item)}`);
  return pairs.length ? `{ ${pairs.join(", ")} }` : "{}";
}

function template(entry: AttachEntry, profile: AttachProfile): string[] {
  const inputs = inputsOf(entry, profile);
  const dialect = {
    localRoot: profile.localRoot,
    ask: (input: AttachInput) => `{${inputs.findIndex(({ id }) => id === input.id)}}`,
  };
  const completion = inputs.map(({ id, default: preset }) => ({
    name: id,
    ...(preset === undefined ? {} : { default: preset }),
  }));
  return [
    "[[language.debugger.templates]]",
    `name = "rdg-${entry.id}"`,
    `request = "attach"`,
    `completion = ${toml(completion)}`,
    "[language.debugger.templates.args]",
    ...Object.entries(attachArguments(entry, { profile, dialect }))
      .map(([key, value]) => `${key} = ${toml(value)}`),
  ];
}

const language = ["[[language]]", `name = "python"`];

const debuggerTable = [
  "[language.debugger]",
  `name = "debugpy"`,
  `transport = "tcp"`,
  `command = "python3"`,
  `args = ["-m", "debugpy.adapter"]`,
  `port-arg = "--port {}"`,
];

/** The lines to add and where; `null` where the file's form doesn't allow it. */
function place(text: string, profile: AttachProfile): { lines: string[]; at: number | null } {
  const templates = profile.entries.flatMap((entry) => template(entry, profile));
  const { headers, end, inlineLanguage } = readHeaders(text);
  if (inlineLanguage) return { lines: [...language, ...debuggerTable, ...templates], at: null };
  const first = headers.findIndex(({ name, keys }) =>
    name === "language" && /^["']python["']$/.test(keys.get("name") ?? "")
  );
  const python = headers[first];
  if (!python) return { lines: [...language, ...debuggerTable, ...templates], at: end };
  const next = headers.findIndex(({ name }, index) =>
    index > first && !name.startsWith("language.")
  );
  const section = headers.slice(first, next === -1 ? undefined : next);
  const at = section.at(-1)!.contentEnd;
  const dotted = [...python.keys.keys()].some((key) => /^debugger\b/.test(key));
  if (dotted) return { lines: templates, at: null };
  const table = section.find(({ name }) => name === "language.debugger");
  if (!table) {
    const lone = section.some(({ name }) => name.startsWith("language.debugger"));
    return { lines: [...debuggerTable, ...templates], at: lone ? null : at };
  }
  return { lines: templates, at: table.keys.has("templates") ? null : at };
}

/**
 * Up to 25.07, a template's arguments are texts, lists of texts and yes or no: a mapping of paths is
 * none of them, and Helix refuses the whole file (change 15018 to Helix, of early 2026, mended it).
 */
function* obstacle(): Steps<string | null> {
  for (const program of programs) {
    let output: RunOutput;
    try {
      output = yield { program, args: ["--version"], timeoutMs: 5000 };
    } catch {
      continue; // It isn't here, or can't be started: nothing speaks against the file.
    }
    const [, year, month] = /^helix (\d+)\.(\d+)/.exec(output.stdout) ?? [];
    if (year === undefined) continue;
    return Number(year) * 100 + Number(month) > 2507
      ? null
      : `${output.stdout.trim()} refuses a languages.toml with a mapping of paths`;
  }
  return null;
}

/** Helix. */
export const helix: EditorPlugin = {
  contract: 1,
  kind: "editor",
  name: "helix",
  title: "Helix",
  aliases: ["hx"],
  summary: `Helix: ${file}`,
  programs,
  obstacle,
  detect: { files: [".helix"], programs, home: ["~/.config/helix"] },
  files: [{ path: file }],
  apply({ oldText, profile, force }) {
    const text = oldText ?? "";
    const taken = takeBlock(text);
    const { lines, at } = place(taken.text, profile);
    if (at === null) {
      return {
        text,
        notes: [
          [`${file} writes its tables inline, so it is left as it is. Add to it:`, ...lines]
            .join("\n"),
        ],
      };
    }
    const wanted = insertBlock(taken.text, { lines, at });
    const unchanged = taken.block === null || wanted === text ||
      takeBlock(wanted).block?.trim() === taken.block.trim();
    if (taken.block === null || force) return { text: wanted };
    return unchanged ? { text } : {
      text,
      notes: [
        `rdg's block in ${file} differs from what rdg would write: left as it is (--force replaces it)`,
      ],
    };
  },
  remove({ oldText, profile, force }) {
    const { text, block } = takeBlock(oldText);
    if (block === null) return { text: oldText };
    const { lines, at } = place(text, profile);
    const wanted = at === null ? null : takeBlock(insertBlock(text, { lines, at })).block;
    if (!force && wanted?.trim() !== block.trim()) {
      return {
        text: oldText,
        notes: [
          `rdg's block in ${file} was changed by hand: left as it is (--force takes it out)`,
        ],
      };
    }
    return { text: text.trim() ? text : null };
  },
  press: ({ id, host, port }) => `:debug-remote ${host}:${port} rdg-${id}`,
  instructions(profile) {
    const [first] = profile.entries;
    const address = `${first?.host}:${first?.port}`;
    return [
      `In Helix: :debug-remote ${address} rdg-${first?.id}`,
      ...profile.entries.slice(1).map((entry) =>
        `  or: :debug-remote IP:PORT rdg-${entry.id} ${
          inputsOf(entry, profile).map(({ id }) => id).join(" ")
        }`
      ),
      "Newer versions read the project's file only in a trusted workspace (:workspace-trust). " +
      "A Python debugger in your own languages.toml is hidden by the project's.",
    ];
  },
};
