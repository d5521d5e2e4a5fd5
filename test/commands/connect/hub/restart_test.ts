/** Whether `rdg connect --all` waits for ranks that may be started again. */

import assert from "node:assert/strict";
import type { FoundRanks } from "../../../../commands/connect/hub/choose.ts";
import { Restart, restartMs } from "../../../../commands/connect/hub/restart.ts";
import type { Link } from "../../../../commands/connect/link.ts";
import { bootstrap, Shell, specScript } from "../../../../commands/connect/shell.ts";
import { programStream } from "../../../../commands/connect/stream.ts";
import type { Job } from "../../../../plugins/contract.ts";
import { slurm } from "../../../../plugins/schedulers/slurm.ts";
import { parseRecord, type Session } from "../../../../python/sessions.ts";
import { signal, waitUntil } from "../../../cluster/process.ts";
import { fakeHost } from "../../../support/fake_host.ts";
import { HubEditor } from "../../../support/hub_editor.ts";
import { python } from "../../../support/python.ts";
import { record } from "../../../support/records.ts";
import { makeSandbox, startRdg } from "../../../support/rdg.ts";
import { counting, saidThat } from "./ranks.ts";

function session(launcher: string, restartsLeft: number | null = null): Session {
  const text = JSON.stringify(record({ rank: 0, launcher, restartsLeft }));
  const found = parseRecord(text, { path: "", uid: null });
  assert.ok(typeof found !== "string", `${found}`);
  return found;
}

/** A job of Slurm's. */
function foundJob(launcher: string, env: Record<string, string>): FoundRanks {
  const job = { id: "36", displayId: "36", nodes: ["n1"] } as Partial<Job> as Job;
  return {
    chosen: { scheduler: slurm, jobs: [job] },
    display: "36",
    sessions: [session(launcher)],
    missing: [],
    host: fakeHost({ env }).host,
  };
}

/** A job of Slurm's, and a login node where squeue prints what `states` says, one after the other. */
function slurmJob(launcher: string, states: string[]) {
  const asked: string[] = [];
  const link = {
    runner: (spec) => {
      asked.push(spec.program);
      const state = states.shift() ?? assert.fail("squeue is asked too often");
      if (state === "broken") return Promise.resolve({ code: 1, stdout: "", stderr: "no answer" });
      const fields = ["36", "36", "ada", state, "1:00", "59:00", "n1", "/home/ada", "train"];
      const stdout = state === "" ? "" : `${fields.join("\x1f")}\n`;
      return Promise.resolve({ code: 0, stdout, stderr: "" });
    },
  } as Partial<Link> as Link;
  const found = foundJob(launcher, { USER: "ada" });
  let time = 1e12;
  const restart = new Restart({ found, link: () => link, now: () => time });
  return {
    asked,
    restart,
    async after(seconds: number): Promise<boolean> {
      time += seconds * 1000;
      return await restart.mayCome();
    },
  };
}

Deno.test("hub.Restart asks nobody where the launcher starts no rank again", async () => {
  const { after, asked } = slurmJob("srun", []);
  assert.equal(await after(0), false);
  assert.deepEqual(asked, []);
});

Deno.test("hub.Restart asks seldom while the job runs, and gives up after a while", async () => {
  const { after, asked, restart } = slurmJob("torchrun", Array(6).fill("RUNNING"));
  assert.equal(await after(0), true);
  for (let second = 1; second <= restartMs / 1000; second++) assert.equal(await after(1), true);
  assert.equal(asked.length, 5);
  assert.equal(await after(1), false);
  assert.equal(asked.length, 5);
  restart.came([session("torchrun")]);
  assert.equal(await after(1), true, "after the next end it begins anew");
});

Deno.test("hub.Restart goes by the restarts that torchrun has left", async () => {
  const { after, asked, restart } = slurmJob("torchrun", ["RUNNING"]);
  restart.came([session("torchrun", 1), session("torchrun", 1)]);
  assert.equal(await after(0), true);
  restart.came([session("torchrun", 0), session("torchrun", 0)]);
  assert.equal(await after(0), false);
  assert.equal(asked.length, 1);
});

