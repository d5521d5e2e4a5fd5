/** The parts of `rdg connect` that need nothing but their input. */

import assert from "node:assert/strict";
import { parse } from "../../../commands/connect/command.ts";
import { encode, fillIn, messageSize, NotDap } from "../../../commands/connect/dap.ts";
import { peerUser, portUser } from "../../../commands/connect/guard.ts";
import { factsScript, readFacts } from "../../../commands/connect/link.ts";
import { Outlet } from "../../../commands/connect/outlet.ts";
import { portOfUser } from "../../../commands/connect/port.ts";
import { scriptLine, specScript } from "../../../commands/connect/shell.ts";
import { statusLine } from "../../../commands/connect/status.ts";
import { TimeLimit } from "../../../commands/connect/time_limit.ts";
import type { Job } from "../../../plugins/contract.ts";
import { RdgError } from "../../../plugins/error.ts";
import { slurm } from "../../../plugins/schedulers/slurm.ts";
import { relayCommand } from "../../../python/relay.ts";

const none = { permissions: "none" } as const;

Deno.test("connect.parse() tells a host from a job", none, () => {
  const rest = { wait: false, json: false, timeoutS: 60 };
  assert.deepEqual(parse([]), rest);
  assert.deepEqual(parse(["login"]), { login: "login", ...rest });
  assert.deepEqual(parse(["ada@login.example.org", "36_1"]), {
    login: "ada@login.example.org",
    job: "36_1",
    ...rest,
  });
  assert.deepEqual(parse(["36_1"]), { job: "36_1", ...rest });
  assert.deepEqual(parse(["12345.pbs01"]), { job: "12345.pbs01", ...rest });
  assert.deepEqual(parse(["10.0.0.7"]), { login: "10.0.0.7", ...rest });
  assert.deepEqual(parse(["login", "--rank=3", "--via=jump", "--port=0", "--wait"]), {
    login: "login",
    rank: 3,
    port: 0,
    via: "jump",
    ...rest,
    wait: true,
  });
});

Deno.test.each([
  [["a", "1", "b"], /want a login host and a job at most/],
  [["-oProxyCommand=touch /tmp/x"], /unknown flag|Cannot/],
  [["--", "-oProxyCommand=x"], /as a host/],
  [["login;reboot"], /as a host/],
  [["login", "1 2"], /as a job's id/],
  [["login", "--via=magic"], /one of direct|no such way/],
  [["login", "--port=70000"], /from 0 to 65535/],
  [["login", "--rank=x"], /whole number/],
])("connect.parse() refuses %j", none, (argv, pattern) => {
  assert.throws(
    () => parse(argv as readonly string[]),
    (error) =>
      error instanceof RdgError && error.exitCode === 2 && (pattern as RegExp).test(error.message),
  );
});

Deno.test("connect.fillIn() fills in what is open, and leaves what was written", none, () => {
  const filling = { token: "t", localRoot: "/desk", remoteRoot: "/home/ada/p", port: 5678 };
  assert.deepEqual(fillIn({}, filling), {
    rdgToken: "t",
    pathMappings: [{ localRoot: "/desk", remoteRoot: "/home/ada/p" }],
    connect: { host: "127.0.0.1", port: 5678 },
  });
  const own = {
    rdgToken: "mine",
    pathMappings: [{ localRoot: "/a", remoteRoot: "/b" }],
    connect: { host: "127.0.0.1", port: 1 },
    justMyCode: false,
  };
  assert.deepEqual(fillIn(own, filling), own);
  const init = { rdgToken: "", pathMappings: [{ localRoot: "/open/here", remoteRoot: "." }] };
  assert.deepEqual(fillIn(init, filling), {
    rdgToken: "t",
    pathMappings: [{ localRoot: "/open/here", remoteRoot: "/home/ada/p" }],
    connect: { host: "127.0.0.1", port: 5678 },
  });
  assert.equal("rdgToken" in fillIn({}, { ...filling, token: null }), false);
  assert.equal("pathMappings" in fillIn({}, { ...filling, localRoot: "/home/ada/p" }), false);
});

Deno.test("connect.fillIn() tells debugpy of a laptop that runs Windows", none, () => {
  const filling = {
    token: "t",
    localRoot: "C:\\Users\\ada\\p",
    remoteRoot: "/home/ada/p",
    port: 5678,
  };
  assert.deepEqual(fillIn({ justMyCode: false }, filling), {
    justMyCode: false,
    rdgToken: "t",
    pathMappings: [{ localRoot: "C:\\Users\\ada\\p", remoteRoot: "/home/ada/p" }],
    clientOS: "windows",
    connect: { host: "127.0.0.1", port: 5678 },
  });
  assert.equal(fillIn({ clientOS: "unix" }, filling).clientOS, "unix");
  for (const localRoot of ["d:/p", "\\\\server\\p"]) {
    assert.equal(fillIn({}, { ...filling, localRoot }).clientOS, "windows", localRoot);
    const pathMappings = [{ localRoot, remoteRoot: "." }];
    assert.equal(fillIn({ pathMappings }, { ...filling, localRoot: "/p" }).clientOS, "windows");
  }
  assert.equal("clientOS" in fillIn({}, { ...filling, localRoot: "/home/c:/p" }), false);
  assert.equal("clientOS" in fillIn({ pathMappings: [null] }, filling), false);
});

Deno.test("connect.messageSize() refuses what is no DAP as early as it can", none, () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  assert.equal(messageSize(bytes("")), null);
  assert.equal(messageSize(bytes("Content-Le")), null);
  assert.equal(messageSize(bytes("Content-Length: 2\r\n\r\n{}more")), 23);
  for (const text of ["G", "GET / HTTP/1.1", "\x16\x03\x01", "Content-Length: x\r\n\r\n"]) {
    assert.throws(() => messageSize(bytes(text)), NotDap, text);
  }
  assert.throws(() => messageSize(bytes("Content-Length: " + "1".repeat(5000))), NotDap);
});

