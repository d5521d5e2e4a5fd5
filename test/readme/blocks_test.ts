/**
 * Runs the README's blocks and compares what is printed with what it shows. A block of `sh` is run as it
 * stands; a block of `text` that begins with `$ command` is run and its output compared, numbers, times,
 * paths, hosts and tokens aside; other blocks of `text` are what a program prints that ran before. What
 * isn't run is counted, with the reason. Those that need a job are run by jobs_test.ts.
 */

import assert from "node:assert/strict";
import { python, root } from "../support/python.ts";
import { makeSandbox, rdg, runRdg, start } from "../support/rdg.ts";
import { type Block, differs } from "./_blocks.ts";
import { PatientEditor } from "./_editor.ts";
import { says, sources } from "./_messages.ts";
import { block, blocks, compare, trainPy } from "./_shown.ts";
import { notRun } from "./_table.ts";

/** First lines of the blocks that the tests below run. */
const here = [
  "rdg debug python train.py",
  "import remote_debug as rdg",
  "$ rdg init",
  // By surroundings_test.ts:
  "rdg debug --lite apptainer",
  "rdg debug --lite sh -c 'export APPTAINERENV_",
];

/** First lines of those that jobs_test.ts runs. */
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
