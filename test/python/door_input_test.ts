/**
 * What strangers may send to the door, and how many of them may come.
 *
 * @module
 */

import { deepEqual, ok } from "node:assert/strict";
import { DapClient } from "../support/dap.ts";
import { lineOf, programPath, startProgram } from "../support/door_program.ts";
import { framed, openFiles, residentKb, text, withLimit } from "../support/proc.ts";

const breakpoints = { [programPath]: [lineOf("# breakpoint")] };

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

Deno.test("door takes only the beginning of a header of 1 GB", async () => {
  await using program = await startProgram();
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
  const piece = text("Content-Length: 2\r\n".repeat(1000));
  let sent = 0;
  const ended = await withLimit(
    (async () => {
      while (sent < 1e9) sent += await conn.write(piece);
    })().then(() => false, () => true),
    "the door to hang up",
  );
  ok(ended && sent < 64e6, `${sent} bytes were taken`); // What the kernel's buffers hold.
  await using owner = await DapClient.connect(program);
  await owner.attach({ token: program.token });
});

Deno.test("door: the program works on whatever comes to the door", async () => {
  await using program = await startProgram({ wait: false });
  const inputs = Object.values(badInput());
  const strangers: DapClient[] = [];
  try {
    for (let round = 0; round < 10; round++) {
      for (const bytes of inputs) {
        const stranger = await DapClient.connect(program);
        strangers.push(stranger);
        stranger.closed.catch(() => {});
        stranger.writeBytes(bytes);
      }
      const tries = strangers.at(-1)!;
      tries.send("attach", { rdgToken: "wrong" }).catch(() => {});
      await program.tell("work");
      deepEqual(await withLimit(program.hear(), "the program's work"), { work: 42 });
    }
  } finally {
    for (const stranger of strangers) await stranger.close();
  }
  await using owner = await DapClient.connect(program);
  await owner.attach({ token: program.token, breakpoints });
  await program.tell("work");
  await owner.waitFor("stopped");
});

Deno.test("door drops whoever is silent or slow", async () => {
  await using program = await startProgram();
  await using silent = await DapClient.connect(program);
  await using slow = await DapClient.connect(program);
  const started = performance.now();
  const drip = setInterval(() => slow.ended || slow.writeBytes(text("C")), 1_000);
  slow.writeBytes(text("Cont"));
  try {
    await withLimit(Promise.all([silent.closed, slow.closed]), "the door to drop them", 15_000);
    ok(performance.now() - started > 5000);
  } finally {
    clearInterval(drip);
  }
});

Deno.test("door lets the owner in while thousands of connections stand open", async () => {
  await using program = await startProgram();
  const before = residentKb(program.adapterPid);
  const hello = framed(JSON.stringify({ seq: 1, type: "request", command: "initialize" }));
  const crowd: Deno.TcpConn[] = [];
  try {
    for (let index = 0; index < 3000; index++) {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: program.port });
      crowd.push(conn);
      if (index % 2) await conn.write(hello).catch(() => {}); // Reset, as it had to go.
    }
    await using owner = await DapClient.connect(program);
    await owner.attach({ token: program.token, breakpoints });
    // Not because the others had gone: as many as may wait at the door are still there.
    const open = openFiles(program.adapterPid);
    ok(open > 60 && open < 200, `${open} descriptors`);
    const grown = residentKb(program.adapterPid) - before;
    ok(grown < 16_000, `the adapter grew by ${grown} kB`);
    await program.tell("work");
    await owner.waitFor("stopped");
  } finally {
    for (const conn of crowd) conn.close();
  }
});

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
