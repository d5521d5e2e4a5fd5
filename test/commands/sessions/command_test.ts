/**
 * `rdg sessions` against literals: what it asks, shows and sweeps. Records lie in a temporary folder.
 */

import assert from "node:assert/strict";
import { parse, run } from "../../../commands/sessions/command.ts";
import { type Expected, fakeHost } from "../../support/fake_host.ts";
import { recordFile } from "../../../python/sessions.ts";
import { record, type RecordText, writeRecord } from "../../support/records.ts";
import { makeSandbox, powerless, rdg, start } from "../../support/rdg.ts";
import { squeueLine } from "../../support/squeue.ts";

const uid = Deno.uid()!;

/** Records that are left afterwards, and what was printed. */
interface Outcome {
  stdout: string;
  stderr: string;
  left: string[];
}

async function sessions(words: string, options: {
  records?: readonly RecordText[];
  calls?: readonly Expected[];
  env?: Record<string, string>;
  hostname?: string;
}): Promise<Outcome> {
  const state = await Deno.makeTempDir();
  const fake = fakeHost({
    env: { RDG_STATE_DIR: state, RDG_SCHEDULER: "slurm", USER: "ada", ...options.env },
    calls: options.calls ?? [],
    ...(options.hostname ? { hostname: options.hostname } : {}),
  });
  try {
    const paths: string[] = [];
    for (const content of options.records ?? []) paths.push(await writeRecord(state, content));
    assert.equal(await run(parse(words.split(" ").filter(Boolean)), fake.host), 0);
    fake.done();
    const left: string[] = [];
    for (const path of paths) {
      if (await Deno.stat(path).then(() => true, () => false)) left.push(path.split("/").at(-1)!);
    }
    return { stdout: fake.stdout(), stderr: fake.stderr(), left };
  } finally {
    await Deno.remove(state, { recursive: true });
  }
}

function mine(changes: Record<string, unknown> = {}): RecordText {
  return record({ uid, created: 1_000_000, ...changes });
}

const listed: Expected = { program: "squeue", answer: { stdout: squeueLine({}) } };
const clusterC1: Expected = {
  program: "scontrol",
  args: ["show", "config"],
  answer: { stdout: "Configuration data\nClusterName             = c1\n" },
};

Deno.test("rdg sessions shows job, rank, node, PID, state, age and time left", async () => {
  const { stdout } = await sessions("", {
    records: [
      mine({ rank: 10 }),
      mine({ rank: 2, pid: 43, state: "crashed", exception: "ValueError: no" }),
    ],
    calls: [listed],
  });
  assert.deepEqual(stdout.trimEnd().split("\n").map((line) => line.split(/ {2,}/)), [
    ["JOB", "RANK", "NODE", "PID", "STATE", "AGE", "LEFT", "COMMAND"],
    ["36", "2", "n1", "43", "crashed", "1:40", "47:30", "ValueError: no"],
    ["36", "10", "n1", "42", "armed", "1:40", "47:30", "python3 train.py"],
  ]);
});

Deno.test("rdg sessions costs no call where there is no record", async () => {
  const { stdout, stderr } = await sessions("", {});
  assert.deepEqual([stdout, stderr], ["", "No sessions.\n"]);
});

Deno.test("rdg sessions sweeps jobs that have ended, on its own cluster only", async () => {
  const gone = { id: "30", display: "30", step: null };
  const { stdout, left } = await sessions("", {
    records: [mine(), mine({ job: gone, pid: 50 }), mine({ job: gone, pid: 51, cluster: "c2" })],
    calls: [listed],
  });
  assert.deepEqual(left, ["n1-42.json", "n1-51.json"]);
  assert.match(stdout, / 51 /);
});

Deno.test("rdg sessions asks for the cluster's name where no listed job tells it", async () => {
  const { left } = await sessions("", {
    records: [mine({ pid: 50 }), mine({ pid: 51, cluster: "c2" })],
    calls: [{ program: "squeue", answer: {} }, clusterC1],
  });
  assert.deepEqual(left, ["n1-51.json"]);
});

Deno.test("rdg sessions sweeps a record on a node that the job has no more", async () => {
  const { left } = await sessions("", {
    records: [mine(), mine({ host: "n7", hostname: "n7", pid: 50 })],
    calls: [listed],
  });
  assert.deepEqual(left, ["n1-42.json"]);
});

Deno.test("rdg sessions sweeps nothing when squeue fails", async () => {
  const call: Expected = { program: "squeue", answer: { code: 1, stderr: "controller down" } };
  await assert.rejects(sessions("", { records: [mine()], calls: [call] }), {
    name: "RdgError",
    exitCode: 5,
  });
});

