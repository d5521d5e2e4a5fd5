/** README, "Writing a plugin", names all that the contract has: whoever has only the page lacks nothing. */

import assert from "node:assert/strict";
import { root } from "../support/python.ts";
import { spansOf } from "./_blocks.ts";

const readme = await Deno.readTextFile(`${root}/README.md`);
const contract = await Deno.readTextFile(`${root}/plugins/contract.ts`);

/** Interfaces that are rdg's own business: ranks, which no plugin can add to. */
const others = ["RankVariables"];

/** The members of each of the contract's interfaces. */
function members(): { owner: string; name: string }[] {
  const bodies = contract.matchAll(/^export interface (\w+)[^{]*\{\n([^]*?)^\}/gm);
  return [...bodies].flatMap(([, owner = "", body = ""]) =>
    [...body.matchAll(/^ {2,4}(\w+)\??[:(]/gm)].map(([, name = ""]) => ({ owner, name }))
  ).filter(({ owner }) => !others.includes(owner));
}

Deno.test("README: the page about plugins names every member of the contract", () => {
  const sections = ["Writing a plugin", "Schedulers", "Editors", "Cases"];
  const spans = spansOf(readme).filter(({ section }) => sections.includes(section ?? ""));
  const words = new Set(spans.flatMap(({ text }) => text.match(/\w+/g) ?? []));
  const all = members();
  const missing = all.filter(({ name }) => !words.has(name));
  assert.deepEqual(missing.map(({ owner, name }) => `${owner}.${name}`), []);
  assert(all.length > 60, `only ${all.length} members were found`);
});
