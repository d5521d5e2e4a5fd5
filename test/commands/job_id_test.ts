/** Jobs' ids as they are typed. */

import assert from "node:assert/strict";
import { isPartOf, namesJob, parseJobId } from "../../commands/_job_id.ts";
import { RdgError } from "../../plugins/error.ts";

Deno.test("parseJobId() takes every scheduler's ids", () => {
  for (
    const id of ["12345", "36_1", "36[1]", "12.server-1", "12.server", "8+1", "ƒ26kXi", "local"]
  ) {
    assert.equal(parseJobId(id, ""), id);
  }
});

Deno.test("parseJobId() refuses what no job is called, with an example", () => {
  for (const word of ["", " ", "1 2", "36;rm", "a/b", "$(x)", "ünïcode", "1\n"]) {
    assert.throws(() => parseJobId(word, "rdg attach 12345"), (error) => {
      assert.ok(error instanceof RdgError);
      assert.deepEqual([error.exitCode, error.hint], [2, "rdg attach 12345"]);
      assert.equal(error.message, `Cannot use "${word}" as a job's id`);
      return true;
    });
  }
});

Deno.test("isPartOf() knows the elements of each scheduler's arrays, and components", () => {
  for (const part of ["36_1", "36[1]", "36.1", "36+0"]) assert.equal(isPartOf("36", part), true);
  for (const other of ["36", "361", "3_6", "136_1"]) assert.equal(isPartOf("36", other), false);
});

Deno.test("namesJob() takes the id, the one that people write, and the whole", () => {
  const job = { id: "37", display: "36_1" };
  for (const typed of ["37", "36_1", "36"]) assert.equal(namesJob(typed, job), true, typed);
  for (const typed of ["3", "36_", "36_11", "38"]) assert.equal(namesJob(typed, job), false, typed);
});
