import assert from "node:assert/strict";
import { expandHostlist } from "../../../plugins/schedulers/_hostlist.ts";
import { pure } from "./_feed.ts";

pure("expandHostlist() gives what scontrol 22.05 shows", () => {
  assert.deepEqual(
    expandHostlist("n[1-3,07-09],login,r[0-1]n[01-02]"),
    "n1 n2 n3 n07 n08 n09 login r0n01 r0n02 r1n01 r1n02".split(" "),
  );
});

pure("expandHostlist() keeps padding across a power of ten", () => {
  assert.deepEqual(expandHostlist("n[098-101]"), ["n098", "n099", "n100", "n101"]);
  assert.deepEqual(expandHostlist("n[8-11]"), ["n8", "n9", "n10", "n11"]);
});

pure("expandHostlist() takes names without brackets, and nothing", () => {
  assert.deepEqual(expandHostlist("a-1.example.org,b"), ["a-1.example.org", "b"]);
  assert.deepEqual(expandHostlist("a\nb\n"), ["a", "b"]);
  assert.deepEqual(expandHostlist(""), []);
  assert.deepEqual(expandHostlist(" , "), []);
});

pure("expandHostlist() allows text after a bracket and brackets side by side", () => {
  assert.deepEqual(expandHostlist("n[1-2]-ib"), ["n1-ib", "n2-ib"]);
  assert.deepEqual(expandHostlist("n[1-2][3-4]"), ["n13", "n14", "n23", "n24"]);
  assert.deepEqual(expandHostlist("[1,3]"), ["1", "3"]);
});

pure("expandHostlist() leaves what it can't read as it was", () => {
  for (const text of ["n[1-", "n[3-1]", "n[a-b]", "n]1[", "n[]", "n[1-[2]]", "(null)"]) {
    assert.deepEqual(expandHostlist(text), [text]);
  }
  assert.deepEqual(expandHostlist("n1,n[3-1],n2"), ["n1", "n[3-1]", "n2"]);
});

pure("expandHostlist() doesn't fill the memory for a rubbish range", () => {
  assert.deepEqual(expandHostlist("n[1-99999999999]"), ["n[1-99999999999]"]);
  assert.deepEqual(expandHostlist("a[0-999]b[0-999]c[0-999]"), ["a[0-999]b[0-999]c[0-999]"]);
  assert.equal(expandHostlist("n[1-200000]").length, 200_000);
});
