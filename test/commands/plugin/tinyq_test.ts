/**
 * The example of a scheduler in README, "Writing a plugin", end to end: added by the real command, its
 * real `tq` starts jobs, and rdg gets into them. Needs Linux and Python.
 */

import assert from "node:assert/strict";
import { DapClient } from "../../support/dap.ts";
import { python } from "../../support/python.ts";
import { start, startRdg } from "../../support/rdg.ts";
import { examples, pluginHome } from "./_home.ts";
import { tinyQ } from "./_tinyq.ts";

/** Goes on until the program stops in a line. */
async function untilLine(client: DapClient, line: number): Promise<number> {
  for (;;) {
    const { body } = await client.waitFor<{ threadId: number }>("stopped");
    const { stackFrames } = await client.request<{ stackFrames: { line: number }[] }>(
      "stackTrace",
      { threadId: body.threadId, levels: 1 },
    );
    if (stackFrames[0]?.line === line) return body.threadId;
    await client.request("continue", { threadId: body.threadId });
  }
}

Deno.test("a scheduler of one's own: from rdg plugin test to a breakpoint in its job", async (t) => {
  const base = await Deno.makeTempDir({ prefix: "rdg-test-config-" });
  const config = `${base}/config`;
  try {
    await using person = await tinyQ({ env: { XDG_CONFIG_HOME: config }, added: false });
    const { home: { sandbox }, ids: [id], rdg } = person;
    await t.step("its cases hold, and it is added", async () => {
      const tested = await rdg("plugin", "test", `${examples}/tinyq`);
      assert.deepEqual([tested.code, /^16 checks, all well$/m.test(tested.stderr)], [0, true]);
      const added = await rdg("plugin", "add", "--yes", `${examples}/tinyq`);
      assert.equal(added.code, 0, added.stderr);
      assert.match(added.stderr, /^ {2}may start: tq$/m);
      assert.ok((await Deno.stat(`${config}/rdg/plugins/tinyq/plugin.ts`)).isFile);
    });
    await t.step("a job of it is armed, and listed by whoever its owner is", async () => {
      const job = await person.submit(["--limit", "3600"]);
      await job.until(new RegExp(`Armed and ready[^]*Job ID: {2}${id}$`, "m"), {
        stream: "stdout",
      });
      const [record] = await sandbox.records();
      assert.deepEqual(
        [record?.scheduler, record?.cluster, record?.host, record?.job],
        ["tinyq", "tiny", Deno.hostname(), { id, display: id, step: null }],
      );
      const listed = new RegExp(`^${id} .* armed .* (?:1:00:00|59:\\d\\d) .*loop\\.py$`, "m");
      for (const time of ["first", "second"]) {
        assert.match((await rdg("sessions")).stdout, listed, time);
      }
    });
    await t.step("rdg doctor names it", async () => {
      const { stdout } = await rdg("doctor", python.path);
      assert.match(stdout, /^ +ok +plugins .*: tinyq$/m);
      assert.match(stdout, /^ +ok +role .* is a login node of tinyq \("tq" is on PATH\)$/m);
      assert.match(stdout, /^ +ok +scheduler +tinyq answered in .*: 1 job of yours, 1 running$/m);
    });
    await t.step("rdg stack goes into it", async () => {
      const { code, stdout, stderr } = await rdg("stack", id, "--via", "scheduler");
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^ {3}<module> +loop\.py:7$/m);
    });
    await t.step(
      "rdg attach wakes it by two calls, and an editor stops at a breakpoint",
      async () => {
        const words = ["attach", id, "--via", "scheduler", "--json", "--verbose"];
        const { code, stdout, stderr } = await rdg(...words);
        assert.equal(code, 0, stderr);
        const calls = [...stderr.matchAll(/^\$ tq (\S+) \S+ (\S+)/gm)];
        const { user } = (await sandbox.records())[0]!;
        assert.deepEqual(
          calls.map(([, call, what]) => [call, what]),
          [["jobs", user], ["run-in", Deno.hostname()]],
        );
        const [woken] = JSON.parse(stdout).sessions;
        await using client = await DapClient.connect({ port: woken.port });
        await client.attach({
          token: woken.token,
          arguments: { connect: { host: "127.0.0.1", port: woken.port } },
          breakpoints: { [`${sandbox.dir}/loop.py`]: [4] },
        });
        const threadId = await untilLine(client, 4);
        assert.equal(await client.evaluate("total == number * 2", threadId), "True");
        await client.disconnect();
      },
    );
    await t.step("it goes on, and its end is the scheduler's", async () => {
      assert.match((await rdg("sessions")).stdout, / listening, runs on /);
      assert.equal((await person.tq("cancel", id)).code, 0);
      const ended = await rdg("attach", id);
      assert.deepEqual([ended.code, ended.stderr.split("\n")[0]], [
        3,
        `Cannot attach to job ${id}: it does not run any more (F)`,
      ]);
    });
  } finally {
    await Deno.remove(base, { recursive: true });
  }
});

