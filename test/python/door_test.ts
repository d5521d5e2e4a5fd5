/**
 * The door in front of debugpy's adapter, driven by a real DAP client against real debugpy.
 *
 * `RDG_TEST_PYTHON` and `RDG_TEST_DEBUGPY` choose the versions; see support/python.ts.
 *
 * @module
 */

import { deepEqual, equal, match, notEqual, ok, rejects, throws } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Body, DapClient, DapFailure } from "../support/dap.ts";
import {
  holderOf,
  lineOf,
  listeningPorts,
  newToken,
  programPath,
  readText,
  startProgram,
} from "../support/door_program.ts";
import { testPython } from "../support/python.ts";

const unitPath = fileURLToPath(new URL("testdata/door_unit.py", import.meta.url));
const breakpoints = { [programPath]: [lineOf("# breakpoint")] };
const childBreakpoints = { [programPath]: [lineOf("# breakpoint in a child")] };

Deno.test("door's parts do what they say (Python's unittest)", async () => {
  const { python, pythonPath } = await testPython();
  const { code, stderr } = await new Deno.Command(python, {
    args: ["-W", "error", unitPath],
    env: { PYTHONPATH: pythonPath },
  }).output();
  equal(code, 0, new TextDecoder().decode(stderr));
  match(new TextDecoder().decode(stderr), /Ran \d\d tests/);
});

Deno.test("door lets the owner attach, stop, evaluate, detach and attach again", async () => {
  await using program = await startProgram();
  for (let session = 0; session < 2; session++) {
    await using client = await DapClient.connect(program);
    const attached = await client.attach({ token: program.token, breakpoints });
    equal(attached.breakpoints[programPath]?.[0]?.verified, true);
    await program.tell("work");
    const { body } = await client.waitFor<{ threadId: number }>("stopped");
    equal(await client.evaluate("number", body.threadId), "41");
    const { threads } = await client.request<{ threads: { name: string }[] }>("threads");
    deepEqual(threads.map(({ name }) => name), ["MainThread"]);
    await client.disconnect();
  }
  equal((await program.end()).code, 0);
});

Deno.test("door numbers its own messages and the adapter's as one sequence", async () => {
  await using program = await startProgram();
  await using client = await DapClient.connect(program);
  await client.initialize();
  equal((await client.send("attach", { rdgToken: "wrong" })).success, false);
  equal((await client.send("threads")).success, false);
  const attached = client.send("attach", { rdgToken: program.token });
  await client.waitFor("initialized");
  await client.request("configurationDone");
  equal((await attached).success, true);
  const numbers = client.received.map(({ seq }) => seq);
  deepEqual(numbers, numbers.map((_, index) => index + 1));
  const initialized = client.received.filter((message) =>
    message.type === "response" && "command" in message && message.command === "initialize"
  );
  equal(initialized.length, 1);
});

Deno.test("door answers initialize with what this debugpy can do", async () => {
  await using guarded = await startProgram();
  await using open = await startProgram({ auth: false });
  const answers = [];
  for (const { port } of [guarded, open]) {
    await using client = await DapClient.connect({ port });
    answers.push(await client.initialize());
  }
  deepEqual(answers[0], answers[1]);
  ok(Object.keys(answers[0] ?? {}).length > 10);
});

Deno.test("door refuses a wrong or missing token with words, and tells the program", async () => {
  await using program = await startProgram();
  await using stranger = await DapClient.connect(program);
  await stranger.initialize();
  const missing = await stranger.send("attach", {});
  equal(missing.success, false);
  match(missing.message ?? "", /no token.*"rdgToken".*rdg connect/);
  equal(missing.body.error.format, missing.message);
  equal(missing.body.error.showUser, true);
  const line = await program.hearError(/^\[rdg\]/);
  match(line, /^\[rdg\] Refused a debugger from 127\.0\.0\.1:\d+: no token$/);
  const wrong = await stranger.send("attach", { rdgToken: program.token.slice(0, -1) });
  equal(wrong.success, false);
  match(wrong.message ?? "", /"rdgToken" is not its token/);
  ok(!JSON.stringify(stranger.received).includes(program.token.slice(0, 16)));
  await using owner = await DapClient.connect(program);
  await owner.attach({ token: ` ${program.token}\n` });
});

