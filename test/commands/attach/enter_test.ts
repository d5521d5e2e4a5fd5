/** How `rdg attach` gets into a job, and what it says where it can't. */

import assert from "node:assert/strict";
import { runHelper } from "../../../commands/attach/enter.ts";
import type { Job, SchedulerPlugin } from "../../../plugins/contract.ts";
import { ExitCode, RdgError } from "../../../plugins/error.ts";
import { slurm } from "../../../plugins/schedulers/slurm.ts";
import { parseRecord } from "../../../python/sessions.ts";
import { type Expected, fakeHost } from "../../support/fake_host.ts";
import { squeueLine } from "../../support/squeue.ts";
import { attach, helper, mine, ready, signalled, squeue } from "./_attach.ts";

Deno.test("rdg attach leaves out --overlap where srun is too old for it", async () => {
  const { code } = await attach("36", {
    records: [mine()],
    calls: [
      squeue(squeueLine({})),
      {
        program: "srun",
        args: ["--overlap"],
        answer: { code: 1, stderr: "srun: unrecognized option '--overlap'\n" },
      },
      {
        program: "srun",
        answer: (spec) => {
          assert.ok(!spec.args.includes("--overlap"));
          return helper(signalled, ready).answer as { stdout: string };
        },
      },
    ],
  });
  assert.equal(code, 0);
});

Deno.test("rdg attach says why a step can't be started", async (t) => {
  const cases: [string, string, number, RegExp][] = [
    [
      "ended",
      "srun: error: Unable to create step for job 36: Job/step already completing or completed",
      3,
      /job has ended/i,
    ],
    [
      "busy",
      "srun: error: Unable to create step for job 36: Requested nodes are busy",
      5,
      /no room for a helper step[^]*--via=scancel/,
    ],
    [
      "refused",
      "srun: error: Unable to create step for job 36: Access/permission denied",
      4,
      /refused a helper step[^]*--via=/,
    ],
    [
      "node down",
      "srun: error: Task launch for StepId=36.1 failed on node n1: Communication connection failure",
      5,
      /cannot reach a node/,
    ],
    ["anything else", "srun: error: hm", 5, /"srun" exited with code 1[^]*hm/],
  ];
  for (const [name, words, expected, text] of cases) {
    await t.step(name, async () => {
      const { code, stderr } = await attach("36", {
        records: [mine()],
        calls: [
          squeue(squeueLine({})),
          { program: "srun", answer: { code: 1, stderr: `${words}\n` } },
          ...(name === "busy" || name === "refused"
            ? [{ program: "ssh", args: ["n1"], answer: { code: 255, stderr: "Permission denied" } }]
            : []),
        ],
      });
      assert.match(stderr, text);
      assert.equal(code, expected);
    });
  }
});

Deno.test("rdg attach says what to do on a node without Python", async () => {
  const { code, stderr } = await attach("36", {
    records: [mine({ signal: 50 })],
    calls: [
      squeue(squeueLine({})),
      { program: "srun", answer: { code: 127, stderr: "rdg-wake: no Python\n" } },
    ],
  });
  assert.equal(code, 4);
  assert.match(
    stderr,
    /no Python 3\.6[^]*\nTry: send the signal by hand on the node: kill -s 50 42$/,
  );
});

Deno.test("rdg attach tells of the nodes that answered and of the one that didn't", async () => {
  const { code, stdout, stderr } = await attach("36 --all", {
    records: [mine({ rank: 0 }), mine({ rank: 1, pid: 43, host: "n2", hostname: "n2" })],
    calls: [squeue(squeueLine({})), {
      program: "srun",
      answer: {
        ...helper({ type: "node" }, signalled, ready).answer as { stdout: string },
        code: 1,
        stderr:
          "srun: error: Task launch for StepId=36.1 failed on node n2: Communication connection failure\n",
      },
    }],
  });
  assert.match(stdout, /Port: 5555/);
  assert.match(stderr, /Cannot wake process 43 on n2: Slurm cannot reach a node/);
  assert.equal(code, 5);
});

/** A scheduler that enters one node a call, and a job of two nodes with a process on each. */
async function enterEach(calls: readonly Expected[]) {
  const scheduler: SchedulerPlugin = {
    ...slurm,
    helper: (target, command) => target.nodes.length > 1 ? null : slurm.helper!(target, command),
  };
  const sessions = ["n1", "n2"].map((host) => {
    const session = parseRecord(JSON.stringify(mine({ host, hostname: host })), {
      path: "",
      uid: null,
    });
    assert.ok(typeof session !== "string", `${session}`);
    return session;
  });
  const job = { id: "36", displayId: "36", nodes: ["n1", "n2"] } as Partial<Job> as Job;
  const group = { job, nodes: ["n1", "n2"], targets: sessions };
  const selection = { scheduler, jobId: "36", displayId: "36", groups: [group], sessions };
  const fake = fakeHost({ calls });
  const options = { wait: false, timeoutS: 1, state: "/s", host: fake.host };
  const answer = await runHelper(group, { selection, options, onEvent: () => {} });
  fake.done();
  return answer;
}

Deno.test("runHelper() calls once a node where a scheduler enters only one a call", async () => {
  const said = (node: string) => helper({ ...signalled, node }).answer;
  const { events, failure } = await enterEach([
    { program: "srun", args: ["-w", "n1"], answer: said("n1") },
    { program: "srun", args: ["-w", "n2"], answer: said("n2") },
  ]);
  assert.deepEqual(events.map((event) => "node" in event && event.node), ["n1", "n2"]);
  assert.equal(failure, null);
});

Deno.test("runHelper() goes by ssh to the one node that the scheduler doesn't enter", async () => {
  const { events, failure } = await enterEach([
    { program: "srun", args: ["n1"], answer: helper(signalled).answer },
    {
      program: "srun",
      args: ["n2"],
      answer: { code: 1, stderr: "srun: error: Requested nodes are busy" },
    },
    { program: "ssh", args: ["n2"], answer: helper({ ...signalled, node: "n2" }).answer },
  ]);
  assert.deepEqual(events.map((event) => "node" in event && event.node), ["n1", "n2"]);
  assert.equal(failure, null);
});

Deno.test("runHelper() hands on what the others said where one node never answers", async () => {
  const late = new RdgError("Late", { code: "timeout", exitCode: ExitCode.timeout });
  const { events, failure } = await enterEach([
    { program: "srun", args: ["n1"], answer: helper(signalled).answer },
    { program: "srun", args: ["n2"], answer: late },
  ]);
  assert.deepEqual(events.map((event) => "node" in event && event.node), ["n1"]);
  assert.equal(failure?.message, '"srun" has not answered within 60 s');
  const none = enterEach([
    { program: "srun", args: ["n1"], answer: late },
    { program: "srun", args: ["n2"], answer: late },
  ]);
  await assert.rejects(none, /^RdgError: Cannot enter job 36: "srun" has not answered/);
});
