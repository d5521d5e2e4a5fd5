/** What becomes of a program whose adapter is killed. */

import assert from "node:assert/strict";
import { attach, resume, stopped } from "../support/debugging.ts";
import { interpreters } from "../support/python.ts";
import { makeSandbox, startRdg } from "../support/rdg.ts";

/** Says each round whether it is traced, by what Python has for that since 3.12 as well. */
const tracedScript = `import os, sys, time
def traced():
    if sys.version_info < (3, 12):
        return sys.gettrace() is not None
    return sys.monitoring.get_tool(sys.monitoring.DEBUGGER_ID) is not None
while not os.path.exists("stop"):
    print("traced", traced(), flush=True)
    time.sleep(0.02)
`;

for (const interpreter of interpreters.filter(({ minor }) => [8, 11, 13].includes(minor))) {
  Deno.test(`after the adapter's death a program runs on untraced, and a wake says so (${interpreter.version})`, async () => {
    await using sandbox = await makeSandbox({ interpreter });
    await sandbox.write("traced.py", tracedScript);
    await using child = startRdg(["debug", "-l", interpreter.path, "traced.py"], { sandbox });
    await child.until(/^traced False$/m, { stream: "stdout" });
    await child.kill(40);
    {
      await using client = await attach(child, sandbox, { port: await child.port() });
      await resume(client, await stopped(client));
      await child.until(/^traced True$/m, { stream: "stdout" });
      const from = child.stdout.length;
      Deno.kill(await adapterOf(sandbox.state), "SIGKILL");
      await child.until(/^traced False$/m, { stream: "stdout", from });
    }
    // The record follows.
    for (let left = 100;; left--) {
      const [record] = await sandbox.records();
      if (record?.["state"] === "armed" && record["address"] === null) break;
      assert.ok(left, JSON.stringify(record));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await child.kill(40);
    await child.until(/The debugger's own process has ended/);
    const from = child.stdout.length;
    await child.until(/^traced False$/m, { stream: "stdout", from });
    await sandbox.write("stop", "");
    assert.equal((await child.status()).code, 0);
  });
}

/** The process of the adapter that a test's program has started. */
async function adapterOf(state: string): Promise<number> {
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const command = await Deno.readTextFile(`/proc/${name}/cmdline`);
      if (!command.includes("_adapter_process.py")) continue;
      // RDG_ variables are kept from it; the home is the sandbox's own.
      const environment = await Deno.readTextFile(`/proc/${name}/environ`);
      if (environment.includes(`HOME=${state.replace(/state$/, "home")}`)) return Number(name);
    } catch {
      // It has ended meanwhile.
    }
  }
  throw new Error("no adapter runs");
}
