/**
 * Checks the "sge" plugin against a real Grid Engine, by hand and as root:
 *
 *     deno run -A test/cluster/sge_check.ts DIR
 *
 * Starts test/cluster/sge.sh in DIR, submits a serial, an array and a parallel job, compares what the
 * plugin makes of them with what was submitted, and stops the cluster.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { RunSpec } from "../../plugins/contract.ts";
import { RdgError } from "../../plugins/error.ts";
import { type Runner, runSteps, systemRunner } from "../../plugins/host.ts";
import { sge } from "../../plugins/schedulers/sge.ts";

const script = fileURLToPath(new URL("sge.sh", import.meta.url));
const [dir] = Deno.args;
if (!dir) throw new Error("Want a folder for the cluster: sge_check.ts DIR");
const system = systemRunner();

/** Runs a spec inside the cluster, as its ordinary user. */
function inside(extra: readonly string[] = []): Runner {
  return (spec) => {
    const env = Object.entries(spec.env ?? {}).map(([name, value]) => `${name}=${value}`);
    const { program, args, stdin } = spec;
    return system({
      program: script,
      args: ["run", dir!, "env", ...extra, ...env, program, ...args],
      ...(stdin === undefined ? {} : { stdin }),
      timeoutMs: 20_000,
    });
  };
}

async function run(program: string, ...args: string[]): Promise<string> {
  const output = await inside()({ program, args });
  assert.equal(output.code, 0, output.stderr);
  return output.stdout;
}

async function sgeScript(action: string): Promise<void> {
  // The cluster outlives the script and must not hold its output open.
  const child = new Deno.Command(script, { args: [action, dir!], stdout: "inherit" }).spawn();
  assert.ok((await child.status).success, `sge.sh ${action}`);
}

function helper(spec: RunSpec | null): Promise<{ code: number; stdout: string; stderr: string }> {
  assert.ok(spec);
  return inside()(spec);
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

await sgeScript("start");
try {
  await run("qsub", "-b", "y", "-N", 'a<&>"name', "-l", "h_rt=1:00:00", "sleep", "600");
  await run(
    "qsub",
    "-b",
    "y",
    "-N",
    "arr",
    "-t",
    "1-3",
    "-tc",
    "2",
    "-o",
    "$HOME/o.$TASK_ID",
    "sleep",
    "600",
  );
  await run("qsub", "-b", "y", "-N", "par", "-cwd", "-pe", "mpi", "6", "sleep", "600");
  await run("qsub", "-b", "y", "-N", "later", "-hold_jid", "1", "sleep", "600");

  const runner = inside();
  const list = () => runSteps(sge.list({ user: "alice" }), { plugin: sge, runner });
  const limit = Date.now() + 40_000;
  let jobs = await list();
  while (jobs.filter(({ state }) => state === "running").length < 4 && Date.now() < limit) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    jobs = await list();
  }
  say(JSON.stringify(jobs, null, 1));
  const byId = new Map(jobs.map((job) => [job.id, job]));
  assert.deepEqual([...byId.keys()].sort(), ["1", "2.1", "2.2", "2.3", "3", "4"]);
  assert.equal(byId.get("1")!.name, 'a<&>"name');
  assert.ok(byId.get("1")!.leftS! > 3500 && byId.get("1")!.leftS! <= 3600);
  assert.equal(byId.get("2.3")!.state, "pending");
  assert.deepEqual([...byId.get("3")!.nodes].sort(), ["sge1", "sge2"]);
  assert.equal(byId.get("4")!.state, "pending");

  const program =
    `import sys\nprint(len(sys.argv[1]), repr(sys.argv[2]), repr(sys.stdin.read()))\n`;
  const words = ["x".repeat(8000), "a  b 'c' \"d\" $HOME * \n end"];
  for (const node of ["sge1", "sge2"]) {
    const began = performance.now();
    const spec = sge.helper({ job: "3", nodes: [node] }, ["python3", "-c", program, ...words]);
    const output = await helper({ ...spec!, stdin: "in\n" });
    say(`helper on ${node}: ${Math.round(performance.now() - began)} ms`);
    assert.equal(output.code, 0, output.stderr);
    assert.equal(
      output.stdout,
      `8000 ${
        JSON.stringify(words[1]).replaceAll('\\"', '"').replace(/^"|"$/g, "'").replaceAll(
          "'c'",
          "\\'c\\'",
        )
      } 'in\\n'\n`,
    );
  }
  const exit = await helper(sge.helper({ job: "3", nodes: ["sge2"] }, ["sh", "-c", "exit 7"]));
  assert.equal(exit.code, 7, exit.stderr);
  for (const [job, node] of [["1", "sge1"], ["2.1", "sge1"], ["99", "sge2"], ["3", "sge9"]]) {
    const output = await helper(sge.helper({ job: job!, nodes: [node!] }, ["true"]));
    const failure = sge.helperFailure(output);
    say(`helper in ${job} on ${node}: ${output.stderr.trim()} → ${failure?.message}`);
    assert.ok(failure?.ssh);
  }

  const output = (job: string) => runSteps(sge.output(job), { plugin: sge, runner });
  const home = (await run("sh", "-c", "echo $HOME")).trim();
  assert.equal(await output("1"), `${home}/a<&>"name.o1`);
  assert.equal(await output("2.1"), `${home}/o.1`);
  for (const path of [await output("1"), await output("2.1")]) await run("test", "-f", path!);
  assert.equal(await output("99"), null);

  const lookup = (job: string) => runSteps(sge.lookup(job), { plugin: sge, runner });
  assert.equal((await lookup("2.1"))?.state, "running");
  assert.equal((await lookup("2.3"))?.state, "pending");
  assert.equal((await lookup("4"))?.user, "alice");
  assert.equal(await lookup("99"), null);

  await assert.rejects(
    runSteps(sge.list({ user: "alice" }), { plugin: sge, runner: inside(["SGE_CELL=none"]) }),
    (error) => {
      assert.ok(error instanceof RdgError);
      say(`${error.message}: ${String(error.cause)}`);
      return error.exitCode === 5;
    },
  );
  say("All checks passed");
} finally {
  await sgeScript("stop");
}
