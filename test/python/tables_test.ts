/** The tables that the Python side reads are those of the plugins. */

import assert from "node:assert/strict";
import { rankTable } from "../../plugins/ranks.ts";
import { schedulers } from "../../plugins/schedulers.ts";
import { local } from "../../plugins/schedulers/local.ts";
import { slurm } from "../../plugins/schedulers/slurm.ts";
import { renderTables } from "../../python/tables.ts";

Deno.test("renderTables() gives _tables.py as it stands (else: deno task generate)", async () => {
  const file = new URL("../../python/remote_debug/_tables.py", import.meta.url);
  assert.equal(await Deno.readTextFile(file), renderTables(schedulers, rankTable));
});

Deno.test("renderTables() writes Python, one row a line, without plugins that mark no job", () => {
  const rank = { launcher: 'a"b', requires: ["X"], rank: "R", below: { variable: "X", limit: 3 } };
  assert.equal(
    renderTables([local, { ...slurm, job: { present: [["A", "B"]], job: ["A"] } }], [rank]),
    `"""Variables of schedulers and launchers. Written by \`deno task generate\` from the plugins."""

SCHEDULERS = (
    {"name": "slurm", "job": {"present": (("A", "B"),), "job": ("A",)}},
)  # type: tuple

RANKS = (
    {"launcher": "a\\"b", "requires": ("X",), "rank": "R", "below": {"variable": "X", "limit": 3}},
)  # type: tuple
`,
  );
});
