/** `rdg completion` as a whole: the scripts, and words from records, ssh's configuration, the scheduler. */

import assert from "node:assert/strict";
import { makeSandbox, runRdg, type Sandbox } from "../../support/rdg.ts";
import { record, type RecordText, writeRecord } from "../../support/records.ts";
import { squeueLine } from "../../support/squeue.ts";

async function words(
  sandbox: Sandbox,
  typed: readonly string[],
  env: Record<string, string> = {},
): Promise<string[]> {
  const args = ["completion", "words", "--", ...typed];
  const { code, stdout, stderr } = await runRdg(args, { sandbox, env });
  assert.deepEqual([code, stderr], [0, ""]);
  return stdout.trimEnd().split("\n");
}

/** A record of mine. */
function mine(changes: Record<string, unknown>): RecordText {
  return record({ uid: Deno.uid(), ...changes });
}

/** A folder with a squeue of the given body, to go before PATH. */
async function squeue(sandbox: Sandbox, body: string): Promise<Record<string, string>> {
  const folder = `${sandbox.dir}/fake`;
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${folder}/squeue`, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return { PATH: `${folder}:${sandbox.env.PATH}`, RDG_COMPLETE: "scheduler", USER: "ada" };
}

Deno.test("rdg completion prints each shell's script, and refuses other names", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  for (
    const [shell, sign] of [["bash", "complete -F"], ["zsh", "#compdef"], ["fish", "complete -c"]]
  ) {
    const { code, stdout, stderr } = await runRdg(["completion", shell!], { sandbox });
    assert.deepEqual([code, stderr], [0, ""]);
    assert.ok(stdout.includes(sign!), shell);
  }
  for (
    const [typed, hint] of [
      [["zhs"], "rdg completion zsh\n"],
      [["tcsh"], "rdg completion bash\n"],
      [[], "rdg completion bash, or rdg completion zsh, or rdg completion fish\n"],
      [["bash", "zsh"], "rdg completion bash, or"],
    ] as const
  ) {
    const { code, stdout, stderr } = await runRdg(["completion", ...typed], { sandbox });
    assert.deepEqual([code, stdout], [2, ""]);
    assert.ok(stderr.includes(`Try: ${hint}`), stderr);
  }
});

Deno.test("rdg completion words reads jobs and ranks from the records, and passes over what is none", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const element = { id: "37", display: "36_1", step: null };
  for (const rank of [10, 2]) {
    await writeRecord(sandbox.state, mine({ job: element, rank, pid: rank + 100 }));
  }
  await writeRecord(sandbox.state, mine({ job: { id: "40", display: "40", step: null }, rank: 7 }));
  await writeRecord(
    sandbox.state,
    record({ uid: Deno.uid()! + 1, job: { id: "41", display: "41", step: null } }),
  );
  await Deno.mkdir(`${sandbox.state}/sessions/c1/42`, { recursive: true });
  await Deno.writeTextFile(`${sandbox.state}/sessions/c1/42/n1-1.json`, "{");
  await Deno.writeTextFile(`${sandbox.state}/sessions/stray`, "");
  assert.deepEqual(await words(sandbox, ["attach", ""]), [
    "36_1\t2 sessions, python3 train.py",
    "40\t1 session, python3 train.py",
    ":nothing",
  ]);
  assert.deepEqual(await words(sandbox, ["attach", "36_1", "--rank", ""]), [
    "2\tn1, armed",
    "10\tn1, armed",
    ":nothing",
  ]);
  assert.deepEqual(await words(sandbox, ["stack", "40", "--node="]), ["--node=n1\t", ":nothing"]);
});

Deno.test("rdg completion words takes hosts, but no patterns, from ssh's configuration", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  assert.deepEqual(await words(sandbox, ["connect", ""]), [":nothing"]);
  await Deno.mkdir(`${sandbox.env.HOME}/.ssh`);
  await Deno.writeTextFile(
    `${sandbox.env.HOME}/.ssh/config`,
    "Host one two *.example !not\n  HostName x\nhost=three\nHostKeyAlgorithms four\n# Host five\n",
  );
  const offered = (await words(sandbox, ["connect", ""])).map((line) => line.trim());
  assert.deepEqual(offered, ["one", "two", "three", ":nothing"]);
});

Deno.test("rdg completion words asks the scheduler only where RDG_COMPLETE says so", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  await sandbox.write("jobs", squeueLine({ id: "4711", name: "big" }));
  const env = await squeue(sandbox, `echo asked >>${sandbox.dir}/asked; cat ${sandbox.dir}/jobs`);
  const without = await words(sandbox, ["attach", ""], { ...env, RDG_COMPLETE: "" });
  assert.deepEqual(without, [":nothing"]);
  await assert.rejects(Deno.stat(`${sandbox.dir}/asked`), Deno.errors.NotFound);
  assert.deepEqual(await words(sandbox, ["attach", ""], env), ["4711\tRUNNING, big", ":nothing"]);
});

Deno.test("rdg completion words does without a scheduler that fails, or hangs", async () => {
  for (const body of ["exit 1", "exec sleep 1000"]) {
    await using sandbox = await makeSandbox({ debugpy: null });
    await writeRecord(sandbox.state, mine({}));
    const env = await squeue(sandbox, body);
    assert.deepEqual(await words(sandbox, ["attach", ""], env), [
      "36\t1 session, python3 train.py",
      ":nothing",
    ], body);
  }
});
