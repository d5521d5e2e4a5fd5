import assert from "node:assert/strict";
import { htcondor } from "../../../plugins/schedulers/htcondor.ts";
import { failsWith, feed, output, pure, sample } from "./_feed.ts";
import { assertLinear } from "../../support/growth.ts";

const queue = sample("htcondor/composed-condor_q.json");
const jobAd = sample("htcondor/composed-job_ad.txt");

function list(...outputs: Parameters<typeof feed>[2]) {
  return feed(htcondor, htcondor.list({ user: "alice" }), outputs);
}

pure(
  "htcondor.list() reads job ads: processes apart, several hosts, expressions, odd states",
  () => {
    const { value, specs } = list(output(queue));
    assert.deepEqual(specs[0]!.args.slice(0, 3), ["alice", "-json", "-attributes"]);
    assert.deepEqual(value, [{
      id: "101.0",
      displayId: "101.0",
      name: "train.sh",
      state: "running",
      stateText: "RUNNING",
      nodes: ["worker1.example.org"],
      user: "alice",
      elapsedS: 90,
      workDir: "/home/alice/runs",
    }, {
      id: "101.1",
      displayId: "101.1",
      name: "sweep",
      state: "running",
      stateText: "RUNNING",
      nodes: ["worker1.example.org", "worker2.example.org"],
      user: "alice",
      elapsedS: 60,
      leftS: 3540,
      workDir: "/home/alice/runs",
    }, {
      id: "102.0",
      displayId: "102.0",
      name: "train.sh",
      state: "pending",
      stateText: "HELD",
      nodes: [],
      user: "alice",
    }, {
      id: "103.0",
      displayId: "103.0",
      name: "",
      state: "other",
      stateText: "9",
      nodes: [],
      user: "alice",
    }]);
  },
);

pure("htcondor.list() takes both an empty output and an empty array for no jobs", () => {
  assert.deepEqual(list(output("")).value, []);
  assert.deepEqual(list(output("\n")).value, []);
  assert.deepEqual(list(output("[\n]\n")).value, []);
});

pure("htcondor.list() says what failed", () => {
  const stderr = "-- Failed to fetch ads from: <10.0.0.1:9618?addrs=…> : submit.example.org";
  failsWith(() => list(output("", { code: 1, stderr })), {
    message: /^Cannot list jobs: "condor_q" exited with code 1$/,
    cause: /Failed to fetch ads/,
  });
  failsWith(() => list(output(queue.slice(0, 200))), { message: /a JSON array/ });
  failsWith(() => list(output("{}")), { message: /a JSON array/ });
});

pure("htcondor.list() reads thousands of jobs, each as fast as one of a few", () => {
  const [ad] = JSON.parse(queue);
  assertLinear((length) => {
    const text = JSON.stringify(Array.from({ length }, (_, n) => ({ ...ad, ProcId: n })));
    return () => assert.equal(list(output(text)).value.length, length);
  }, 2500);
});

pure("htcondor.job names the lines of the job ad that make the id", () => {
  const ad = new Map(jobAd.split("\n").map((line) => line.split(" = ") as [string, string]));
  const names: readonly string[] = htcondor.job.jobFile.names;
  assert.equal(names.map((name) => ad.get(name)).join("."), "101.1");
});

pure("htcondor.helper() enters by ssh_to_job, with the node's place for parallel jobs", () => {
  const command = ["/usr/bin/python3", "/home/alice/helper.py"];
  const [node1, node2] = ["worker1.example.org", "worker2.example.org"];
  const one = htcondor.helper({ job: "101.0", nodes: [node1] }, command);
  assert.deepEqual(one, { program: "condor_ssh_to_job", args: ["101.0", ...command] });
  const jobNodes = [node1, node2];
  const second = htcondor.helper({ job: "101.1", nodes: [node2], jobNodes }, command);
  assert.equal(second?.args[0], "101.1.1");
  assert.equal(htcondor.helper({ job: "101.1", nodes: jobNodes, jobNodes }, command), null);
  assert.equal(htcondor.helper({ job: "101.1", nodes: ["elsewhere"], jobNodes }, command), null);
});

pure("htcondor.helperFailure() tells a refusal from the helper's own failure", () => {
  const failure = (stderr: string) => htcondor.helperFailure(output("", { code: 1, stderr }));
  assert.match(failure("This job is not running.")!.message, /cannot enter/);
  assert.equal(failure("ssh_to_job is disabled by ENABLE_SSH_TO_JOB")?.ssh, true);
  assert.equal(failure("Traceback (most recent call last):"), null);
});

pure("htcondor.lookup() asks among everybody's jobs; an unknown one is null", () => {
  const { value, specs } = feed(htcondor, htcondor.lookup("101.0"), [output(queue)]);
  assert.deepEqual(specs[0]!.args.slice(0, 2), ["101.0", "-allusers"]);
  assert.equal(value!.id, "101.0");
  assert.equal(feed(htcondor, htcondor.lookup("9.0"), [output("[\n]\n")]).value, null);
});

pure("htcondor.canonicalId() takes a cluster for its first process", () => {
  assert.deepEqual(["101", "101.3"].map(htcondor.canonicalId), ["101.0", "101.3"]);
});

pure("htcondor.output() puts a relative path below the initial folder", () => {
  const path = (ad: unknown) =>
    feed(htcondor, htcondor.output("101.0"), [output(JSON.stringify([ad]))]).value;
  assert.equal(path({ Out: "train.out", Iwd: "/home/alice/runs" }), "/home/alice/runs/train.out");
  assert.equal(path({ Out: "/scratch/x.out", Iwd: "/home" }), "/scratch/x.out");
  assert.equal(path({ Out: "/dev/null", Iwd: "/home" }), null);
  assert.equal(feed(htcondor, htcondor.output("9.0"), [output("")]).value, null);
});