Deno.test("hub.Restart ends with the job, and waits where the scheduler can't say", async () => {
  for (const state of ["COMPLETING", "COMPLETED", ""]) {
    const { after } = slurmJob("torchrun", ["RUNNING", "broken", state]);
    assert.deepEqual([await after(0), await after(2), await after(10)], [true, true, false], state);
  }
});

Deno.test("hub.Restart has a scheduler that hangs ended before the connection's own shell is", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const squeue = await sandbox.write("squeue", "#!/bin/sh\nexec sleep 15\n");
  await Deno.chmod(squeue, 0o755);
  const env = { PATH: `${sandbox.dir}:${Deno.env.get("PATH")}` };
  const shell = sshShell(env);
  await using _ = { [Symbol.asyncDispose]: () => shell.close() };
  const link = {
    local: false,
    runner: (spec) => shell.run(specScript(spec, []), { timeoutMs: spec.timeoutMs! }),
  } as Partial<Link> as Link;
  const found = foundJob("torchrun", { USER: "ada", RDG_SCHEDULER_TIMEOUT: "1" });
  const restart = new Restart({ found, link: () => link });
  assert.equal(await restart.mayCome(), true, "nobody knows");
  const { stdout } = await shell.run("echo still there", { timeoutMs: 10_000 });
  assert.equal(stdout.trim(), "still there");
});

/** The shell of a connection, on this machine. */
function sshShell(env: Record<string, string>): Shell {
  const args = ["-c", bootstrap];
  const pipes = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
  const child = new Deno.Command("sh", { args, env, ...pipes }).spawn();
  let hear = (_: string) => {};
  const program = programStream(child, { onComplaint: (text) => hear(text) });
  return new Shell(program, (listener) => hear = listener);
}

Deno.test("rdg connect --all waits for a restart only while torchrun is there", async () => {
  await using sandbox = await makeSandbox();
  await sandbox.write("train.py", counting);
  // Starts its two ranks, once more if told so, and goes.
  const launcher = await sandbox.write(
    "torchrun.sh",
    `start() {
  for r in 0 1; do
    TORCHELASTIC_RUN_ID=x RANK=$r WORLD_SIZE=2 LOCAL_RANK=$r "$1" train.py &
  done
  wait
}
start "$1"
until [ -e again ]; do sleep 0.1; done
rm stop
start "$1"
`,
  );
  await using program = startRdg(["debug", "--lite", "sh", launcher, python.path], { sandbox });
  await using _ = {
    // What sh has started outlives it, and holds its output.
    [Symbol.asyncDispose]: async () => {
      for (const { pid } of await sandbox.records()) signal(pid as number, "SIGKILL");
    },
  };
  await waitUntil("two ranks", {
    ask: async () => (await sandbox.records().catch(() => [])).length === 2,
  });
  const words = ["connect", "--scheduler=local", "--port=0", "--json", "--all"];
  await using child = startRdg(words, { sandbox });
  const pids = new Set<number>();
  const runThrough = async () => {
    const { port, ranks } = await saidThat(
      child,
      ({ ranks }) =>
        ranks.length === 2 && ranks.every(({ pid, way }) => way !== null && !pids.has(pid)),
    );
    for (const { pid } of ranks) pids.add(pid);
    await using editor = await HubEditor.attach({ port, breakpoints: {}, arguments: {} });
    for (const { client } of await editor.until(2)) await client.waitFor("stopped");
    await sandbox.write("stop", "");
    await editor.parent.disconnect();
  };
  await runThrough();
  await child.until(/^All ranks have ended; waiting up to 45 s for torchrun to restart them\.$/m);
  await sandbox.write("again", "");
  await runThrough();
  await program.status();
  assert.equal((await child.status(20_000)).code, 0);
  assert.match(child.stderr, /All ranks of this host have ended\.\n$/);
});
