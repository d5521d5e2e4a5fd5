/**
 * Sessions behind the door: clients that vanish, child processes, secrets, the end.
 *
 * @module
 */

import { deepEqual, equal, notEqual, ok, rejects, throws } from "node:assert/strict";
import { type Body, DapClient, DapFailure } from "../support/dap.ts";
import {
  holderOf,
  lineOf,
  listeningPorts,
  programPath,
  readText,
  startProgram,
} from "../support/door_program.ts";
import { connects, cpuTicks, gone, secretsOf, sleep, text, withLimit } from "../support/proc.ts";

const breakpoints = { [programPath]: [lineOf("# breakpoint")] };
const childBreakpoints = { [programPath]: [lineOf("# breakpoint in a child")] };

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
