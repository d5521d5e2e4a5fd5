/** The tables that the Python side reads are those of the plugins. */

import assert from "node:assert/strict";
import { rankTable } from "../../plugins/ranks.ts";
import { schedulers } from "../../plugins/schedulers.ts";
import { local } from "../../plugins/schedulers/local.ts";
import { slurm } from "../../plugins/schedulers/slurm.ts";
import { oldestDebugpy } from "../../python/examine.ts";
import { renderTables } from "../../python/tables.ts";

Deno.test("renderTables() gives _tables.py as it stands (else: deno task generate)", async () => {
  const file = new URL("../../python/remote_debug/_tables.py", import.meta.url);
  assert.equal(
    await Deno.readTextFile(file),
    renderTables(schedulers, { ranks: rankTable, oldestDebugpy }),
  );
});

Deno.test("renderTables() writes Python, one row a line, without plugins that mark no job", () => {
  const rank = { launcher: 'a"b', requires: ["X"], rank: "R", below: { variable: "X", limit: 3 } };
  assert.equal(
    renderTables([local, { ...slurm, job: { present: [["A", "B"]], job: ["A"] } }], {
      ranks: [rank],
      oldestDebugpy: { "3.99": "2.0.1" },
    }),
    `"""What both sides know, of schedulers, launchers and debugpy. Written by \`deno task generate\`."""

SCHEDULERS = (
    {"name": "slurm", "job": {"present": (("A", "B"),), "job": ("A",)}},
)  # type: tuple

RANKS = (
    {"launcher": "a\\"b", "requires": ("X",), "rank": "R", "below": {"variable": "X", "limit": 3}},
)  # type: tuple

OLDEST_DEBUGPY = {"3.99": "2.0.1"}  # type: dict
`,
  );
});