Deno.test("door slows wrong tokens down, and the right one never", async () => {
  await using program = await startProgram();
  const times: number[] = [];
  for (let attempt = 0; attempt < 4; attempt++) {
    await using client = await DapClient.connect(program);
    await client.initialize();
    const started = performance.now();
    await rejects(client.request("attach", { rdgToken: newToken() }), DapFailure);
    times.push(performance.now() - started);
  }
  ok(times[0]! < 200, `the first took ${times[0]} ms`);
  ok(times[3]! > 900, `the fourth took ${times[3]} ms`);
  await using waiting = await DapClient.connect(program);
  await waiting.initialize();
  const held = waiting.send("attach", { rdgToken: newToken() });
  held.catch(() => {});
  await using owner = await DapClient.connect(program);
  const started = performance.now();
  await owner.attach({ token: program.token });
  ok(performance.now() - started < 900);
  equal((await held).success, false);
});

Deno.test("door answers nothing but initialize before the token", async () => {
  await using program = await startProgram();
  await using client = await DapClient.connect(program);
  const early = await client.send("attach", { rdgToken: program.token });
  equal(early.success, false);
  match(early.message ?? "", /initialize/);
  await client.initialize();
  equal((await client.send("initialize")).success, false);
  for (const command of ["launch", "evaluate", "threads", "setBreakpoints", "pydevdAuthorize"]) {
    const args = { expression: "__import__('os').getpid()", rdgToken: program.token };
    const answer = await client.send(command, args);
    equal(answer.success, false, command);
    match(answer.message ?? "", /"attach"/);
  }
  await client.request("attach", { rdgToken: program.token }, 500).catch(() => {});
  await client.waitFor("initialized");
});

Deno.test("door takes initialize and attach that come in one piece", async () => {
  await using program = await startProgram();
  await using client = await DapClient.connect(program);
  const initialized = client.initialize();
  const attached = client.send("attach", { rdgToken: program.token });
  await initialized;
  await client.waitFor("initialized");
  await client.request("configurationDone");
  equal((await attached).success, true);
});

Deno.test("door survives bad input, and the owner still gets in", async (t) => {
  await using program = await startProgram();
  const before = residentKb(program.adapterPid);
  for (const [name, bytes] of Object.entries(badInput())) {
    await t.step(name, async () => {
      await using client = await DapClient.connect({ ...program, timeoutMs: 5000 });
      client.writeBytes(bytes);
      await withLimit(client.closed, `the door to drop ${name}`);
      ok(client.received.every((m) => "success" in m && m.success === false));
    });
  }
  await t.step("a client that leaves at once, and one in the middle of a message", async () => {
    await (await DapClient.connect(program)).close();
    await using client = await DapClient.connect(program);
    client.writeBytes(text("Content-Length: 100\r\n\r\n{"));
    await client.close();
  });
  await using owner = await DapClient.connect(program);
  await owner.attach({ token: program.token, breakpoints });
  await program.tell("work");
  await owner.waitFor("stopped");
  const grown = residentKb(program.adapterPid) - before;
  ok(grown < 16_000, `the adapter grew by ${grown} kB`);
});

Deno.test("door drops whoever is silent or slow", async () => {
  await using program = await startProgram();
  await using silent = await DapClient.connect(program);
  await using slow = await DapClient.connect(program);
  const started = performance.now();
  const drip = setInterval(() => slow.ended || slow.writeBytes(text("C")), 60_000);
  slow.writeBytes(text("Cont"));
  try {
    await withLimit(Promise.all([silent.closed, slow.closed]), "the door to drop them", 15_000);
    ok(performance.now() - started > 5000);
  } finally {
    clearInterval(drip);
  }
});

Deno.test("door lets the owner in while a thousand connections stand open", async () => {
  await using program = await startProgram();
  const crowd: Deno.TcpConn[] = [];
  try {
    for (let index = 0; index < 1000; index++) {
      crowd.push(await Deno.connect({ hostname: "127.0.0.1", port: program.port }));
    }
    await using owner = await DapClient.connect(program);
    const started = performance.now();
    await owner.attach({ token: program.token, breakpoints });
    ok(performance.now() - started < 5000);
    ok(openFiles(program.adapterPid) < 200);
    await program.tell("work");
    await owner.waitFor("stopped");
  } finally {
    for (const conn of crowd) conn.close();
  }
});

Deno.test("door: a second client is refused and the first works on", async () => {
  await using program = await startProgram();
  await using first = await DapClient.connect(program);
  await first.attach({ token: program.token, breakpoints });
  await using second = await DapClient.connect(program);
  await rejects(second.attach({ token: program.token }), /already being debugged/);
  await program.tell("work");
  const { body } = await first.waitFor<{ threadId: number }>("stopped");
  equal(await first.evaluate("number", body.threadId), "41");
});

