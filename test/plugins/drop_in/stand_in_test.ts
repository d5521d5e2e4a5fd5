/** A plugin seen through its stand-in: what it asks for has an end, and is what was known of it. Starts Deno. */

import assert from "node:assert/strict";
import { PluginFailure } from "../../../plugins/drop_in/failure.ts";
import { learn } from "../../../plugins/drop_in/manifests.ts";
import { schedulerResults } from "../../../plugins/drop_in/results.ts";
import { Caller } from "../../../plugins/drop_in/stand_in.ts";
import { scheduler } from "../../commands/plugin/_home.ts";

/** What is known of a plugin, whose file may have changed since. */
async function caller(known: string, text: string): Promise<Caller> {
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(path, known);
    const manifest = learn(path);
    assert("data" in manifest, JSON.stringify(manifest));
    return new Caller({ ...manifest, path, read: () => text });
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("Caller.steps() ends a plugin that asks for ever", async () => {
  const text = scheduler({
    list: 'function* () { while (true) yield { program: "toystat", args: [] }; }',
  });
  using plugin = await caller(text, text);
  const steps = plugin.steps("list", [{ user: "ada" }], schedulerResults.list);
  assert.throws(() => {
    let next = steps.next();
    while (!next.done) next = steps.next({ code: 0, stdout: "", stderr: "" });
  }, (error) => {
    assert(error instanceof PluginFailure);
    return /^list\(\) asks for one program after the other, for ever$/.test(error.reason);
  });
});

Deno.test("Caller refuses a plugin that is another one than was known", async () => {
  for (
    const changed of [{ programs: '["toystat", "sh"]' }, { name: '"other"' }, {
      job: '{ present: [["OTHER"]], job: ["OTHER"] }',
    }, { summary: "3" }]
  ) {
    using plugin = await caller(scheduler(), scheduler(changed));
    const steps = plugin.steps("list", [{ user: "ada" }], schedulerResults.list);
    assert.throws(() => steps.next(), /it changed just now; run the command again/);
  }
});
