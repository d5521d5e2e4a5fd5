/**
 * `rdg stack` against literals: what it runs, what it says, how it ends. Records and pages lie in a
 * temporary folder.
 */

import assert from "node:assert/strict";
import type { Terminal } from "../../../commands/_terminal.ts";
import { parse, run } from "../../../commands/stack/command.ts";
import { formatError, RdgError } from "../../../plugins/error.ts";
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

async function stack(words: string[], options: {
  records?: readonly RecordText[];
  calls?: readonly Expected[];
  looks?: number;
  terminal?: Partial<Terminal>;
}): Promise<Outcome> {
  const state = await Deno.makeTempDir();
  const fake = fakeHost({
    env: { RDG_STATE_DIR: state, RDG_SCHEDULER: "slurm", USER: "ada" },
    calls: options.calls ?? [],
    ...(options.terminal ? { terminal: options.terminal } : {}),
  });
  const finish = (code: number, more = "") => {
    fake.done();
    return { code, stdout: fake.stdout(), stderr: fake.stderr() + more };
  };
  let left = (options.looks ?? 1) - 1;
  try {
    for (const content of options.records ?? []) await writeRecord(state, content);
    return finish(
      await run(parse(words), fake.host, { pause: () => Promise.resolve(left-- > 0) }),
    );
  } catch (error) {
    if (!(error instanceof RdgError)) throw error;
    return finish(error.exitCode, formatError(error));
  } finally {
    await Deno.remove(state, { recursive: true });
  }
}

function rank(number: number, changes: Record<string, unknown> = {}): RecordText {
  const host = number < 2 ? "n1" : "n2";
  const pid = 42 + number;
  return record({ ...{ uid, rank: number, worldSize: 4, host, hostname: host, pid }, ...changes });
}

const ranks = [0, 1, 2, 3].map((number) => rank(number));

const squeue: Expected = { program: "squeue", args: ["--me"], answer: { stdout: squeueLine({}) } };

function dump(name: string, line: number): string {
  return `Current thread 0x1 (most recent call first):\n  File "/home/ada/t.py", line ${line} in ${name}\n`;
}

/** The helper's lines, cut into pieces as it does, those of two nodes mixed. */
function helper(...events: Record<string, unknown>[]): Expected {
  const streams = new Map<string, string[]>();
  for (const event of events) {
    const all = {
      ...{ node: "n1", parent: null, pid: 42, start: 1234, name: "python3 t.py" },
      ...{ program: true, environment: {}, via: "signal", threads: 1 },
      ...event,
    };
    const text = JSON.stringify(all);
    const pieces = text.match(/.{1,40}/gs)!;
    const stream = `${all.node}:7`;
    const lines = pieces.map((piece, i) =>
      `rdg-helper ${stream} ${i < pieces.length - 1 ? 1 : 0} ${piece}\n`
    );
    streams.set(stream, [...streams.get(stream) ?? [], ...lines]);
  }
  const queues = [...streams.values()];
  let stdout = "a prolog's words\n";
  while (queues.some((queue) => queue.length > 0)) {
    for (const queue of queues) stdout += queue.shift() ?? "";
  }
  return { program: "srun", answer: { stdout } };
}

function answer(index: number, text: string, more: Record<string, unknown> = {}) {
  const node = index < 2 ? "n1" : "n2";
  return { type: "stack", index, node, pid: 42 + index, text, complete: true, ...more };
}

Deno.test("rdg stack JOB asks the scheduler twice and puts the lone rank first", async () => {
  const { code, stdout, stderr } = await stack(["36"], {
    records: ranks,
    calls: [
      squeue,
      helper(
        ...[0, 1, 2, 3].map((i) => answer(i, i === 2 ? dump("load", 14) : dump("reduce", 88))),
      ),
    ],
  });
  assert.equal(code, 0);
  assert.equal(stderr, "");
  assert.deepEqual(stdout.split("\n").slice(0, 2), [
    "rank 2 in load t.py:14",
    "3 ranks (0-1,3) in reduce t.py:88",
  ]);
});

Deno.test("rdg stack asks for the stack signal and the recorded descriptor, and says so once", async () => {
  const look: Expected = {
    program: "srun",
    answer: ({ args }) => {
      const request = JSON.parse(args.at(-1)!);
      assert.deepEqual(request.processes[1], ["n1", 43, 1234, "pid:[4026531836]", 41, 1, 999]);
      assert.deepEqual([request.job, request.limitS, request.children], ["36", 5, true]);
      return {};
    },
  };
  const { code, stderr } = await stack(["36"], { records: ranks, calls: [squeue, look] });
  assert.equal(code, 5);
  assert.match(stderr, /Cannot enter job 36: the helper said nothing/);
});

