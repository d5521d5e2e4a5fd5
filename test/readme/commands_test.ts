/** Command lines and flags in the README and the changelog exist: by each command's own parser. */

import assert from "node:assert/strict";
import { commonFlags } from "../../commands/_args.ts";
import type { CommandMeta } from "../../commands/_args.ts";
import { readWords } from "../../commands/_words.ts";
import { root } from "../support/python.ts";
import { shellWords, type Span, spansOf } from "./_blocks.ts";

/** Flags of other programs that the README names, with the program. */
const foreign: Readonly<Record<string, string>> = {
  "--kill-on-bad-exit": "srun",
  "--wait": "srun",
  "--mca": "mpirun",
  "--monitor-interval": "torchrun",
  "--monitor_interval": "torchrun",
  "--enable-recovery": "mpirun",
  "--platform": "pip",
  "--signal": "sbatch",
  "--cleanenv": "apptainer",
  "--env": "apptainer",
  "--bind": "apptainer",
  "--no-home": "apptainer",
  "--contain": "apptainer",
  "--home": "ch-run",
  "--network": "podman",
  "--userns": "podman",
  "--read-only": "podman",
  "--runtime": "podman",
  "--rootfs": "podman",
  "--ulimit": "podman",
  "--full": "deno task bench",
  "--write": "deno task bench",
};

const metas = await commands();
const files = ["README.md", "CHANGELOG.md"];
const spans: (Span & { file: string })[] = [];
for (const file of files) {
  const markdown = await Deno.readTextFile(`${root}/${file}`);
  spans.push(...spansOf(markdown).map((span) => ({ ...span, file })));
}

/** The description of every command that has a folder. */
async function commands(): Promise<Map<string, CommandMeta>> {
  const found = new Map<string, CommandMeta>();
  for await (const { name, isDirectory } of Deno.readDir(`${root}/commands`)) {
    const path = `${root}/commands/${name}/command.ts`;
    if (!isDirectory || !await Deno.stat(path).then(() => true, () => false)) continue;
    const module = await import(`../../commands/${name}/command.ts`);
    found.set(name, module.meta);
  }
  return found;
}

/** Whether the README may show this flag after this command; says what is wrong, or null. */
function wrong(words: readonly string[]): string | null {
  const [rdg, name = "", ...rest] = words;
  assert.equal(rdg, "rdg");
  if (name === "" || name === "help" || /^(--help|-h|--version|-V|COMMAND|…)$/.test(name)) {
    return null;
  }
  const meta = metas.get(name);
  if (!meta) return `there is no command "${name}"`;
  const flags = { ...commonFlags, ...meta.flags };
  // Brackets of a synopsis are no part of a word; "[flags]" stands for any.
  const plain = rest.map((word) => word.replaceAll(/^\[+|\]+…?$/g, "")).filter((word) =>
    word !== ""
  );
  const { typed } = readWords(plain, { flags, passThrough: meta.passThrough });
  const unknown = typed.find((flag) => !Object.hasOwn(flags, flag.name));
  if (unknown) return `"${name}" has no flag ${unknown.raw}`;
  const valued = typed.find(({ name, value }) =>
    value !== undefined && flags[name as keyof typeof flags]?.type === "boolean"
  );
  return valued ? `${valued.raw} takes no value` : null;
}

Deno.test("README and changelog: every rdg command line has a command and flags that exist", () => {
  const lines = spans.filter(({ text }) => /^rdg( |$)/.test(text));
  const bad = lines.flatMap(({ file, line, text }) => {
    // `rdg stack JOB --pid PID` and the alternatives of a synopsis: `rdg x A | B`.
    const reason = wrong(shellWords(text));
    return reason ? [`${file}:${line}: \`${text}\`: ${reason}`] : [];
  });
  assert.deepEqual(bad, []);
  assert(lines.length > 40, `only ${lines.length} command lines were found`);
});

Deno.test("README and changelog: every flag that stands alone is one of rdg's, or is known as another program's", () => {
  const own = new Set(Object.keys(commonFlags));
  for (const meta of metas.values()) for (const name of Object.keys(meta.flags)) own.add(name);
  const alone = spans.flatMap((span) => {
    const first = shellWords(span.text)[0] ?? "";
    const [, name] = /^--([a-z][a-z-]*)(?:=.*)?$/.exec(first) ?? [];
    return name === undefined ? [] : [{ ...span, name }];
  });
  const bad = alone.flatMap(({ file, line, text, name, section }) => {
    const command = metas.get(/^rdg (\w+)/.exec(section)?.[1] ?? "");
    if (command && Object.hasOwn(command.flags, name)) return [];
    if (own.has(name) || Object.hasOwn(foreign, `--${name}`) || name.startsWith("allow-")) {
      return [];
    }
    return [`${file}:${line}: \`${text}\``];
  });
  assert.deepEqual(bad, []);
  assert(alone.length > 30, `only ${alone.length} flags were found`);
});

Deno.test("README: every file of the project that is named is there", async () => {
  const names = spans.map(({ text }) => text)
    .filter((text) => /^(?:commands|plugins|python|test)\/[\w./-]+$|^main\.ts$/.test(text));
  const pictures = [
    ...(await Deno.readTextFile(`${root}/README.md`)).matchAll(/!\[.*?\]\((.*?)\)/g),
  ]
    .map(([, path = ""]) => path);
  const missing: string[] = [];
  for (const name of [...names, ...pictures]) {
    if (!await Deno.stat(`${root}/${name}`).then(() => true, () => false)) missing.push(name);
  }
  assert.deepEqual(missing, []);
  assert(names.length > 10 && pictures.length > 1);
});

Deno.test("wrong() notices an unknown command, an unknown flag and a value too many", () => {
  for (
    const [line, reason] of [
      ["rdg attach 12345 --rank 0,3-5", null],
      ["rdg debug -lp python train.py --epochs 3", null],
      ["rdg attach [JOB] [PID] [flags]", null],
      ["rdg attch 1", 'there is no command "attch"'],
      ["rdg attach --rnak 3", '"attach" has no flag --rnak'],
      ["rdg debug -lq python", '"debug" has no flag -q'],
      ["rdg attach --all=3", "--all takes no value"],
    ] as const
  ) assert.equal(wrong(shellWords(line)), reason, line);
});
