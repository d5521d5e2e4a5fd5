/**
 * The Python call that opens the port: its errors and the circumstances it works in.
 *
 * @module
 */

import { deepEqual, equal, match, notEqual, ok, rejects } from "node:assert/strict";
import { DapClient } from "../support/dap.ts";
import { lineOf, programPath, startProgram } from "../support/door_program.ts";
import { gone, openFiles, sleep } from "../support/proc.ts";
import { testPython } from "../support/python.ts";

const breakpoints = { [programPath]: [lineOf("# breakpoint")] };

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
