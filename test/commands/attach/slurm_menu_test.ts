/**
 * The menus of `rdg attach` in a real pseudo-terminal, on a real Slurm. Needs root and Debian's packages
 * of Slurm.
 */

import assert from "node:assert/strict";
import type { Cluster } from "../../cluster/cluster.ts";
import {
  counting,
  jobOutput,
  processLike,
  records,
  submit,
  untilArmed,
  writeProgram,
} from "../../cluster/jobs.ts";
import { waitUntil } from "../../cluster/process.ts";
import { slurmSuite } from "../../cluster/suite.ts";
import { Pty } from "../../support/pty.ts";

let cluster: Cluster;

const slurmTest = await slurmSuite({
  setUp: async (started) => {
    cluster = started;
    await writeProgram(cluster, { name: "count.py", text: counting });
  },
});

const armed = "rdg debug --lite python3 count.py";

slurmTest("rdg attach offers menus of jobs and processes", async () => {
  const job = await submit(cluster, {
    args: ["-J", "training run", "-n2"],
    script: "srun rdg debug --lite python3 count.py",
  });
  const other = await submit(cluster, { args: ["-J", "other"], script: "sleep 1000" });
  await untilArmed(cluster, { job, count: 2 });
  await using pty = new Pty(["rdg", "attach"], cluster.asUser({ env: { TERM: "xterm" } }));
  await pty.waitFor(/Which job\?/);
  await pty.waitFor(new RegExp(`${job} .*● 2 armed +training run`));
  await pty.waitFor(new RegExp(`${other} .*other`));
  await pty.type("train");
  await pty.waitFor(/filter\) train\n❯ .*training run\n\n.*select/);
  await pty.type("\r");
  await pty.waitFor(/Which process\?/);
  await pty.waitFor(/rank 0 +n\d +PID \d+ +armed/);
  await pty.waitFor(/all 2 of them/);
  await pty.type("rank 1");
  await pty.waitFor(/filter\) rank 1\n❯ rank 1 .*\n\n.*select/);
  await pty.type("\r");
  await pty.waitFor(/--- Python Debugger Info ---[^]*Rank: 1 of 2/);
  assert.equal(await pty.ended(), 0);
});

slurmTest("rdg attach takes keys from a terminal that belongs to another user", async () => {
  const job = await submit(cluster, { args: ["-n2"], script: `srun ${armed}` });
  await untilArmed(cluster, { job, count: 2 });
  // As after "su": the terminal is root's, and rdg runs as the cluster's user.
  await using pty = new Pty([...cluster.asUser({ env: { TERM: "xterm" } }), "rdg", "attach", job]);
  await pty.waitFor(/Which process\?[^]*❯ rank 0 .*\n[^]*select/);
  await pty.type("rank 1");
  await pty.waitFor(/filter\) rank 1\n❯ rank 1 /);
  await pty.type("\r");
  await pty.waitFor(/--- Python Debugger Info ---[^]*Rank: 1 of 2/);
  assert.equal(await pty.ended(), 0);
});

slurmTest("rdg init takes keys from a terminal that belongs to another user", async () => {
  const project = `${cluster.user.home}/project`;
  await Deno.mkdir(project);
  await Deno.chown(project, cluster.user.uid, cluster.user.gid);
  // Two editors that are installed, so that it has to ask.
  const bin = `${cluster.root}/editors`;
  await Deno.mkdir(bin);
  for (const name of ["nvim", "kate"]) await Deno.symlink("/bin/true", `${bin}/${name}`);
  const PATH = `${bin}:${cluster.root}/bin:/usr/bin:/bin`;
  const words = [...cluster.asUser({ env: { TERM: "xterm", PATH } }), "sh", "-c"];
  await using pty = new Pty([...words, `cd ${project} && exec rdg init`]);
  await pty.waitFor(/Which editors[^]*❯◉ Neovim[^]*submit/);
  for (const mark of ["◯", "◉", "◯"]) {
    await pty.type(" ");
    await pty.waitFor(new RegExp(`❯${mark} Neovim[^]*submit`));
  }
  await pty.type("\r");
  await pty.waitFor(/Wrote .*\(Kate\)\n/);
  assert.equal(await pty.ended(), 0);
  assert.ok(!pty.text.includes("(Neovim"), pty.text);
  await Deno.remove(`${project}/.kateproject`);
  await using broken = new Pty([...words, `cd ${project} && exec rdg init`]);
  await broken.waitFor(/Which editors[^]*submit/);
  await broken.type("\x03");
  await broken.waitFor(/Cancelled/);
  assert.equal(await broken.ended(), 1);
});

slurmTest("rdg attach asks for the PID in a terminal where it can see no record", async () => {
  const local = `${cluster.root}/node-local2`;
  await Deno.mkdir(local);
  await Deno.chown(local, cluster.user.uid, cluster.user.gid);
  const job = await submit(cluster, { script: `export RDG_STATE_DIR=${local}\n${armed}` });
  const pid = await processLike(cluster, /^python3 count\.py/);
  await waitUntil("the record", {
    ask: async () => (await jobOutput(cluster)).includes(`PID:     ${pid}`),
  });
  await using pty = new Pty(["rdg", "attach", job], cluster.asUser({ env: { TERM: "xterm" } }));
  await pty.waitFor(
    /No session of job \d+ can be seen from here\. PID from the job's\s+output\s+\(\//,
  );
  await pty.type(String(pid));
  await pty.waitFor(new RegExp(`\\.out\\): ${pid}`));
  await pty.type("\r");
  await pty.waitFor(/--- Python Debugger Info ---/);
  assert.equal(await pty.ended(), 0);
});

slurmTest("rdg attach ends without a word to any process at Ctrl-C in a menu", async () => {
  const job = await submit(cluster, { args: ["-n2"], script: `srun ${armed}` });
  await untilArmed(cluster, { job, count: 2 });
  await using pty = new Pty(["rdg", "attach"], cluster.asUser({ env: { TERM: "xterm" } }));
  await pty.waitFor(new RegExp(`❯ ${job} .*\\n\\n.*select`));
  await pty.type("\x03");
  await pty.waitFor(/Cancelled/);
  assert.equal(await pty.ended(), 1);
  const states = (await records(cluster)).filter((one) => one.job.id === job).map((one) =>
    one.state
  );
  assert.deepEqual(states, ["armed", "armed"]);
});
