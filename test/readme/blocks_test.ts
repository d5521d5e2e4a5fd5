/**
 * Runs the README's blocks and compares what is printed with what it shows. A block of `sh` is run as it
 * stands; a block of `text` that begins with `$ command` is run and its output compared, numbers, times,
 * paths, hosts and tokens aside; other blocks of `text` are what a program prints that ran before. What
 * isn't run is counted, with the reason. Those that need a job need root and Debian's packages of Slurm.
 */

import assert from "node:assert/strict";
import { type Cluster, startCluster } from "../cluster/cluster.ts";
import { installRdg } from "../cluster/install.ts";
import { counting, endJobs, jobOutput, submit, untilArmed, writeProgram } from "../cluster/jobs.ts";
import { whyNoCluster } from "../cluster/packages.ts";
import { waitUntil } from "../cluster/process.ts";
import { python, root } from "../support/python.ts";
import { makeSandbox, rdg, runRdg, start } from "../support/rdg.ts";
import { type Block, blocksOf, differs, shellWords } from "./_blocks.ts";
import { PatientEditor } from "./_editor.ts";
import { says, sources } from "./_messages.ts";
import { startHanging } from "./_hang.ts";
import { notRun } from "./_table.ts";

const readme = await Deno.readTextFile(`${root}/README.md`);
const blocks = blocksOf(readme);
const trainPy = await Deno.readTextFile(new URL("train.py", import.meta.url));
const noCluster = await whyNoCluster();

/** First lines of the blocks that the tests below run. */
const here = [
  "rdg debug python train.py",
  "import remote_debug as rdg",
  "$ rdg init",
  // By surroundings_test.ts:
  "rdg debug --lite apptainer",
  "rdg debug --lite sh -c 'export APPTAINERENV_",
];
const inJobs = [
  "--- Python Debugger Info ---",
  "$ rdg debug --lite python train.py",
  "$ rdg attach 12345",
  "$ rdg sessions",
  "$ rdg stack 1",
  "$ rdg stack 1 --rank",
  "[rdg] When one rank ends",
  'if [ "$SLURM_ARRAY_TASK_ID" = 3 ]',
];

