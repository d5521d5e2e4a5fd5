/**
 * Every plugin through the real runner, with fake programs on PATH: scripts that print a captured
 * output and write down how they were called.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Job, SchedulerPlugin } from "../../../plugins/contract.ts";
import { ExitCode, RdgError } from "../../../plugins/error.ts";
import { type Runner, runSteps, systemRunner } from "../../../plugins/host.ts";
import { flux } from "../../../plugins/schedulers/flux.ts";
import { htcondor } from "../../../plugins/schedulers/htcondor.ts";
import { lsf } from "../../../plugins/schedulers/lsf.ts";
import { pbs } from "../../../plugins/schedulers/pbs.ts";
import { sge } from "../../../plugins/schedulers/sge.ts";
import { torque } from "../../../plugins/schedulers/torque.ts";
import { sample } from "./_feed.ts";

/** A machine whose only programs of interest are the fake ones. */
interface Fake {
  runner: Runner;
  /** Command lines in the order in which they were run. */
  calls(): string[];
}

/** Makes the programs, runs `use`, takes them away. */
async function withPrograms(
  programs: Readonly<Record<string, string>>,
  use: (fake: Fake) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "rdg-fake-" });
  try {
    for (const [name, body] of Object.entries(programs)) {
      const script = `#!/bin/sh\necho "${name} $*" >>"$FAKE_DIR/calls"\n${body}\n`;
      await Deno.writeTextFile(`${dir}/${name}`, script, { mode: 0o755 });
    }
    const system = systemRunner();
    const env = { PATH: `${dir}:/usr/bin:/bin`, FAKE_DIR: dir };
    await use({
      runner: (spec) => system({ ...spec, env: { ...spec.env, ...env } }),
      calls: () => Deno.readTextFileSync(`${dir}/calls`).trimEnd().split("\n"),
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** A script's line that prints a captured output. */
function print(path: string): string {
  const text = sample(path);
  return `cat <<'END_OF_SAMPLE'\n${text.replace(/\n$/, "")}\nEND_OF_SAMPLE`;
}

function list(plugin: SchedulerPlugin, runner: Runner): Promise<Job[]> {
  return runSteps(plugin.list({ user: "alice" }), { plugin, runner });
}

const cases: readonly {
  plugin: SchedulerPlugin;
  programs: Readonly<Record<string, string>>;
  ids: readonly string[];
  calls: readonly RegExp[];
}[] = [
  {
    plugin: pbs,
    programs: { qselect: "echo 1008.qot-calc0", qstat: print("pbs/20.0.1-qstat.json") },
    ids: ["1008.qot-calc0"],
    calls: [/^qselect -u alice$/, /^qstat -t -f -F json 1008\.qot-calc0$/],
  },
  {
    plugin: torque,
    programs: { qselect: "echo 72.c0", qstat: print("torque/6.1-qstat.xml") },
    ids: ["72.c0"],
    calls: [/^qselect -u alice$/, /^qstat -f -t -x 72\.c0$/],
  },
  {
    plugin: lsf,
    programs: { bjobs: print("lsf/composed-bjobs.json") },
    ids: ["22005", "22010", "22011[7]", "22012"],
    calls: [/^bjobs -u alice -hms -o jobid .*-json$/],
  },
  {
    plugin: sge,
    programs: { qstat: print("sge/8.1.9-qstat.xml"), date: "echo 2026-11-22T13:40:16" },
    ids: ["1", "3", "6", "2.1", "2.2", "2.3", "4", "5"],
    calls: [/^qstat -u alice -s prs -r -g t -xml$/, /^date /],
  },
  {
    plugin: flux,
    programs: { flux: print("flux/composed-jobs.txt") },
    ids: ["ffdjqqPd", "fVnyWKu5Hj99", "ffdjqqPe", "ffdjqqPf", "ffdjqqPg"],
    calls: [/^flux jobs -n .*--format=\{id\.dec\}\t/],
  },
  {
    plugin: htcondor,
    programs: { condor_q: print("htcondor/composed-condor_q.json") },
    ids: ["101.0", "101.1", "102.0", "103.0"],
    calls: [/^condor_q alice -json -attributes ClusterId,/],
  },
];

for (const { plugin, programs, ids, calls } of cases) {
  Deno.test(`${plugin.name}.list() gets its jobs from the programs on PATH`, async () => {
    await withPrograms(programs, async ({ runner, calls: made }) => {
      const jobs = await list(plugin, runner);
      assert.deepEqual(jobs.map(({ id }) => id), ids);
      assert.equal(made().length, calls.length);
      for (const [at, call] of calls.entries()) assert.match(made()[at]!, call);
    });
  });

  Deno.test(`${plugin.name}.list() hands on what a failing program said`, async () => {
    const failing = "echo 'error: the server is down' >&2; exit 3";
    const names = Object.keys(programs).map((name) => [name, failing]);
    await withPrograms(Object.fromEntries(names), async ({ runner }) => {
      await assert.rejects(list(plugin, runner), (error) => {
        assert.ok(error instanceof RdgError);
        assert.equal(error.exitCode, ExitCode.scheduler);
        assert.match(error.message, /^Cannot list jobs: ".*" exited with code 3$/);
        assert.equal(error.cause, "error: the server is down");
        return true;
      });
    });
  });

  Deno.test(`${plugin.name}.list() names the program that is missing`, async () => {
    await withPrograms({}, async ({ runner }) => {
      const nowhere: Runner = (spec) => runner({ ...spec, program: `${spec.program}-not-here` });
      await assert.rejects(list(plugin, nowhere), (error) => {
        assert.ok(error instanceof RdgError);
        assert.equal(error.exitCode, ExitCode.notFound);
        return /-not-here": it is not on PATH/.test(error.message);
      });
    });
  });
}

Deno.test("sge.helper() runs a command with its words, stdin and exit code unharmed", async () => {
  // As qrsh does it: the words joined by blanks and handed to the person's shell.
  const qrsh =
    'echo "$JOB_ID/$SGE_TASK_ID/$2" >>"$FAKE_DIR/calls"\nshift 2\nexec /bin/bash -c "$*"';
  await withPrograms({ qrsh }, async ({ runner, calls }) => {
    const command = ["sh", "-c", 'printf "%s|" "$@"; cat; exit 7', "sh", "a  b", "it's\n$HOME *"];
    const spec = sge.helper({ job: "2.7", nodes: ["sge1"] }, command)!;
    const { code, stdout } = await runner({ ...spec, stdin: "in\n" });
    assert.equal(code, 7);
    assert.equal(stdout, "a  b|it's\n$HOME *|in\n");
    assert.equal(calls().at(-1), "2/7/sge1");
  });
});

Deno.test("htcondor.helper() runs a command with its words unharmed", async () => {
  // As condor_ssh_to_job does it at the far end: joined by blanks, split, evaluated.
  const ssh = 'shift\nSSH_ORIGINAL_COMMAND="$*"\neval ${SSH_ORIGINAL_COMMAND}';
  await withPrograms({ condor_ssh_to_job: ssh }, async ({ runner }) => {
    const command = ["printf", "%s|", "a  b", "it's\n$HOME *"];
    const spec = htcondor.helper({ job: "101.0", nodes: ["worker1"] }, command)!;
    const { code, stdout } = await runner(spec);
    assert.equal(code, 0);
    assert.equal(stdout, "a  b|it's\n$HOME *|");
  });
});

Deno.test("flux.helper() reaches flux exec with its words apart", async () => {
  await withPrograms({ flux: 'shift 6\nprintf "%s|" "$@"' }, async ({ runner }) => {
    const target = { job: "fNH", nodes: ["n2"], jobNodes: ["n1", "n2"] };
    const { stdout } = await runner(flux.helper(target, ["python3", "-c", "a  b", "it's"])!);
    assert.equal(stdout, "python3|-c|a  b|it's|");
  });
});