Deno.test("rdg attach goes by a drop-in scheduler's arrays, nodes and words", async () => {
  await using person = await tinyQ({ env: { TINYQ_SITE: "n1,n2" } });
  const { home: { sandbox }, ids: [id, next], rdg } = person;
  const array = await person.submit(["--nodes", "2"], [0, 1]);
  await array.until(/(?:Armed and ready[^]*){4}/, { stream: "stdout" });
  assert.equal((await sandbox.records()).length, 4);
  // Two nodes on one machine: only the scheduler's own step tells which is which.
  const { code, stdout, stderr } = await rdg("attach", `${id}_1`, "--all", "--json", "--verbose");
  assert.equal(code, 0, stderr);
  const { job, sessions } = JSON.parse(stdout);
  assert.equal(job, `${id}_1`);
  assert.deepEqual(
    sessions.map(({ node, state }: Record<string, unknown>) => [node, state]),
    [["n1", "listening"], ["n2", "listening"]],
  );
  assert.equal(stderr.split(`$ tq run-in '${id}[1]' n1,n2 -- `).length, 2);

  assert.equal((await person.tq("submit", "--hold", "--array", "0-2", "true")).code, 0);
  const said = {
    [id]: `Try: rdg attach JOB, with one of: ${id}_0 (armed), ${id}_1 (armed)\n`,
    [`${next}_1`]: `Cannot attach to job ${next}_1: it has not started yet\nTry: wait until`,
    [`${next}_7`]: `Cannot attach to job ${next}_7: tinyq does not know it\n`,
  };
  for (const [typed, words] of Object.entries(said)) {
    const { stderr } = await rdg("attach", typed);
    assert.ok(stderr.includes(words), stderr);
  }
});

Deno.test("rdg attach --via=scancel signals a whole job by a drop-in scheduler", async () => {
  await using person = await tinyQ();
  const job = await person.submit([]);
  await job.until(/Armed and ready/, { stream: "stdout" });
  const words = ["attach", person.ids[0], "--via=scancel", "--verbose"];
  const { code, stdout, stderr } = await person.rdg(...words);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^\$ tq signal \d+ 40$/m);
  assert.match(stdout, /^Script is paused/m);
});

Deno.test("rdg connect goes by a drop-in scheduler, named by RDG_SCHEDULER, with its relay", async () => {
  await using person = await tinyQ();
  const { home: { sandbox }, ids: [id], env } = person;
  const job = await person.submit([]);
  await job.until(/Armed and ready/, { stream: "stdout" });
  const words = ["connect", id, "--via=relay", "--json", "--port=0"];
  await using connect = startRdg(words, { sandbox, env });
  const [line] = await connect.until(/^.*"event":"ready".*$/m, { stream: "stdout" });
  const { port, way, ...ready } = JSON.parse(line);
  assert.deepEqual([ready.job, way], [id, "relay"]);
  await using client = await DapClient.connect({ port });
  await client.attach({
    arguments: { connect: { host: "127.0.0.1", port } },
    breakpoints: { [`${sandbox.dir}/loop.py`]: [3] },
  });
  await untilLine(client, 3);
  await client.disconnect();
  await connect.kill("SIGTERM");
  assert.equal((await connect.status()).code, 0);
});

Deno.test("rdg debug before a drop-in scheduler's launcher arms the job that it starts", async () => {
  await using person = await tinyQ();
  const { home: { sandbox }, ids: [id], env } = person;
  const words = ["debug", "--lite", "tq", "run", python.path, "loop.py"];
  await using program = startRdg(words, { sandbox, env });
  try {
    await program.until(new RegExp(`Armed and ready[^]*Job ID: {2}${id}$`, "m"));
    assert.equal((await sandbox.records())[0]?.scheduler, "tinyq");
  } finally {
    // The job writes where tq run does: it has to go first.
    await person.tq("cancel", id);
  }
  // By SIGTERM.
  assert.equal((await program.status()).code, 128 + 15);

  // A launcher that becomes the program, in a job of its own, is the program.
  await person.home.program("tq", 'shift; TINYQ_JOB=9 exec "$@"');
  await using other = startRdg(words, { sandbox, env });
  await other.until(/Armed and ready[^]*Job ID: {2}9$/m);
});

