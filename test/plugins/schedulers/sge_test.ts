import assert from "node:assert/strict";
import { sge } from "../../../plugins/schedulers/sge.ts";
import { failsWith, feed, lines, output, pure, sample } from "./_feed.ts";
import { assertLinear } from "../../support/growth.ts";

const all = sample("sge/8.1.9-qstat.xml");
const none = sample("sge/8.1.9-qstat-none.xml");
const detail = sample("sge/8.1.9-qstat-j.xml");
const arrayDetail = sample("sge/8.1.9-qstat-j-array.xml");
const qrshDetail = sample("sge/8.1.9-qstat-j-qrsh.xml");
const unknown = sample("sge/8.1.9-qstat-j-unknown.xml");
/** Ten minutes after the jobs of the sample started. */
const clock = output("2026-11-22T13:40:16\n");

function list(...outputs: Parameters<typeof feed>[2]) {
  return feed(sge, sge.list({ user: "alice" }), outputs);
}

pure("sge.list() reads the XML of 8.1.9: hosts of parallel jobs, array elements, held jobs", () => {
  const { value, specs } = list(output(all), clock);
  assert.deepEqual(lines(specs), [
    "qstat -u alice -s prs -r -g t -xml",
    "date +%Y-%m-%dT%H:%M:%S",
  ]);
  assert.deepEqual(value.map(({ id, state, stateText, nodes }) => [id, state, stateText, nodes]), [
    ["1", "running", "r", ["sge1"]],
    ["3", "running", "r", ["sge1", "sge2"]],
    ["6", "running", "r", ["sge1"]],
    ["2.1", "running", "r", ["sge2"]],
    ["2.2", "running", "r", ["sge2"]],
    ["2.3", "pending", "qw", []],
    ["4", "pending", "hqw", []],
    ["5", "pending", "hqw", []],
  ]);
  assert.deepEqual(value[0], {
    id: "1",
    displayId: "1",
    name: 'a<&>"long-job-name',
    state: "running",
    stateText: "r",
    nodes: ["sge1"],
    user: "alice",
    elapsedS: 600,
    leftS: 3000,
  });
  assert.equal(value[2]!.leftS, undefined, "no h_rt, no limit");
  assert.equal(value.at(-1)!.displayId, "5_5-9:2");
});

pure("sge.list() needs one call when nothing runs, and does without the clock", () => {
  assert.deepEqual(list(output(none)).value, []);
  const { value } = list(output(all), output("", { code: 127, stderr: "date: not found" }));
  assert.equal(value[0]!.elapsedS, undefined);
  assert.equal(value[0]!.leftS, undefined);
});

pure("sge.list() tells the states apart", () => {
  const state = (letters: string) => {
    const job = `<JB_job_number>1</JB_job_number><state>${letters}</state>`;
    return list(output(`<job_info><job_list>${job}</job_list></job_info>`)).value[0]!;
  };
  const cases = {
    r: "running",
    Rr: "running",
    hr: "running",
    t: "pending",
    qw: "pending",
    hRwq: "pending",
    s: "suspended",
    S: "suspended",
    T: "suspended",
    dr: "ending",
    dt: "ending",
    Eqw: "other",
    z: "other",
  };
  for (const [letters, meaning] of Object.entries(cases)) {
    assert.equal(state(letters).state, meaning, letters);
    assert.equal(state(letters).stateText, letters);
  }
});

pure("sge.list() says what failed", () => {
  const stderr = "error: commlib error: got select error (Connection refused)\nerror: unable to " +
    'send message to qmaster using port 6444 on host "sge1": got send error\n';
  failsWith(() => list(output("", { code: 1, stderr })), {
    message: /^Cannot list jobs: "qstat" exited with code 1$/,
    cause: /unable to send message to qmaster/,
  });
  failsWith(() => list(output("", { stderr })), { message: /"qstat" exited/ });
  failsWith(() => list(output(all.slice(0, 1000))), {
    message: /did not print complete XML \(The XML ends inside <queue_name>\)/,
  });
  failsWith(() => list(output("job-ID prior name\n1 0.5 x\n")), { message: /complete XML/ });
  failsWith(() => list(output("")), { message: /complete XML/ });
});