/** A synopsis, which commands_test.ts has each command's own parser read. */
function isSynopsis(block: Block): boolean {
  return block.language === "text" && block.lines.every((line) => /^rdg \w+ .*[[A-Z]/.test(line));
}

/** The blocks that begin so, `from` the how-manyth; there has to be one. */
function block(starts: string, from = 0): Block {
  const found = blocks.filter(({ lines }) => lines[0]?.startsWith(starts))[from];
  assert(found, `README.md has no block that begins with "${starts}"`);
  return found;
}

/** Fails where a program printed something else than the README shows. */
function compare(shown: Block, printed: string): void {
  const lines = shown.lines[0]?.startsWith("$ ") ? shown.lines.slice(1) : shown.lines;
  const difference = differs(lines, printed.split("\n"));
  assert(difference === null, `README.md:${shown.line}\n${difference}\nall of it:\n${printed}`);
}

Deno.test("README: every block is run, or there is a reason why not", async () => {
  const source = await sources();
  const unknown: string[] = [];
  const reasons: string[] = [];
  for (const one of blocks) {
    const first = one.lines[0] ?? "";
    if ([...here, ...inJobs].some((starts) => first.startsWith(starts)) || isSynopsis(one)) {
      continue;
    }
    const entry = notRun.find(({ starts }) => first.startsWith(starts));
    const at = `README.md:${one.line}: ${first.trim().slice(0, 60)}`;
    if (entry) {
      reasons.push(`  ${at}: ${entry.reason}`);
      if (!entry.messages) continue;
      for (const line of one.lines) {
        const message = line.replace(/^(Not \w+: ).*/, "$1").replace(
          /^Connected to the.*/,
          "Connected to",
        );
        assert(says(source, message), `${at}: no source says "${line}"`);
      }
    } else if (one.language !== "json") unknown.push(at);
  }
  Deno.stdout.writeSync(
    new TextEncoder().encode(
      `\n${reasons.length} of ${blocks.length} blocks are not run:\n${reasons.join("\n")}\n`,
    ),
  );
  assert.deepEqual(unknown, [], "enter them in blocks_test.ts or, with a reason, in _table.ts");
});

Deno.test("differs() sees another word, a missing line, a line too early; not another number", () => {
  const shown = ["Node: n1", "", "Port: 52545", "Token: …", "…", "└─ all 8 ranks"];
  const fine = ["Node: n2", "Port: 7", "Token: abc", "one", "two", "└─ all 16 ranks"];
  assert.equal(differs(shown, fine), null);
  for (
    const wrong of [
      fine.map((line) => line.replace("Node", "Host")),
      fine.slice(0, -1),
      fine.toSpliced(1, 1),
      ["two", ...fine],
    ]
  ) assert.notEqual(differs(shown, wrong), null, wrong.join("\n"));
});

Deno.test("README: the command of the quick start runs, an editor attached, to its end", async () => {
  await using sandbox = await projectWithRdg();
  await using editor = new PatientEditor(sandbox);
  const script = block("rdg debug python train.py --epochs 3").lines.join("\n");
  await using child = start(["sh", "-e", "-c", script], { sandbox });
  assert.equal((await child.status(60_000)).code, 0, child.stderr);
  assert.equal(editor.attached, 1);
  assert.match(child.stdout, /^epoch 2: loss/m);
});

Deno.test("README: the Python API listens, waits, and pauses", async () => {
  await using sandbox = await projectWithRdg();
  await using editor = new PatientEditor(sandbox);
  const lines = block("import remote_debug as rdg").lines;
  const calls = lines.filter((line) => line.startsWith("rdg."));
  assert.equal(calls.length, 3);
  // Each way to start is a program of its own; the pause comes after either.
  for (const call of calls.slice(0, 2)) {
    const text = [lines[0], call, calls[2], "print('went on')"].join("\n");
    await sandbox.write("api.py", text);
    const continued = editor.continued;
    await using child = start(["python", "api.py"], {
      sandbox,
      env: { PYTHONPATH: `${root}/python` },
    });
    assert.equal((await child.status(60_000)).code, 0, child.stderr);
    assert.match(child.stdout, /went on/);
    // One stop at the pause; listening alone stops nothing.
    assert.equal(editor.continued - continued, 1, call);
  }
});

Deno.test("README: rdg init prints what is shown, on a new project and on a malformed launch.json", async () => {
  for (const [index, old] of [null, "{ not json }"].entries()) {
    await using sandbox = await makeSandbox({ debugpy: null });
    if (old !== null) {
      await Deno.mkdir(`${sandbox.dir}/.vscode`);
      await sandbox.write(".vscode/launch.json", '{"version": , }');
    }
    // VS Code's terminal says which editor it is.
    const { code, stdout, stderr } = await runRdg(["init"], {
      sandbox,
      env: { TERM_PROGRAM: "vscode" },
    });
    assert.equal(code, 0, stderr);
    const shown = block("$ rdg init", index);
    // The second block stops where the first has the same line.
    const printed = `${stdout}${stderr}`.split("\n").slice(0, shown.lines.length - 1);
    compare(shown, printed.join("\n"));
  }
});

/** A sandbox with train.py, and `rdg` and `python` on PATH. */
async function projectWithRdg() {
  const sandbox = await makeSandbox();
  await sandbox.write("train.py", trainPy);
  const bin = `${sandbox.dir}/bin`;
  await Deno.mkdir(bin);
  await Deno.symlink(python.path, `${bin}/python`);
  const words = rdg.map((word) => `'${word}'`).join(" ");
  await Deno.writeTextFile(`${bin}/rdg`, `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
  const env = { ...sandbox.env, PATH: `${bin}:${sandbox.env["PATH"]}` };
  return Object.assign(sandbox, { env });
}

Deno.test({
  name: `README: what jobs, rdg attach, rdg sessions and rdg stack print${
    noCluster ? ` (skipped: ${noCluster})` : ""
  }`,
  ignore: noCluster !== null,
  fn: async (t) => {
    const cluster = await startCluster();
    try {
      await installRdg(cluster);
      await Deno.symlink("/usr/bin/python3", `${cluster.root}/bin/python`);
      for (const [name, text] of [["train.py", trainPy], ["count.py", counting]] as const) {
        await writeProgram(cluster, { name, text });
      }
      for (const [name, step] of Object.entries(steps)) {
        await t.step(name, async () => {
          await step(cluster);
          await endJobs(cluster);
        });
      }
    } finally {
      await cluster.stop();
    }
  },
});

const steps: Record<string, (cluster: Cluster) => Promise<void>> = {
  "a job that waits says where": async (cluster) => {
    const job = await submit(cluster, { script: block("rdg debug python").lines.join("\n") });
    const printed = await outputOf(cluster, { job, until: /waiting for debugger/ });
    compare(block("--- Python Debugger Info ---"), printed);
  },
  "a job under --lite says that it is armed": async (cluster) => {
    const shown = block("$ rdg debug --lite");
    // The program shall still be there when its first lines are read.
    const command = `${shown.lines[0]!.slice(2)} --pause 60`;
    const job = await submit(cluster, { script: command });
    const printed = await outputOf(cluster, { job, until: /rdg attach \d+\n/ });
    compare(shown, printed.split("\n").slice(0, shown.lines.length - 1).join("\n"));
  },
  "rdg attach wakes it and says where": async (cluster) => {
    const job = await submit(cluster, { script: "rdg debug --lite python count.py" });
    await untilArmed(cluster, { job });
    const shown = block("$ rdg attach 12345");
    const { code, stdout, stderr } = await cluster.run(
      shellWords(shown.lines[0]!.slice(2).replace("12345", job)),
    );
    assert.equal(code, 0, stderr);
    compare(shown, stdout);
  },
  "rdg sessions lists two ranks": async (cluster) => {
    const job = await submit(cluster, {
      args: ["-n2", "-N1", "-w", "n1", "--time=1:00:00"],
      script: "srun rdg debug --lite python3 count.py",
    });
    await untilArmed(cluster, { job, count: 2 });
    const { stdout } = await cluster.run(["rdg", "sessions"]);
    compare(block("$ rdg sessions"), stdout);
  },
  "of a job array one element waits, the others run": async (cluster) => {
    const script = block('if [ "$SLURM_ARRAY_TASK_ID" = 3 ]').lines.join("\n");
    const id = await submit(cluster, { args: ["--array=3,4"], script });
    await outputOf(cluster, { job: `${id}_3`, until: /waiting for debugger/ });
    const other = await outputOf(cluster, { job: `${id}_4`, until: /epoch 2/ });
    assert.doesNotMatch(other, /debugger/);
  },
  "rank 0 says what srun does when a rank ends": async (cluster) => {
    const job = await submit(cluster, {
      args: ["-n2", "-N1"],
      script: "srun rdg debug -lp python3 count.py",
    });
    await untilArmed(cluster, { job, count: 2 });
    const shown = block("[rdg] When one rank ends");
    const printed = await outputOf(cluster, { job, until: /To keep them: .*\n/ });
    const lines = printed.split("\n").filter((line) => line.startsWith("[rdg]"));
    compare(shown, lines.slice(0, shown.lines.length).join("\n"));
  },
  "rdg stack shows the rank that hangs": async (cluster) => {
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
  },
};

/** What a job has printed, once it says something. */
async function outputOf(
  cluster: Cluster,
  options: { job: string; until: RegExp },
): Promise<string> {
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
