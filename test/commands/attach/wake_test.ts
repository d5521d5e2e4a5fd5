/** What `rdg attach` says of the processes that it woke, or left alone. */

import assert from "node:assert/strict";
import { squeueLine } from "../../support/squeue.ts";
import { attach, helper, mine, output, ready, signalled, squeue } from "./_attach.ts";

Deno.test("rdg attach JOB asks the scheduler twice and prints the block", async () => {
  const { code, stdout } = await attach("36", {
    records: [mine()],
    calls: [squeue(squeueLine({})), helper(signalled, ready)],
  });
  assert.equal(code, 0);
  assert.equal(
    stdout.split("\n").slice(0, 10).join("\n"),
    [
      "--- Python Debugger Info ---",
      "Node: n1",
      "Port: 5555",
      "Remote Path: /home/ada",
      "----------------------------",
      "",
      "To connect from a local VS Code instance, run this on your local machine:",
      "ssh -N -L 5678:n1:5555 ada@login.example.org",
      "Then, attach the debugger to localhost:5678.",
      "",
    ].join("\n"),
  );
});

Deno.test("rdg attach --json prints one object, and only that, on stdout", async () => {
  const { code, stdout } = await attach("36 --json", {
    records: [mine()],
    calls: [squeue(squeueLine({})), helper(signalled, ready)],
  });
  assert.equal(code, 0);
  const { job, sessions, others } = JSON.parse(stdout);
  assert.deepEqual([job, others], ["36", []]);
  assert.deepEqual([sessions[0].host, sessions[0].port, sessions[0].state], [
    "n1",
    5555,
    "listening",
  ]);
});

Deno.test("rdg attach says why a process is left alone", async (t) => {
  const cases: [Record<string, unknown>, number, RegExp][] = [
    [{ outcome: "gone" }, 3, /no such process/],
    [{ outcome: "reused" }, 3, /belongs to another one now/],
    [{ outcome: "not-mine" }, 4, /somebody else/],
    [{ outcome: "hidden" }, 4, /does not show it \(hidepid\)/],
    [{ outcome: "no-job" }, 3, /does not belong to job 36/],
    [{ outcome: "other-job", detail: "99" }, 3, /belongs to job 99/],
    [{ outcome: "unprepared" }, 1, /not started by "rdg debug --lite"[^]*nothing was sent/],
    [
      { outcome: "lost", detail: "PYTHONPATH was cleared" },
      1,
      /has lost that: PYTHONPATH was cleared/,
    ],
    [{ outcome: "not-lite", detail: "post-mortem" }, 1, /armed for a crash only[^]*-lp/],
  ];
  for (const [event, expected, text] of cases) {
    await t.step(String(event.outcome), async () => {
      const { code, stderr } = await attach("36 42", {
        calls: [squeue(squeueLine({})), helper({ type: "process", detail: "", ...event })],
      });
      assert.match(stderr, text);
      assert.equal(code, expected);
    });
  }
});

Deno.test("rdg attach names the ranks that have no session, and wakes the others", async () => {
  const { code, stderr } = await attach("36 --rank 0,9", {
    records: [mine({ rank: 0, worldSize: 4 })],
    calls: [squeue(squeueLine({})), helper(signalled, ready)],
  });
  assert.deepEqual([code, stderr], [
    0,
    "No session of rank 9 of 4: never armed, not started yet, or ended\n",
  ]);
});

Deno.test("rdg attach tells of a signal by hand only where it knows which", async () => {
  const failed = { type: "process", outcome: "failed", detail: "no answer" };
  const calls = [squeue(squeueLine({})), helper(failed)];
  const known = await attach("36", { records: [mine({ signal: 50 })], calls });
  assert.match(known.stderr, /no answer\nTry: kill -s 50 42, by hand on the node\n/);
  const unknown = await attach("36 42", { calls });
  assert.match(unknown.stderr, /: no answer\n$/);
});

