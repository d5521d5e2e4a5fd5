import assert from "node:assert/strict";
import { findAll, parseXml, textOf } from "../../../plugins/schedulers/_xml.ts";
import { pure } from "./_feed.ts";
import { assertLinear } from "../../support/growth.ts";

pure("parseXml() reads elements, attributes, entities, comments and CDATA", () => {
  const root = parseXml(
    `<?xml version='1.0'?><!DOCTYPE a><!-- <x> --><a b="1&amp;2" c='&#65;&#x42;'>t<b/>` +
      `<c d="a>b">&lt;&gt;&quot;&apos;&nope;</c><![CDATA[<raw> &amp;]]></a>`,
  );
  const [a] = root.children;
  assert.deepEqual(a!.attributes, { b: "1&2", c: "AB" });
  assert.equal(a!.text, "t<raw> &amp;");
  assert.deepEqual(a!.children.map(({ name }) => name), ["b", "c"]);
  assert.equal(textOf(a!, "c"), `<>"'&nope;`);
  assert.deepEqual(a!.children[1]!.attributes, { d: "a>b" });
});

pure("parseXml() keeps signs that make no element as text, and ignores a stray end", () => {
  const root = parseXml("<a><>1 < 2 </></b></a>");
  assert.deepEqual(root.children.map(({ name }) => name), ["a"]);
  assert.match(root.children[0]!.text, /1 < 2/);
});

pure("parseXml() closes what an outer end leaves open", () => {
  const root = parseXml("<a><b><c>x</a><d/>");
  assert.deepEqual(root.children.map(({ name }) => name), ["a", "d"]);
});

pure("parseXml() refuses what is no XML, or not all of it", () => {
  for (const text of ["", "plain text", "<a><b></b>", "<a", "<!-- <a> -->"]) {
    assert.throws(() => parseXml(text), SyntaxError, text);
  }
});

pure("findAll() goes to any depth, textOf() along a path", () => {
  const root = parseXml("<r><j><n>1</n></j><q><j><n> 2 </n><e/></j></q></r>");
  const jobs = findAll(root, "j");
  assert.deepEqual(jobs.map((job) => textOf(job, "n")), ["1", "2"]);
  assert.equal(textOf(root, "r", "q", "j", "n"), "2");
  assert.equal(textOf(jobs[1]!, "e"), undefined);
  assert.equal(textOf(jobs[1]!, "x", "y"), undefined);
});

pure("parseXml() takes no longer for more rubbish than its length asks for", () => {
  for (const part of ["<a ", '<a b="', "<a><!--", "<a><![CDATA["]) {
    assertLinear((times) => {
      const text = part.repeat(times);
      return () => assert.throws(() => parseXml(text), SyntaxError);
    }, 40_000);
  }
});
