/**
 * The two examples of README, "Writing a plugin", end to end: added by the real command, the scheduler
 * wakes a real program on this host through fake programs, the editor gets its file.
 */

import assert from "node:assert/strict";
import { DapClient } from "../../support/dap.ts";
import { python } from "../../support/python.ts";
import { start, startRdg } from "../../support/rdg.ts";
import { examples, pluginHome } from "./_home.ts";

const script = `import time
def step(number):
    total = number * 2
    time.sleep(0.05)
    return total
for number in range(10**6):
    step(number)
`;

/** What `tq` prints and does: one job on this host; `exec` runs the command right here. */
const tq = `echo "$1 $2" >> "$HOME/calls"
case "$1" in
jobs) printf '7\\t-\\tada\\tRUN\\t61\\t3600\\t%s\\t-\\tloop\\n' "${Deno.hostname()}" ;;
exec) while [ "$1" != -- ]; do shift; done; shift; exec "$@" ;;
cluster) echo toy-cluster ;;
esac`;

Deno.test("the examples hold what rdg plugin test checks, and their cases", async () => {
  await using home = await pluginHome({ debugpy: null });
  for (const [name, checks] of [["tinyq", 14], ["scribe", 8]] as const) {
    const { code, stderr } = await home.rdg(["plugin", "test", `${examples}/${name}`]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, new RegExp(`^${checks} checks, all well$`, "m"));
  }
});

Deno.test("rdg attach --scheduler NAME wakes a program of a drop-in scheduler's job", async () => {
  await using home = await pluginHome();
  const { sandbox } = home;
  await home.program("tq", tq);
  const added = await home.rdg(["plugin", "add", "--yes", `${examples}/tinyq`]);
  assert.equal(added.code, 0, added.stderr);
  assert.match(added.stderr, /^ {2}may start: tq$/m);

  const file = await sandbox.write("loop.py", script);
  const job = { TINYQ_JOB: "7", TINYQ_NODE: Deno.hostname(), TINYQ_CLUSTER: "toy-cluster" };
  await using program = startRdg(["debug", "--lite", python.path, "loop.py"], {
    sandbox,
    env: job,
  });
  await program.until(/Armed and ready[^]*Job ID: {2}7$/m);
  const [record] = await sandbox.records();
  assert.deepEqual(
    [record?.scheduler, record?.cluster, record?.job],
    ["tinyq", "toy-cluster", { id: "7", display: "7", step: null }],
  );

  const listed = await home.rdg(["sessions", "--scheduler", "tinyq"]);
  assert.match(listed.stdout, /^7 .* armed .* 1:00:00 /m);

  const words = ["attach", "7", "--scheduler", "tinyq", "--via", "scheduler", "--json"];
  const done = await home.rdg(words);
  assert.equal(done.code, 0, done.stderr);
  const [woken] = JSON.parse(done.stdout).sessions;
  assert.deepEqual([woken.pid, woken.state], [program.pid, "listening"]);
  const calls = (await Deno.readTextFile(`${sandbox.env.HOME}/calls`)).trim().split("\n");
  assert.deepEqual(
    calls,
    ["jobs --user", "jobs --user", "exec --job"],
  );

  await using client = await DapClient.connect({ port: woken.port });
  await client.attach({
    token: woken.token,
    arguments: { connect: { host: "127.0.0.1", port: woken.port } },
    breakpoints: { [file]: [3] },
  });
  let line = 0;
  while (line !== 3) {
    const { body } = await client.waitFor<{ threadId: number }>("stopped");
    const { stackFrames } = await client.request<{ stackFrames: { line: number }[] }>(
      "stackTrace",
      { threadId: body.threadId, levels: 1 },
    );
    line = stackFrames[0]!.line;
    if (line !== 3) await client.request("continue", { threadId: body.threadId });
  }
});

Deno.test("rdg stack and rdg connect go by a drop-in scheduler as well", async () => {
  await using home = await pluginHome();
  const { sandbox } = home;
  await home.program("tq", tq);
  await home.rdg(["plugin", "add", "--yes", `${examples}/tinyq`]);
  await sandbox.write("loop.py", script);
  await using program = startRdg(["debug", "--lite", python.path, "loop.py"], {
    sandbox,
    env: { TINYQ_JOB: "7", TINYQ_NODE: Deno.hostname() },
  });
  await program.until(/Armed and ready/);
  const by = ["7", "--scheduler", "tinyq", "--json"];
  const pid = String(program.pid);
  const stack = await home.rdg(["stack", ...by, "--pid", pid, "--via", "scheduler"]);
  assert.equal(stack.code, 0, stack.stderr);
  assert.match(stack.stdout, /loop\.py/);
  await using connect = startRdg(["connect", ...by, "--port", "0"], { sandbox: home.sandbox });
  const [, job] = await connect.until(/"event":"ready".*"job":"(\d+)"/, { stream: "stdout" });
  assert.equal(job, "7");
  await connect.kill("SIGTERM");
  await connect.status();
});