Deno.test("rdg attach shows stacks of a process that is busy, and its time-out", async () => {
  const stacks =
    'Current thread 0x1 (most recent call first):\n  File "train.py", line 7 in step\n';
  const { code, stderr } = await attach("36", {
    records: [mine()],
    calls: [
      squeue(squeueLine({})),
      helper(signalled, { type: "stuck", stacks, opening: false, detail: "" }, { type: "late" }),
      output,
    ],
  });
  assert.match(
    stderr,
    /busy in native code[^]*"train\.py", line 7 in step[^]*as soon as that call returns/,
  );
  assert.match(
    stderr,
    /still in that call\n.*read the job's output \(\/home\/ada\/slurm-36\.out\)/,
  );
  assert.equal(code, 6);
});

Deno.test("rdg attach says what ended the helper before the program had answered", async () => {
  const { code, stderr } = await attach("36", {
    records: [mine()],
    calls: [
      squeue(squeueLine({})),
      {
        program: "srun",
        answer: { ...helper(signalled).answer, code: 9, stderr: "killed by a site's rule\n" },
      },
      output,
    ],
  });
  assert.match(
    stderr,
    /^Cannot wake process 42 on n1: it was signalled, and then .* code 9\n.*killed by a site's rule/m,
  );
  assert.equal(code, 6);
});

Deno.test("rdg attach --via=scancel warns, signals the step, and waits for the record", async () => {
  const step = { id: "36", display: "36", step: "0" };
  const { code, stderr, stdout } = await attach("36 --via=scancel --no-wait", {
    records: [mine({ job: step })],
    calls: [squeue(squeueLine({})), {
      program: "scancel",
      args: ["--signal=40", "36.0"],
      answer: {},
    }],
  });
  assert.match(stderr, /Warning: .*are ended by it/);
  assert.deepEqual([code, stdout], [0, ""]);
});

Deno.test("rdg attach --via=scancel sends a step each signal that its programs wait for", async () => {
  const step = { id: "36", display: "36", step: "0" };
  const call = (signal: string) => ({
    program: "scancel",
    args: [`--signal=${signal}`, "36.0"],
    answer: {},
  });
  const { code } = await attach("36 --via=scancel --no-wait --all", {
    records: [mine({ job: step, rank: 0 }), mine({ job: step, rank: 1, pid: 43, signal: 50 })],
    calls: [squeue(squeueLine({})), call("40"), call("50")],
  });
  assert.equal(code, 0);
});

Deno.test("rdg attach JOB PID says that a node wasn't heard, not that there is no such process", async () => {
  const heard = helper({ type: "process", outcome: "not-here" }).answer as { stdout: string };
  const { code, stderr } = await attach("36 42", {
    calls: [squeue(squeueLine({})), {
      program: "srun",
      answer: {
        ...heard,
        code: 1,
        stderr:
          "srun: error: Task launch for StepId=36.1 failed on node n2: Communication connection failure\n",
      },
    }],
  });
  assert.match(stderr, /^Cannot wake process 42: Slurm cannot reach a node/m);
  assert.equal(code, 5);
});

Deno.test("rdg attach prints where to connect before it asks where a job's output goes", async () => {
  let printed = "";
  const { stderr } = await attach("36 --all", {
    records: [mine(), mine({ pid: 43 })],
    calls: [
      squeue(squeueLine({})),
      helper(signalled, ready, { ...signalled, pid: 43 }, { type: "ended", pid: 43 }),
      {
        ...output,
        answer: () => {
          printed = "asked";
          return { stdout: `${"36".padEnd(32)}/home/ada/slurm-36.out\n` };
        },
      },
    ],
    onOut: () => assert.equal(printed, "", "the block came late"),
  });
  assert.match(stderr, /ended before it listened\nTry: read the job's output \(\/home\/ada/);
  assert.equal(printed, "asked");
});
