/** Tables, lines and lengths of time. */

import assert from "node:assert/strict";
import { columns, cut, duration, printable } from "../../commands/_columns.ts";

Deno.test("columns() pads all but the last column, two blanks apart", () => {
  assert.deepEqual(columns([["JOB", "NAME"], ["4711", "x"], ["5", ""]], 80), [
    "JOB   NAME",
    "4711  x",
    "5",
  ]);
});

Deno.test("columns() counts what characters take on a terminal", () => {
  assert.deepEqual(columns([["训练", "a"], ["e\u0301é", "b"], ["🚀x", "c"]], 80), [
    "训练  a",
    "e\u0301é    b",
    "🚀x   c",
  ]);
});

Deno.test("columns() shows control characters as question marks", () => {
  assert.deepEqual(columns([["a\x1b[2Jb", "c\nd"]], 80), ["a?[2Jb  c?d"]);
});

Deno.test("cut() keeps to the width, and no character is cut in two", () => {
  assert.equal(cut("abcdef", 6), "abcdef");
  assert.equal(cut("abcdef", 5), "abcd…");
  assert.equal(cut("训练模型", 8), "训练模型");
  assert.equal(cut("训练模型", 7), "训练模…");
  assert.equal(cut("训练模型", 6), "训练…");
  assert.equal(cut("🚀🚀🚀", 4), "🚀…");
  assert.equal(cut("abc", 0), "a…");
});

Deno.test("duration() is short, and has days", () => {
  const shown = [0, 45, 750, 10_930, 183_600, -5, undefined, NaN].map(duration);
  assert.deepEqual(shown, ["0s", "45s", "12:30", "3:02:10", "2-03:00:00", "0s", "-", "-"]);
});

Deno.test("printable() leaves letters of all languages alone", () => {
  assert.equal(printable("träining 训练 🚀\x07\x9b"), "träining 训练 🚀??");
});
