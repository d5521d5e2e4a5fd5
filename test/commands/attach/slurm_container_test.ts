/**
 * `rdg attach` to programs in containers of a real Slurm's jobs: Charliecloud's, and some that `unshare`
 * makes, in which the user is root and process ids begin anew. Needs root, Debian's packages of Slurm and
 * charliecloud, and a kernel that lets users make namespaces.
 */

import assert from "node:assert/strict";
import type { Cluster } from "../../cluster/cluster.ts";
import {
  attach,
  attachAndStop,
  counting,
  countingLine,
  jobOutput,
  rdg,
  stopAt,
  submit,
  untilArmed,
  writeProgram,
} from "../../cluster/jobs.ts";
import { asContained, which, whyNoContainers } from "../../cluster/packages.ts";
import { slurmSuite } from "../../cluster/suite.ts";

let cluster: Cluster;
let file: string;

const slurmTest = await slurmSuite({
  subject: "rdg attach",
  whyNot: whyNoContainers,
  setUp: async (started) => {
    cluster = started;
    file = await writeProgram(cluster, { name: "count.py", text: counting });
  },
});

const chRun = await which("ch-run");

/** A tree with nothing in it but the places where this machine's own folders are mounted. */
async function makeImage(): Promise<string> {
  const image = `${cluster.root}/image`;
  for (const name of ["dev", "etc", "home", "proc", "sys", "tmp", "usr"]) {
    await Deno.mkdir(`${image}/${name}`, { recursive: true });
  }
  for (const name of ["bin", "lib", "lib64"]) await Deno.symlink(`usr/${name}`, `${image}/${name}`);
  for (const name of ["hosts", "resolv.conf", "passwd", "group"]) {
    await Deno.writeTextFile(`${image}/etc/${name}`, "");
  }
  return image;
}

slurmTest(
  "wakes a program in Charliecloud, to a breakpoint",
  async () => {
    const image = await makeImage();
    // The home lies below /tmp, which ch-run shows as it is.
    const script = `rdg debug --lite ch-run --bind /usr:/usr ${image} -- python3 ${file}`;
    const job = await submit(cluster, { script });
    const [session] = await untilArmed(cluster, { job });
    assert.match(await Deno.readTextFile(`/proc/${session!.pid}/mountinfo`), / \/usr /);
    await attachAndStop(cluster, { words: [job], file });
    const { stdout } = await rdg(cluster, ["stack", job]);
    assert.match(stdout, /step +count\.py/);
  },
  chRun === null ? "apt-get install -y charliecloud" : null,
);

slurmTest("wakes two containers on one node whose root is the user, to breakpoints", async () => {
  const one = `rdg debug --lite ${asContained} python3 count.py`;
  const job = await submit(cluster, { script: `${one} & ${one} & wait` });
  await untilArmed(cluster, { job, count: 2 });
  const listed = await rdg(cluster, ["sessions"]);
  assert.equal(listed.stdout.match(/ armed .*python3 count\.py/g)?.length, 2, listed.stderr);
  const { stdout } = await rdg(cluster, ["stack", job]);
  assert.match(stdout, /^2 processes \(PID 1, PID 1\) in step count\.py/);
  const woken = await attach(cluster, [job, "--all"]);
  assert.deepEqual(woken.map(({ pid }) => pid), [1, 1], await jobOutput(cluster));
  for (const each of woken) {
    assert.match(each.ssh, new RegExp(` ${cluster.user.name}@`));
    const where = { file, line: countingLine, expression: "number >= 0" };
    assert.equal(await stopAt(each, where), "True");
  }
});
