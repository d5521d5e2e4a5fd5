/** exampleq's plugin, fed what exampleq prints: `deno test --allow-read=.` in this folder. */

import assert from "node:assert/strict";
import plugin from "./plugin.ts";

const jobs = await Deno.readTextFile(new URL("./testdata/1.0-jobs.txt", import.meta.url));

Deno.test("list() asks once and reads what comes", () => {
  const steps = plugin.list({ user: "ada" });
  assert.deepEqual(steps.next().value, { program: "exampleq", args: ["jobs", "--user", "ada"] });
  const { done, value } = steps.next({ code: 0, stdout: jobs, stderr: "" });
  assert.equal(done, true);
  assert.deepEqual((value as { id: string }[]).map(({ id }) => id), ["7", "8"]);
});

Deno.test("list() tells a failure from an empty list", () => {
  const steps = plugin.list({ user: "ada" });
  steps.next();
  const output = { code: 1, stdout: "", stderr: "no server" };
  assert.throws(() => steps.next(output), /exited with code 1/);
});

Deno.test("helper() runs the command on the nodes", () => {
  const spec = plugin.helper?.({ job: "7", nodes: ["n1", "n2"] }, ["python3", "-c", "pass"]);
  assert.deepEqual(spec?.args.slice(-3), ["python3", "-c", "pass"]);
  assert(spec?.args.includes("n1,n2"));
});
