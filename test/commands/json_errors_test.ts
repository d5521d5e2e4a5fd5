/** `--json` and errors: one object on stdout whatever comes of it. The real CLI as a child. */

import assert from "node:assert/strict";
import { makeSandbox, runRdg } from "../support/rdg.ts";

Deno.test("--json: an error is one object on stdout, and words on stderr", async (t) => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const slurm = { PATH: "/nowhere", RDG_SCHEDULER: "slurm" };
  const cases: [string, Record<string, string>, string, number, RegExp][] = [
    ["attach 36 --json", slurm, "not-found", 3, /^Cannot run "squeue": it is not on PATH$/],
    ["attach --json 36 abc", {}, "usage", 2, /^Cannot use "abc" as a PID/],
    ["attach --json --bogus", {}, "usage", 2, /unknown flag "--bogus"/],
    ["sessions --json --scheduler=slurn", {}, "usage", 2, /no such scheduler$/],
    ["stack 36 --json", slurm, "not-found", 3, /^Cannot run "squeue"/],
    ["connect --json --via=magic", {}, "usage", 2, /no such way$/],
  ];
  for (const [words, env, code, exitCode, message] of cases) {
    await t.step(words, async () => {
      const done = await runRdg(words.split(" "), { sandbox, env });
      assert.equal(done.code, exitCode);
      const { error, ...rest } = JSON.parse(done.stdout);
      assert.deepEqual(rest, {});
      assert.deepEqual([error.code, error.exitCode], [code, exitCode]);
      assert.match(error.message, message);
      assert.ok(done.stderr.startsWith(`${error.message}\n`), done.stderr);
      if (error.hint) assert.ok(done.stderr.includes(`Try: ${error.hint}`));
    });
  }
  await t.step("without it stdout stays empty", async () => {
    const done = await runRdg(["attach", "36"], { sandbox, env: slurm });
    assert.deepEqual([done.code, done.stdout], [3, ""]);
  });
  await t.step("a --json behind -- is a word", async () => {
    const done = await runRdg(["attach", "36", "--", "--json"], { sandbox, env: slurm });
    assert.deepEqual([done.code, done.stdout], [2, ""]);
  });
  await t.step("a --json that belongs to the program is none of rdg's", async () => {
    const done = await runRdg(["debug", "nosuchprogram", "--json"], { sandbox });
    assert.deepEqual([done.code, done.stdout], [3, ""]);
  });
});
