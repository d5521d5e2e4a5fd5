import assert from "node:assert/strict";
import { lsf, parseExecHosts } from "../../../plugins/schedulers/lsf.ts";
import { failsWith, feed, output, pure, sample } from "./_feed.ts";
import { assertLinear } from "../../support/growth.ts";

const json = sample("lsf/composed-bjobs.json");
const plain = sample("lsf/composed-bjobs.txt");
const illegal = output("", { code: 255, stderr: "bjobs: Illegal option -- hms\nUsage: bjobs …" });

function list(...outputs: Parameters<typeof feed>[2]) {
  return feed(lsf, lsf.list({ user: "otptest" }), outputs);
}

pure("lsf.list() reads the JSON: suffixes, slots, array elements, unknown states", () => {
  const { value, specs } = list(output(json));
  assert.deepEqual(specs[0]!.args.slice(0, 4), ["-u", "otptest", "-hms", "-o"]);
  assert.equal(specs[0]!.args.at(-1), "-json");
  assert.deepEqual(value.map(({ id, state, stateText }) => [id, state, stateText]), [
    ["22005", "other", "DONE"],
    ["22010", "running", "RUN"],
    ["22011[7]", "running", "RUN"],
    ["22012", "other", "ZOMBI"],
  ]);
  assert.deepEqual(value[1], {
    id: "22010",
    displayId: "22010",
    name: "train",
    state: "running",
    stateText: "RUN",
    nodes: ["hostA", "hostB"],
    user: "otptest",
    elapsedS: 3723,
    leftS: 3477,
    workDir: "/home/otptest/runs",
  });
  assert.equal(value[2]!.leftS, undefined, "an estimate is no limit");
  assert.deepEqual(value[0]!.nodes, ["tbi-cn019"]);
});

pure("lsf.list() reads the plain form where -hms and -json are unknown", () => {
  const { value, specs } = list(illegal, output(plain));
  assert.match(specs[1]!.args.join(" "), /-noheader -o jobid .* job_name delimiter='.'$/);
  assert.deepEqual(value, [{
    id: "22010",
    displayId: "22010",
    name: "train\x1fwith unit separator",
    state: "running",
    stateText: "RUN",
    nodes: ["hostA", "hostB"],
    user: "otptest",
    elapsedS: 20,
    leftS: 540,
    workDir: "/home/otptest",
  }, {
    id: "22011[7]",
    displayId: "22011_7",
    name: "sweep[1-9]",
    state: "suspended",
    stateText: "SSUSP",
    nodes: ["hostC"],
    user: "otptest",
    elapsedS: 3723,
  }]);
});

pure("lsf.list() reads the plain form where the JSON is broken", () => {
  const broken = output(json.replace('"train"', '"a "name""'));
  assert.deepEqual(list(broken, output(plain)).value.map(({ id }) => id), ["22010", "22011[7]"]);
});

pure("lsf.list() takes LSF's complaint about no jobs for an empty list", () => {
  const none = output("", { code: 255, stderr: "No unfinished job found\n" });
  assert.deepEqual(list(none).value, []);
  assert.deepEqual(list(illegal, none).value, []);
});

pure("lsf.list() says what failed", () => {
  const down = output("", {
    code: 255,
    stderr: "batch system daemon not responding ... still trying",
  });
  failsWith(() => list(down), {
    message: /^Cannot list jobs: "bjobs" exited with code 255$/,
    cause: /not responding/,
  });
  failsWith(() => list(output(json.slice(0, 200)), output("")), { message: /did not print JSON/ });
  failsWith(() => list(output("{}"), output("rubbish")), { message: /did not print JSON/ });
  failsWith(() => list(illegal, output("JOBID USER\nrubbish\n")), { message: /a list of jobs/ });
  failsWith(() => list(illegal, down), { message: /exited with code 255/ });
});

pure("lsf.list() reads thousands of jobs, each as fast as one of a few", () => {
  assertLinear((length) => {
    const records = Array.from({ length }, (_, n) => ({
      JOBID: String(n),
      JOBINDEX: "0",
      STAT: "RUN",
      EXEC_HOST: "4*a:4*b",
      RUN_TIME: "00:00:01",
    }));
    const text = JSON.stringify({ RECORDS: records });
    return () => assert.equal(list(output(text)).value.length, length);
  }, 2500);
});

pure("lsf.output() fills in job and index; mail is no file", () => {
  const path = (id: string, index: string, file: string) => {
    const record = { JOBID: id, JOBINDEX: index, OUTPUT_FILE: file, EXEC_CWD: "/home/a/runs" };
    const text = JSON.stringify({ RECORDS: [record] });
    const { value, specs } = feed(lsf, lsf.output(id), [output(text)]);
    assert.equal(specs[0]!.args.at(-1), id);
    return value;
  };
  assert.equal(path("22010", "0", "log/%J.out"), "/home/a/runs/log/22010.out");
  assert.equal(path("22011", "7", "/scratch/%J_%I.out"), "/scratch/22011_7.out");
  assert.equal(path("22010", "0", ""), null);
  const gone = output("", { code: 255, stderr: "Job <1> is not found" });
  assert.equal(feed(lsf, lsf.output("1"), [gone]).value, null);
});

pure("lsf.lookup() asks among everybody's jobs; an unknown one is null", () => {
  const { value, specs } = feed(lsf, lsf.lookup("22005"), [output(json)]);
  assert.deepEqual(specs[0]!.args.slice(0, 2), ["-u", "all"]);
  assert.equal(specs[0]!.args.at(-1), "22005");
  assert.equal(value!.stateText, "DONE");
  const gone = output("", { code: 255, stderr: "Job <4711> is not found" });
  assert.equal(feed(lsf, lsf.lookup("4711"), [gone]).value, null);
  const record = '{"RECORDS":[{"JOBID":"4711","ERROR":"Job <4711> is not found"}]}';
  const asJson = output(record, { code: 255 });
  assert.equal(feed(lsf, lsf.lookup("4711"), [asJson]).value, null);
});

pure("lsf.canonicalId() takes an element in LSF's spelling and in rdg's", () => {
  assert.deepEqual(["22011", "22011[7]", "22011_7"].map(lsf.canonicalId), [
    "22011",
    "22011[7]",
    "22011[7]",
  ]);
});

pure("lsf.clusterName() asks lsid", () => {
  const text = "IBM Spectrum LSF Standard 10.1.0.13\n\nMy cluster name is cluster1\n" +
    "My master name is hosta.example.org\n";
  assert.equal(feed(lsf, lsf.clusterName(), [output(text)]).value, "cluster1");
  assert.equal(feed(lsf, lsf.clusterName(), [output("", { code: 255 })]).value, null);
});

pure("lsf has no helper, and a signal for a whole job or element", () => {
  assert.equal(lsf.helper(), null);
  assert.deepEqual(lsf.broadcast({ job: "22011[7]", signal: 40 }), {
    program: "bkill",
    args: ["-s", "40", "22011[7]"],
  });
});

pure("parseExecHosts() names each host once", () => {
  assert.deepEqual(parseExecHosts("4*hostA:4*hostB"), ["hostA", "hostB"]);
  assert.deepEqual(parseExecHosts("a:a:b"), ["a", "b"]);
  assert.deepEqual(parseExecHosts("-"), []);
});