Deno.test("rdg doctor LOGIN finds a drop-in scheduler there", async () => {
  await using person = await tinyQ({ debugpy: null });
  const { home } = person;
  const bin = `${home.sandbox.env.HOME}/bin`;
  // A login node that is this machine, without the schedulers that may be installed on it.
  await home.program("ssh", 'for word; do :; done; exec sh -c "$word"');
  const needed = "cat df env getconf grep id ls ps sed sh tail uname wc".split(" ");
  for (const name of needed) await Deno.symlink(`/bin/${name}`, `${bin}/${name}`);
  const env = { ...person.env, PATH: bin };
  const { stdout, stderr } = await home.rdg(["doctor", "--json", "--login=login"], { env });
  const { checks } = JSON.parse(stdout);
  const row = checks.find(({ name }: { name: string }) => name === "login");
  assert.deepEqual([row?.status, row?.data.scheduler], ["ok", "tinyq"], stderr);
});

Deno.test("a drop-in scheduler is found by its variables and by its program", async () => {
  await using person = await tinyQ({ debugpy: null });
  const { home, tq } = person;
  for (const _ of person.ids) assert.equal((await tq("submit", "sleep", "600")).code, 0);
  const asks = new RegExp(
    `^Cannot ask which job: .*\nTry: .* with one of: ${person.ids.join(", ")}$`,
    "m",
  );
  // Slurm's programs may be on this machine's PATH: a job of TinyQ's says more than they do.
  const none = { RDG_SCHEDULER: "" };
  const inside = await home.rdg(["attach"], { env: { ...none, TINYQ_JOB: "7" } });
  assert.match(inside.stderr, asks);
  const bin = `${home.sandbox.env.HOME}/bin`;
  const found = await home.rdg(["attach"], { env: { ...none, PATH: bin } });
  assert.match(found.stderr, asks);
  const unknown = await home.rdg(["attach", "--scheduler=tinyk"]);
  assert.deepEqual([unknown.code, /--scheduler=tinyq$/m.test(unknown.stderr)], [2, true]);
});

Deno.test("an error of a scheduler names those of the person's own as well", async () => {
  await using home = await pluginHome({ debugpy: null });
  await home.rdg(["plugin", "add", "--yes", `${examples}/tinyq`]);
  await home.program("tq", "echo job 7");
  const { code, stderr } = await home.rdg(["attach", "7", "--scheduler=tinyq"]);
  assert.equal(code, 5);
  assert.match(stderr, /^Cannot list your jobs: "tq" printed a list without its end\n {2}job 7$/m);
  assert.match(stderr, /^Try: .* --scheduler=slurm\|.*\|tinyq$/m);
});

Deno.test("the launcher of rdg install lets drop-in plugins work", async () => {
  await using person = await tinyQ({ debugpy: null, added: false });
  const { home: { sandbox }, tq } = person;
  assert.equal((await tq("submit", "sleep", "600")).code, 0);
  assert.equal((await person.rdg("install")).code, 0);
  const launcher = `${sandbox.env.HOME}/.local/bin/rdg`;
  const run = async (...words: string[]) => {
    await using child = start([launcher, ...words], { sandbox, env: person.env });
    const { code } = await child.status();
    return { code, stderr: child.stderr };
  };
  for (const name of ["tinyq", "quill"]) {
    const added = await run("plugin", "add", "--yes", `${examples}/${name}`);
    assert.equal(added.code, 0, added.stderr);
  }
  const attach = await run("attach");
  assert.match(attach.stderr, /Cannot ask which job[^]*with one of: \d+$/m);
  const init = await run("init", "--editor", "quill");
  assert.match(init.stderr, /^Wrote \.quill\.conf \(Quill\)$/m);
  // The list is as short as before once the plugins are gone.
  assert.equal((await run("plugin", "remove", "tinyq", "quill")).code, 0);
  await assert.rejects(Deno.stat(`${sandbox.env.HOME}/.config/rdg/plugins.programs`));
});

Deno.test("a plugin's process is gone before rdg debug becomes the command", async () => {
  await using home = await pluginHome({ debugpy: null });
  const { sandbox } = home;
  await Deno.mkdir(`${home.plugins}/tinyq`, { mode: 0o700 });
  await Deno.copyFile(`${examples}/tinyq/plugin.ts`, `${home.plugins}/tinyq/plugin.ts`);
  // Nothing is known of it yet, so rdg debug has to start it.
  const words = ["debug", "sh", "-c", "cat /proc/$$/task/*/children; echo end"];
  await using child = startRdg(words, { sandbox });
  await child.status();
  // The one child is the `cat` that looks.
  assert.match(child.stdout, /^\d+ end$/m, child.stdout + child.stderr);
  const kept = JSON.parse(await Deno.readTextFile(`${sandbox.cache}/plugins.json`));
  assert.deepEqual(Object.keys(kept.plugins), [`${home.plugins}/tinyq/plugin.ts`]);
});