Deno.test("door: a client lost in the middle of a header leaves the program running", async () => {
  await using program = await startProgram();
  const first = await DapClient.connect(program);
  await first.attach({ token: program.token, breakpoints });
  await program.tell("work");
  await first.waitFor("stopped");
  first.writeBytes(text("Content-Le"));
  // An answer to a later request would never come; a flushed write shows that the bytes are out.
  await first.close();
  for (;;) {
    const fact = await program.hear();
    if (fact.work === undefined) continue;
    equal(fact.work, 42);
    break;
  }
  const ticks = cpuTicks(program.adapterPid);
  await using again = await DapClient.connect(program);
  await again.attach({ token: program.token, breakpoints });
  await program.tell("work");
  await again.waitFor("stopped");
  ok(cpuTicks(program.adapterPid) - ticks < 100, "the adapter spins");
});

Deno.test("door: clients that vanish at any moment, and come back at once", async () => {
  await using program = await startProgram({ wait: false });
  const adapter = holderOf(program.port);
  for (let visit = 0; visit < 40; visit++) {
    const client = await DapClient.connect(program);
    const steps: (() => Promise<unknown>)[] = [
      () => client.initialize(),
      () =>
        Promise.resolve(void client.send("attach", { rdgToken: program.token }).catch(() => {})),
      () => client.waitFor("initialized"),
      () => client.request("setBreakpoints", { source: { path: programPath }, breakpoints: [] }),
      () => Promise.resolve(void client.send("configurationDone").catch(() => {})),
      () => client.request("threads"),
    ];
    for (const step of steps.slice(0, 1 + visit % steps.length)) await step();
    await client.close();
  }
  equal(holderOf(program.port), adapter);
  await using owner = await DapClient.connect(program);
  await owner.attach({ token: program.token, breakpoints });
  await program.tell("work");
  await owner.waitFor("stopped");
});

for (const supportsStartDebuggingRequest of [false, true]) {
  const way = supportsStartDebuggingRequest ? "startDebugging" : "debugpyAttach";
  Deno.test(`door: a child comes back through the same port with the token (${way})`, async () => {
    await using program = await startProgram({ subprocess: true });
    await using parent = await DapClient.connect(program);
    const configurations: Promise<Body> = new Promise((resolve) => {
      parent.onReverse("startDebugging", (args) => resolve(args.configuration as Body));
      parent.waitFor("debugpyAttach").then(({ body }) => resolve(body), () => {});
    });
    await parent.attach({
      token: program.token,
      breakpoints: childBreakpoints,
      initialize: { supportsStartDebuggingRequest },
    });
    {
      await program.tell("child");
      const configuration = await withLimit(configurations, "the child's configuration");
      deepEqual(configuration.connect, { host: "127.0.0.1", port: program.port });
      equal(configuration.rdgToken, program.token);
      const { rdgToken, ...bare } = configuration;
      await using stranger = await DapClient.connect(program);
      await rejects(stranger.attach({ arguments: bare }), DapFailure);
      const pid = Number(configuration.subProcessId);
      ok(!secretsOf(pid).includes(program.token));
      ok(!/access_token='|access-token'/.test(readText(`/proc/${pid}/cmdline`)));
      await using child = await DapClient.connect(program);
      await child.attach({
        token: String(rdgToken),
        arguments: bare,
        breakpoints: childBreakpoints,
      });
      const { body } = await child.waitFor<{ threadId: number }>("stopped");
      equal(await child.evaluate("os.getppid()", body.threadId), String(program.pid));
      await child.request("continue", { threadId: body.threadId });
      for (;;) {
        const fact = await program.hear();
        if (fact.child === undefined) continue;
        deepEqual(fact, { child: `child of ${program.pid}`, status: 0 });
        break;
      }
    }
  });
}

Deno.test("door opens one port, and no secret stands where others can read", async () => {
  await using program = await startProgram();
  notEqual(program.adapterPid, program.pid);
  deepEqual(listeningPorts(program.adapterPid), [program.port]);
  deepEqual(listeningPorts(program.pid), []);
  for (const pid of [program.pid, program.adapterPid]) {
    ok(!secretsOf(pid).includes(program.token));
    ok(!/token/i.test(readText(`/proc/${pid}/cmdline`)));
  }
  await using withChildren = await startProgram({ subprocess: true });
  equal(listeningPorts(withChildren.adapterPid).length, 2);
});

