/** What the doctor makes of what it finds: each row's judgement, from literals. */

import assert from "node:assert/strict";
import { portsRow, schedulerRow } from "../../../commands/doctor/cluster.ts";
import { diskRows, type FolderFacts, folderRow, readDisk } from "../../../commands/doctor/home.ts";
import { type Examined, interpreterRows } from "../../../commands/doctor/interpreter.ts";
import { loginRow } from "../../../commands/doctor/login.ts";
import { findRole, type Role, roleRow } from "../../../commands/doctor/role.ts";
import { type Row, within } from "../../../commands/doctor/row.ts";
import { screen } from "../../../commands/doctor/screen.ts";
import {
  programRows,
  ptraceRow,
  readSystem,
  signalRow,
  type SystemFacts,
} from "../../../commands/doctor/system.ts";
import type { RunOutput } from "../../../plugins/contract.ts";
import { RdgError } from "../../../plugins/error.ts";
import { local } from "../../../plugins/schedulers/local.ts";
import { pbs } from "../../../plugins/schedulers/pbs.ts";
import { slurm } from "../../../plugins/schedulers/slurm.ts";
import type { DebugpyCopy, Interpreter } from "../../../python/examine.ts";
import { parseRecord, type Session } from "../../../python/sessions.ts";
import { fakeHost } from "../../support/fake_host.ts";
import { record } from "../../support/records.ts";

const facts: SystemFacts = {
  glibc: "2.36",
  memoryKib: null,
  blocked: 0n,
  ignored: 0n,
  ptraceScope: 0,
  programs: new Map([["ssh", "/usr/bin/ssh"]]),
};

const laptop: Role = { kind: "laptop", scheduler: local, job: null, node: null, reason: "r" };
const login: Role = { kind: "login", scheduler: slurm, job: null, node: null, reason: "r" };
const inJob: Role = { kind: "job", scheduler: slurm, job: "36", node: "n1", reason: "r" };

function session(changes: Record<string, unknown> = {}): Session {
  const found = parseRecord(JSON.stringify(record({ uid: 1000, ...changes })), {
    path: "/state/x.json",
    uid: 1000,
  });
  assert.ok(typeof found !== "string", String(found));
  return found;
}

/** Status, text and what to do of one row. */
function told({ status, text, todo }: Row): string {
  return `${status}: ${text}${todo ? ` | ${todo}` : ""}`;
}

Deno.test("readSystem() reads what the script prints, and leaves out what isn't there", () => {
  const text = [
    "glibc glibc 2.28",
    "memory 16777216",
    "blocked 0000000000000001",
    "ignored 0000018000001000",
    "blocked ffffffffffffffff",
    "ignored 0000018000001000",
    "blocked 0000000000000003",
    "ptrace 1",
    "program gdb /usr/bin/gdb",
    "program uv uv",
  ].join("\n");
  assert.deepEqual(readSystem(text), {
    glibc: "2.28",
    memoryKib: 16777216,
    blocked: 1n,
    ignored: 0x18000001000n,
    ptraceScope: 1,
    programs: new Map([["gdb", "/usr/bin/gdb"]]),
  });
  assert.deepEqual(readSystem("glibc \nmemory unlimited\nptrace \n"), {
    ...facts,
    glibc: null,
    ptraceScope: null,
    programs: new Map(),
  });
});

Deno.test("programRows() names versions, an old Deno and a limit of address space", () => {
  const versions = { rdg: "1.2.3", deno: "2.9.6" };
  assert.deepEqual(programRows(versions, facts).map(told), [
    "ok: rdg 1.2.3 on Deno 2.9.6, glibc 2.36",
    "ok: no limit of address space (ulimit -v)",
  ]);
  const [version, memory] = programRows({ ...versions, deno: "2.8.1" }, {
    ...facts,
    memoryKib: 16 * 1024 * 1024,
  });
  assert.equal(
    told(version!),
    "problem: rdg 1.2.3 on Deno 2.8.1, glibc 2.36: rdg wants 2.9 or newer | " +
      "deno upgrade, or npm install -g deno",
  );
  assert.match(
    told(memory!),
    /^note: address space is limited to 16\.0 GiB .*python -m remote_debug/,
  );
  assert.equal(programRows({ ...versions, deno: "3.0.0" }, facts)[0]!.status, "ok");
});

