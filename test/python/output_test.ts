/** The program's output on its way to an editor: a flood harms neither side, and a detach ends it. */

import assert from "node:assert/strict";
import { DapClient } from "../support/dap.ts";
import { resume, stopped } from "../support/debugging.ts";
import { interpreters } from "../support/python.ts";
import { type Child, makeSandbox, type Sandbox, startRdg } from "../support/rdg.ts";

/** Prints without a pause, a stream of it through a handler; tells on stderr what its streams are. */
const floodScript = `import logging, os, sys
log = logging.getLogger()
line = 0
while not os.path.exists("stop"):
    print("line", line)
    line += 1
    if type(sys.stderr).__name__ == "IORedirector" and not log.handlers:
        log.addHandler(logging.StreamHandler())
    if line % 5000 == 0:
        log.warning("kept")
        os.write(2, b"%s at %d\\n" % (type(sys.stdout).__name__.encode(), line))
os.write(2, b"end\\n")
`;

/** Wakes the program, attaches as VS Code does, and lets it go on. */
async function attachToFlood(child: Child, sandbox: Sandbox): Promise<DapClient> {
  const from = child.stderr.length;
  await child.kill(40);
  const port = await child.port(from);
  const client = await DapClient.connect({ port });
  await client.attach({
    token: String((await sandbox.records())[0]?.["token"]),
    arguments: { redirectOutput: true, connect: { host: "127.0.0.1", port } },
  });
  await resume(client, await stopped(client));
  return client;
}

for (const interpreter of interpreters.filter(({ minor }) => [8, 11, 13].includes(minor))) {
  Deno.test(`a program that prints a flood can be attached to again and again (${interpreter.version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    await sandbox.write("flood.py", floodScript);
    await using child = startRdg(["debug", "-l", interpreter.path, "flood.py"], { sandbox });
    await child.until(/TextIOWrapper at/);
    for (let round = 0; round < 8; round++) {
      await using client = await attachToFlood(child, sandbox);
      const output = (text: string) =>
        client.waitFor<{ output: string }>("output", ({ body }) => body.output.includes(text));
      if (round === 0) {
        await output("line");
        await output("Output is left out here");
        // It comes through between the gaps as well.
        await output("line");
      }
      // Politely and, as a laptop that goes to sleep does, without a word.
      if (round % 2 === 0) await client.disconnect();
      else await client.close();
      const from = child.stderr.length;
      // Its own stream again, and none of debugpy's pieces between it and the job's output.
      await child.until(/TextIOWrapper at \d+/, { from });
      child.stdout = "";
    }
    await sandbox.write("stop", "");
    await child.until(/^end$/m);
    assert.equal((await child.status()).code, 0, child.stderr);
  });
}

/** Forks while a thread is in the midst of a write to the stream that debugpy has put in place. */
const forkScript = `import os, sys, threading, time
writing, go_on = threading.Event(), threading.Event()
class Pipe:
    """Takes what the thread writes only when it is told to, as a pipe does that nobody reads."""
    encoding = "utf-8"
    def write(self, text):
        if threading.current_thread().name == "writer":
            writing.set()
            go_on.wait()
        os.write(1, text.encode())
    def flush(self):
        pass
sys.stdout = Pipe()
os.write(2, b"waits\\n")
while type(sys.stdout).__name__ != "IORedirector":
    time.sleep(0.02)
kept = sys.stdout
writer = threading.Thread(target=print, args=("writer",), name="writer")
writer.start()
writing.wait()
child = os.fork()
if child == 0:
    print("child writes to its", type(sys.stdout).__name__)
    kept.write("and to what it kept\\n")
    os._exit(5)
until = time.monotonic() + 10
while True:
    ended, status = os.waitpid(child, os.WNOHANG)
    if ended:
        break
    if time.monotonic() > until:
        os.kill(child, 9)
    time.sleep(0.02)
go_on.set()
writer.join()
print("child ended with", status, "parent has", type(sys.stdout).__name__)
`;

for (const interpreter of interpreters.filter(({ minor }) => [8, 11, 14].includes(minor))) {
  Deno.test(`a worker forked in the midst of a redirected write prints and ends (${interpreter.version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    await sandbox.write("forks.py", forkScript);
    await using child = startRdg(["debug", "-l", interpreter.path, "forks.py"], { sandbox });
    await child.until(/^waits$/m);
    await using _client = await attachToFlood(child, sandbox);
    assert.equal((await child.status()).code, 0, child.stderr);
    assert.deepEqual(child.stdout.split("\n"), [
      "child writes to its Pipe",
      "and to what it kept",
      "writer",
      "child ended with 1280 parent has IORedirector",
      "",
    ]);
  });
}