/** What a program outside of jobs on this machine has in its record, if the host is called desk. */
async function onDesk(): Promise<Record<string, unknown> & { pid: number; startTime: number }> {
  const stat = await Deno.readTextFile("/proc/self/stat");
  return {
    scheduler: "local",
    cluster: "desk",
    job: { id: "local", display: "local", step: null },
    host: "desk",
    hostname: "desk",
    boot: (await Deno.readTextFile("/proc/sys/kernel/random/boot_id")).trim(),
    pidNamespace: await Deno.readLink("/proc/self/ns/pid"),
    pid: Deno.pid,
    startTime: Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]),
  };
}

/** No process ever had it: the largest is 2^22. */
const nobody = 2 ** 30;

Deno.test("rdg sessions looks for processes of this host", async () => {
  const here = await onDesk();
  const living = mine(here);
  const contained = mine({ ...here, pid: 77, startTime: 5, pidNamespace: "pid:[container]" });
  const { left } = await sessions("", {
    hostname: "desk",
    records: [
      living,
      mine({ ...here, host: "also-desk", startTime: here.startTime - 5 }),
      mine({ ...here, pid: nobody }),
      mine({ ...here, pid: nobody + 1, boot: undefined }), // as older versions wrote it
      contained,
    ],
  });
  assert.deepEqual(left, [recordFile(living), recordFile(contained)]);
});

Deno.test("rdg sessions keeps and marks what may run on another machine of this one's name", async () => {
  const here = await onDesk();
  const other = { ...here, boot: "of another machine, or of another time" };
  const records = [
    mine(here),
    mine({ ...other, pid: nobody }),
    mine({ ...other, host: "also-desk", startTime: 5 }),
    mine({ ...other, pid: nobody + 1, created: Date.now() / 1000 }),
    // In a job of another scheduler than this host's: it is elsewhere anyway.
    mine({ ...other, scheduler: "pbs", cluster: "p", pid: nobody }),
  ];
  const { stdout, stderr, left } = await sessions("", { hostname: "desk", records });
  assert.deepEqual(left, records.map(recordFile));
  assert.equal(stdout.match(/ armed, other boot {2}/g)?.length, 2, stdout);
  // It began while this machine was up.
  assert.match(stdout, new RegExp(` ${nobody + 1} +armed, other machine {2}`));
  assert.match(
    stderr,
    /^Other boot: 2 programs that ended when "desk" was .* To remove them: rdg sessions --forget\n$/,
  );
  const json = JSON.parse((await sessions("--json", { hostname: "desk", records })).stdout);
  const found = json.sessions.map((one: { pid: number; elsewhere: string | null }) =>
    one.elsewhere
  );
  assert.deepEqual(found.sort(), [null, null, "other boot", "other boot", "other machine"]);
});

/** A living program of this machine, and some of another boot of its name. */
async function afterRestart(count: number): Promise<[RecordText, ...RecordText[]]> {
  const here = await onDesk();
  // By name they come before it.
  const other = { ...here, boot: "of another machine, or of another time", host: "a-desk" };
  return [mine(here), ...Array.from({ length: count }, (_, n) => mine({ ...other, pid: n + 1 }))];
}

Deno.test("rdg sessions shows a few programs of another boot, after those that run", async () => {
  const records = await afterRestart(50);
  const { stdout, stderr, left } = await sessions("", { hostname: "desk", records });
  const rows = stdout.trimEnd().split("\n").slice(1).map((line) => line.split(/ {2,}/));
  assert.deepEqual(rows.pop(), ["… and 45 more of another boot (--json has all)"]);
  assert.deepEqual(rows.map(([, , , pid]) => pid), [`${Deno.pid}`, "1", "2", "3", "4", "5"]);
  assert.match(stderr, /^Other boot: 50 programs that ended /);
  assert.equal(left.length, 51);
  const json = JSON.parse((await sessions("--json", { hostname: "desk", records })).stdout);
  assert.equal(json.sessions.length, 51);
});

Deno.test("rdg sessions says of one program of another boot, and of one job's, how to forget it", async () => {
  const records = await afterRestart(1);
  const { stderr } = await sessions("--job=local", { hostname: "desk", records });
  assert.match(
    stderr,
    /: 1 program that ended .* its record .* rdg sessions --forget --job=local\n$/,
  );
});

Deno.test("rdg sessions --forget removes what is of another boot, and nothing else", async () => {
  const [living, ...ended] = await afterRestart(9);
  const other = { ...await onDesk(), boot: "another", startTime: 5 };
  const kept = [
    living,
    mine({ ...other, pid: nobody, created: Date.now() / 1000 }), // it began since: another machine's
    mine({ ...other, pid: 78, hostname: "other", host: "other" }),
    mine({ ...other, pid: 79, scheduler: "pbs", cluster: "p" }),
  ];
  const records = [...kept, ...ended];
  const forget = await sessions("--forget", { hostname: "desk", records });
  assert.deepEqual(forget.left, kept.map(recordFile));
  assert.equal(forget.stderr, "Removed the records of another boot: 9\n");
  assert.doesNotMatch(forget.stdout, /other boot/);
  const job = await sessions("--forget --job=36", { hostname: "desk", records });
  assert.equal(job.left.length, records.length);
  const none = await sessions("--forget", { hostname: "desk", records: [living] });
  assert.equal(none.stderr, "Removed the records of another boot: there are none\n");
});

