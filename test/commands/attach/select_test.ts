/** Which job and which processes: by what was typed, by the records, and only then by asking. */

import assert from "node:assert/strict";
import type { Expected } from "../../support/fake_host.ts";
import type { RecordText } from "../../support/records.ts";
import { squeueLine } from "../../support/squeue.ts";
import { attach, helper, mine, output, ready, signalled, squeue } from "./_attach.ts";

Deno.test("rdg attach JOB takes the armed process of a record on a node of the job only", async () => {
  const elsewhere = mine({ host: "other7", hostname: "other7", cluster: "c2", pid: 77 });
  const { code } = await attach("36", {
    records: [mine(), elsewhere],
    calls: [squeue(squeueLine({})), helper(signalled, ready)],
  });
  assert.equal(code, 0);
});

Deno.test("rdg attach never prompts without a terminal", async (t) => {
  const two = [mine({ rank: 0 }), mine({ rank: 1, pid: 43 })];
  const cases: [string, readonly RecordText[], RegExp, Expected?][] = [
    ["", [mine()], /stdin is no terminal\nTry: rdg attach JOB, with one of: 36 \(armed\)/],
    ["36", two, /which of 2 armed.*\n.*--rank N.*rank 0, PID 42 on n1; rank 1, PID 43 on n1/],
    [
      "36",
      [],
      /no session of it can be seen from here\nTry: rdg attach 36 PID, .* output \(\/home\/ada\/slurm-36\.out\)/,
      output,
    ],
  ];
  for (const [words, records, text, call] of cases) {
    await t.step(`rdg attach ${words} with ${records.length} records`, async () => {
      const calls = [squeue(squeueLine({})), ...call ? [call] : []];
      const { code, stderr } = await attach(words, { records, calls });
      assert.ok(code === 2 || code === 3);
      assert.match(stderr, text);
    });
  }
});

Deno.test("rdg attach says what tells processes with one PID apart", async () => {
  const inside = (number: number, more: Record<string, unknown>) =>
    mine({ pid: 1, pidNamespace: `pid:[402653200${number}]`, ...more });
  const on = (host: string) => ({ host, hostname: host });
  const cases: [string, readonly RecordText[]][] = [
    ["--node NODE", [inside(1, on("n1")), inside(2, on("n2"))]],
    ["--rank N instead of the PID", [inside(1, { rank: 0 }), inside(2, { rank: 1 })]],
    ["--all instead of the PID", [inside(1, {}), inside(2, {})]],
  ];
  for (const [hint, records] of cases) {
    const calls = [squeue(squeueLine({ nodes: "n[1-2]" }))];
    const { code, stderr } = await attach("36 1", { records, calls });
    assert.equal(code, 2);
    assert.match(stderr, new RegExp(`which of 2 armed.*\nTry: ${hint}; there are: `));
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

Deno.test("rdg attach local asks for no PID: what runs on this host would be seen", async () => {
  const { code, stderr } = await attach("local", { interactive: true });
  assert.equal(code, 3);
  assert.match(
    stderr,
    /^Cannot attach to programs on this host: none was started by "rdg debug"\nTry: rdg attach PID --inject/,
  );
});

Deno.test("rdg attach local passes over a program of another boot of this host's name", async () => {
  const stat = await Deno.readTextFile("/proc/self/stat");
  const here = mine({
    scheduler: "local",
    cluster: "login",
    job: { id: "local", display: "local", step: null },
    host: "login",
    hostname: "login",
    pid: Deno.pid,
    startTime: Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]),
    pidNamespace: await Deno.readLink("/proc/self/ns/pid"),
  });
  const boot = (await Deno.readTextFile("/proc/sys/kernel/random/boot_id")).trim();
  const other = await attach("local", { records: [{ ...here, boot: "another" }] });
  assert.match(other.stderr, /none was started by "rdg debug"/);
  const own = await attach("local --rank 5", { records: [{ ...here, boot }] });
  assert.match(own.stderr, /nothing armed has rank 5/);
});

Deno.test("rdg attach asks for the PID where no record can be seen, and wakes by it", async () => {
  const { code } = await attach("36", {
    interactive: true,
    menus: {
      pid: (_job, where) => {
        assert.equal(where, "the job's output (/home/ada/slurm-36.out)");
        return Promise.resolve(42);
      },
    },
    calls: [squeue(squeueLine({})), output, {
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
      "running, but not listed",
      [squeue(), lookup({ stdout: squeueLine({}) })],
      3,
      /slurm knows it \(RUNNING\), but does not list it among the jobs of "ada"/,
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

Deno.test("rdg attach lists 20,000 jobs and finds one among them", async () => {
  const lines = Array.from(
    { length: 20_000 },
    (_, i) => squeueLine({ id: String(i + 100), nodes: "n1" }),
  );
  const { code } = await attach("15000", {
    records: [mine({ job: { id: "15000", display: "15000", step: null } })],
    calls: [squeue(...lines), helper(signalled, ready)],
  });
  assert.equal(code, 0);
});

Deno.test("rdg attach --node refuses a node that isn't the job's", async () => {
  const { code, stderr } = await attach("36 --node n9", {
    records: [mine()],
    calls: [squeue(squeueLine({}))],
  });
  assert.match(stderr, /job 36 does not run there\nTry: one of n1, n2/);
  assert.equal(code, 2);
});
