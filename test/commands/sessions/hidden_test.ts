/**
 * `rdg sessions` (and `rdg attach`, `rdg stack`) where `/proc` doesn't show a process that lives: the real
 * command below a `/proc` with `hidepid`, and in a namespace that sees an outer one's `/proc`.
 */

import assert from "node:assert/strict";
import { hiding, mayMount, skipped } from "../../support/hidden_proc.ts";
import { root } from "../../support/python.ts";
import { record, writeRecord } from "../../support/records.ts";
import { makeSandbox, rdg, type Sandbox, start } from "../../support/rdg.ts";

/** rdg with all rights, and under the command's own list, where other programs look for it. */
const ways = {
  "with all permissions": [...rdg, "sessions"],
  "under its list": [
    ...[Deno.execPath(), "run", "-q", "--no-prompt", `--lock=${root}/deno.lock`, "--frozen"],
    ...["-P=sessions", `${root}/main.ts`, "sessions"],
  ],
};

function test(name: string, fn: (command: string[]) => Promise<void>): void {
  for (const [how, command] of Object.entries(ways)) {
    Deno.test({ name: `${name}, ${how}${skipped}`, ignore: !mayMount, fn: () => fn(command) });
  }
}

/** What no process can have: the largest is 2^22. */
const nobody = 2 ** 30;

/** A record of this machine's. */
async function here(
  changes: Record<string, unknown> & { pid: number },
): Promise<ReturnType<typeof record>> {
  return record({
    ...{ scheduler: "local", cluster: "c", job: { id: "local", display: "local", step: null } },
    ...{ host: Deno.hostname(), hostname: Deno.hostname(), uid: Deno.uid() },
    boot: (await Deno.readTextFile("/proc/sys/kernel/random/boot_id")).trim(),
    pidNamespace: await Deno.readLink("/proc/self/ns/pid"),
    ...changes,
  });
}

async function startTime(pid: number): Promise<number> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
}

/** Runs a script, its arguments the command; what rdg printed, and the records that are left. */
async function inside(
  words: readonly string[],
  sandbox: Sandbox,
): Promise<{ stdout: string; left: number[] }> {
  await using child = start(words, { sandbox });
  const { code } = await child.status();
  assert.equal(code, 0, child.stderr);
  const left = (await sandbox.records()).map(({ pid }) => pid as number);
  return { stdout: child.stdout, left };
}

test("rdg sessions keeps a process that hidepid hides", async (command) => {
  await using sandbox = await makeSandbox({ debugpy: null });
  // It has all of root's rights and rdg none of them, so rdg may not look into it, though it is its own.
  await using hidden = start(["sleep", "600"], { sandbox });
  const began = await startTime(hidden.pid);
  await writeRecord(sandbox.state, await here({ pid: hidden.pid, startTime: began }));
  await writeRecord(sandbox.state, await here({ pid: nobody, startTime: began }));
  const elsewhere = { pid: nobody + 1, startTime: began, boot: "another" };
  await writeRecord(sandbox.state, await here(elsewhere));
  const { stdout, left } = await inside(
    [...hiding(hidden.pid), ...command, "--scheduler=local"],
    sandbox,
  );
  assert.deepEqual(left.sort((a, b) => a - b), [hidden.pid, elsewhere.pid]);
  assert.match(stdout, new RegExp(` ${hidden.pid} +armed {2}`));
  assert.match(stdout, new RegExp(` ${elsewhere.pid} +armed, other boot {2}`));
});

test("rdg sessions asks no /proc that counts otherwise", async (command) => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const stand = 4_000_001;
  const text = JSON.stringify(await here({ pid: stand, startTime: 1, pidNamespace: "NAMESPACE" }));
  await sandbox.write("record.json", text.replace(String(stand), "NUMBER"));
  const folder = `${sandbox.state}/sessions/c/local`;
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  // A number that the outer system has as well: 2, or in a container the first that there is.
  const script = `
    until sleep 600 & number=$!; test -e /proc/$number; do kill $number; done
    for one in $number ${nobody}; do
      sed "s/NUMBER/$one/; s/NAMESPACE/$(readlink /proc/self/ns/pid)/" record.json > ${folder}/$one.json
    done
    echo "number $number" && "$@"`;
  const words = ["unshare", "--pid", "--fork", "sh", "-c", script, "sh"];
  const { stdout, left } = await inside([...words, ...command, "--scheduler=local"], sandbox);
  const number = Number(/^number (\d+)$/m.exec(stdout)![1]);
  assert.deepEqual(left, [number]);
  assert.match(stdout, new RegExp(` ${number} +armed {2}`));
});

Deno.test({
  name: "rdg attach and rdg stack don't say of a hidden process that it has ended" + skipped,
  ignore: !mayMount,
  async fn() {
    await using sandbox = await makeSandbox({ debugpy: null });
    await using hidden = start(["sleep", "600"], { sandbox });
    const began = await startTime(hidden.pid);
    await writeRecord(sandbox.state, await here({ pid: hidden.pid, startTime: began }));
    for (const command of ["attach", "stack"]) {
      const words = [...hiding(hidden.pid), ...rdg, command, "local"];
      await using child = start(words, { sandbox });
      assert.equal((await child.status()).code, 4, child.stderr);
      assert.match(child.stderr + child.stdout, /\/proc does not show it \(hidepid\)/);
    }
  },
});
