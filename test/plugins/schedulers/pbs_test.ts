import assert from "node:assert/strict";
import { parseExecHost } from "../../../plugins/schedulers/_pbs.ts";
import { pbs } from "../../../plugins/schedulers/pbs.ts";
import { failsWith, feed, lines, output, pure, sample } from "./_feed.ts";
import { assertLinear } from "../../support/growth.ts";

const one = sample("pbs/20.0.1-qstat.json");
const array = sample("pbs/composed-qstat-array.json");
const broken = sample("pbs/composed-qstat-broken.json");
const plain = sample("pbs/composed-qstat-f.txt");
const torqueXml = sample("torque/6.1-qstat.xml");

function list(...outputs: Parameters<typeof feed>[2]) {
  return feed(pbs, pbs.list({ user: "alice" }), outputs);
}

pure("pbs.list() reads qstat's JSON and asks about my jobs only", () => {
  const { value, specs } = list(output("1008.qot-calc0\n"), output(one));
  assert.deepEqual(lines(specs), ["qselect -u alice", "qstat -t -f -F json 1008.qot-calc0"]);
  assert.deepEqual(value, [{
    id: "1008.qot-calc0",
    displayId: "1008.qot-calc0",
    name: "ntest",
    state: "running",
    stateText: "R",
    nodes: ["qot-calc0"],
    user: "qoot",
    elapsedS: 0,
    leftS: 14_400,
    workDir: "/home/qoot/nwchem",
  }]);
});

pure("pbs.list() keeps array elements apart and leaves out the array that they are of", () => {
  const ids = output("1234[].pbs1\n1300.pbs1\n1301.pbs1\n");
  const { value } = list(ids, output(array));
  assert.deepEqual(value.map(({ id, state, stateText }) => [id, state, stateText]), [
    ["1234[1].pbs1", "running", "R"],
    ["1234[2].pbs1", "pending", "Q"],
    ["1300.pbs1", "running", "R"],
    ["1301.pbs1", "other", "Z"],
  ]);
  assert.deepEqual(value[0]!.nodes, ["n1", "n2"]);
  assert.equal(value[0]!.name, "123");
  assert.equal(value[0]!.leftS, 3000);
  assert.equal(value[1]!.leftS, undefined);
});

pure("pbs.list() reads the plain form where the JSON is broken", () => {
  assert.throws(() => JSON.parse(broken));
  const { value, specs } = list(output("1008.qot-calc0\n"), output(broken), output(plain));
  assert.equal(lines(specs)[2], "qstat -t -f -w 1008.qot-calc0");
  assert.deepEqual(value, [{
    id: "1008.qot-calc0",
    displayId: "1008.qot-calc0",
    name: "ntest",
    state: "running",
    stateText: "R",
    nodes: ["qot-calc0"],
    user: "qoot",
    elapsedS: 40,
    leftS: 14_360,
    workDir: "/home/qoot/nwchem",
  }]);
});

pure("pbs.list() takes a folder with a comma in it, as the plain form writes it", () => {
  const text = plain.replace(/PBS_O_WORKDIR=[^,\n]*/, "PBS_O_WORKDIR=/a\\,b");
  assert.notEqual(text, plain);
  const { value } = list(output("1008.qot-calc0\n"), output(broken), output(text));
  assert.equal(value[0]!.workDir, "/a,b");
});

pure("pbs.list() asks one by one where only the first of several is answered", () => {
  const other = one.replaceAll("1008.qot", "1009.qot");
  const { value, specs } = list(
    output("1008.qot-calc0\n1009.qot-calc0\n"),
    output(one),
    output(other),
  );
  assert.equal(lines(specs)[2], "qstat -t -f -F json 1009.qot-calc0");
  assert.deepEqual(value.map(({ id }) => id), ["1008.qot-calc0", "1009.qot-calc0"]);
});

pure("pbs.list() gets along with jobs that end between the two calls", () => {
  const gone = { code: 153, stderr: "qstat: Unknown Job Id 1009.qot-calc0\n" };
  const both = output("1008.qot-calc0\n1009.qot-calc0\n");
  assert.equal(list(both, output(one, gone)).value.length, 1);
  assert.deepEqual(list(output("1009.qot-calc0\n"), output("", gone)).value, []);
});

pure("pbs.list() asks in Torque's way where qstat turns out to be Torque's", () => {
  const refused = output("", { code: 2, stderr: "qstat: invalid option -- 'F'\nusage: qstat …" });
  const { value, specs } = list(output("72.c0\n"), refused, output(torqueXml));
  assert.equal(lines(specs)[2], "qstat -f -t -x 72.c0");
  assert.equal(value[0]!.id, "72.c0");
});

