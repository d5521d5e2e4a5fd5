// deno-lint-ignore-file no-console -- a program of its own, not part of rdg
/**
 * `deno task demo`: the main job on a real script. Starts a training loop under `rdg debug`, attaches
 * to it as an editor does, stops at a breakpoint, shows stack and locals, and lets it run to its end.
 *
 * Needs Python 3.8 or newer as `python3` (or `PYTHON`); rdg fetches debugpy by that Python's pip.
 *
 * @module
 */

import { stopped } from "../support/debugging.ts";
import { DapClient } from "../support/dap.ts";
import { Child, rdg } from "../support/rdg.ts";
import { ensurePip } from "../support/set_up.ts";

const folder = new URL(".", import.meta.url).pathname;
const script = `${folder}train.py`;
const breakpoint = 19;
const state = await Deno.makeTempDir({ prefix: "rdg-demo-" });
const python = Deno.env.get("PYTHON") ?? "python3";

if (!await ensurePip(python)) {
  console.error(
    `The demo needs debugpy for ${python}, or its pip to fetch it: apt-get install python3-pip`,
  );
  Deno.exit(1);
}
console.log(`$ rdg debug ${python} train.py 200\n`);
const [deno = "", ...args] = rdg;
const child = new Child(
  new Deno.Command(deno, {
    args: [...args, "debug", python, "train.py", "200"],
    cwd: folder,
    env: { RDG_STATE_DIR: state },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn(),
);
try {
  // The first time, debugpy is fetched.
  await child.until(/waiting for debugger to attach/, { timeoutMs: 180_000 });
  console.log(child.stderr.trim());
  const port = await child.port();

  console.log(`\n== The editor attaches, with a breakpoint at train.py:${breakpoint} ==\n`);
  const client = await DapClient.connect({ port });
  await client.attach({
    token: await tokenOf(child.pid),
    arguments: { connect: { host: "127.0.0.1", port }, justMyCode: true },
    breakpoints: { [script]: [{ line: breakpoint, condition: "step == 50" }] },
  });
  const stop = await stopped(client);
  console.log(`Stopped: ${stop.reason}`);
  for (const frame of stop.frames) console.log(`  ${frame}`);
  const { scopes } = await client.request<{ scopes: { variablesReference: number }[] }>("scopes", {
    frameId: stop.frameIds[0],
  });
  const { variables } = await client.request<{ variables: { name: string; value: string }[] }>(
    "variables",
    { variablesReference: scopes[0]?.variablesReference },
  );
  console.log("Locals:");
  for (const { name, value } of variables) console.log(`  ${name} = ${value.slice(0, 70)}`);

  console.log("\n== The breakpoint is taken out, the program goes on ==\n");
  await client.request("setBreakpoints", { source: { path: script }, breakpoints: [] });
  await client.request("continue", { threadId: stop.threadId });
  const { code } = await child.status();
  await client.close();
  console.log(child.stdout.trim());
  console.log(`\nThe script ended with its own exit code: ${code}`);
  Deno.exitCode = code;
} finally {
  await child[Symbol.asyncDispose]();
  await Deno.remove(state, { recursive: true });
}

/** The session's token, from its record: `rdg connect` and `rdg attach` read it there as well. */
async function tokenOf(pid: number): Promise<string> {
  for await (const path of records(state)) {
    const record = JSON.parse(await Deno.readTextFile(path));
    if (record.pid === pid) return record.token;
  }
  throw new Error("The session wrote no record");
}

async function* records(path: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    if (isDirectory) yield* records(`${path}/${name}`);
    else if (name.endsWith(".json")) yield `${path}/${name}`;
  }
}