Deno.test("rdg stack names each rank that gave nothing, with the reason, and shows the others", async () => {
  const { code, stdout, stderr } = await stack(["36"], {
    records: ranks,
    calls: [
      squeue,
      helper(
        answer(0, dump("reduce", 88)),
        { type: "none", index: 1, pid: 43, outcome: "ended", detail: "" },
        answer(2, dump("reduce", 88) + "Current thread 0x1 (most re", { complete: false }),
      ),
    ],
  });
  assert.equal(code, 3);
  assert.match(stdout, /^2 ranks \(0,2\) in reduce|^rank 0 in reduce/);
  assert.match(stderr, /No stacks of rank 1 \(PID 43 on n1\): it ended while it was asked/);
  assert.match(stderr, /No stacks of rank 3 \(PID 45 on n2\): its node did not answer/);
});

Deno.test("rdg stack JOB passes over armed processes of my other jobs on the node", async () => {
  const other = { type: "none", index: null, program: false, detail: "" };
  const outcome = await stack(["36"], {
    records: [rank(0)],
    calls: [
      squeue,
      helper(
        answer(0, dump("load", 14)),
        { ...other, pid: 70, outcome: "other-job", detail: "37" },
        { ...other, pid: 71, outcome: "no-job" },
      ),
    ],
  });
  assert.deepEqual([outcome.code, outcome.stderr.includes("No stacks")], [0, false]);
  assert.match(outcome.stdout, /load {2}t\.py:14/);
  // One that was named is told of.
  const named = await stack(["36", "--pid", "70"], {
    calls: [squeue, helper({ ...other, index: 0, pid: 70, outcome: "other-job", detail: "37" })],
  });
  assert.equal(named.code, 3);
  assert.match(named.stderr, /PID 70: it belongs to job 37/);
});

Deno.test("rdg stack says which ranks have no session", async () => {
  const { stderr } = await stack(["36"], {
    records: ranks.slice(0, 2),
    calls: [squeue, helper(answer(0, dump("a", 1)), answer(1, dump("a", 1)))],
  });
  assert.match(
    stderr,
    /No session of 2 ranks \(2-3\) of 4: never armed, not started yet, or ended/,
  );
});

Deno.test("rdg stack keeps equal PIDs of two nodes apart", async () => {
  const { stdout } = await stack(["36", "--json"], {
    records: [rank(0, { pid: 42 }), rank(2, { pid: 42 })],
    calls: [
      squeue,
      helper(answer(0, dump("a", 1)), answer(1, dump("b", 2), { node: "n2", pid: 42 })),
    ],
  });
  const { processes } = JSON.parse(stdout);
  assert.deepEqual(
    processes.map(({ rank, node, pid }: Record<string, unknown>) => [rank, node, pid]),
    [[0, "n1", 42], [2, "n2", 42]],
  );
});

Deno.test("rdg stack passes over what a rank that was started again has left behind", async () => {
  const { code, stdout, stderr } = await stack(["36"], {
    records: [rank(0), rank(1, { pid: 30 }), rank(1, { pid: 43 })],
    calls: [
      squeue,
      helper(
        answer(0, dump("reduce", 88)),
        { type: "none", index: 1, pid: 30, outcome: "gone", detail: "" },
        answer(2, dump("reduce", 88), { node: "n1", pid: 43 }),
      ),
    ],
  });
  assert.equal(code, 0);
  assert.match(stdout, /^all 2 ranks in reduce t\.py:88$/m);
  assert.doesNotMatch(stderr, /No stacks/);
});

Deno.test("rdg stack --watch looks again, and ends well with the job", async () => {
  const same = [0, 1, 2, 3].map((i) => answer(i, dump("reduce", 88)));
  const { code, stdout, stderr } = await stack(["36", "--watch", "5"], {
    records: ranks,
    looks: 3,
    calls: [
      squeue,
      helper(...same),
      squeue,
      helper(answer(0, dump("moved", 89)), ...same.slice(1)),
      { program: "squeue", answer: { stdout: "" } },
      { program: "squeue", answer: { stdout: "" } },
    ],
  });
  assert.equal(code, 0);
  assert.match(
    stdout,
    /rank 0 in moved t\.py:89 {2}\* moved\n3 ranks \(1-3\).* = same place for 0s/,
  );
  assert.match(stderr, /That was the last look: Cannot show the stacks of job 36/);
});

/** Three ranks in one place, one in another. */
const look = helper(
  ...[0, 1, 2, 3].map((i) => answer(i, i === 2 ? dump("a_long_name", 14) : dump("reduce", 88))),
);

