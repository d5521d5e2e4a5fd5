/**
 * `rdg sessions --watch`: how often it asks the scheduler, what it shows in between, and the real command
 * in a real pseudo-terminal.
 */

import assert from "node:assert/strict";
import type { Job } from "../../../plugins/contract.ts";
import { type Listing, look } from "../../../commands/sessions/look.ts";
import { parse, run } from "../../../commands/sessions/command.ts";
import { type Expected, fakeHost } from "../../support/fake_host.ts";
import { Pty } from "../../support/pty.ts";
import { record, type RecordText, writeRecord } from "../../support/records.ts";
import { makeSandbox, rdg } from "../../support/rdg.ts";
import { squeueLine } from "../../support/squeue.ts";

const uid = Deno.uid()!;

function mine(changes: Record<string, unknown> = {}): RecordText {
  return record({ uid, created: 1_000_000, ...changes });
}

const listed: Expected = { program: "squeue", answer: { stdout: squeueLine({}) } };

/** Looks again and again at a state folder; the clock is the test's. */
async function looks(
  calls: readonly Expected[],
  work: (state: string, again: (seconds: number) => Promise<string[]>) => Promise<void>,
): Promise<void> {
  const state = await Deno.makeTempDir();
  const fake = fakeHost({ env: { RDG_SCHEDULER: "slurm", USER: "ada" }, calls });
  let now = 1_000_100_000;
  const host = { ...fake.host, now: () => now };
  let before: Listing | undefined;
  try {
    await work(state, async (seconds) => {
      now += seconds * 1000;
      const found = await look({ state, host, before });
      before = found.listing;
      const left = (job: Job | undefined) => job === undefined ? "-" : String(job.leftS);
      return [
        ...found.rows.map(({ session, job }) => `${session.pid} ${session.state} ${left(job)}`),
        ...found.note === null ? [] : [found.note],
      ];
    });
    fake.done();
  } finally {
    await Deno.remove(state, { recursive: true });
  }
}

Deno.test("look() asks the scheduler once a minute, and reads the records each time", async () => {
  await looks([listed, listed], async (state, again) => {
    await writeRecord(state, mine());
    assert.deepEqual(await again(0), ["42 armed 2850"]);
    await writeRecord(state, mine({ state: "attached" }));
    assert.deepEqual(await again(30), ["42 attached 2820"]);
    assert.deepEqual(await again(29), ["42 attached 2791"]);
    assert.deepEqual(await again(1), ["42 attached 2850"]);
  });
});

Deno.test("look() asks sooner about the job of a new record, but not at once again", async () => {
  const both: Expected = {
    program: "squeue",
    answer: { stdout: squeueLine({}) + squeueLine({ id: "37", nodes: "n2" }) },
  };
  const job = { id: "37", display: "37", step: null };
  await looks([listed, both], async (state, again) => {
    await writeRecord(state, mine());
    await again(0);
    // Its job isn't in the older list, which says nothing about it: it stays.
    const path = await writeRecord(state, mine({ job, host: "n2", pid: 50 }));
    assert.deepEqual(await again(9), ["42 armed 2841", "50 armed -"]);
    await Deno.stat(path);
    assert.deepEqual(await again(1), ["42 armed 2850", "50 armed 2850"]);
  });
});

Deno.test("look() goes on with the older list where the scheduler fails, and says so", async () => {
  const down: Expected = { program: "squeue", answer: { code: 1, stderr: "controller down" } };
  await looks([listed, down, listed], async (state, again) => {
    const path = await writeRecord(state, mine());
    await again(0);
    const [row, note] = await again(60);
    assert.equal(row, "42 armed 2790");
    assert.match(note!, /^Cannot list jobs: "squeue" exited with code 1\n {2}controller down/);
    await Deno.stat(path);
    assert.deepEqual(await again(2), ["42 armed 2850"]);
  });
});

