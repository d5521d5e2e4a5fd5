/** Rank lists as they are typed. */

import assert from "node:assert/strict";
import { absentRanks, formatRanks, inRanks, parseRanks } from "../../commands/_ranks.ts";
import { RdgError } from "../../plugins/error.ts";

Deno.test("parseRanks() reads numbers and ranges", () => {
  assert.deepEqual(parseRanks("0"), [[0, 0]]);
  assert.deepEqual(parseRanks("0,3-5, 7 - 7".replace(" - ", "-")), [[0, 0], [3, 5], [7, 7]]);
  assert.deepEqual(parseRanks("4-4"), [[4, 4]]);
});

Deno.test("parseRanks() refuses anything else", () => {
  for (const text of ["", ",", "x", "1-", "-1", "5-3", "1,,2", "1;2", "1.5", "1 2", "9999999999"]) {
    assert.throws(
      () => parseRanks(text),
      (error) =>
        error instanceof RdgError && error.exitCode === 2 &&
        error.message.includes(`--rank=${text}`) && error.hint === "--rank=0,3-5",
      text,
    );
  }
});

Deno.test("inRanks() takes in the ends, and counts no rank as rank 0", () => {
  const ranges = parseRanks("0,3-5");
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6].filter((rank) => inRanks(rank, ranges)), [0, 3, 4, 5]);
  assert.equal(inRanks(null, ranges), true);
  assert.equal(inRanks(null, parseRanks("1")), false);
  assert.equal(inRanks(9, undefined), true);
});

Deno.test("formatRanks() writes what parseRanks() reads, as short as it goes", () => {
  assert.equal(formatRanks([3, 0, 5, 4, 7, 3]), "0,3-5,7");
  assert.equal(formatRanks([]), "");
  assert.deepEqual(parseRanks(formatRanks([0, 1, 2, 9])), [[0, 2], [9, 9]]);
});

Deno.test("absentRanks() names the ranks that have no session, of those that were asked for", () => {
  const ranks = (...numbers: (number | null)[]) =>
    numbers.map((rank) => ({ rank, worldSize: rank === null ? null : 4 }));
  const line = (who: string) => [`No session of ${who}: never armed, not started yet, or ended`];
  assert.deepEqual(absentRanks(ranks(0, 1, 2, 3), undefined), []);
  assert.deepEqual(absentRanks(ranks(0, 2, 3), undefined), line("rank 1 of 4"));
  assert.deepEqual(absentRanks(ranks(0), parseRanks("0,2-3,9")), line("3 ranks (2-3,9) of 4"));
  assert.deepEqual(absentRanks([{ rank: 0, worldSize: null }], parseRanks("0,5")), line("rank 5"));
  // A program without ranks misses none.
  assert.deepEqual(absentRanks(ranks(null), undefined), []);
});
