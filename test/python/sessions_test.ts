/** The reader of session records: whole ones, broken ones, many of them. Pure but for a temporary folder. */

import assert from "node:assert/strict";
import {
  parseRecord,
  readSessions,
  recordFile,
  recordName,
  stateFolder,
  sweep,
} from "../../python/sessions.ts";
import { record, writeRecord } from "../support/records.ts";

const at = { path: "/x", uid: 1000 };
const uid = Deno.uid()!;

Deno.test("parseRecord() reads what RECORD.md describes", () => {
  const session = parseRecord(
    JSON.stringify(record({ rank: 3, state: "listening", address: { host: "n1", port: 5 } })),
    at,
  );
  assert.ok(typeof session !== "string");
  assert.deepEqual(
    [session.job.display, session.rank, session.address, session.path],
    ["36", 3, { host: "n1", port: 5 }, "/x"],
  );
});

Deno.test("parseRecord() passes over what it can't use, and says why", () => {
  const reasons: [string, RegExp][] = [
    ["", /cut short/],
    [JSON.stringify(record({})).slice(0, 100), /cut short/],
    ["null", /no record/],
    ["[]", /not what a record holds/],
    [JSON.stringify(record({ format: 2, rdg: "9.9.9" })), /newer rdg \(9\.9\.9\)/],
    [JSON.stringify(record({ uid: 1001 })), /somebody else/],
    [JSON.stringify(record({ pid: -5 })), /not what a record holds/],
    [JSON.stringify(record({ signal: "rm" })), /not what a record holds/],
    [JSON.stringify(record({ state: "dancing" })), /not what a record holds/],
    [JSON.stringify(record({ address: { host: "n1", port: 70000 } })), /not what a record holds/],
    [JSON.stringify(record({ command: "python" })), /not what a record holds/],
  ];
  for (const [text, reason] of reasons) {
    const result = parseRecord(text, at);
    assert.ok(typeof result === "string", text);
    assert.match(result, reason);
  }
});

Deno.test("stateFolder() follows RDG_STATE_DIR, XDG_STATE_HOME and HOME, in this order", () => {
  const folder = (env: Record<string, string>) => stateFolder((name) => env[name]);
  assert.equal(folder({ RDG_STATE_DIR: "/a", XDG_STATE_HOME: "/b", HOME: "/c" }), "/a");
  assert.equal(folder({ XDG_STATE_HOME: "/b", HOME: "/c" }), "/b/rdg");
  assert.equal(folder({ HOME: "/c" }), "/c/.local/state/rdg");
  assert.equal(folder({}), null);
});

Deno.test("recordFile() keeps containers of one node apart", () => {
  const file = (pidNamespace: string | null) => recordFile({ host: "n1", pid: 1, pidNamespace });
  assert.equal(file("pid:[4026531836]"), "n1-1.json");
  assert.equal(file(null), "n1-1.json");
  assert.equal(file("pid:[7]"), "n1-7-1.json");
});

Deno.test("recordName() keeps names of jobs and tames the rest", () => {
  assert.equal(recordName("1234[5].server"), "1234[5].server");
  assert.equal(recordName("../../x y"), "_._.._x_y");
  assert.equal(recordName(""), "_");
});

Deno.test("readSessions() reads one job or all, passes over rubbish, and needs no folder", async () => {
  const state = await Deno.makeTempDir();
  try {
    assert.deepEqual(await readSessions(`${state}/none`, { uid }), {
      sessions: [],
      passedOver: [],
    });
    await writeRecord(state, record({ uid }));
    await writeRecord(state, record({ uid, pid: 43 }));
    await writeRecord(state, record({ uid, job: { id: "37", display: "37", step: null } }));
    const folder = `${state}/sessions/c1/36`;
    await Deno.writeTextFile(`${folder}/n1-44.json`, '{"format": 1,');
    await Deno.writeTextFile(`${folder}/n1-45.json.7.tmp`, "half");
    const all = await readSessions(state, { uid });
    assert.deepEqual(all.sessions.map(({ pid }) => pid), [42, 43, 42]);
    assert.equal(all.passedOver.length, 1);
    assert.match(all.passedOver[0]!, /n1-44\.json: it is cut short/);
    const one = await readSessions(state, { job: "37", uid });
    assert.equal(one.sessions.length, 1);
  } finally {
    await Deno.remove(state, { recursive: true });
  }
});

Deno.test("readSessions() reads nothing from a folder that another user may have prepared", async () => {
  const state = await Deno.makeTempDir();
  const folder = `${state}/sessions`;
  async function refused(why: RegExp): Promise<void> {
    const { sessions, passedOver } = await readSessions(state, { uid });
    assert.deepEqual([sessions, passedOver.length], [[], 1]);
    assert.match(passedOver[0]!, why);
  }
  try {
    await writeRecord(state, record({ uid }));
    assert.equal((await readSessions(state, { uid })).sessions.length, 1);
    await Deno.chmod(folder, 0o777);
    await refused(/sessions: others may write into it/);
    await Deno.chmod(folder, 0o700);
    await Deno.rename(folder, `${state}/elsewhere`);
    await Deno.symlink("elsewhere", folder);
    await refused(/sessions: it is a link/);
    await Deno.remove(folder);
    await Deno.rename(`${state}/elsewhere`, folder);
    const { sessions, passedOver } = await readSessions(state, { uid: uid + 1 });
    assert.deepEqual([sessions, passedOver], [[], [`${folder}: it belongs to another user`]]);
  } finally {
    await Deno.remove(state, { recursive: true });
  }
});

Deno.test("sweep() removes records and empty folders, nothing else", async () => {
  const state = await Deno.makeTempDir();
  try {
    await writeRecord(state, record({ uid }));
    await writeRecord(state, record({ uid, pid: 43 }));
    await writeRecord(state, record({ uid, job: { id: "37", display: "37", step: null } }));
    const { sessions } = await readSessions(state, { uid });
    await sweep(
      sessions.filter(({ pid, job }) => pid === 42 && job.id === "36" || job.id === "37"),
    );
    const left: string[] = [];
    for await (const { name } of Deno.readDir(`${state}/sessions/c1`)) left.push(name);
    assert.deepEqual(left, ["36"]);
    assert.deepEqual((await readSessions(state, { uid })).sessions.map(({ pid }) => pid), [
      43,
    ]);
  } finally {
    await Deno.remove(state, { recursive: true });
  }
});

Deno.test("sweep() leaves a record that has become another process's since it was read", async () => {
  const state = await Deno.makeTempDir();
  try {
    const ended = { uid, startTime: 5, boot: "one" };
    const changes = [{ ...ended, startTime: 6 }, { ...ended, boot: "two" }, ended];
    for (let pid = 0; pid < 3; pid++) await writeRecord(state, record({ ...ended, pid: pid + 1 }));
    const { sessions } = await readSessions(state, { uid });
    for (const [pid, other] of changes.entries()) {
      await writeRecord(state, record({ ...other, pid: pid + 1 }));
    }
    const swept = await sweep(sessions);
    assert.deepEqual([...swept].map(({ pid }) => pid), [3]);
    const left = (await readSessions(state, { uid })).sessions.map(({ pid }) => pid);
    assert.deepEqual(left, [1, 2]);
  } finally {
    await Deno.remove(state, { recursive: true });
  }
});