Deno.test("rdg stack cuts lines to the width of stdout's terminal, of no other", async () => {
  const options = { records: ranks, calls: [squeue, look] };
  const wide = await stack(["36"], { ...options, terminal: { live: true, columns: 20 } });
  assert.match(wide.stdout, /^rank 2 in a_long_name t\.py:14$/m);
  const cut = await stack(["36"], { ...options, terminal: { outLive: true, columns: 20 } });
  assert.match(cut.stdout, /^rank 2 in a_long_na…$/m);
});

Deno.test("rdg stack --watch draws over stdout's terminal only, and keeps the top in sight", async () => {
  const options = { records: ranks, calls: [squeue, look] };
  const piped = await stack(["36", "--watch", "5"], {
    ...options,
    terminal: { live: true, outLive: true, rows: 6 },
  });
  assert.ok(!piped.stdout.includes("\x1b"), JSON.stringify(piped.stdout));
  assert.match(piped.stdout, /^Job 36 at [\d:]+\nrank 2 [^]*reduce {2}t\.py:88\n$/);
  const terminal = { outLive: true, redraws: true, rows: 6, columns: 80 };
  const { stdout } = await stack(["36", "--watch", "5"], { ...options, terminal });
  const lines = stdout.trimEnd().split("\n");
  assert.ok(lines[0]!.startsWith("\x1b[H\x1b[2JJob 36 at"), lines[0]);
  assert.match(lines[1]!, /^rank 2 in a_long_name/);
  assert.match(lines.at(-1)!, /^… and \d+ more lines \(rdg stack shows all\)$/);
  assert.equal(lines.length, 5);
});

Deno.test("rdg stack --watch ends when nobody reads it any more", async () => {
  const { code } = await stack(["36", "--watch", "5"], {
    records: ranks,
    calls: [squeue, look],
    looks: 9,
    terminal: { unread: true },
  });
  assert.equal(code, 0);
});

Deno.test("rdg stack local says what to do where nothing here was started by rdg debug", async () => {
  const { code, stderr } = await stack(["local"], {});
  assert.equal(code, 3);
  assert.match(
    stderr,
    /^Cannot show the stacks of programs on this host: none was started by "rdg debug"\nTry: rdg stack --pid/,
  );
});

Deno.test("rdg stack --html never replaces a file that is no page of its own", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/thesis.html`;
    await Deno.writeTextFile(path, "<!doctype html> my thesis");
    const refused = await stack(["36", "--html", path], { records: ranks });
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /Cannot write ".*thesis\.html": it is there, and no page of rdg's/,
    );
    assert.equal(await Deno.readTextFile(path), "<!doctype html> my thesis");
    const nowhere = await stack(["36", "--html", `${folder}/none/x.html`], { records: ranks });
    assert.equal(nowhere.code, 3);
    assert.match(nowhere.stderr, /there is no folder ".*\/none"/);
    const page = `${folder}/page.html`;
    for (const name of ["first", "second"]) {
      const { code } = await stack(["36", "--html", page, "--rank", "0"], {
        records: ranks,
        calls: [squeue, helper(answer(0, dump(name, 1)))],
      });
      assert.equal(code, 0);
      assert.match(await Deno.readTextFile(page), new RegExp(`<b>${name}</b>`));
    }
    assert.equal((await Array.fromAsync(Deno.readDir(folder))).length, 2);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

for (
  const [words, message] of [
    [["36", "37"], /Cannot use "37": want one job at most/],
    [["36;rm"], /Cannot use "36;rm" as a job's id/],
    [["--pid", "0"], /Cannot use "--pid=0": want process ids$/],
    [["--pid", "1,,x"], /Cannot use "--pid=1,,x": want process ids$/],
    [[""], /Cannot use "" as a job's id/],
    [["--pid", "5", "--rank", "1"], /Cannot use "--pid" together with "--rank"/],
    [["--pid", "5", "--node", "n1"], /Cannot use "--node" with "--pid" alone/],
    [["36", "--rank", "3-1"], /Cannot use "--rank=3-1"/],
    [["36", "--watch", "0"], /Cannot use "--watch=0": want a number from 1/],
    [["36", "--via", "pigeon"], /Cannot use "--via=pigeon"/],
    [["36", "--html"], /"--html" needs a value/],
  ] as const
) {
  Deno.test(`rdg stack ${words.join(" ")} is refused`, () => {
    assert.throws(() => parse(words), (error) => {
      assert.ok(error instanceof RdgError);
      assert.equal(error.exitCode, 2);
      assert.match(error.message, message);
      return true;
    });
  });
}
