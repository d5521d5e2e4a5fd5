/** Which lines of a menu stay while a person types, and in which order. */

import assert from "node:assert/strict";
import { type Choice, filtered } from "../../commands/_job_menu.ts";

/** Jobs as the menu shows them. */
const choices: Choice<string>[] = [
  ["12", "train", "4:36"],
  ["436", "evaluate", "0:12"],
  ["36", "Train  Big", "1:00"],
].map(([id, name, time]) => ({
  name: `${id}  RUNNING  ${time}  ${name}`,
  value: id!,
  short: `${id} ${name}`,
  keys: [id!, name!],
}));

const left = (term: string) => filtered(choices, term).map(({ value }) => value);

Deno.test("filtered() keeps all before anything is typed", () => {
  assert.deepEqual(left(""), ["12", "436", "36"]);
  assert.deepEqual(left("  "), ["12", "436", "36"]);
});

Deno.test("filtered() puts what is called so before what merely holds it", () => {
  assert.deepEqual(left("36"), ["36", "12", "436"]);
  assert.deepEqual(left("12"), ["12", "436"]);
  assert.deepEqual(left("ev"), ["436"]);
});

Deno.test("filtered() minds neither capitals nor blanks, and takes words in any order", () => {
  assert.deepEqual(left("train big"), ["36"]);
  assert.deepEqual(left("big running"), ["36"]);
  assert.deepEqual(left("nothing"), []);
});
