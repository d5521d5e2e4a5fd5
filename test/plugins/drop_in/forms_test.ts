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
  const env = {
    LD_PRELOAD: null,
    TQ_FORMAT: "long",
    LC_ALL: "C",
    SLURM_BITSTR_LEN: "0",
    NODES: "2",
  };
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
      [{ ...good, env: { BASH_ENV: "x" } }, /it\.env\.BASH_ENV/],
      [{ ...good, env: { SLURM_CONF: "x" } }, /it\.env\.SLURM_CONF/],
      [{ ...good, env: { FLUX_EXEC_PATH: "x" } }, /it\.env\.FLUX_EXEC_PATH/],
      [{ ...good, env: { HOME: "x" } }, /it\.env\.HOME/],
      [{ ...good, env: { GLIBC_TUNABLES: "x" } }, /it\.env\.GLIBC_TUNABLES/],
      [{ ...good, env: { EDITOR: "x" } }, /it\.env\.EDITOR/],
      [{ program: "/opt/../tmp/tq", args: [] }, /it\.program/],
      [{ program: "/opt/./tq", args: [] }, /it\.program/],
      [{ program: "./tq", args: [] }, /it\.program/],
      [{ ...good, env: { "A=B": "x" } }, /it\.env's name is "A=B": want the name of a variable/],
      [{ ...good, stdin: {} }, /it\.stdin/],
      [null, /it is null: want an object/],
    ] as const
  ) {
    assert.throws(() => runSpec(spec, "it"), why);
  }
});

Deno.test("what a plugin has to say is fit for a terminal", () => {
  const odd = "a\u001b[31mb\u001b]0;c\u0007\u202ed";
  const plain = "ab ]0;c d";
  const helper = { message: odd, hint: odd, cause: `${odd}\n${odd}` };
  assert.deepEqual(schedulerResults.helperFailure(helper, "it"), {
    message: plain,
    hint: plain,
    cause: `${plain}\n${plain}`,
  });
  assert.deepEqual(editorResults.instructions([odd], "it"), [plain]);
  assert.deepEqual(editorResults.apply({ text: odd, notes: [`${odd}\nx`] }, "it"), {
    text: odd,
    notes: [`${plain}\nx`],
  });
  const job = { id: "1", displayId: "1", name: odd, state: "running", stateText: odd, nodes: [] };
  assert.deepEqual(schedulerResults.list([job], "it"), [{ ...job, stateText: plain }]);
});

Deno.test("an error shows the beginning of a value, and of what is nested the kind", () => {
  assert.throws(() => schedulerResults.lookup("x".repeat(1e6), "it"), {
    message: `it is "${"x".repeat(59)}…: want an object`,
  });
  assert.throws(() => schedulerResults.lookup([[[]]], "it"), /^.*it is a list: want an object$/);
  assert.throws(() => schedulerResults.list({ a: {} }, "it"), /^.*it is an object: want a list$/);
});
