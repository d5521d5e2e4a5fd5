/** The plugin for Slurm against lines as squeue 22.05 prints them, and srun's complaints. Pure. */

import assert from "node:assert/strict";
import type { RunOutput, RunSpec, Steps } from "../../../plugins/contract.ts";
import { slurm } from "../../../plugins/schedulers/slurm.ts";
import { squeueLine } from "../../support/squeue.ts";

/** Drives steps with canned outputs; returns the result and what was asked for. */
function drive<T>(steps: Steps<T>, outputs: readonly Partial<RunOutput>[]): [T, RunSpec[]] {
  const asked: RunSpec[] = [];
  const left = [...outputs];
  let next = steps.next();
  while (!next.done) {
    asked.push(next.value);
    const output = left.shift();
    assert.ok(output, "one call too many");
    next = steps.next({ code: 0, stdout: "", stderr: "", ...output });
  }
  assert.equal(left.length, 0, "a call too few");
  return [next.value, asked];
}

Deno.test("slurm.list() keeps array tasks apart, expands nodes, reads times", () => {
  const [jobs] = drive(slurm.list({ user: "ada" }), [{
    stdout: squeueLine({ id: "41", display: "40_1", nodes: "n[1-2,07]", left: "1-02:03:04" }) +
      squeueLine({ id: "42", display: "40_2", state: "PENDING", nodes: "", left: "UNLIMITED" }) +
      squeueLine({ id: "43", display: "43+0", state: "SPECIAL_EXIT", elapsed: "INVALID" }),
  }]);
  assert.deepEqual(jobs.map(({ id, displayId, state, nodes }) => [id, displayId, state, nodes]), [
    ["41", "40_1", "running", ["n1", "n2", "n07"]],
    ["42", "40_2", "pending", []],
    ["43", "43+0", "other", ["n1", "n2"]],
  ]);
  assert.deepEqual(jobs.map(({ leftS }) => leftS), [93784, undefined, 2850]);
  assert.deepEqual(jobs.map(({ elapsedS }) => elapsedS), [750, 750, undefined]);
  assert.equal(jobs[2]!.stateText, "SPECIAL_EXIT");
});

Deno.test("slurm.list() takes any name: separators, line breaks, quotes", () => {
  const [jobs] = drive(slurm.list({ user: "ada" }), [{
    stdout: squeueLine({ id: "1", name: "a b|c\x1fd" }) +
      squeueLine({ id: "2", name: "two\nlines" }),
  }]);
  assert.deepEqual(jobs.map(({ name }) => name), ["a b|c\x1fd", "two\nlines"]);
});

Deno.test("slurm.list() asks by user name where squeue knows no --me", () => {
  const [jobs, asked] = drive(slurm.list({ user: "ada" }), [
    { code: 1, stderr: "squeue: unrecognized option '--me'\n" },
    { stdout: squeueLine({}) },
  ]);
  assert.equal(jobs.length, 1);
  assert.ok(asked[1]!.args.includes("ada") && !asked[1]!.args.includes("--me"));
});

Deno.test("slurm.list() scrubs the environment but keeps the way to the cluster", () => {
  const [, [spec]] = drive(slurm.list({ user: "ada" }), [{}]);
  assert.ok(spec!.without?.includes("SQUEUE_*") && spec!.without.includes("SLURM_*"));
  assert.ok(spec!.keep?.includes("SLURM_CONF"));
});

Deno.test("slurm.helper() starts one task a node that takes nothing from the job", () => {
  const spec = slurm.helper!({ job: "36", nodes: ["n1", "n2"] }, ["true", "x"])!;
  const line = spec.args.join(" ");
  assert.match(line, /^--jobid=36 --overlap -w n1,n2 -N2 -n2 --ntasks-per-node=1 .*true x$/);
  assert.match(line, /--mem=0 --gres=none/);
  const component = slurm.helper!({ job: "36+1", nodes: ["n2"] }, ["true"])!;
  assert.deepEqual(component.args.slice(0, 2), ["--jobid=36", "--het-group=1"]);
});

Deno.test("slurm.helperFailure() leaves out an option that srun is too old for", () => {
  const spec = slurm.helper!({ job: "36", nodes: ["n1"] }, ["true"])!;
  for (const option of ["--overlap", "--gres"]) {
    const failure = slurm.helperFailure!(
      { code: 1, stdout: "", stderr: `srun: unrecognized option '${option}'\n` },
      spec,
    );
    assert.ok(spec.args.some((word) => word.startsWith(option)));
    assert.ok(!failure?.retry?.args.some((word) => word.startsWith(option)));
  }
});

Deno.test("slurm.helperFailure() knows a suspended job", () => {
  const spec = slurm.helper!({ job: "4", nodes: ["n1"] }, ["true"])!;
  // 22.05
  const stderr = "srun: cluster configuration lacks support for cpu binding\n" +
    "srun: error: Unable to create step for job 4: Requested operation is presently disabled\n";
  const failure = slurm.helperFailure!({ code: 1, stdout: "", stderr }, spec);
  assert.match(failure!.message, /suspended/);
  assert.ok(!failure!.ssh);
});

Deno.test("slurm.helperFailure() blames nobody when srun succeeded", () => {
  const spec = slurm.helper!({ job: "36", nodes: ["n1"] }, ["true"])!;
  const warning = "srun: cluster configuration lacks support for cpu binding\n";
  assert.equal(slurm.helperFailure!({ code: 0, stdout: "", stderr: warning }, spec), null);
});

Deno.test("slurm.broadcast() signals one step, or the batch script", () => {
  const words = (step?: string) =>
    slurm.broadcast!({ job: "36", signal: 40, ...(step ? { step } : {}) })!.args;
  assert.deepEqual(words("0"), ["--signal=40", "36.0"]);
  assert.deepEqual(words(), ["--signal=40", "--batch", "36"]);
});

Deno.test("slurm.output() reads the path of stdout, blanks and all", () => {
  const stdout = "JobId=1 JobName=x WorkDir=/x StdErr=/x y/o.out StdIn=/dev/null " +
    "StdOut=/x y/o.out Power= NtasksPerTRES:0\n";
  assert.equal(drive(slurm.output!("1"), [{ stdout }])[0], "/x y/o.out");
  assert.equal(drive(slurm.output!("1"), [{ code: 1 }])[0], null);
});

Deno.test("slurm.clusterName() reads scontrol's line", () => {
  const stdout = "Configuration data\nClusterName             = big\n";
  assert.equal(drive(slurm.clusterName!(), [{ stdout }])[0], "big");
});
