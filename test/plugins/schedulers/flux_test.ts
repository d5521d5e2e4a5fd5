import assert from "node:assert/strict";
import { canonicalFluxId } from "../../../plugins/schedulers/_f58.ts";
import { flux } from "../../../plugins/schedulers/flux.ts";
import { failsWith, feed, output, pure, sample } from "./_feed.ts";
import { assertLinear } from "../../support/growth.ts";

const jobs = sample("flux/composed-jobs.txt");
const jobspec = sample("flux/composed-jobspec.json");

function list(...outputs: Parameters<typeof feed>[2]) {
  return feed(flux, flux.list(), outputs);
}

pure("flux.list() reads ids beyond 2^53, hostlists, names with tabs, unknown states", () => {
  const { value, specs } = list(output(jobs));
  const [, flag, color, , count] = specs[0]!.args;
  assert.deepEqual([flag, color, count], ["-n", "--color=never", "--count=100000"]);
  assert.deepEqual(value[0], {
    id: canonicalFluxId("1470723981312"),
    displayId: canonicalFluxId("1470723981312"),
    name: "train\twith tab",
    state: "running",
    stateText: "RUN",
    nodes: ["n1", "n2"],
    user: "alice",
    elapsedS: 12.375,
    leftS: 3587.625,
  });
  assert.equal(value[1]!.id, canonicalFluxId("12403998720000000000"));
  assert.notEqual(value[1]!.id, canonicalFluxId("12403998720000000001"));
  assert.equal(value[1]!.leftS, undefined, "no limit");
  assert.deepEqual(value[1]!.nodes, ["n003", "n004", "n7"]);
  assert.deepEqual(value.slice(2).map(({ state, stateText }) => [state, stateText]), [
    ["pending", "SCHED"],
    ["ending", "CLEANUP"],
    ["other", "NEWSTATE"],
  ]);
  assert.equal(value[2]!.elapsedS, undefined);
});

pure("flux.list() passes over lines that are no jobs, and takes nothing for no jobs", () => {
  assert.equal(list(output(`warning: something\n${jobs}`)).value.length, 5);
  assert.deepEqual(list(output("")).value, []);
});

pure("flux.list() says what failed", () => {
  const stderr = "flux-jobs: ERROR: Unable to connect to Flux: broker socket not found";
  failsWith(() => list(output("", { code: 1, stderr })), {
    message: /^Cannot list jobs: "flux jobs" exited with code 1$/,
    cause: /Unable to connect/,
  });
  failsWith(() => list(output("rubbish\nrubbish")), { message: /a list of jobs/ });
});

pure("flux.list() reads thousands of jobs, each as fast as one of a few", () => {
  const [line = ""] = jobs.split("\n");
  assertLinear((length) => {
    const text = Array.from({ length }, (_, n) => line.replace("1470723981312", `${n}`)).join("\n");
    return () => assert.equal(list(output(text)).value.length, length);
  }, 2500);
});

pure("flux.lookup() asks for one job; an unknown one is null", () => {
  const [line = ""] = jobs.split("\n");
  const { value, specs } = feed(flux, flux.lookup("fNH"), [output(line)]);
  assert.equal(specs[0]!.args.at(-1), "fNH");
  assert.equal(value!.state, "running");
  const look = (stderr: string) =>
    feed(flux, flux.lookup("fNH"), [output("", { code: 1, stderr })]).value;
  assert.equal(look("flux-jobs: ERROR: JobID fNH unknown"), null);
  assert.equal(look("flux-jobs: ERROR: invalid JobID value: x"), null);
  failsWith(() => look("flux-jobs: ERROR: broker socket not found"), {
    message: /^Cannot look up job "fNH": "flux jobs" exited with code 1$/,
  });
});

pure("canonicalFluxId() knows every spelling of RFC 19", () => {
  // These pairs are in flux-core's own tests as well.
  for (const id of ["1234", "ƒNH", "fNH", "0x4d2", "0000.0000.0000.04d2"]) {
    assert.equal(canonicalFluxId(id), "fNH");
  }
  assert.equal(canonicalFluxId("0"), "f1");
  assert.equal(canonicalFluxId("18446744073709551615"), "fjpXCZedGfVQ");
  assert.equal(canonicalFluxId("/ƒNH/1234"), "/fNH/fNH");
});

pure("canonicalFluxId() leaves what is no id", () => {
  for (const id of ["", "f", "fO0", "academy-alice", "18446744073709551616", "fzzzzzzzzzzzz"]) {
    assert.equal(canonicalFluxId(id), id);
  }
});

pure("flux.helper() names nodes by their place in the job, all in one call", () => {
  const command = ["/usr/bin/python3", "-c", "print('a b')"];
  const target = { job: "fNH", nodes: ["n3", "n1"], jobNodes: ["n1", "n2", "n3"] };
  assert.deepEqual(flux.helper(target, command), {
    program: "flux",
    args: ["exec", "-n", "-j", "fNH", "-r", "0,2", ...command],
  });
  assert.equal(flux.helper({ job: "fNH", nodes: ["n1"] }, command), null);
  assert.equal(flux.helper({ ...target, nodes: ["n9"] }, command), null);
  assert.equal(flux.helper({ ...target, nodes: [] }, command), null);
});

pure("flux.helperFailure() tells a refusal from the helper's own failure", () => {
  const failure = (stderr: string, code = 1) => flux.helperFailure({ code, stdout: "", stderr });
  assert.equal(failure("flux-exec: unrecognized option '--jobid'")?.ssh, true);
  assert.equal(
    failure("flux-exec: Error: rank 15: /usr/bin/python3: Operation not permitted")?.ssh,
    true,
  );
  assert.match(failure("flux-exec: job fNH not found")!.message, /does not know/);
  assert.match(failure("", 68)!.message, /does not belong/);
  assert.equal(failure("Traceback (most recent call last):"), null);
});

pure("flux.output() fills in the id; output in the KVS is no file", () => {
  const path = (text: string) => feed(flux, flux.output("fNH"), [output(text)]).value;
  assert.equal(path(jobspec), "/home/alice/runs/flux-fNH.out");
  assert.equal(path('{"attributes":{"system":{}}}'), null);
  failsWith(() => path("flux-job: not JSON"), { message: /did not print JSON/ });
});

pure("flux.broadcast() signals every task of a job", () => {
  assert.deepEqual(flux.broadcast({ job: "fNH", signal: 40 }), {
    program: "flux",
    args: ["job", "kill", "--signal=40", "fNH"],
  });
});