Deno.test("signalRow() tells blocked signals from ignored ones and free ones", () => {
  const bit = (number: number) => 1n << BigInt(number - 1);
  assert.match(told(signalRow(facts)), /^ok: RTMIN\+6 .* are free$/);
  assert.match(
    told(signalRow({ ...facts, blocked: bit(40) | bit(2) })),
    /^problem: RTMIN\+6 is blocked .* --signal RTMIN\+8/,
  );
  assert.match(
    told(signalRow({ ...facts, ignored: bit(40) | bit(41) })),
    /^note: RTMIN\+6 and RTMIN\+7 are ignored/,
  );
  assert.equal(signalRow({ ...facts, ignored: bit(13), blocked: bit(39) }).status, "ok");
});

Deno.test("ptraceRow() says who may look into a process", () => {
  assert.equal(
    told(ptraceRow({ ...facts, programs: new Map([["gdb", "/usr/bin/gdb"]]) })),
    "ok: processes of yours may be looked into; here: gdb",
  );
  assert.equal(ptraceRow({ ...facts, ptraceScope: null }).status, "ok");
  assert.match(told(ptraceRow({ ...facts, ptraceScope: 1 })), /^note: only a process's own parent/);
  assert.match(told(ptraceRow({ ...facts, ptraceScope: 2 })), /^note: only an administrator/);
  assert.match(told(ptraceRow({ ...facts, ptraceScope: 3 })), /^note: nobody may/);
});

Deno.test("findRole() knows a job by its variables, a laptop by their absence", async () => {
  const job = fakeHost({ env: { SLURM_JOB_ID: "36", SLURMD_NODENAME: "n1", PATH: "" } }).host;
  const found = await findRole(undefined, job);
  assert.deepEqual([found.kind, found.scheduler.name, found.job, found.node], [
    "job",
    "slurm",
    "36",
    "n1",
  ]);
  assert.equal(roleRow(found, "n1.x").text, "in job 36 of slurm, on n1 (SLURM_JOB_ID is set)");
  const desk = await findRole(undefined, fakeHost({ env: { PATH: "/nothing" } }).host);
  assert.equal(desk.kind, "laptop");
  assert.match(roleRow(desk, "desk").text, /^desk has no scheduler.*no scheduler's program/);
  const named = await findRole("slurm", fakeHost({ env: { PATH: "" } }).host);
  assert.deepEqual([named.kind, named.reason], ["login", "you named its scheduler"]);
  await assert.rejects(findRole("slrum", fakeHost({ env: {} }).host), RdgError);
});

const copy: DebugpyCopy = {
  folder: "/env/site",
  version: "1.8.22",
  compiled: true,
  switchedOff: false,
  threads: true,
};

const python: Interpreter = {
  version: [3, 11, 2],
  implementation: "cpython",
  executable: "/usr/bin/python3",
  wrapper: false,
  environment: "plain",
  prefix: "/usr",
  pip: true,
  glibc: "2.36",
  machine: "x86_64",
  copy: "/cache/debugpy/cpython-311-x86_64",
  own: copy,
  cached: null,
  tooOld: null,
};

function pythonRows(
  changes: Partial<Interpreter> | null,
  circumstances: { needed?: boolean; inJob?: boolean } = {},
): string[] {
  const examined: Examined = {
    typed: "python3",
    path: "/usr/bin/python3",
    answer: changes && { ...python, ...changes },
    reason: "it exited with code 1",
  };
  return interpreterRows(examined, { needed: true, inJob: false, ...circumstances }).map(told);
}

Deno.test("interpreterRows() names the interpreter, its environment, and its debugpy", () => {
  assert.deepEqual(pythonRows({}), [
    "ok: Python 3.11.2: /usr/bin/python3",
    "ok: 1.8.22, of its own environment (/env/site), compiled",
  ]);
  assert.match(
    pythonRows({ wrapper: true, environment: "conda", prefix: "/opt/conda" })[0]!,
    /, through \/usr\/bin\/python3, conda environment \/opt\/conda$/,
  );
  assert.match(
    pythonRows({ own: null, cached: { ...copy, folder: "/cache" } })[1]!,
    /^ok: 1\.8\.22, in rdg's cache \(\/cache\)/,
  );
});

Deno.test("interpreterRows() refuses what is too old, and notes what is too new", () => {
  const old = pythonRows({ version: [3, 7, 9] });
  assert.equal(old.length, 1);
  assert.match(old[0]!, /^problem: Python 3\.7\.9: .*needs 3\.8 or newer/);
  assert.match(pythonRows({ version: [2, 7, 18] })[0]!, /^problem: /);
  assert.match(pythonRows({ version: [3, 8, 0] })[0]!, /^ok: /);
  assert.match(pythonRows({ version: [3, 14, 1] })[0]!, /^ok: /);
  assert.match(pythonRows({ version: [3, 15, 0] })[0]!, /^note: .*newer than any/);
});

Deno.test("interpreterRows() says why an interpreter gives no answer", () => {
  assert.deepEqual(pythonRows(null), [
    "problem: /usr/bin/python3: it exited with code 1 | activate the environment that your " +
    "programs run in, or name its interpreter: rdg doctor /path/to/python",
  ]);
  assert.match(pythonRows(null, { needed: false })[0]!, /^note: /);
});

Deno.test("interpreterRows() says how to get a debugpy that is missing, where it matters", () => {
  const none = { own: null, cached: null };
  assert.match(
    pythonRows(none)[1]!,
    /^problem: none: .* \| rdg doctor --fix \/usr\/bin\/python3; or .* -m pip install debugpy$/,
  );
  assert.match(pythonRows(none, { inJob: true })[1]!, /--fix \S+ on the login node/);
  assert.match(pythonRows(none, { needed: false })[1]!, /^note: none/);
  assert.match(
    pythonRows({ ...none, tooOld: "1.8.14" })[1]!,
    /^problem: 1\.8\.14, of its own environment, is too old for this Python, and none is .* cache \| rdg doctor --fix /,
  );
});

Deno.test("interpreterRows() notes an old debugpy and one without its compiled part", () => {
  const row = (changes: Partial<DebugpyCopy>) => pythonRows({ own: { ...copy, ...changes } })[1]!;
  assert.match(row({ version: "1.6.5" }), /^note: .*older than any/);
  assert.match(row({ version: "1.6.6" }), /^ok: /);
  assert.match(row({ version: "1.10.0" }), /^ok: /);
  assert.match(row({ version: null }), /^ok: of unknown version/);
  assert.match(row({ compiled: false }), /^note: .*without its compiled part.*--force-reinstall/);
  const bare = { ...copy, compiled: false };
  assert.match(
    pythonRows({ own: bare, glibc: "2.28" })[1]!,
    /--force-reinstall 'debugpy<1\.8\.17': newer ones are compiled for glibc 2\.34$/,
  );
  assert.match(
    pythonRows({ own: null, cached: { ...bare, folder: "/cache/x" } })[1]!,
    /rm -r \/cache\/x, then rdg doctor --fix \/usr\/bin\/python3$/,
  );
  assert.match(pythonRows({ own: bare, machine: "aarch64" })[1]!, /PyPI has none for aarch64/);
  assert.match(row({ switchedOff: true }), /^note: .*PYDEVD_USE_CYTHON/);
  assert.match(row({ threads: false }), /^note: .*in threads only that start after/);
});

const folder: FolderFacts = {
  path: "/home/ada/.local/state/rdg",
  exists: true,
  mode: 0o700,
  uid: 1000,
  shutAbove: false,
  writeError: null,
};

Deno.test("folderRow() wants the folder writable, mine, and closed to others", () => {
  const row = (changes: Partial<FolderFacts>) => told(folderRow({ ...folder, ...changes }, 1000));
  assert.match(row({}), /^ok: \/home\/ada\/\S+, writable, closed to others$/);
  assert.match(row({ exists: false, mode: null, uid: null }), /^ok: .*will be made/);
  assert.match(row({ mode: 0o755 }), /^problem: others may get into .*mode 0755.*--fix/);
  assert.match(row({ mode: 0o755, shutAbove: true }), /^note: .*keeps others out/);
  assert.match(row({ mode: 0o2700 }), /^ok: /);
  assert.match(row({ uid: 0 }), /^problem: .*belongs to user 0/);
  assert.match(
    row({ writeError: "No space left on device (os error 28)" }),
    /^problem: .*No space left.*make room/,
  );
  assert.match(row({ writeError: "Permission denied" }), /^problem: .*set RDG_STATE_DIR/);
});

Deno.test("readDisk() takes the file system that was mounted last", () => {
  const text = "free 1024\nmount /home\ntype autofs\ntype nfs4\n";
  assert.deepEqual(readDisk(text), { freeKib: 1024, mount: "/home", type: "nfs4" });
  assert.deepEqual(readDisk("free -\nmount \n"), { freeKib: null, mount: null, type: null });
});

Deno.test("diskRows() says whether compute nodes see the folder, and how much room there is", () => {
  const disk = { freeKib: 5 * 1024 * 1024, type: "nfs4", mount: "/home" };
  const rows = (role: Role, changes: Partial<typeof disk> = {}, sessions: Session[] = []) =>
    diskRows({ ...disk, ...changes }, { role, hostname: "login", sessions }).map(told);
  assert.deepEqual(rows(login), [
    "ok: on a network file system (nfs4, /home)",
    "ok: 5.0 GiB free on /home",
  ]);
  for (const type of ["lustre", "gpfs", "beegfs_nodev", "fuse.sshfs", "wekafs"]) {
    assert.match(rows(login, { type })[0]!, /^ok: /);
  }
  assert.match(rows(login, { type: "ext4" })[0]!, /^note: on ext4, .*RDG_STATE_DIR/);
  assert.match(rows(inJob, { type: "tmpfs" })[0]!, /^note: .*rdg sessions on the login node/);
  assert.equal(rows(login, { type: "ext4" }, [session()])[0], "ok: records of n1 are seen here");
  assert.match(rows(login, { type: "ext4" }, [session({ hostname: "login" })])[0]!, /^note: /);
  assert.match(rows(laptop, { type: "ext4" })[0]!, /^ok: /);
  assert.match(rows(login, { freeKib: 2048 })[1]!, /^note: 2 MiB free/);
});

Deno.test("schedulerRow() tells the time, and counts jobs, in one call", async () => {
  const world = fakeHost({
    env: { USER: "ada" },
    calls: [{ program: "squeue", answer: { stdout: "" } }],
  });
  let now = 0;
  const row = await schedulerRow(login, world.host, () => (now += 1200));
  assert.equal(told(row), "ok: slurm answered in 1.2 s: 0 jobs of yours, 0 running");
  world.done();
  const slow = fakeHost({ calls: [{ program: "squeue", answer: { stdout: "" } }] });
  assert.match(
    told(await schedulerRow(login, slow.host, () => (now += 15_000))),
    /^note: .*it is slow/,
  );
});

Deno.test("schedulerRow() gives the scheduler's own words when it fails", async () => {
  const down = fakeHost({
    calls: [{
      program: "squeue",
      answer: { code: 1, stderr: "slurm_load_jobs error: Unable to contact slurm controller\n" },
    }],
  });
  assert.match(
    told(await schedulerRow(login, down.host)),
    /^problem: slurm: Cannot list jobs: .*Unable to contact slurm controller\) \| wait until/,
  );
  const missing = (role: Role) =>
    schedulerRow(
      role,
      fakeHost({
        calls: [{
          program: "squeue",
          answer: new RdgError('Cannot run "squeue": it is not on PATH', {
            code: "not-found",
            exitCode: 3,
          }),
        }],
      }).host,
    );
  assert.equal((await missing(login)).status, "problem");
  assert.equal((await missing(inJob)).status, "note");
  assert.equal((await schedulerRow(laptop, fakeHost({}).host)).status, "ok");
});

Deno.test("portsRow() says which way rdg connect goes", async () => {
  const listening = session({ state: "listening", address: { host: "n1", port: 4242 } });
  const row = async (role: Role, knock: () => Promise<void>, job?: string) =>
    told(await portsRow(role, { sessions: [listening, session()], knock, job }));
  const open = () => Promise.resolve();
  const closed = () => Promise.reject(new Error("Connection refused (os error 111)"));
  assert.equal(
    await row(login, open),
    "ok: n1:4242 can be reached from here: rdg connect goes straight there",
  );
  assert.match(await row(login, open, "36"), /^ok: n1:4242/);
  assert.match(await row(login, closed, "37"), /^ok: no session of job 37 listens/);
  assert.match(
    await row(login, closed),
    /^note: n1:4242 cannot be reached .*\(Connection refused\).* a step of slurm's/,
  );
  const withoutRelay: Role = { ...login, scheduler: pbs };
  assert.equal(withoutRelay.scheduler.relay, undefined);
  assert.match(
    await row(withoutRelay, closed),
    /ssh to the node instead \| see that "ssh n1" works/,
  );
});

async function sshRow(answer: Partial<RunOutput>): Promise<string> {
  const world = fakeHost({ calls: [{ program: "ssh", args: ["BatchMode=yes", "login"], answer }] });
  const row = await loginRow("login", world.host);
  world.done();
  return told(row);
}

Deno.test("loginRow() reads what is there, whatever a profile prints before", async () => {
  const stdout = [
    "user nonsense of a banner",
    "rdg-doctor-begin",
    "user ada",
    "uid 1000",
    "host login1",
    "server 12 Mon",
    "state /home/ada/.local/state/rdg",
    "program squeue",
    "found python3 /usr/bin/python3",
    "records 3",
  ].join("\n");
  assert.equal(
    await sshRow({ stdout }),
    'ok: "login" lets ada in without a question; there: slurm, Python, no rdg on PATH, 3 session records',
  );
  assert.match(
    await sshRow({ stdout: stdout.replace("program squeue\n", "") }),
    /^note: .*no scheduler.*is it the login node/,
  );
});

Deno.test("loginRow() explains ssh's refusals; one that would ask is no fault", async () => {
  const cases = [
    ["ada@login: Permission denied (publickey,password).", /^note: .*wants a password/],
    ["ada@login: Permission denied (publickey).", /^problem: .*refused your key.*"ssh login"/],
    ["Host key verification failed.", /^problem: .*not known here.*ssh login/],
    ["REMOTE HOST IDENTIFICATION HAS CHANGED!", /^problem: .*has changed/],
    ["ssh: Could not resolve hostname login: Name or service not known", /no host of that name/],
    ["ssh: connect to host login port 22: Connection refused", /does not answer/],
    ["This account is not available.", /^problem: .*This account is not available/],
  ] as const;
  for (const [stderr, wanted] of cases) assert.match(await sshRow({ code: 255, stderr }), wanted);
});

Deno.test("screen() groups the rows, shortens the home, and lets no control character through", () => {
  const rows: Row[] = [
    { group: "home", name: "state", status: "ok", text: "/home/ada/x (/home/ada/y) '/home/ada/z'" },
    { group: "rdg", name: "a-name", status: "problem", text: "bad\x1b[2J", todo: "cd /home/ada/q" },
  ];
  const fixes = [{ what: "mode of /home/ada/s", done: false, text: "left", cause: ["why\x07"] }];
  const mark = (style: string, text: string) => style === "bold" ? `*${text}*` : text;
  assert.deepEqual(screen(rows, { fixes, mark, home: "/home/ada" }), [
    "not fixed  mode of ~/s: left",
    "  why?",
    "",
    "*rdg*",
    "  problem  a-name  bad?[2J",
    "                   Try: cd ~/q",
    "*Home*",
    "  ok       state   ~/x (~/y) '/home/ada/z'",
    "",
    "1 problem, 0 notes, 1 not fixed",
  ]);
  assert.match(screen(rows, { fixes: [], mark, home: "/" }).join("\n"), /\/home\/ada\/x/);
});

Deno.test("within() puts a row in the place of a check that hangs or fails", async () => {
  const place = { group: "home", name: "space" } as const;
  const limit = { limitMs: 5, todo: "ask" };
  const [late] = await within(place, () => new Promise(() => {}), limit);
  assert.equal(told(late!), "problem: no answer within 0.005 s | ask");
  const [failed] = await within(place, () => Promise.reject(new Error("it broke\nmore")), limit);
  assert.equal(told(failed!), "problem: could not be looked at: it broke | ask");
});
