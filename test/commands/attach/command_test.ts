/**
 * `rdg attach` against literals: which programs it runs, what it says, how it ends. Records lie in a
 * temporary folder.
 */

import assert from "node:assert/strict";
import type { Menus } from "../../../commands/_job_menu.ts";
import { parse, run } from "../../../commands/attach/command.ts";
import denoConfig from "../../../deno.json" with { type: "json" };
import { formatError, RdgError } from "../../../plugins/error.ts";
import { schedulers } from "../../../plugins/schedulers.ts";
import { type Expected, fakeHost } from "../../support/fake_host.ts";
import { record, type RecordText, writeRecord } from "../../support/records.ts";
import { squeueLine } from "../../support/squeue.ts";

/** What came of one command line. */
interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

const uid = Deno.uid()!;

async function attach(words: string, options: {
  records?: readonly RecordText[];
  calls?: readonly Expected[];
  interactive?: boolean;
  menus?: Partial<Menus>;
  env?: Record<string, string>;
}): Promise<Outcome> {
  const state = await Deno.makeTempDir();
  const fake = fakeHost({
    env: { RDG_STATE_DIR: state, RDG_SCHEDULER: "slurm", USER: "ada", ...options.env },
    calls: options.calls ?? [],
    ...(options.interactive ? { interactive: true } : {}),
  });
  const unasked = () => assert.fail("nothing should be asked here");
  const menus = { job: unasked, processes: unasked, pid: unasked, ...options.menus };
  try {
    for (const content of options.records ?? []) await writeRecord(state, content);
    const code = await run(parse(words.split(" ").filter(Boolean)), fake.host, menus);
    fake.done();
    return { code, stdout: fake.stdout(), stderr: fake.stderr() };
  } catch (error) {
    if (!(error instanceof RdgError)) throw error;
    fake.done();
    return {
      code: error.exitCode,
      stdout: fake.stdout(),
      stderr: `${fake.stderr()}${formatError(error)}`,
    };
  } finally {
    await Deno.remove(state, { recursive: true });
  }
}

function mine(changes: Record<string, unknown> = {}): RecordText {
  return record({ uid, ...changes });
}

function squeue(...lines: string[]): Expected {
  return { program: "squeue", args: ["--me"], answer: { stdout: lines.join("") } };
}

/** A helper step that finds what it is asked for and wakes it. */
function helper(...events: Record<string, unknown>[]): Expected {
  const lines = events.map((event) =>
    `rdg-wake ${JSON.stringify({ node: "n1", pid: 42, ...event })}\n`
  );
  return { program: "srun", answer: { stdout: `a prolog's words\n${lines.join("")}` } };
}

const ready = {
  type: "ready",
  record: mine({ state: "listening", address: { host: "n1", port: 5555 } }),
  login: "login.example.org",
};
const signalled = { type: "process", outcome: "signalled" };

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

