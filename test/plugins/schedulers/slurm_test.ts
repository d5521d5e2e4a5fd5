/** The plugin for Slurm against lines as squeue 22.05 prints them, and srun's complaints. */

import assert from "node:assert/strict";
import { slurm } from "../../../plugins/schedulers/slurm.ts";
import { squeueLine } from "../../support/squeue.ts";
import { failsWith, feed, lines, output, pure } from "./_feed.ts";

function list(...outputs: Parameters<typeof feed>[2]) {
  return feed(slurm, slurm.list({ user: "ada" }), outputs);
}

pure("slurm.list() keeps array tasks apart, expands nodes, reads times", () => {
  const { value: jobs } = list(output(
    squeueLine({ id: "41", display: "40_1", nodes: "n[1-2,07]", left: "1-02:03:04" }) +
      squeueLine({ id: "42", display: "40_2", state: "PENDING", nodes: "", left: "UNLIMITED" }) +
      squeueLine({ id: "43", display: "43+0", state: "SPECIAL_EXIT", elapsed: "INVALID" }),
  ));
  assert.deepEqual(jobs.map(({ id, displayId, state, nodes }) => [id, displayId, state, nodes]), [
    ["41", "40_1", "running", ["n1", "n2", "n07"]],
    ["42", "40_2", "pending", []],
    ["43", "43+0", "other", ["n1", "n2"]],
  ]);
  assert.deepEqual(jobs.map(({ leftS }) => leftS), [93784, undefined, 2850]);
  assert.deepEqual(jobs.map(({ elapsedS }) => elapsedS), [750, 750, undefined]);
  assert.equal(jobs[2]!.stateText, "SPECIAL_EXIT");
});

pure("slurm.list() takes any name: separators, line breaks, quotes", () => {
  const { value } = list(output(
    squeueLine({ id: "1", name: "a b|c\x1fd" }) + squeueLine({ id: "2", name: "two\nlines" }),
  ));
  assert.deepEqual(value.map(({ name }) => name), ["a b|c\x1fd", "two\nlines"]);
});

pure("slurm.list() names no states: a stopped or resized job is no longer R to squeue", () => {
  const { value, specs } = list(
    output(squeueLine({ id: "1", state: "STOPPED" }) + squeueLine({ id: "2", state: "RESIZING" })),
  );
  assert.match(lines(specs)[0]!, /^squeue -a -h -r --me -o /);
  assert.deepEqual(value.map(({ state }) => state), ["suspended", "running"]);
});

pure("slurm.list() asks by user name where squeue knows no --me", () => {
  const old = output("", { code: 1, stderr: "squeue: unrecognized option '--me'\n" });
  const { value, specs } = list(old, output(squeueLine({})));
  assert.equal(value.length, 1);
  assert.match(lines(specs)[1]!, /^squeue -a -h -r -u ada -o /);
});

pure("slurm.list() scrubs the environment but keeps the way to the cluster", () => {
  const { specs: [spec] } = list(output(""));
  assert.ok(spec!.without?.includes("SQUEUE_*") && spec!.without.includes("SLURM_*"));
  assert.ok(spec!.keep?.includes("SLURM_CONF"));
});

pure("slurm.list() passes over a banner, and takes (null) for nothing", () => {
  const line = squeueLine({ id: "1", nodes: "(null)", workDir: "(null)" });
  const { value } = list(output(`Welcome to big!\n${line}`));
  assert.deepEqual(value.map(({ id, nodes, workDir }) => [id, nodes, workDir]), [
    ["1", [], undefined],
  ]);
});

pure("slurm.list() says what failed", () => {
  const stderr = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n";
  failsWith(() => list(output("", { code: 1, stderr })), {
    message: /^Cannot list jobs: "squeue" exited with code 1$/,
    cause: /Unable to contact/,
  });
  failsWith(() => list(output("<html>\nnot squeue\n")), { message: /a list of jobs/ });
});