Deno.test("door: the children's port stays this user's when the adapter dies", async () => {
  await using program = await startProgram({ subprocess: true, wait: false });
  const [other] = listeningPorts(program.adapterPid).filter((port) => port !== program.port);
  ok(other !== undefined);
  Deno.kill(program.adapterPid, "SIGKILL");
  await gone(program.adapterPid);
  // Its leader ends before its other threads, which hold the port for a moment.
  for (let tries = 0; tries < 100 && await connects(other); tries++) await sleep(50);
  throws(() => Deno.listen({ hostname: "127.0.0.1", port: other }).close(), Deno.errors.AddrInUse);
  throws(() => Deno.listen({ hostname: "0.0.0.0", port: other }).close(), Deno.errors.AddrInUse);
  await rejects(Deno.connect({ port: other }), Deno.errors.ConnectionRefused);
  await program.tell("work");
  deepEqual(await program.hear(), { work: 42 });
});

Deno.test("door: a forked child doesn't keep the session open after its parent", async () => {
  await using program = await startProgram();
  await using client = await DapClient.connect(program);
  await client.attach({ token: program.token });
  await program.tell("orphan");
  await client.waitFor("terminated");
  await client.disconnect();
  await gone(program.adapterPid);
});

Deno.test("door: the adapter isn't armed by what is on PYTHONPATH", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(
      `${folder}/sitecustomize.py`,
      `import os, sys\nopen(os.path.join(${
        JSON.stringify(folder)
      }, "ran-%d" % os.getpid()), "w")\n`,
    );
    await using program = await startProgram({ pythonPath: folder, env: { RDG_TEST: "1" } });
    const ran = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
    ok(ran.includes(`ran-${program.pid}`));
    equal(ran.filter((name) => name.startsWith("ran-")).length, 1);
    ok(!readText(`/proc/${program.adapterPid}/environ`).includes("RDG_TEST"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("door goes when the program ends, and holds nothing of its open", async () => {
  await using program = await startProgram();
  await using client = await DapClient.connect(program);
  await client.attach({ token: program.token });
  // Reading both outputs to their end is what "program | cat" does.
  equal((await program.end()).code, 0);
  await client.waitFor("terminated");
  await rejects(DapClient.connect(program), Deno.errors.ConnectionRefused);
  await client.disconnect();
  await gone(program.adapterPid);
});

Deno.test("door goes when nobody ever came", async () => {
  const program = await startProgram({ wait: false });
  await program.end();
  await gone(program.adapterPid);
});

Deno.test("listen() says that the port is taken", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await rejects(
    startProgram({ port: (taken.addr as Deno.NetAddr).port }),
    /"kind":"OSError","errno":98|"errno": 98/,
  );
});

Deno.test("listen() can be called again after it failed", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  await using program = await startProgram({ port, retry: true });
  notEqual(program.port, port);
  await using client = await DapClient.connect(program);
  await client.attach({ token: program.token });
});

Deno.test("listen() reports who was refused, let in and has left, and nothing stays open", async () => {
  await using program = await startProgram({ report: true, wait: false });
  await using stranger = await DapClient.connect(program);
  await stranger.initialize();
  equal((await stranger.send("attach", { rdgToken: "wrong" })).success, false);
  const { peer, ...refused } = await program.hear();
  deepEqual(refused, { event: "refused", why: "wrong token", tries: 1 });
  match(String(peer), /^127\.0\.0\.1:\d+$/);
  let files = 0;
  for (let visit = 0; visit < 10; visit++) {
    const client = await DapClient.connect(program);
    await client.attach({ token: program.token });
    equal((await program.hear()).event, "admitted");
    await (visit % 2 ? client.close() : client.disconnect());
    equal((await program.hear()).event, "left");
    if (visit === 3) files = openFiles(program.adapterPid);
  }
  ok(openFiles(program.adapterPid) <= files + 1);
});

Deno.test("listen() refuses a token that is too short", async () => {
  await rejects(startProgram({ token: "short" }), /too short/);
});

Deno.test("listen() without auth is debugpy's own way, its file of endpoints included", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/endpoints`;
    await using program = await startProgram({
      auth: false,
      env: { DEBUGPY_ADAPTER_ENDPOINTS: file },
    });
    const { client: { port } } = JSON.parse(await Deno.readTextFile(file));
    await using client = await DapClient.connect({ port });
    await client.attach({ breakpoints });
    await program.tell("work");
    const { body } = await client.waitFor<{ threadId: number }>("stopped");
    await client.request("continue", { threadId: body.threadId });
    await client.disconnect();
    await program.end();
    await gone(program.adapterPid);
    await rejects(Deno.stat(file), Deno.errors.NotFound);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("listen() works within a signal handler, and with a virtual environment's Python", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { python } = await testPython();
    const made = await new Deno.Command(python, {
      args: ["-m", "venv", "--without-pip", `${folder}/venv`],
    }).output();
    equal(made.code, 0);
    await using program = await startProgram({
      handler: true,
      python: `${folder}/venv/bin/python`,
    });
    await using client = await DapClient.connect(program);
    await client.attach({ token: program.token, breakpoints });
    await program.tell("work");
    const { body } = await client.waitFor<{ threadId: number }>("stopped");
    await sleep(1000); // Longer than the program's own limit for sockets.
    equal(await client.evaluate("number", body.threadId), "41");
    match(await client.evaluate("sys.executable", body.threadId), /venv/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("listen() works on IPv6 and on every address", async () => {
  for (const bind of ["::1", "0.0.0.0", "::"]) {
    await using program = await startProgram({ bind });
    await using client = await DapClient.connect({
      port: program.port,
      host: bind === "::1" ? bind : "127.0.0.1",
    });
    await client.attach({ token: program.token });
  }
});

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function connects(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch {
    return false;
  }
}

/** Everything about a process that other processes of its user can read as text. */
function secretsOf(pid: number): string {
  return readText(`/proc/${pid}/cmdline`) + readText(`/proc/${pid}/environ`);
}

function residentKb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readText(`/proc/${pid}/status`))?.[1]);
}

function cpuTicks(pid: number): number {
  const fields = readText(`/proc/${pid}/stat`).split(") ")[1]?.split(" ") ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

function openFiles(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

function framed(body: string): Uint8Array {
  return text(`Content-Length: ${text(body).length}\r\n\r\n${body}`);
}

function badInput(): Record<string, Uint8Array> {
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  const request = { seq: 1, type: "request", command: "initialize" };
  return {
    "an HTTP request": text("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    "a TLS hello": new Uint8Array([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc]),
    "an ssh hello": text("SSH-2.0-OpenSSH_9.2\r\n"),
    "zero bytes": new Uint8Array(4096),
    "a header without an end": text(`Content-Length: ${"1".repeat(8192)}`),
    "a header of many lines": text("Content-Length: 2\r\n".repeat(10_000)),
    "Content-Length: -1": text("Content-Length: -1\r\n\r\n"),
    "a length of 1 GB": text("Content-Length: 1073741824\r\n\r\n{"),
    "a length that is no number": text("Content-Length: ten\r\n\r\n"),
    "no length": text("Content-Type: json\r\n\r\n{}"),
    "an empty message": text("Content-Length: 0\r\n\r\n"),
    "no JSON": framed("{]"),
    "no object": framed("[1]"),
    "no UTF-8": new Uint8Array([...text("Content-Length: 2\r\n\r\n"), 0xff, 0xfe]),
    "nesting 100,000 deep": framed(deep),
    "nesting in an attach": framed(
      `{"seq":1,"type":"request","command":"attach","arguments":${deep}}`,
    ),
    "a number of 100,000 digits": framed(`{"seq":${"1".repeat(100_000)}}`),
    "a message that is no request": framed(JSON.stringify({ ...request, type: "event" })),
    "a number that is none": framed(JSON.stringify({ ...request, seq: "1" })),
    "a command that is none": framed(JSON.stringify({ ...request, command: { a: 1 } })),
    "arguments that are no object": framed(JSON.stringify({ ...request, arguments: [1] })),
    "forty messages without a token": text(
      new TextDecoder().decode(framed(JSON.stringify({ ...request, command: "threads" }))).repeat(
        40,
      ),
    ),
  };
}

async function withLimit<T>(wait: Promise<T>, what: string, ms = 10_000): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited ${ms} ms in vain for ${what}`)), ms);
  });
  return await Promise.race([wait, late]).finally(() => clearTimeout(timer));
}

/** Waits until a process has ended, its files closed: nothing tells of somebody else's child. */
async function gone(pid: number): Promise<void> {
  const until = Date.now() + 10_000;
  while (!/^$|\) [ZX] /.test(readText(`/proc/${pid}/stat`))) {
    ok(Date.now() < until, `process ${pid} is still there`);
    await sleep(20);
  }
}

// Installs debugpy, where that is needed, outside any test's time.
await testPython();
