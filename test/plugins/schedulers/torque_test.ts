import assert from "node:assert/strict";
import { torque } from "../../../plugins/schedulers/torque.ts";
import { failsWith, feed, lines, output, pure, sample } from "./_feed.ts";
import { assertLinear } from "../../support/growth.ts";

const one = sample("torque/6.1-qstat.xml");
const array = sample("torque/composed-qstat-array.xml");

function list(...outputs: Parameters<typeof feed>[2]) {
  return feed(torque, torque.list({ user: "wcx" }), outputs);
}

pure("torque.list() reads qstat's XML", () => {
  const { value, specs } = list(output("72.c0\n"), output(one));
  assert.deepEqual(lines(specs), ["qselect -u wcx", "qstat -f -t -x 72.c0"]);
  assert.deepEqual(value, [{
    id: "72.c0",
    displayId: "72.c0",
    name: "vasp",
    state: "running",
    stateText: "R",
    nodes: ["c0"],
    user: "wcx",
    elapsedS: 177,
    leftS: 428_000,
  }]);
});

pure("torque.list() keeps array elements apart and shows finished ones as what they are", () => {
  const { value } = list(output("189[].c0\n"), output(array));
  assert.deepEqual(value.map(({ id, state, stateText }) => [id, state, stateText]), [
    ["189[1].c0", "running", "R"],
    ["189[2].c0", "other", "C"],
  ]);
  assert.equal(value[0]!.name, "sweep-1 & <x>");
  assert.deepEqual(value[0]!.nodes, ["n1", "n2"]);
  assert.equal(value[0]!.leftS, 1740);
  assert.equal(value[0]!.workDir, "/home/wcx/runs");
});

pure("torque.list() leaves out -t where it is unknown", () => {
  const refused = output("", { code: 2, stderr: "qstat: invalid option -- 't'" });
  const { value, specs } = list(output("72.c0\n"), refused, output(one));
  assert.equal(lines(specs)[2], "qstat -f -x 72.c0");
  assert.equal(value.length, 1);
});

pure("torque.list() gets along with jobs that end between the two calls", () => {
  const gone = { code: 153, stderr: "qstat: Unknown Job Id Error 73.c0\n" };
  assert.equal(list(output("72.c0\n73.c0\n"), output(one, gone)).value.length, 1);
  assert.deepEqual(list(output("73.c0\n"), output("", gone)).value, []);
});

pure("torque.list() says what failed", () => {
  const down = output("", { code: 111, stderr: "qstat: cannot connect to server (errno=111)" });
  failsWith(() => list(output("72.c0\n"), down), {
    message: /"qstat" exited with code 111/,
    cause: /errno=111/,
  });
  failsWith(() => list(output("72.c0\n"), output(one.slice(0, 300))), {
    message: /did not print complete XML/,
  });
  failsWith(() => list(output("72.c0\n"), output("Job id  Name")), { message: /complete XML/ });
});

pure("torque.list() reads thousands of jobs, each as fast as one of a few", () => {
  const job = one.slice("<Data>".length, -"</Data>\n".length);
  assertLinear((length) => {
    const jobs = Array.from({ length }, (_, n) => job.replace("72.c0", `${n}.c0`));
    const text = `<Data>${jobs.join("")}</Data>`;
    return () => assert.equal(list(output("1.c0\n"), output(text)).value.length, length);
  }, 1000);
});

pure("torque.lookup() finds one job; an unknown one is null", () => {
  assert.equal(feed(torque, torque.lookup("72"), [output(one)]).value!.id, "72.c0");
  const gone = output("", { code: 153, stderr: "qstat: Unknown Job Id Error 9.c0" });
  assert.equal(feed(torque, torque.lookup("9"), [gone]).value, null);
});

pure("torque.output() gives the path without the host", () => {
  const { value } = feed(torque, torque.output("72.c0"), [output(one)]);
  assert.equal(value, "/home/wcx/vasp.o72");
});