pure("slurm.lookup() finds a job by either id; an unknown one is null", () => {
  const text = squeueLine({ id: "41", display: "40_1" }) +
    squeueLine({ id: "42", display: "40_2" });
  const look = (job: string) => feed(slurm, slurm.lookup!(job), [output(text)]);
  assert.equal(look("40_2").value!.id, "42");
  assert.equal(look("41").value!.displayId, "40_1");
  assert.match(lines(look("41").specs)[0]!, /^squeue -a -h -r -j 41 -t all -o /);
  const stderr = "slurm_load_jobs error: Invalid job id specified\n";
  assert.equal(feed(slurm, slurm.lookup!("9"), [output("", { code: 1, stderr })]).value, null);
});

pure("slurm.helper() starts one task a node that takes nothing from the job", () => {
  const spec = slurm.helper!({ job: "36", nodes: ["n1", "n2"] }, ["true", "x"])!;
  const line = spec.args.join(" ");
  assert.match(line, /^--jobid=36 --overlap -w n1,n2 -N2 -n2 --ntasks-per-node=1 .*true x$/);
  assert.match(line, /--mem=0 --gres=none/);
  const component = slurm.helper!({ job: "36+1", nodes: ["n2"] }, ["true"])!;
  assert.deepEqual(component.args.slice(0, 2), ["--jobid=36", "--het-group=1"]);
});

pure("slurm.helperFailure() leaves out an option that srun is too old for", () => {
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

pure("slurm.helperFailure() knows a suspended job", () => {
  const spec = slurm.helper!({ job: "4", nodes: ["n1"] }, ["true"])!;
  // 22.05
  const stderr = "srun: cluster configuration lacks support for cpu binding\n" +
    "srun: error: Unable to create step for job 4: Requested operation is presently disabled\n";
  const failure = slurm.helperFailure!({ code: 1, stdout: "", stderr }, spec);
  assert.match(failure!.message, /suspended/);
  assert.ok(!failure!.ssh);
});

pure("slurm.helperFailure() blames nobody when srun succeeded", () => {
  const spec = slurm.helper!({ job: "36", nodes: ["n1"] }, ["true"])!;
  const warning = "srun: cluster configuration lacks support for cpu binding\n";
  assert.equal(slurm.helperFailure!({ code: 0, stdout: "", stderr: warning }, spec), null);
});

pure("slurm.broadcast() signals one step, or the batch script", () => {
  const words = (step?: string) =>
    slurm.broadcast!({ job: "36", signal: 40, ...(step ? { step } : {}) })!.args;
  assert.deepEqual(words("0"), ["--signal=40", "36.0"]);
  assert.deepEqual(words(), ["--signal=40", "--batch", "36"]);
});

pure("slurm.output() reads the path of stdout, blanks and all; a pattern is no path", () => {
  const path = (rows: readonly [string, string][], code = 0) => {
    const text = rows.map(([id, file]) => `${id.padEnd(32)}${file.padEnd(5000)}\n`).join("");
    return feed(slurm, slurm.output!("7"), [output(text, { code })]).value;
  };
  assert.equal(path([["7", "/x y/o.out"]]), "/x y/o.out");
  assert.equal(path([["9", "/x/7_1.out"], ["7", "/x/7_2.out"]]), "/x/7_2.out", "an array");
  assert.equal(path([["8", "/x/het.out"]]), "/x/het.out", "a component of a job, by another name");
  assert.equal(path([["8", "/x/a.out"], ["9", "/x/b.out"]]), null);
  assert.equal(path([]), null);
  for (const none of ["(null)", "", "/dev/null", "/x/%N.log", "/x/%3t"]) {
    assert.equal(path([["7", none]]), null);
  }
  assert.equal(path([["7", "/x"]], 1), null);
});

pure("slurm.clusterName() reads scontrol's line", () => {
  const text = "Configuration data\nClusterName             = big\n";
  assert.equal(feed(slurm, slurm.clusterName!(), [output(text)]).value, "big");
  assert.equal(feed(slurm, slurm.clusterName!(), [output("", { code: 1 })]).value, null);
});
