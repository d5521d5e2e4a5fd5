/**
 * Flags as they are typed, against `node:util`'s `parseArgs`, whose rules rdg follows.
 */

import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { type FlagForms, readWords } from "../../commands/_words.ts";

const flags = {
  lite: { type: "boolean", short: "l", help: "" },
  "post-mortem": { type: "boolean", short: "p", help: "" },
  port: { type: "string", short: "P", help: "" },
  program: { type: "string", multiple: true, help: "" },
} as const;

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
