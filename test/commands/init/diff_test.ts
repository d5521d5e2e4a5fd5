/**
 * The diff, read back by git: applied to the old text it gives the new one. Starts git.
 *
 * @module
 */

import assert from "node:assert/strict";
import { unifiedDiff } from "../../../commands/init/diff.ts";

Deno.test("unifiedDiff() shows hunks with three lines around", () => {
  const before = Array.from({ length: 20 }, (_, index) => `line ${index}\n`).join("");
  const after = before.replace("line 3\n", "line 3\nnew\n").replace("line 15\n", "");
  assert.equal(
    unifiedDiff("f", { before, after }),
    "--- a/f\n+++ b/f\n" +
      "@@ -2,6 +2,7 @@\n line 1\n line 2\n line 3\n+new\n line 4\n line 5\n line 6\n" +
      "@@ -13,7 +14,6 @@\n line 12\n line 13\n line 14\n-line 15\n line 16\n line 17\n line 18\n",
  );
  assert.equal(unifiedDiff("f", { before, after: before }), "");
});

Deno.test("unifiedDiff() gives what git applies, whatever the texts", async () => {
  const folder = await Deno.makeTempDir({ prefix: "rdg-diff-" });
  try {
    const pieces = ["a\n", "b\n", "a\n", "{\r\n", "c", "", "\n", "d\n"];
    for (let seed = 1; seed <= 60; seed++) {
      const text = (step: number) => {
        const count = 1 + (seed * step) % 12;
        return Array.from({ length: count }, (_, i) => pieces[(seed * step * (i + 3)) % 8]).join(
          "",
        );
      };
      const before = seed % 9 === 0 ? null : text(7);
      const after = seed % 11 === 0 ? null : text(13);
      if (before === after || before === "" || after === "") continue;
      const path = `${folder}/f${seed}`;
      if (before !== null) await Deno.writeTextFile(path, before);
      await Deno.writeTextFile(`${folder}/d`, unifiedDiff(`f${seed}`, { before, after }));
      const { success, stderr } = await new Deno.Command("git", {
        args: ["apply", "--whitespace=nowarn", "d"],
        cwd: folder,
        env: { GIT_CEILING_DIRECTORIES: folder, GIT_CONFIG_GLOBAL: "/dev/null" },
      }).output();
      assert.ok(success, `seed ${seed}: ${new TextDecoder().decode(stderr)}`);
      const found = await Deno.readTextFile(path).catch(() => null);
      assert.equal(found, after, `seed ${seed}`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
