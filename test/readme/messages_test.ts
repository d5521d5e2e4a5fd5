/** The messages that the README explains stand in the sources, word by word. */

import assert from "node:assert/strict";
import { root } from "../support/python.ts";
import { spansOf } from "./_blocks.ts";
import { joined, says, sources } from "./_messages.ts";

const readme = await Deno.readTextFile(`${root}/README.md`);
const source = await sources();

/** Messages of a section: the first code spans of a list's point, or of a table's row. */
function explained(): { line: number; text: string }[] {
  const lines = readme.split("\n");
  return spansOf(readme).filter(({ section, line, text }) => {
    if (section !== "Troubleshooting by message") return false;
    const raw = lines[line - 1] ?? "";
    const head = raw.startsWith("|")
      ? raw.split(/(?<!\\)\|/)[1] ?? ""
      : /^- ((?:`[^`]+`(?: \([^)]*\))?(?:,| \/|)\s*)+)/.exec(raw)?.[1] ?? "";
    return head.includes(`\`${text}\``);
  });
}

Deno.test("README: every message of the troubleshooting page stands in the sources", () => {
  const messages = explained();
  const missing = messages.filter(({ text }) => !says(source, text));
  assert.deepEqual(missing.map(({ line, text }) => `README.md:${line}: ${text}`), []);
  assert(messages.length > 30, `only ${messages.length} messages were found`);
});

Deno.test("says() finds a message by its fixed words only", () => {
  const text = joined(
    'throw new Error(`Cannot attach to job ${id}: "${name}" ` +\n  "is gone for good");',
  );
  assert(says(text, 'Cannot attach to job N: "x" is gone'));
  assert(says(text, "… is gone for good"));
  assert(!says(text, "Cannot attach to job N: nothing is gone"));
  assert(!says(text, "Cannot connect to job N"));
  assert(!says(text, "…"));
});