Deno.test("connect.Outlet puts its own messages between two of the session's", none, async () => {
  const parts: Uint8Array[] = [];
  const outlet = new Outlet((bytes) => {
    parts.push(bytes.slice());
    return Promise.resolve();
  });
  const text = () => new TextDecoder().decode(new Uint8Array(parts.flatMap((part) => [...part])));
  const first = encode({ seq: 1, type: "event", event: "stopped", body: {} });
  await outlet.pass(first.subarray(0, 10));
  assert.equal(text(), "", "a small message waits until it is whole");
  await outlet.say("hello");
  await outlet.pass(first.subarray(10));
  assert.match(text(), /rdg: hello[\s\S]*"stopped"/);
  const big = encode({ seq: 2, type: "event", event: "output", body: { text: "x".repeat(2e6) } });
  await outlet.pass(big.subarray(0, 1_500_000));
  assert.equal(outlet.within, true);
  await outlet.say("later");
  assert.doesNotMatch(text(), /later/);
  await outlet.pass(big.subarray(1_500_000));
  assert.match(text().slice(-200), /x"}}Content-Length: \d+\r\n\r\n.*rdg: later/);
  assert.equal(outlet.terminated, false);
  await outlet.pass(encode({ seq: 3, type: "event", event: "terminated" }));
  assert.equal(outlet.terminated, true);
});

const table = [
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
  "   0: 0100007F:162E 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1",
  "   1: 0100007F:162E 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1",
  "   2: 0100007F:C001 0100007F:162E 01 00000000:00000000 00:00000000 00000000  1001        0 4713 1",
  "   3: 0100007F:C002 0100007F:162E 06 00000000:00000000 03:00000000 00000000     0        0 0 3",
  "  sl  local_address                         remote_address                        st tx_queue",
  "   0: 0000000000000000FFFF00000100007F:C004 0000000000000000FFFF00000100007F:162E 01 " +
  "00000000:00000000 00:00000000 00000000  1002        0 4714 1",
  "",
].join("\n");

Deno.test("connect.peerUser() reads the client's end of the connection", none, async () => {
  const read = () => Promise.resolve(table);
  assert.equal(await peerUser({ client: 0xc001, own: 5678 }, read), 1001);
  assert.equal(await peerUser({ client: 0xc002, own: 5678 }, read), "nobody");
  assert.equal(await peerUser({ client: 0xc003, own: 5678 }, read), "nobody");
  assert.equal(await peerUser({ client: 0xc004, own: 5678 }, read), 1002);
  assert.equal(await peerUser({ client: 1, own: 5678 }, () => Promise.resolve(null)), "unknown");
  const texts = ["", table];
  const later = () => Promise.resolve(texts.shift() ?? null);
  assert.equal(await peerUser({ client: 0xc001, own: 5678 }, later), 1001, "a line was missing");
  assert.equal(await portUser(5678, read), 1000);
  assert.equal(await portUser(5679, read), null);
});

Deno.test("connect.readFacts() passes over what a profile prints", none, () => {
  const facts = readFacts([
    "Welcome to the cluster",
    "user ada",
    "uid 1000",
    "host login1",
    "server 77 Sun Nov 22 14:00:00 2026",
    "state /home/ada/.local/state/rdg",
    "program squeue",
    "variable HOME",
    "",
  ].join("\n"));
  assert.equal(facts?.user, "ada");
  assert.deepEqual(facts?.server, { pid: "77", began: "Sun Nov 22 14:00:00 2026" });
  assert.deepEqual([...facts!.programs], ["squeue"]);
  assert.equal(readFacts("user ada\n"), null);
  assert.match(factsScript(["squeue", "qstat"]), /for p in squeue qstat;/);
});

Deno.test("connect.scriptLine() keeps a script on one line", none, () => {
  assert.equal(scriptLine("echo 'a\\b'\necho c"), "echo 'a\\\\b'\\necho c\n");
});

Deno.test("connect.specScript() takes variables away, and quotes", none, () => {
  const spec = {
    program: "srun",
    args: ["-w", "n1", "it's"],
    env: { A: "x y", B: null },
    without: ["SLURM_*"],
    keep: ["SLURM_CONF"],
  };
  assert.equal(
    specScript(spec, ["SLURM_CONF", "SLURM_JOB_ID", "HOME"]),
    "unset SLURM_JOB_ID\nexport A='x y'\nunset B\nsrun -w n1 'it'\\''s'",
  );
  assert.match(specScript(spec, [], { replace: true }), /\nexec srun/);
});

Deno.test("connect.portOfUser() is one a user, below the system's own range", none, () => {
  assert.equal(portOfUser(1000), 21_000);
  assert.notEqual(portOfUser(1001), portOfUser(1002));
  assert.ok(portOfUser(4_294_967_294) < 32_768);
});

Deno.test("connect.statusLine() says job, node, rank, way, editor and time left", none, () => {
  const status = { job: "36_1", node: "n1", rank: 3, way: "relay", attached: null, leftS: 3725 };
  assert.equal(statusLine(status), "job 36_1 · n1 · rank 3 · relay · not attached · 1:02:05 left");
  assert.equal(
    statusLine({ ...status, job: "", rank: null, attached: "VS\x1bCode", leftS: undefined }),
    "no job · n1 · relay · attached: VS?Code",
  );
});

Deno.test(
  "connect.TimeLimit warns once at ten and at two minutes, and tells who comes late",
  none,
  () => {
    let time = 1e12;
    const limit = new TimeLimit(() => time);
    const after = (seconds: number) => {
      time += seconds * 1000;
      return limit.due();
    };
    const words = (left: string) => `job 36_1 reaches its time limit in ${left}`;
    assert.deepEqual([limit.leftS, limit.due(), limit.late], [undefined, null, null]);
    const job = { displayId: "36_1", leftS: 660 } as Partial<Job> as Job;
    limit.of(job);
    assert.deepEqual([after(0), after(59), limit.late], [null, null, null]);
    assert.deepEqual([after(1), after(1)], [words("10:00"), null]);
    assert.equal(limit.late, words("9:59"));
    assert.deepEqual([after(478), after(1), after(1)], [null, words("2:00"), null]);
    assert.equal(limit.late, words("1:59"));
    limit.of({ ...job, leftS: 100 });
    assert.deepEqual([after(0), after(0)], [words("1:40"), null], "both at once are one warning");
    limit.of(null);
    assert.deepEqual([limit.leftS, limit.due(), limit.late], [undefined, null, null]);
  },
);

Deno.test("slurm.relay() is a step beside the job's own, with stdin", none, () => {
  const command = relayCommand({ nonce: "x", targets: [["127.0.0.1", 1]], python: "/opt/python" });
  assert.equal(command.at(-1), '[["127.0.0.1",1]]');
  const spec = slurm.relay!({ job: "36", nodes: ["n1"] }, command)!;
  assert.equal(spec.program, "srun");
  for (const word of ["--jobid=36", "--overlap", "-n1", "--mem=0"]) {
    assert.ok(spec.args.includes(word), word);
  }
  for (const word of ["--input=none", "--pty", "--unbuffered", "-u"]) {
    assert.ok(!spec.args.includes(word), word);
  }
  assert.deepEqual(spec.args.slice(-command.length), command);
});
