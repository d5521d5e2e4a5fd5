/** What `rdg help` prints: every command's page and every topic. */

import assert from "node:assert/strict";
import { topics } from "../../../commands/help/topics.ts";
import { ExitCode } from "../../../plugins/error.ts";
import { schedulers } from "../../../plugins/schedulers.ts";
import type { CommandMeta } from "../../../commands/_args.ts";
import { makeSandbox, runRdg } from "../../support/rdg.ts";
import { help } from "../../../commands/help/show.ts";

/** A command and its summary, which may go on below. */
const rowPattern = /^ {2}(\w+) +(\S.*)\n((?: {8,}.*\n)*)/gm;

/** Every page by its name; the empty name is the list's. */
const pages = new Map<string, string>();

/** Every command that the real CLI lists, with its module's own description. */
const commands: Record<string, { summary: string; load(): Promise<{ meta: CommandMeta }> }> = {};

Deno.test.beforeAll(async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const { stdout } = await runRdg(["help"], { sandbox });
  const [, list = ""] = /^Commands:\n((?: .*\n)+)/m.exec(stdout)!;
  for (const [, name = "", first = "", more = ""] of list.matchAll(rowPattern)) {
    const { meta } = await import(`../../../commands/${name}/command.ts`);
    const summary = `${first} ${more.trim().replaceAll(/\s+/g, " ")}`.trim();
    commands[name] = { summary, load: () => Promise.resolve({ meta }) };
  }
  assert.ok(Object.keys(commands).length >= 8, list);
  for (const word of ["", ...Object.keys(commands), ...Object.keys(topics)]) {
    pages.set(word, await help(word || undefined, commands));
  }
});

Deno.test("every help page keeps within 80 columns, without trailing blanks or colours", () => {
  for (const [word, page] of pages) {
    for (const line of page.split("\n")) {
      assert.ok(line.length <= 80, `rdg help ${word}: ${line.length} columns: ${line}`);
      assert.equal(line, line.trimEnd(), `rdg help ${word}`);
    }
    assert.ok(!page.includes(String.fromCharCode(27)), `rdg help ${word}`);
    assert.ok(page.endsWith("\n") && !page.endsWith("\n\n"), `rdg help ${word}`);
  }
});

Deno.test("every command's page has an example with its name, and all its flags", async () => {
  for (const [name, { load, summary }] of Object.entries(commands)) {
    const { meta } = await load();
    const page = pages.get(name)!;
    assert.equal(meta.summary, summary, name);
    assert.equal(meta.name, name);
    assert.match(page, new RegExp(`^Examples:\\n(.*\\n)*  .*\\b${name}\\b`, "m"), name);
    for (const flag of Object.keys(meta.flags)) assert.ok(page.includes(`--${flag}`), flag);
  }
});

Deno.test("rdg help lists every command and topic", () => {
  const list = pages.get("")!;
  for (const name of [...Object.keys(commands), ...Object.keys(topics)]) {
    assert.match(list, new RegExp(`^  ${name} `, "m"));
  }
});

Deno.test("rdg help exit-codes and schedulers show what the program itself uses", () => {
  for (const code of Object.values(ExitCode)) {
    assert.match(pages.get("exit-codes")!, new RegExp(`^  ${code}  \\S`, "m"));
  }
  for (const { name } of schedulers) {
    assert.match(pages.get("schedulers")!, new RegExp(`^  ${name} `, "m"));
  }
});

Deno.test("rdg help environment names every variable of rdg's that the sources read", async () => {
  const page = pages.get("environment")!;
  const found = new Set<string>();
  for await (const text of sourceTexts(new URL("../../../", import.meta.url))) {
    for (
      const [name] of text.matchAll(/\b(?:RDG_[A-Z_]+|XDG_[A-Z]+_HOME|NO_COLOR|FORCE_COLOR)\b/g)
    ) {
      found.add(name);
    }
  }
  assert.ok(found.has("RDG_STATE_DIR"));
  for (const name of found) assert.match(page, new RegExp(`^  ${name} `, "m"));
});

async function* sourceTexts(root: URL): AsyncGenerator<string> {
  for (const folder of ["commands", "plugins", "python"]) {
    yield* textsBelow(new URL(`${folder}/`, root));
  }
}

async function* textsBelow(folder: URL): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* textsBelow(new URL(`${name}/`, folder));
    else if (/\.(ts|py)$/.test(name)) yield await Deno.readTextFile(new URL(name, folder));
  }
}

Deno.test("rdg help TOPIC prints it; a wrong one is guessed, with exit code 2", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  assert.deepEqual(await runRdg(["help", "modes"], { sandbox }), {
    code: 0,
    stdout: pages.get("modes")!,
    stderr: "",
  });
  assert.deepEqual(await runRdg(["help", "securty"], { sandbox }), {
    code: 2,
    stdout: "",
    stderr: 'Cannot show help on "securty": there is no such command or topic\n' +
      "Try: rdg help security\n",
  });
});

Deno.test("rdg doctor is coloured for FORCE_COLOR only; NO_COLOR wins", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const escape = String.fromCharCode(27);
  for (
    const [env, coloured] of [
      [{ NO_COLOR: "" }, false],
      [{ NO_COLOR: "", FORCE_COLOR: "1" }, true],
      [{ NO_COLOR: "1", FORCE_COLOR: "1" }, false],
    ] as const
  ) {
    const { stdout } = await runRdg(["doctor", "--scheduler=local"], { sandbox, env });
    assert.match(stdout, /This machine/);
    assert.equal(stdout.includes(escape), coloured, JSON.stringify(env));
  }
});

Deno.test("rdg help parallel names the launchers' flags that a job's own output names", async () => {
  const said = await Deno.readTextFile(
    new URL("../../../python/remote_debug/_launcher.py", import.meta.url),
  );
  const page = pages.get("parallel")!;
  const flags = [...page.slice(page.indexOf("To keep them")).matchAll(/ (--?[a-z][\w=-]+)/g)];
  assert.equal(flags.length, 5);
  for (const [, flag = ""] of flags) assert.ok(said.includes(flag), flag);
});