Deno.test("rdg sessions --forget is no use with --watch", () => {
  assert.throws(() => parse(["--forget", "--watch"]), { code: "usage" });
});

Deno.test("rdg sessions keeps a record of this host in a running job that is of another boot", async () => {
  const { boot: _boot, ...here } = await onDesk();
  const job = { id: "36", display: "36", step: null };
  const inJob = mine({ ...here, scheduler: "slurm", cluster: "c1", job, pid: nobody });
  const { stdout, stderr, left } = await sessions("", {
    hostname: "desk",
    records: [inJob],
    calls: [{ program: "squeue", answer: { stdout: squeueLine({ nodes: "desk" }) } }],
  });
  assert.deepEqual([left, stderr], [[recordFile(inJob)], ""]);
  assert.match(stdout, / armed {2}/);
});

Deno.test("rdg sessions --json prints one object; tokens stand in the table only when asked", async () => {
  const open = { state: "listening", address: { host: "n1", port: 5 }, token: "secret" };
  const options = { records: [mine(open)], calls: [listed] };
  const json = JSON.parse((await sessions("--json", options)).stdout);
  assert.equal(json.sessions.length, 1);
  assert.deepEqual(
    [json.sessions[0].job, json.sessions[0].ageS, json.sessions[0].leftS, json.sessions[0].token],
    ["36", 100, 2850, "secret"],
  );
  assert.doesNotMatch((await sessions("", options)).stdout, /secret/);
  assert.match((await sessions("--token", options)).stdout, /TOKEN[^]*secret/);
});

Deno.test("rdg sessions marks a port that wants no token", async () => {
  const open = { state: "listening", address: { host: "n1", port: 5 }, token: null, auth: false };
  const { stdout } = await sessions("", {
    records: [mine({ ...open, waiting: true }), mine({ pid: 43, auth: false })],
    calls: [listed],
  });
  assert.match(stdout, / 42 +listening, no token /);
  assert.match(stdout, / 43 +armed /);
});

Deno.test("rdg sessions tells a program that waits from one that runs on after a detach", async () => {
  const open = { state: "listening", address: { host: "n1", port: 5 }, token: "secret" };
  const options = {
    records: [
      mine({ ...open, waiting: true }),
      mine({ ...open, pid: 43 }),
      mine({ ...open, pid: 44, waiting: undefined }),
    ],
    calls: [listed],
  };
  const { stdout } = await sessions("", options);
  assert.match(stdout, / 42 +listening {2}/);
  assert.match(stdout, / 43 +listening, runs on {2}/);
  // A record of an older rdg doesn't tell.
  assert.match(stdout, / 44 +listening {2}/);
  const json = JSON.parse((await sessions("--json", options)).stdout);
  assert.deepEqual(
    json.sessions.map(({ waiting }: { waiting: unknown }) => waiting),
    [true, false, null],
  );
});

Deno.test("rdg sessions --job keeps one job, or the elements of an array", async () => {
  const element = (n: number) => ({ id: String(40 + n), display: `40_${n}`, step: null });
  const lines = [1, 2].map((n) => squeueLine({ id: String(40 + n), display: `40_${n}` }));
  const options = {
    records: [mine(), mine({ job: element(1), pid: 51 }), mine({ job: element(2), pid: 52 })],
    calls: [{ program: "squeue", answer: { stdout: [squeueLine({}), ...lines].join("") } }],
  };
  const pids = (text: string) => text.match(/ (42|51|52) /g)?.map((word) => word.trim());
  assert.deepEqual(pids((await sessions("--job 40_2", options)).stdout), ["52"]);
  assert.deepEqual(pids((await sessions("--job 40", options)).stdout), ["51", "52"]);
});

Deno.test("rdg sessions passes over broken, newer and foreign records with a word", async () => {
  const { stdout, stderr, left } = await sessions("", {
    records: [mine(), mine({ pid: 43, format: 2, rdg: "9" }), mine({ pid: 44, uid: uid + 1 })],
    calls: [listed],
  });
  assert.match(stderr, /n1-43\.json: it was written by a newer rdg[^]*n1-44\.json: it belongs to/);
  assert.equal(stdout.split("\n").length, 3);
  assert.equal(left.length, 3);
});

Deno.test("rdg sessions says that it may not look into the folder of the records", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  await writeRecord(sandbox.state, mine());
  await Deno.chmod(sandbox.state, 0);
  const words = [...powerless, ...rdg, "sessions", "--scheduler=local"];
  try {
    await using child = start(words, { sandbox });
    assert.equal((await child.status()).code, 0);
    assert.match(
      child.stderr,
      /^Passed over .*\/sessions: you may not look into it, or into a folder above it\nNo sessions\.\n$/,
    );
  } finally {
    await Deno.chmod(sandbox.state, 0o700);
  }
});
