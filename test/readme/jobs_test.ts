/**
 * Runs those of the README's blocks that need a job, on the real Slurm. Needs root and Debian's packages
 * of Slurm.
 */

import assert from "node:assert/strict";
import type { Cluster } from "../cluster/cluster.ts";
import { counting, jobOutput, submit, untilArmed, writeProgram } from "../cluster/jobs.ts";
import { waitUntil } from "../cluster/process.ts";
import { slurmSuite } from "../cluster/suite.ts";
import { shellWords } from "./_blocks.ts";
import { startHanging } from "./_hang.ts";
import { block, compare, trainPy } from "./_shown.ts";

let cluster: Cluster;

const slurmTest = await slurmSuite({
  subject: "README:",
  setUp: async (started) => {
    cluster = started;
    await Deno.symlink("/usr/bin/python3", `${cluster.root}/bin/python`);
    for (const [name, text] of [["train.py", trainPy], ["count.py", counting]] as const) {
      await writeProgram(cluster, { name, text });
    }
  },
});

slurmTest("a job that waits says where", async () => {
  const job = await submit(cluster, { script: block("rdg debug python").lines.join("\n") });
  const printed = await outputOf({ job, until: /waiting for debugger/ });
  compare(block("--- Python Debugger Info ---"), printed);
});

slurmTest("a job under --lite says that it is armed", async () => {
  const shown = block("$ rdg debug --lite");
  // The program shall still be there when its first lines are read.
  const command = `${shown.lines[0]!.slice(2)} --pause 60`;
  const job = await submit(cluster, { script: command });
  const printed = await outputOf({ job, until: /rdg attach \d+\n/ });
  compare(shown, printed.split("\n").slice(0, shown.lines.length - 1).join("\n"));
});

slurmTest("rdg attach wakes it and says where", async () => {
  const job = await submit(cluster, { script: "rdg debug --lite python count.py" });
  await untilArmed(cluster, { job });
  const shown = block("$ rdg attach 12345");
  const { code, stdout, stderr } = await cluster.run(
    shellWords(shown.lines[0]!.slice(2).replace("12345", job)),
  );
  assert.equal(code, 0, stderr);
  compare(shown, stdout);
});

slurmTest("rdg sessions lists two ranks", async () => {
  const job = await submit(cluster, {
    args: ["-n2", "-N1", "-w", "n1", "--time=1:00:00"],
    script: "srun rdg debug --lite python3 count.py",
  });
  await untilArmed(cluster, { job, count: 2 });
  const { stdout } = await cluster.run(["rdg", "sessions"]);
  compare(block("$ rdg sessions"), stdout);
});

slurmTest("of a job array one element waits, the others run", async () => {
  const script = block('if [ "$SLURM_ARRAY_TASK_ID" = 3 ]').lines.join("\n");
  const id = await submit(cluster, { args: ["--array=3,4"], script });
  await outputOf({ job: `${id}_3`, until: /waiting for debugger/ });
  const other = await outputOf({ job: `${id}_4`, until: /epoch 2/ });
  assert.doesNotMatch(other, /debugger/);
});

slurmTest("rank 0 says what srun does when a rank ends", async () => {
  const job = await submit(cluster, {
    args: ["-n2", "-N1"],
    script: "srun rdg debug -lp python3 count.py",
  });
  await untilArmed(cluster, { job, count: 2 });
  const shown = block("[rdg] When one rank ends");
  const printed = await outputOf({ job, until: /To keep them: .*\n/ });
  const lines = printed.split("\n").filter((line) => line.startsWith("[rdg]"));
  compare(shown, lines.slice(0, shown.lines.length).join("\n"));
});

slurmTest("rdg stack shows the rank that hangs", async () => {
  const shown = block("$ rdg stack 1");
  const job = await startHanging(cluster);
  const asked = await cluster.run(["rdg", "stack", job]);
  compare(shown, asked.stdout);
  const [stopped] = (await untilArmed(cluster, { job, count: 8 }))
    .filter(({ rank }) => rank === 2);
  const pid = stopped?.pid ?? 0;
  Deno.kill(pid, "SIGSTOP");
  try {
    const some = block("$ rdg stack 1 --rank");
    const { stdout, stderr } = await cluster.run([
      ...["rdg", "stack", job],
      ...shellWords(some.lines[0]!.slice(2)).slice(3),
    ]);
    compare(some, `${stdout}${stderr}`);
  } finally {
    Deno.kill(pid, "SIGCONT");
  }
});

/** What a job has printed, once it says something. */
async function outputOf(options: { job: string; until: RegExp }): Promise<string> {
  const path = `${cluster.user.home}/slurm-${options.job}.out`;
  return await waitUntil(`${options.until} in the output`, {
    ask: async () => {
      const text = await Deno.readTextFile(path).catch(() => "");
      return options.until.test(text) && text;
    },
  }).catch(async (error) => {
    throw new Error(`${error.message}\n${await jobOutput(cluster)}`);
  });
}