Deno.test("a drop-in scheduler is found by its variables and by its program", async () => {
  await using home = await pluginHome({ debugpy: null });
  await home.program("tq", tq);
  await home.rdg(["plugin", "add", "--yes", `${examples}/tinyq`]);
  // Slurm's programs may be on this machine's PATH: a job of TinyQ's says more than they do.
  const inside = await home.rdg(["attach"], { env: { TINYQ_JOB: "7" } });
  assert.match(inside.stderr, /Cannot ask which job[^]*with one of: 7$/m);
  const bin = `${home.sandbox.env.HOME}/bin`;
  const found = await home.rdg(["attach"], { env: { PATH: bin } });
  assert.match(found.stderr, /Cannot ask which job[^]*with one of: 7$/m);
  const unknown = await home.rdg(["attach", "--scheduler=tinyk"]);
  assert.deepEqual([unknown.code, /--scheduler=tinyq$/m.test(unknown.stderr)], [2, true]);
});

Deno.test("the launcher of rdg install lets drop-in plugins work", async () => {
  await using home = await pluginHome({ debugpy: null });
  const { sandbox } = home;
  await home.program("tq", tq);
  assert.equal((await home.rdg(["install"])).code, 0);
  const launcher = `${sandbox.env.HOME}/.local/bin/rdg`;
  const run = async (...words: string[]) => {
    await using child = start([launcher, ...words], { sandbox, env: { TINYQ_JOB: "7" } });
    const { code } = await child.status();
    return { code, stderr: child.stderr };
  };
  for (const name of ["tinyq", "scribe"]) {
    const added = await run("plugin", "add", "--yes", `${examples}/${name}`);
    assert.equal(added.code, 0, added.stderr);
  }
  const attach = await run("attach");
  assert.match(attach.stderr, /Cannot ask which job[^]*with one of: 7$/m);
  const init = await run("init", "--editor", "scribe");
  assert.match(init.stderr, /^Wrote \.scribe\/debug\.ini/);
  // The list is as short as before once the plugins are gone.
  assert.equal((await run("plugin", "remove", "tinyq", "scribe")).code, 0);
  await assert.rejects(Deno.stat(`${sandbox.env.HOME}/.config/rdg/plugins.programs`));
});

Deno.test("rdg debug below a drop-in scheduler's launcher arms the job that it starts", async () => {
  await using home = await pluginHome();
  const { sandbox } = home;
  await home.program("tqrun", 'TINYQ_JOB=9 exec "$@"');
  await home.rdg(["plugin", "add", "--yes", `${examples}/tinyq`]);
  await sandbox.write("loop.py", script);
  const words = ["debug", "--lite", "tqrun", python.path, "loop.py"];
  await using program = startRdg(words, { sandbox });
  await program.until(/Armed and ready[^]*Job ID: {2}9$/m);
  assert.equal((await sandbox.records())[0]?.scheduler, "tinyq");
});

Deno.test("rdg init --editor NAME writes and takes away a drop-in editor's file", async () => {
  await using home = await pluginHome({ debugpy: null });
  await home.rdg(["plugin", "add", "--yes", `${examples}/scribe`]);
  const { dir } = home.sandbox;
  for (const name of ["scribe", "scr"]) {
    const made = await home.rdg(["init", "--editor", name]);
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stderr, /^Wrote \.scribe\/debug\.ini \(Scribe\)\nIn Scribe: press F8/);
    const text = await Deno.readTextFile(`${dir}/.scribe/debug.ini`);
    assert.match(text, new RegExp(`^map = ${dir} -> \\.$`, "m"));
    // Found by its folder, without being named.
    const again = await home.rdg(["init"]);
    assert.match(again.stderr, /\.scribe\/debug\.ini needs no change \(Scribe\)/);
    const gone = await home.rdg(["init", "--remove"]);
    assert.equal(gone.stderr, "Removed .scribe/debug.ini\n");
  }
});

Deno.test("a plugin's process is gone before rdg debug becomes the command", async () => {
  await using home = await pluginHome({ debugpy: null });
  const { sandbox } = home;
  await Deno.mkdir(`${home.plugins}/tinyq`, { mode: 0o700 });
  await Deno.copyFile(`${examples}/tinyq/plugin.ts`, `${home.plugins}/tinyq/plugin.ts`);
  // Nothing is known of it yet, so rdg debug has to start it.
  await using child = start(
    [...[Deno.execPath(), "run", "-A", "-q"], new URL("../../../main.ts", import.meta.url).pathname]
      .concat("debug", "sh", "-c", "cat /proc/$$/task/*/children; echo end"),
    { sandbox },
  );
  await child.status();
  // The one child is the `cat` that looks.
  assert.match(child.stdout, /^\d+ end$/m, child.stdout + child.stderr);
  const kept = JSON.parse(await Deno.readTextFile(`${sandbox.cache}/plugins.json`));
  assert.deepEqual(Object.keys(kept.plugins), [`${home.plugins}/tinyq/plugin.ts`]);
});
