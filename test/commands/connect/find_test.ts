/** Which session `rdg connect` goes to, where it says so before it asks anybody. */

import assert from "node:assert/strict";
import type { Menus } from "../../../commands/_job_menu.ts";
import { findSession, type Wish } from "../../../commands/connect/find_session.ts";
import type { Link } from "../../../commands/connect/link.ts";
import { readRecords } from "../../../commands/connect/records.ts";
import { RdgError } from "../../../plugins/error.ts";
import { fakeHost } from "../../support/fake_host.ts";
import { record, writeRecord } from "../../support/records.ts";
import { hiding, mayMount, skipped } from "../../support/hidden_proc.ts";
import { makeSandbox, start } from "../../support/rdg.ts";

const never = () => Promise.reject(new Error("nobody may be asked"));
const menus = { job: never, processes: never, pid: never } satisfies Menus;

/** A machine without records, and without programs but those named. */
function machine(options: { local: boolean; programs: readonly string[] }): Link {
  return {
    name: options.local ? "this host" : "login",
    local: options.local,
    facts: {
      user: "ada",
      uid: 1000,
      hostname: "desk",
      state: "/home/ada/.local/state/rdg",
      programs: new Set(options.programs),
      variables: [],
      server: { pid: "", began: "" },
    },
    runner: never,
    broken: new Promise(() => {}),
    script: () => Promise.resolve({ code: 0, stdout: "", stderr: "" }),
    connect: never,
    start: () => assert.fail("nothing may be started"),
    startOn: () => assert.fail("nothing may be started"),
    bury: never,
    close: () => Promise.resolve(),
  };
}

async function complaint(
  link: Link,
  wish: Partial<Wish> = {},
  env: Record<string, string> = {},
): Promise<RdgError> {
  const { host } = fakeHost({ env });
  const context = { login: { link }, host, menus, patient: false, done: new Set<string>() };
  try {
    await findSession({ timeoutS: 1, quiet: true, ...wish }, context);
  } catch (error) {
    assert.ok(error instanceof RdgError, String(error));
    return error;
  }
  assert.fail("it has to fail");
}

Deno.test("connect.findSession() goes by RDG_SCHEDULER, and by --scheduler before it", async () => {
  const login = machine({ local: false, programs: ["squeue"] });
  const env = { RDG_SCHEDULER: "torqe" };
  const unknown = await complaint(login, {}, env);
  assert.equal(unknown.message, 'Cannot use "RDG_SCHEDULER=torqe": there is no such scheduler');
  const named = await complaint(login, { scheduler: "local" }, env);
  assert.match(named.message, /^Cannot connect: none of your running jobs has a session$/);
});

Deno.test("connect.findSession() tells a laptop's owner to name the login node", async () => {
  const laptop = machine({ local: true, programs: [] });
  const bare = await complaint(laptop);
  assert.deepEqual([bare.exitCode, bare.hint], [3, "name the login node: rdg connect LOGIN"]);
  const job = await complaint(laptop, { job: "4711" });
  assert.equal(job.message, "Cannot connect to job 4711: there is no scheduler on this machine");
  assert.deepEqual([job.exitCode, job.hint], [
    3,
    "name the login node first: rdg connect LOGIN 4711",
  ]);
});

Deno.test("connect.findSession() on a login node says how to start a session", async () => {
  for (const local of [true, false]) {
    const { message, hint } = await complaint(machine({ local, programs: ["squeue"] }));
    assert.equal(message, "Cannot connect: none of your running jobs has a session");
    assert.match(hint ?? "", /^start one with: rdg debug --lite .*--wait waits for it$/);
  }
});

/** A login node whose shell is started behind some words. */
function shellOf(state: string, words: readonly string[] = []): { link: Link; asked: string[] } {
  const asked: string[] = [];
  const base = machine({ local: true, programs: [] });
  const [program = "sh", ...args] = [...words, "sh", "-c"];
  const link: Link = {
    ...base,
    facts: { ...base.facts, uid: Deno.uid()!, state },
    script: async (text) => {
      asked.push(text);
      const output = await new Deno.Command(program, { args: [...args, text] }).output();
      const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      return { code: output.code, stdout: decode(output.stdout), stderr: decode(output.stderr) };
    },
  };
  return { link, asked };
}

Deno.test("readRecords() leaves out programs of the login node that have ended", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const pidNamespace = await Deno.readLink("/proc/self/ns/pid");
  const stat = await Deno.readTextFile(`/proc/${Deno.pid}/stat`);
  const startTime = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
  const boot = (await Deno.readTextFile("/proc/sys/kernel/random/boot_id")).trim();
  const mine = { uid: Deno.uid(), hostname: "desk", pidNamespace, boot, startTime, pid: Deno.pid };
  const local = { scheduler: "local", cluster: "desk", boot: "another" };
  const hosts: Record<string, Record<string, unknown>> = {
    runs: mine,
    "number-given-away": { ...mine, startTime: startTime - 1 },
    "has-ended": { ...mine, pid: 2 ** 22 + 1 },
    "has-ended-as-older-versions-wrote-it": { ...mine, pid: 2 ** 22 + 1, boot: undefined },
    "in-a-job-of-a-machine-of-that-name": { ...mine, pid: 2 ** 22 + 1, boot: "another" },
    "not-in-a-job-of-a-machine-of-that-name": { ...mine, ...local },
    "in-a-container": { ...mine, pid: 2 ** 22 + 1, pidNamespace: "pid:[1]" },
    "on-another-machine": { ...mine, pid: 2 ** 22 + 1, hostname: "n1" },
  };
  for (const [host, changes] of Object.entries(hosts)) {
    await writeRecord(sandbox.state, record({ ...changes, host }));
  }
  const { link, asked } = shellOf(sandbox.state);
  const found = (await readRecords(link)).map(({ host }) => host).sort();
  assert.deepEqual(found, [
    "in-a-container",
    "in-a-job-of-a-machine-of-that-name",
    "on-another-machine",
    "runs",
  ]);
  assert.equal(asked.length, 2);
});

Deno.test({
  name: "readRecords() keeps a program that the login node's /proc hides" + skipped,
  ignore: !mayMount,
  async fn() {
    await using sandbox = await makeSandbox({ debugpy: null });
    await using hidden = start(["sleep", "600"], { sandbox });
    const pidNamespace = await Deno.readLink("/proc/self/ns/pid");
    const boot = (await Deno.readTextFile("/proc/sys/kernel/random/boot_id")).trim();
    const mine = { uid: Deno.uid(), hostname: "desk", pidNamespace, boot, startTime: 5 };
    for (const pid of [hidden.pid, 2 ** 22 + 1]) {
      await writeRecord(sandbox.state, record({ ...mine, pid }));
    }
    const { link } = shellOf(sandbox.state, hiding(hidden.pid));
    assert.deepEqual((await readRecords(link)).map(({ pid }) => pid), [hidden.pid]);
  },
});
