/**
 * Flags as they are typed, against `node:util`'s `parseArgs`, whose rules rdg follows.
 */

import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { type CommandMeta, parseWords } from "../../commands/_args.ts";
import { systemTerminal } from "../../commands/_terminal.ts";
import { type FlagForms, readWords } from "../../commands/_words.ts";
import { RdgError } from "../../plugins/error.ts";

const flags = {
  lite: { type: "boolean", short: "l", help: "" },
  "post-mortem": { type: "boolean", short: "p", help: "" },
  port: { type: "string", short: "P", help: "" },
  program: { type: "string", multiple: true, help: "" },
} as const;

const meta: CommandMeta = {
  name: "try",
  summary: "",
  usage: "",
  flags,
  examples: [],
  passThrough: true,
};

/** What `parseArgs` makes of a line, in the same form. */
function reference(argv: readonly string[], forms: FlagForms): ReturnType<typeof readWords> {
  const { tokens } = parseArgs({
    args: [...argv],
    options: forms.flags,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const result: ReturnType<typeof readWords> = { typed: [], words: [] };
  for (const token of tokens) {
    if (token.kind === "option") {
      const { name, rawName: raw, value } = token;
      result.typed.push(value === undefined ? { name, raw } : { name, raw, value });
    } else if (forms.passThrough) {
      result.words = argv.slice(token.index + (token.kind === "positional" ? 0 : 1));
      break;
    } else if (token.kind === "positional") {
      result.words.push(token.value);
    }
  }
  return result;
}

Deno.test("readWords() takes words apart as parseArgs does", () => {
  const pieces = ["--lite", "-l", "-lp", "-lP", "-P5", "-lPx=1", "--port", "--port=5", "--port="];
  pieces.push("--lite=no", "--program", "a.py", "", "-", "--", "--unknown", "-x", "-lx", "--x=1");
  let seed = 7;
  const pick = (count: number) => (seed = (seed * 48271) % 2147483647) % count;
  for (let round = 0; round < 20_000; round++) {
    const argv = Array.from({ length: pick(7) }, () => pieces[pick(pieces.length)] ?? "");
    const forms = { flags, passThrough: round % 2 === 0 };
    assert.deepEqual(readWords(argv, forms), reference(argv, forms), argv.join("|"));
  }
});

Deno.test("parseWords() leaves the words of the other program alone", () => {
  const parsed = parseWords(
    ["-lp", "--program", "a", "--program=b", "sh", "--help", "--", "-l"],
    meta,
  );
  assert.deepEqual(parsed.words, ["sh", "--help", "--", "-l"]);
  assert.deepEqual({ ...parsed.values }, { lite: true, "post-mortem": true, program: ["a", "b"] });
  assert.deepEqual(parseWords(["-l", "--", "-x"], meta).words, ["-x"]);
});

Deno.test("parseWords() says what is wrong with a flag", () => {
  const wrong = [
    [["--liet", "x"], /unknown flag "--liet"/],
    [["-lz", "x"], /unknown flag "-z"/],
    [["--constructor", "x"], /unknown flag "--constructor"/],
    [["--lite=1", "x"], /"--lite" takes no value/],
    [["--port=", "x"], /"--port" needs a value/],
    [["-P"], /"--port" needs a value/],
  ] as const;
  for (const [argv, message] of wrong) {
    assert.throws(() => parseWords(argv, meta), (error) => {
      assert.ok(error instanceof RdgError);
      assert.equal(error.exitCode, 2);
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("style() marks text as node:util's styleText does, unless colours aren't wanted", async () => {
  const { styleText } = await import("node:util");
  const coloured = systemTerminal((name) => name === "FORCE_COLOR" ? "1" : undefined);
  for (const style of ["bold", "dim", "red", "green", "yellow", "cyan"] as const) {
    assert.equal(coloured.style(style, "x"), styleText(style, "x", { validateStream: false }));
  }
  const plain = systemTerminal((name) => name === "NO_COLOR" || name === "FORCE_COLOR" ? "1" : "");
  assert.equal(plain.style("red", "x"), "x");
});
