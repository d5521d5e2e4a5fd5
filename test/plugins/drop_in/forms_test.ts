/** The contract as checks: whatever a built-in plugin is and gives, passes unchanged. */

import assert from "node:assert/strict";
import { attachProfile } from "../../../commands/init/profile.ts";
import { checkPlugin } from "../../../plugins/drop_in/forms.ts";
import { editorResults, runSpec, schedulerResults } from "../../../plugins/drop_in/results.ts";
import { editors } from "../../../plugins/editors.ts";
import { schedulers } from "../../../plugins/schedulers.ts";
import { slurm } from "../../../plugins/schedulers/slurm.ts";
import { squeueLine } from "../../support/squeue.ts";

const target = { job: "36", nodes: ["n1", "n2"], jobNodes: ["n1", "n2"] };

Deno.test("checkPlugin() takes every built-in plugin as it is", () => {
  for (const plugin of [...schedulers, ...editors]) {
    const data = JSON.parse(JSON.stringify(plugin));
    const functions = Object.entries(plugin)
      .filter(([, member]) => typeof member === "function").map(([name]) => name);
    assert.deepEqual(checkPlugin({ data, functions }), data, plugin.name);
  }
});

Deno.test("results of built-in schedulers pass unchanged", () => {
  for (const { name, list, helper, relay } of schedulers) {
    const first = list({ user: "ada" }).next();
    if (!first.done) assert.deepEqual(runSpec(first.value, name), first.value);
    for (const make of [helper, relay]) {
      const spec = make?.(target, ["python3", "-c", "print('x y')"]) ?? null;
      assert.deepEqual(schedulerResults.helper(spec, name), spec);
    }
  }
  const steps = slurm.list({ user: "ada" });
  steps.next();
  const stdout = squeueLine({ nodes: "n[1-2]" });
  const { value } = steps.next({ code: 0, stdout, stderr: "" });
  assert.deepEqual(schedulerResults.list(value, "list()"), value);
  const failure = slurm.helperFailure?.(
    { code: 1, stdout: "", stderr: "srun: error: Access/permission denied" },
    { program: "srun", args: [] },
  );
  assert.deepEqual(schedulerResults.helperFailure(failure, "helperFailure()"), failure);
});

Deno.test("results of built-in editors pass unchanged", () => {
  const profile = attachProfile({ localRoot: "/home/ada/p", realRoot: "/pfs/ada/p" });
  for (const plugin of editors) {
    for (const { path, fresh } of plugin.files) {
      const file = fresh ?? path;
      const edit = plugin.apply({ file, oldText: null, profile });
      assert.deepEqual(editorResults.apply(edit, "apply()"), JSON.parse(JSON.stringify(edit)));
      const back = plugin.remove({ file, oldText: edit.text ?? "", profile });
      assert.deepEqual(editorResults.remove(back, "remove()"), JSON.parse(JSON.stringify(back)));
    }
    const lines = plugin.instructions(profile);
    assert.deepEqual(editorResults.instructions(lines, "instructions()"), lines);
  }
});

Deno.test("runSpec() refuses what would reach another program than it says", () => {
  const good = { program: "tq", args: ["a b", "$(id)", ""] };
  assert.deepEqual(runSpec({ ...good, odd: 1 }, "it"), good);
  const env = { LD_PRELOAD: null, TQ_FORMAT: "long" };
  assert.deepEqual(runSpec({ ...good, env }, "it"), { ...good, env });
  for (
    const [spec, why] of [
      [{ program: "tq jobs", args: [] }, /it\.program is "tq jobs": want a program's name/],
      [{ program: "../tq", args: [] }, /it\.program/],
      [{ program: "-x", args: [] }, /it\.program/],
      [{ program: "tq", args: ["a\0b"] }, /it\.args\[0\] .*want a text without NUL/],
      [{ program: "tq", args: "x" }, /it\.args is "x": want a list/],
      [{ program: "tq" }, /it\.args is nothing: want a list/],
      [{ ...good, timeoutMs: 1e9 }, /it\.timeoutMs/],
      [{ ...good, env: { A: 1 } }, /it\.env\.A is 1: want a text/],
      [{ ...good, env: { PATH: "/tmp" } }, /it\.env\.PATH is "\/tmp": want no variable that/],
      [{ ...good, env: { LD_PRELOAD: "x" } }, /it\.env\.LD_PRELOAD/],
      [{ ...good, env: { PYTHONPATH: "x" } }, /it\.env\.PYTHONPATH/],
      [{ ...good, env: { "A=B": "x" } }, /it\.env's name is "A=B": want the name of a variable/],
      [{ ...good, stdin: {} }, /it\.stdin/],
      [null, /it is null: want an object/],
    ] as const
  ) {
    assert.throws(() => runSpec(spec, "it"), why);
  }
});
