/** The helpers as they are carried to the nodes, for every Python that may be there. */

import assert from "node:assert/strict";
import { helperSource } from "../../python/helpers.ts";
import { interpreters, python, tooOld } from "../support/python.ts";
import { outcome } from "../support/outcome.ts";
import { makeSandbox } from "../support/rdg.ts";

const names = ["wake", "stack"] as const;

Deno.test("helperSource() is one argument of ASCII, whatever the node's locale", () => {
  for (const name of names) {
    const source = helperSource(name);
    assert.ok(/^[\n\x20-\x7e]*$/.test(source), name);
    // A single argument may have 128 KiB (Linux), and quoting for ssh makes it longer.
    assert.ok(source.length < 100_000, `${name}: ${source.length}`);
  }
});

const request = JSON.stringify({
  ...{ job: null, jobVariables: [], jobAliases: [], element: null, nodeVariables: [], node: "n1" },
  ...{ state: null, waitS: 0, stuckAfterS: 3, limitS: 1, children: true, orphans: false },
  ...{ unarmed: false, rankVariables: [] },
  processes: [[null, 1073741823, null, null, null, 0, null]],
});

for (const { path, version } of [...interpreters, ...tooOld]) {
  if (version === "2.7") continue;
  Deno.test(`the helpers run, and say that a process isn't there (${version})`, async () => {
    await using sandbox = await makeSandbox({ debugpy: null });
    for (const name of names) {
      const text = name === "wake" ? request.replace(",0,null]]", "]]") : request;
      const words = [path, "-I", "-S", "-c", helperSource(name), text.slice(0, 50), text.slice(50)];
      const { code, stdout, stderr } = await outcome(words, { sandbox });
      assert.deepEqual([code, stderr], [0, ""]);
      assert.match(stdout, /^rdg-\w+ .*"type":\s?"node"/);
      assert.match(stdout, /"not-here"/);
      assert.match(stdout, /"type":\s?"done"/);
    }
  });
}

Deno.test("the helpers name the element of an array that a process belongs to", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const child = new Deno.Command("sleep", {
    args: ["100"],
    env: { TOY_JOB: "8", TOY_INDEX: "3" },
  }).spawn();
  try {
    const asked = {
      ...JSON.parse(request),
      ...{ job: "8.4", jobVariables: ["TOY_JOB"], processes: [["n1", child.pid, null, null, 40]] },
      element: { pattern: "{job}.{index}", variables: ["TOY_INDEX"], none: [] },
    };
    const words = [python.path, "-I", "-S", "-c", helperSource("wake"), JSON.stringify(asked)];
    const { stdout, stderr } = await outcome(words, { sandbox });
    assert.match(stdout, /"outcome":\s?"other-job"/, stderr);
    assert.match(stdout, /"detail":\s?"8\.3"/);
  } finally {
    child.kill();
    await child.status;
  }
});
