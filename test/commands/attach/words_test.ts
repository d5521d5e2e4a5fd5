/** What may be typed after `rdg attach`, and what it may start. */

import assert from "node:assert/strict";
import denoConfig from "../../../deno.json" with { type: "json" };
import { schedulers } from "../../../plugins/schedulers.ts";
import { parse } from "../../../commands/attach/command.ts";
import { attach } from "./_attach.ts";

Deno.test("rdg attach refuses words that make no sense", async (t) => {
  const cases: [string, RegExp][] = [
    ["36 42 43", /Cannot use "43"/],
    ["36 -1", /unknown flag "-1"/],
    ["36 abc", /"abc" as a PID/],
    ["36;rm 42", /"36;rm" as a job's id/],
    ["--timeout=1e3 36", /--timeout=1e3/],
    ["36 --rank x", /--rank=x/],
    ["36 --all --rank 1", /"--all" together/],
    ["36 42 --rank 1", /PID together/],
    ["36 --via=magic", /--via=magic/],
    ["36 --timeout 0", /--timeout=0/],
    ["36 --scheduler=slurn", /slurn/],
  ];
  for (const [words, text] of cases) {
    await t.step(words, async () => {
      const { code, stderr } = await attach(words, { env: { RDG_SCHEDULER: "" } });
      assert.match(stderr, text);
      assert.equal(code, 2);
    });
  }
});

Deno.test("rdg attach takes every scheduler's ids, and no empty word", () => {
  for (const job of ["36", "36_1", "36[1]", "36.server-1", "8+1", "ƒ26kXi", "f26kXi", "local"]) {
    assert.equal(parse([job]).job, job);
  }
  assert.throws(() => parse([""]), { message: `Cannot use "" as a job's id` });
});

// Which of them needs which is shown by test/permissions: it runs both under their lists.
Deno.test("the permission sets of attach and sessions together hold every scheduler's programs", () => {
  const { attach, sessions } = denoConfig.permissions;
  const own = ["cat", "kill", "readlink", "sh", "ssh"];
  const programs = new Set([...schedulers.flatMap((one) => one.programs), ...own]);
  assert.deepEqual([...new Set([...attach.run, ...sessions.run])].sort(), [...programs].sort());
  assert.deepEqual(sessions.run.filter((name) => ["sh", "ssh", "srun", "qrsh"].includes(name)), []);
});