Deno.test("rdg sessions --watch --json prints one object a line, until it is told to end", async () => {
  const state = await Deno.makeTempDir();
  const fake = fakeHost({
    env: { RDG_STATE_DIR: state, RDG_SCHEDULER: "slurm", USER: "ada" },
    calls: [listed],
  });
  await writeRecord(state, mine());
  const pauses: number[] = [];
  try {
    const code = await run(parse(["--watch", "--json"]), fake.host, (ms) => {
      pauses.push(ms);
      return Promise.resolve(pauses.length < 3);
    });
    assert.equal(code, 0);
    fake.done();
    const lines = fake.stdout().trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(lines.map(({ sessions }) => sessions.length), [1, 1, 1]);
    assert.deepEqual(pauses, [10_000, 10_000, 10_000]);
  } finally {
    await Deno.remove(state, { recursive: true });
  }
});

Deno.test("rdg sessions --watch ends when nobody reads it any more", async () => {
  const fake = fakeHost({
    env: { RDG_STATE_DIR: "/nowhere", RDG_SCHEDULER: "slurm" },
    terminal: { unread: true },
  });
  assert.equal(await run(parse(["--watch"]), fake.host, () => assert.fail("it waits")), 0);
});

Deno.test("rdg sessions --watch draws over nothing in a dumb terminal", async () => {
  const fake = fakeHost({
    env: { RDG_STATE_DIR: "/nowhere", RDG_SCHEDULER: "slurm" },
    terminal: { live: true, outLive: true, redraws: false },
  });
  await run(parse(["--watch"]), fake.host, () => Promise.resolve(false));
  assert.deepEqual([fake.stdout(), fake.stderr()], ["", "No sessions.\n"]);
});

Deno.test("rdg sessions --watch in a terminal follows the records and the size, by one call", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const bin = `${sandbox.dir}/bin`;
  await Deno.mkdir(bin);
  const squeue = `#!/bin/sh\necho call >>${sandbox.dir}/calls\nprintf '%s' '${squeueLine({})}'\n`;
  await Deno.writeTextFile(`${bin}/squeue`, squeue, { mode: 0o755 });
  const env = {
    ...sandbox.env,
    PATH: `${bin}:/usr/bin:/bin`,
    RDG_SCHEDULER: "slurm",
    TERM: "xterm",
  };
  const write = (changes: Record<string, unknown>) =>
    writeRecord(sandbox.state, mine({ created: Date.now() / 1000, ...changes }));
  const path = await write({});
  const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  await using pty = new Pty(["env", "-i", ...settings, ...rdg, "sessions", "--watch"]);
  await pty.waitFor(
    /jobs as of 0s ago · Ctrl-C ends this\n\nJOB .*\n36 .* armed .* python3 train\.py/,
  );
  await write({ state: "listening", waiting: true });
  await pty.waitFor(/36 .* listening {2}/);
  await write({ state: "attached" });
  await pty.waitFor(/36 .* attached {2}/);
  // Narrower, and of so few lines that not all fit.
  for (const pid of [50, 51, 52]) await write({ pid });
  await pty.resize(50, 6);
  await pty.waitFor(/COM[A-Z]*…\n36 .*…\n… and 3 more\n/);
  for (const pid of [50, 51, 52]) await Deno.remove(path.replace("-42.", `-${pid}.`));
  await pty.resize(100, 30);
  await pty.waitFor(/COMMAND\n36 .* attached .* python3 train\.py\n(?!36)/);
  await Deno.remove(path);
  await pty.waitFor(/\n\nNo sessions\.\n/);
  assert.equal(await Deno.readTextFile(`${sandbox.dir}/calls`), "call\n");
  await pty.type("\x03");
  await pty.ended();
  // Nothing that would have to be put back: no other screen, no hidden cursor, no raw mode.
  assert.ok(!pty.raw.includes("\x1b[?"), pty.raw);
  assert.ok(pty.raw.endsWith("No sessions.\r\n\x1b[J^C"), JSON.stringify(pty.raw.slice(-60)));
});