Deno.test("rdg attach JOB takes the armed process of a record on a node of the job only", async () => {
  const elsewhere = mine({ host: "other7", hostname: "other7", cluster: "c2", pid: 77 });
  const { code } = await attach("36", {
    records: [mine(), elsewhere],
    calls: [squeue(squeueLine({})), helper(signalled, ready)],
  });
  assert.equal(code, 0);
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

Deno.test("rdg attach never prompts without a terminal", async (t) => {
  const two = [mine({ rank: 0 }), mine({ rank: 1, pid: 43 })];
  const cases: [string, readonly RecordText[], RegExp][] = [
    ["", [mine()], /stdin is no terminal\nTry: rdg attach JOB, with one of: 36 \(armed\)/],
    ["36", two, /which of 2 armed.*\n.*--rank N.*rank 0, PID 42 on n1; rank 1, PID 43 on n1/],
    ["36", [], /no session of it can be seen from here\nTry: rdg attach 36 PID/],
  ];
  for (const [words, records, text] of cases) {
    await t.step(`rdg attach ${words} with ${records.length} records`, async () => {
      const { code, stderr } = await attach(words, { records, calls: [squeue(squeueLine({}))] });
      assert.ok(code === 2 || code === 3);
      assert.match(stderr, text);
    });
  }
});

Deno.test("rdg attach asks a person for job and process", async () => {
  const { code } = await attach("", {
    interactive: true,
    records: [mine(), mine({ pid: 43 })],
    menus: {
      job: (jobs, armed) => {
        assert.deepEqual(jobs.map((job) => [job.displayId, armed(job)]), [["36", 2], ["37", 0]]);
        return Promise.resolve(jobs[0]!);
      },
      processes: (sessions) => Promise.resolve(sessions.filter(({ pid }) => pid === 43)),
    },
    calls: [
      squeue(squeueLine({}), squeueLine({ id: "37", nodes: "n3" })),
      helper({ ...signalled, pid: 43 }, { ...ready, pid: 43 }),
    ],
  });
  assert.equal(code, 0);
});

Deno.test("rdg attach asks for the PID where no record can be seen, and wakes by it", async () => {
  const { code } = await attach("36", {
    interactive: true,
    menus: { pid: () => Promise.resolve(42) },
    calls: [squeue(squeueLine({})), {
      program: "srun",
      args: ["-N2"],
      answer: helper({ type: "process", node: "n2", outcome: "not-here" }, signalled, ready)
        .answer as { stdout: string },
    }],
  });
  assert.equal(code, 0);
});

Deno.test("rdg attach says what is wrong with a job", async (t) => {
  const lookup = (answer: Expected["answer"]): Expected => ({
    program: "squeue",
    args: ["-j"],
    answer,
  });
  const cases: [string, readonly Expected[], number, RegExp][] = [
    ["pending", [squeue(squeueLine({ state: "PENDING", nodes: "" }))], 3, /has not started yet/],
    [
      "unknown",
      [squeue(), lookup({ code: 1, stderr: "slurm_load_jobs error: Invalid job id specified\n" })],
      3,
      /slurm does not know it/,
    ],
    [
      "not mine",
      [squeue(), lookup({ stdout: squeueLine({ user: "bob" }) })],
      4,
      /belongs to "bob"/,
    ],
    [
      "finished",
      [squeue(), lookup({ stdout: squeueLine({ state: "COMPLETED" }) })],
      3,
      /does not run any more \(COMPLETED\)/,
    ],
    [
      "controller down",
      [{
        program: "squeue",
        answer: { code: 1, stderr: "slurm_load_jobs error: Unable to contact slurm controller\n" },
      }],
      5,
      /"squeue" exited with code 1\n {2}slurm_load_jobs error: Unable to contact/,
    ],
    [
      "rubbish",
      [{ program: "squeue", answer: { stdout: "<html>502 Bad Gateway</html>\n" } }],
      5,
      /did not print a list of jobs\n {2}<html>/,
    ],
  ];
  for (const [name, calls, expected, text] of cases) {
    await t.step(name, async () => {
      const { code, stderr } = await attach("36", { records: [mine()], calls });
      assert.match(stderr, text);
      assert.equal(code, expected);
    });
  }
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

Deno.test("rdg attach says why a process is left alone", async (t) => {
  const cases: [Record<string, unknown>, number, RegExp][] = [
    [{ outcome: "gone" }, 3, /no such process/],
    [{ outcome: "reused" }, 3, /belongs to another one now/],
    [{ outcome: "not-mine" }, 4, /somebody else/],
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

Deno.test("rdg attach shows stacks of a process that is busy, and its time-out", async () => {
  const stacks =
    'Current thread 0x1 (most recent call first):\n  File "train.py", line 7 in step\n';
  const { code, stderr } = await attach("36", {
    records: [mine()],
    calls: [
      squeue(squeueLine({})),
      helper(signalled, { type: "stuck", stacks, opening: false, detail: "" }, { type: "late" }),
    ],
  });
  assert.match(
    stderr,
    /busy in native code[^]*"train\.py", line 7 in step[^]*as soon as that call returns/,
  );
  assert.match(stderr, /still in that call/);
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

Deno.test("rdg attach lists 20,000 jobs and finds one among them", async () => {
  const lines = Array.from(
    { length: 20_000 },
    (_, i) => squeueLine({ id: String(i + 100), nodes: "n1" }),
  );
  const begin = performance.now();
  const { code } = await attach("15000", {
    records: [mine({ job: { id: "15000", display: "15000", step: null } })],
    calls: [squeue(...lines), helper(signalled, ready)],
  });
  assert.equal(code, 0);
  assert.ok(performance.now() - begin < 5000);
});

Deno.test("rdg attach refuses words that make no sense", async (t) => {
  const cases: [string, RegExp][] = [
    ["36 42 43", /Cannot use "43"/],
    ["36 -1", /unknown flag "-1"/],
    ["36 abc", /"abc" as a PID/],
    ["36;rm 42", /"36;rm" as a job's id/],
    ["36 --rank x", /--rank=x/],
    ["36 --all --rank 1", /"--all" together/],
    ["36 42 --rank 1", /PID together/],
    ["36 --via=magic", /--via=magic/],
    ["36 --timeout 0", /--timeout=0/],
    ["36 --scheduler=slurn", /slurn/],
  ];
  for (const [words, text] of cases) {
    await t.step(words, async () => {
      const { code, stderr } = await attach(words, { env: { RDG_SCHEDULER: "" } });
      assert.match(stderr, text);
      assert.equal(code, 2);
    });
  }
});

Deno.test("rdg attach --node refuses a node that isn't the job's", async () => {
  const { code, stderr } = await attach("36 --node n9", {
    records: [mine()],
    calls: [squeue(squeueLine({}))],
  });
  assert.match(stderr, /job 36 does not run there\nTry: one of n1, n2/);
  assert.equal(code, 2);
});

// Which of them needs which is shown by test/permissions: it runs both under their lists.
Deno.test("the permission sets of attach and sessions together hold every scheduler's programs", () => {
  const { attach, sessions } = denoConfig.permissions;
  const own = ["cat", "readlink", "sh", "ssh"];
  const programs = new Set([...schedulers.flatMap((one) => one.programs), ...own]);
  assert.deepEqual([...new Set([...attach.run, ...sessions.run])].sort(), [...programs].sort());
  assert.deepEqual(sessions.run.filter((name) => ["sh", "ssh", "srun", "qrsh"].includes(name)), []);
});