pure("sge.list() reads thousands of jobs, each as fast as one of a few", () => {
  const start = all.indexOf("    <job_list");
  const end = all.indexOf("</job_list>") + "</job_list>\n".length;
  const job = all.slice(start, end);
  assertLinear((length) => {
    const jobs = Array.from(
      { length },
      (_, n) => job.replace(/(<JB_job_number>)\d+/, `$1${n + 1}`),
    );
    const text = all.slice(0, start) + jobs.join("") + all.slice(end);
    return () => assert.ok(list(output(text), clock).value.length >= length);
  }, 1000);
});

pure("sge.helper() enters a job on one host, and none on several", () => {
  const command = ["/usr/bin/python3", "-I", "/home/alice/helper.py"];
  assert.deepEqual(sge.helper({ job: "3", nodes: ["sge2"] }, command), {
    program: "qrsh",
    args: ["-inherit", "sge2", ...command],
    env: { JOB_ID: "3", SGE_TASK_ID: "undefined" },
  });
  const spec = sge.helper({ job: "2.7", nodes: ["sge1"] }, command);
  assert.deepEqual(spec?.env, { JOB_ID: "2", SGE_TASK_ID: "7" });
  assert.equal(sge.helper({ job: "3", nodes: ["sge1", "sge2"] }, command), null);
  assert.equal(sge.helper({ job: "3", nodes: [] }, command), null);
});

pure("sge.helperFailure() knows the refusals of 8.1.9, and nothing else", () => {
  const failure = (stderr: string) => sge.helperFailure(output("", { code: 1, stderr }));
  const refused = failure(
    'error: executing task of job 1 failed: execution daemon on host "sge1" didn\'t accept task\n',
  );
  assert.equal(refused?.ssh, true);
  assert.match(refused!.hint, /control_slaves/);
  const lost = failure(
    "error: executing task of job 3 failed: failed sending task to execd@sge9: can't resolve host name\n",
  );
  assert.match(lost!.message, /cannot reach/);
  assert.equal(failure("Traceback (most recent call last):"), null);
});

pure("sge.lookup() tells whose a job is and whether it has started; an unknown one is null", () => {
  const look = (job: string, text: string) => feed(sge, sge.lookup(job), [output(text)]).value;
  assert.deepEqual(look("1", detail), {
    id: "1",
    displayId: "1",
    name: 'a<&>"long-job-name',
    state: "running",
    stateText: "r",
    nodes: [],
    user: "alice",
  });
  assert.equal(look("2.2", arrayDetail)!.state, "running");
  assert.equal(look("2.3", arrayDetail)!.state, "pending");
  assert.equal(look("2_2", arrayDetail)!.id, "2.2");
  assert.equal(look("2_2", arrayDetail)!.displayId, "2_2");
  assert.equal(look("99", unknown), null);
  const words = output("", { code: 1, stderr: "Following jobs do not exist: \n99\n" });
  assert.equal(feed(sge, sge.lookup("99"), [words]).value, null);
  const down = output("", { code: 1, stderr: "error: commlib error" });
  failsWith(() => feed(sge, sge.lookup("99"), [down]), { message: /^Cannot look up job "99": / });
});

pure("sge.output() finds the file: default name, -o with variables, none for qrsh", () => {
  const path = (job: string, text: string) => feed(sge, sge.output(job), [output(text)]).value;
  assert.equal(path("1", detail), '/home/alice/work/a<&>"long-job-name.o1');
  assert.equal(path("2.2", arrayDetail), "/tmp/out.2.2");
  assert.equal(path("7", qrshDetail), null);
  assert.equal(path("99", unknown), null);
  const nameless = "<unknown_jobs><>\n<ST_name>99</ST_name>\n</></unknown_jobs>";
  assert.equal(path("99", nameless), null);
});

pure("sge.canonicalId() takes an element in Grid Engine's spelling and in rdg's", () => {
  assert.deepEqual(["2", "2.1", "2_1"].map(sge.canonicalId), ["2", "2.1", "2.1"]);
});

pure("sge.clusterName() is what the job's environment has", () => {
  const name = (text: string) => feed(sge, sge.clusterName(), [output(text, { code: 1 })]).value;
  assert.equal(name("p6444\ndefault\n"), "p6444");
  assert.equal(name("default\n"), "default");
  assert.equal(name(""), "default");
});

pure("sge has no signal of one's choice", () => {
  assert.equal(sge.broadcast(), null);
});