pure("pbs.list() needs one call when there are no jobs", () => {
  assert.deepEqual(list(output("")).value, []);
});

pure("pbs.list() says what failed", () => {
  const down = output("", {
    code: 111,
    stderr: "Connection refused\nqselect: cannot connect to server",
  });
  failsWith(() => list(down), {
    message: /^Cannot list jobs: "qselect" exited with code 111$/,
    cause: /cannot connect to server/,
  });
  failsWith(() => list(output("1.a\n"), down), { message: /"qstat" exited with code 111/ });
  failsWith(() => list(output("<html>not a list</html>")), { message: /did not print job ids/ });
  const cut = output(one.slice(0, 400));
  failsWith(() => list(output("1.a\n"), cut, output("")), { message: /did not print JSON/ });
  failsWith(() => list(output("1.a\n"), output("[]"), output("")), { message: /JSON/ });
});

pure("pbs.list() reads thousands of jobs, each as fast as one of a few", () => {
  assertLinear((arrays) => {
    const jobs: Record<string, unknown> = {};
    const ids = Array.from({ length: arrays }, (_, n) => `${n}.pbs1`);
    for (let n = 0; n < arrays; n++) {
      jobs[`${n}[].pbs1`] = { job_state: "B", Job_Name: "sweep" };
      for (let i = 1; i < 10; i++) {
        jobs[`${n}[${i}].pbs1`] = { job_state: "R", Job_Name: "sweep", exec_host: `n${i}/0` };
      }
    }
    const text = JSON.stringify({ pbs_version: "20", Jobs: jobs });
    return () => {
      assert.equal(list(output(ids.join("\n")), output(text)).value.length, 9 * arrays);
    };
  }, 250);
});

pure("pbs.output() gives the path without the host, the index filled in", () => {
  const path = (job: string, text: string) => feed(pbs, pbs.output(job), [output(text)]).value;
  assert.equal(path("1008.qot-calc0", one), "/home/qoot/ntest.o1008");
  const element = JSON.stringify({
    pbs_version: "20",
    Jobs: { "1234[7].p": { Output_Path: "login:/home/alice/out.^array_index^" } },
  });
  assert.equal(path("1234[7].p", element), "/home/alice/out.7");
  const interactive = JSON.stringify({
    pbs_version: "20",
    Jobs: { "1.p": { Output_Path: "/dev/pts/4" } },
  });
  assert.equal(path("1.p", interactive), null);
});

pure("pbs.output() is null for a job that has gone", () => {
  const gone = output("", { code: 153, stderr: "qstat: Unknown Job Id 9.pbs1" });
  assert.equal(feed(pbs, pbs.output("9.pbs1"), [gone]).value, null);
});

pure("pbs.lookup() asks for ended jobs as well; an id may lack the server's name", () => {
  const { value, specs } = feed(pbs, pbs.lookup("1008"), [output(one)]);
  assert.deepEqual(lines(specs), ["qstat -x -t -f -F json 1008"]);
  assert.equal(value!.id, "1008.qot-calc0");
  const finished = one.replace('"job_state":"R"', '"job_state":"F"');
  assert.equal(feed(pbs, pbs.lookup("1008"), [output(finished)]).value!.state, "other");
  const gone = output("", { code: 153, stderr: "qstat: Unknown Job Id 9.pbs1" });
  assert.equal(feed(pbs, pbs.lookup("9"), [gone]).value, null);
});

pure("pbs.canonicalId() does without the server's name", () => {
  const ids = ["1234.pbs1.example.org", "1234", "1234[5].pbs1", "1234_5"];
  assert.deepEqual(ids.map(pbs.canonicalId), ["1234", "1234", "1234[5]", "1234[5]"]);
});

pure("pbs.helper() says that nothing enters from outside; signals reach a whole job only", () => {
  assert.equal(pbs.helper(), null);
  assert.deepEqual(pbs.broadcast({ job: "1.p", signal: 40 }), {
    program: "qsig",
    args: ["-s", "40", "1.p"],
  });
  assert.equal(pbs.broadcast({ job: "1.p", step: "0", signal: 40 }), null);
});

pure("parseExecHost() names each node once", () => {
  assert.deepEqual(parseExecHost("n1/0*4+n2/1*4+n1/5"), ["n1", "n2"]);
  assert.deepEqual(parseExecHost("c0/0-43"), ["c0"]);
  assert.deepEqual(parseExecHost(""), []);
});
