/** The parts of "every rank from one F5" that need nothing but their input. */

import assert from "node:assert/strict";
import { parse } from "../../../../commands/connect/command.ts";
import { encode, type Message } from "../../../../commands/connect/dap.ts";
import {
  type Asked,
  evaluateOnAll,
  grouped,
  readOrder,
  who,
} from "../../../../commands/connect/hub/asked.ts";
import { sharedCapabilities } from "../../../../commands/connect/hub/capabilities.ts";
import type { Fleet } from "../../../../commands/connect/hub/fleet.ts";
import { Hub } from "../../../../commands/connect/hub/hub.ts";
import { Invitations } from "../../../../commands/connect/hub/invitations.ts";
import { compareMembers, Member } from "../../../../commands/connect/hub/member.ts";
import { Breakpoints } from "../../../../commands/connect/hub/merge/breakpoints.ts";
import { Ids } from "../../../../commands/connect/hub/merge/ids.ts";
import { type OutputBody, Prefixer } from "../../../../commands/connect/hub/merge/output.ts";
import { inward, outward, ownerOf } from "../../../../commands/connect/hub/merge/translate.ts";
import { RelayPool } from "../../../../commands/connect/hub/relays.ts";
import { Outlet } from "../../../../commands/connect/outlet.ts";
import { Tap } from "../../../../commands/connect/hub/tap.ts";
import type { Relay } from "../../../../commands/connect/mux.ts";
import type { Way } from "../../../../commands/connect/ways.ts";
import { RdgError } from "../../../../plugins/error.ts";
import { parseRecord, type Session } from "../../../../python/sessions.ts";
import { record } from "../../../support/records.ts";

const none = { permissions: "none" } as const;

function session(changes: Record<string, unknown>): Session {
  const found = parseRecord(JSON.stringify(record(changes)), { path: "", uid: null });
  assert.ok(typeof found !== "string", `${found}`);
  return found;
}

Deno.test("connect.parse() takes one rank, several, or all", none, () => {
  const rest = { wait: false, json: false, timeoutS: 60 };
  assert.deepEqual(parse(["--rank=3"]), { rank: 3, ...rest });
  assert.deepEqual(parse(["--rank=0,3-5"]), { ranks: [[0, 0], [3, 5]], ...rest });
  assert.deepEqual(parse(["login", "7", "--all"]), {
    login: "login",
    job: "7",
    all: true,
    ...rest,
  });
  assert.deepEqual(parse(["--merge"]), { all: true, merge: true, ...rest });
  assert.deepEqual(parse(["--rank=2", "--merge"]), { ranks: [[2, 2]], merge: true, ...rest });
  for (
    const [argv, pattern] of [
      [["--all", "--rank=1"], /"--all" and "--rank" together/],
      [["--rank=3-1"], /want numbers and ranges/],
      [["--rank=0,"], /want numbers and ranges/],
    ] as const
  ) {
    assert.throws(() => parse(argv), (error) => {
      return error instanceof RdgError && error.exitCode === 2 && pattern.test(error.message);
    });
  }
});

Deno.test("hub.readOrder() knows what is meant for rdg", none, () => {
  assert.equal(readOrder("x + 1"), null);
  assert.equal(readOrder("print('rdg: all x')"), null);
  assert.deepEqual(readOrder("rdg: all  loss.item() "), { type: "all", expression: "loss.item()" });
  assert.deepEqual(readOrder(" rdg:rank 12 x"), { type: "rank", rank: 12, expression: "x" });
  assert.deepEqual(readOrder("rdg: all a = 1\nb = 2"), { type: "all", expression: "a = 1\nb = 2" });
  assert.deepEqual(readOrder("rdg: pause"), { type: "pause" });
  assert.deepEqual(readOrder("rdg: continue"), { type: "continue" });
  for (const text of ["rdg:", "rdg: all", "rdg: rank x y", "rdg: help"]) {
    assert.deepEqual(readOrder(text), { type: "unknown" });
  }
});

Deno.test("hub.grouped() joins the ranks that say the same, most of them first", none, () => {
  const of = (rank: number | null, text: string) => ({
    one: { rank, label: `process ${rank}` },
    text,
  });
  assert.deepEqual(
    grouped([of(0, "3.14"), of(3, "nan"), of(1, "3.14"), of(2, "3.14")]),
    ["ranks 0-2: 3.14", "rank 3: nan"],
  );
  assert.deepEqual(grouped([of(4, "b"), of(1, "a")]), ["rank 1: a", "rank 4: b"]);
  assert.deepEqual(grouped([]), []);
  assert.equal(
    who([{ rank: null, label: "process 12" }, { rank: 5, label: "" }]),
    "rank 5, process 12",
  );
});

/** A rank that answers from a table. */
function fake(rank: number, answer: string | null, failure?: string): Asked {
  return {
    rank,
    label: `rank ${rank}`,
    stoppedThread: answer === null && failure === undefined ? null : 1,
    ask: (command, args) => {
      if (command === "stackTrace") {
        return Promise.resolve({ success: true, body: { stackFrames: [{ id: 40 + rank }] } });
      }
      assert.equal(args["frameId"], 40 + rank);
      return Promise.resolve(
        failure === undefined
          ? { success: true, body: { result: answer } }
          : { success: false, message: failure },
      );
    },
  };
}

Deno.test("hub.evaluateOnAll() says who runs and who failed", none, async () => {
  const text = await evaluateOnAll([
    fake(0, "1"),
    fake(1, null),
    fake(2, "1"),
    fake(3, null, "Traceback:\n  File\nNameError: x"),
  ], "x");
  assert.equal(text, "ranks 0,2: 1\nrank 1: it runs: pause it first\nrank 3: NameError: x");
});

Deno.test("hub.sharedCapabilities() keeps what all can", none, () => {
  const filters = (...names: string[]) => names.map((filter) => ({ filter, label: filter }));
  assert.deepEqual(
    sharedCapabilities([
      { a: true, b: true, c: false, filters: filters("raised", "uncaught") },
      { a: true, b: false, c: false, d: true, filters: filters("uncaught", "user") },
    ]),
    { a: true, c: false, filters: filters("uncaught") },
  );
  assert.deepEqual(sharedCapabilities([]), {});
});

Deno.test(
  "hub.Hub lets who waits for a rank go when one is there, or all is over",
  none,
  async () => {
    const fleet = { ready: [] as Member[], members: [] };
    const options = { merge: false, fleet: fleet as Partial<Fleet> as Fleet };
    const hub = new Hub({ ...options, say: () => {}, onChange: () => {} });
    const waits = hub.capabilities();
    const member = new Member(session({ rank: 0 }));
    member.way = { hello: { supportsX: true } } as unknown as Way;
    fleet.ready.push(member);
    hub.changed();
    assert.deepEqual(await waits, { supportsX: true });
    fleet.ready.pop();
    const inVain = hub.capabilities();
    await hub.end("all ranks have ended");
    assert.equal(await inVain, null);
  },
);

Deno.test("hub.Invitations ask for no rank that ended before its turn", none, async () => {
  const members = Array.from({ length: 10 }, (_, rank) => new Member(session({ rank })));
  const hub = { ready: members, manyWarning: () => null, everAttached: true };
  const asked = new Map<string, number>();
  const outlet = new Outlet((bytes) => {
    const text = new TextDecoder().decode(bytes);
    const { seq, arguments: args } = JSON.parse(text.slice(text.indexOf("{"))) as Message;
    const { configuration } = args as { configuration: { name: string } };
    asked.set(configuration.name.split(" · ")[0]!, seq);
    return Promise.resolve();
  });
  const invitations = new Invitations({
    hub: hub as Partial<Hub> as Hub,
    outlet,
    attach: { seq: 2, type: "request", command: "attach", arguments: {} },
    by: "startDebugging",
    port: 5678,
  });
  const untilAsked = async (count: number) => {
    for (let tries = 0; asked.size < count && tries < 1000; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    assert.equal(asked.size, count, [...asked.keys()].join(", "));
  };
  invitations.update();
  await untilAsked(8);
  members[8]!.turn("gone");
  const answer = { seq: 9, type: "response", "request_seq": asked.get("rank 0"), success: true };
  invitations.hear(answer as Message);
  await untilAsked(9);
  assert.deepEqual([asked.has("rank 8"), asked.has("rank 9")], [false, true]);
  invitations.end();
});

Deno.test("hub.compareMembers() shows first who crashed first, then goes by rank", none, () => {
  const member = (rank: number, more: Record<string, unknown> = {}) =>
    new Member(session({ rank, pid: 100 + rank, ...more }));
  const crashed = { state: "crashed", address: { host: "n1", port: 1 } };
  const order = [
    member(0),
    member(3, { ...crashed, changed: 20 }),
    member(1),
    member(2, { ...crashed, changed: 10 }),
  ].sort(compareMembers);
  assert.deepEqual(order.map(({ session }) => session.rank), [2, 3, 0, 1]);
});

Deno.test(
  "hub.Member tells equal process ids on two nodes and in two containers apart",
  none,
  () => {
    const one = new Member(session({ rank: 0, host: "n1", pid: 4711 }));
    const two = new Member(session({ rank: 1, host: "n2", pid: 4711 }));
    assert.notEqual(one.key, two.key);
    assert.deepEqual([one.name, two.name], ["rank 0 · n1 · 4711", "rank 1 · n2 · 4711"]);
    const inside = (pidNamespace: string) => new Member(session({ pid: 1, pidNamespace })).key;
    assert.notEqual(inside("pid:[4026532001]"), inside("pid:[4026532002]"), "two containers");
    const alone = new Member(session({ rank: null, host: "n1", pid: 5 }));
    assert.deepEqual([alone.name, alone.label], ["process · n1 · 5", "process 5"]);
  },
);

Deno.test("hub.Tap takes messages out of a stream that comes in any pieces", none, () => {
  const message = (seq: number, more: Record<string, unknown>) =>
    encode({ seq, type: "event", ...more } as Message);
  const big = message(3, { event: "output", body: { output: "x".repeat(500_000) } });
  const parts = [
    message(1, { event: "stopped", body: { threadId: 1 } }),
    message(2, { type: "response", "request_seq": 1_900_000_000, command: "pause", success: true }),
    message(4, { event: "continued" }),
  ];
  const cases = [
    ...[1, 7, 100, 4096].map((size) => ({ size, parts })),
    ...[1000, 65_536].map((size) => ({
      size,
      parts: [...parts.slice(0, 2), big, ...parts.slice(2)],
    })),
  ];
  for (const { size, parts } of cases) {
    const stream = joined(parts);
    const seen: number[] = [];
    const tap = new Tap(() => true, ({ seq, type }) => {
      seen.push(seq);
      return type === "response" ? "swallow" : "pass";
    });
    const out: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += size) {
      out.push(...tap.feed(stream.slice(at, at + size)));
    }
    assert.deepEqual(seen, [1, 2, 4], `pieces of ${size}`);
    const passed = parts.filter((_, index) => index !== 1);
    assert.deepEqual(joined(out), joined(passed), `pieces of ${size}`);
  }
});

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

Deno.test(
  "merge.Ids keeps the same number of two ranks apart, and forgets what isn't valid",
  none,
  () => {
    const ids = new Ids<string>();
    const a = ids.give("thread", { owner: "a", local: 1 });
    const b = ids.give("thread", { owner: "b", local: 1 });
    const frame = ids.give("frame", { owner: "a", local: 140_000_000_000_000 });
    assert.notEqual(a, b);
    assert.ok(frame < 2 ** 31);
    assert.equal(ids.give("thread", { owner: "a", local: 1 }), a);
    assert.deepEqual(ids.find("thread", b), { owner: "b", local: 1 });
    assert.equal(ids.find("frame", a), undefined);
    ids.forget("a", ["frame"]);
    assert.equal(ids.find("frame", frame), undefined);
    assert.deepEqual(ids.find("thread", a), { owner: "a", local: 1 });
    assert.notEqual(ids.give("frame", { owner: "a", local: 140_000_000_000_000 }), frame);
    ids.forget("a");
    ids.forget("b");
    assert.equal(ids.size, 0);
  },
);

Deno.test(
  "merge.outward() and inward() exchange numbers, and nothing that a program says",
  none,
  () => {
    const ids = new Ids<string>();
    ids.give("thread", { owner: "other", local: 9 }); // so that numbers differ
    const trace = outward({
      stackFrames: [{ id: 77, name: "f", line: 3, source: { path: "/p.py", sourceReference: 0 } }, {
        id: 78,
        source: { sourceReference: 5 },
      }],
      totalFrames: 2,
    }, { ids, owner: "a" }) as {
      stackFrames: { id: number; source: { sourceReference: number } }[];
    };
    const [first, second] = trace.stackFrames;
    assert.deepEqual(ids.find("frame", first!.id), { owner: "a", local: 77 });
    assert.equal(first!.source.sourceReference, 0, "0 means none");
    assert.deepEqual(ids.find("source", second!.source.sourceReference), { owner: "a", local: 5 });

    const variables = outward({
      variables: [{ name: "threadId", value: "3", variablesReference: 0 }, {
        name: "id",
        value: "{'frameId': 1}",
        variablesReference: 12,
      }],
    }, { ids, owner: "a" }) as { variables: { value: string; variablesReference: number }[] };
    assert.equal(variables.variables[0]!.value, "3");
    assert.equal(variables.variables[0]!.variablesReference, 0);
    assert.equal(variables.variables[1]!.value, "{'frameId': 1}");
    const reference = variables.variables[1]!.variablesReference;

    assert.equal(ownerOf({ frameId: first!.id }, ids), "a");
    assert.equal(ownerOf({ expression: "x" }, ids), undefined);
    assert.equal(ownerOf({ frameId: 9999 }, ids), null);
    assert.equal(
      ownerOf({ source: { sourceReference: second!.source.sourceReference } }, ids),
      "a",
    );
    assert.deepEqual(
      inward({ variablesReference: reference, filter: "named" }, { ids, owner: "a" }),
      {
        variablesReference: 12,
        filter: "named",
      },
    );
    assert.equal(inward({ frameId: first!.id }, { ids, owner: "b" }), null, "of another rank");
    const event = outward({ reason: "changed", module: { id: 4, name: "m" } }, { ids, owner: "a" });
    assert.notEqual((event as { module: { id: number } }).module.id, 4);
  },
);

Deno.test("merge.Breakpoints are verified if any rank has them, and say which hasn't", none, () => {
  const [zero, one, two] = [0, 1, 2].map((rank) => ({ rank, label: `rank ${rank}` }));
  const breakpoints = new Breakpoints<{ rank: number; label: string }>();
  const args = { source: { path: "/p.py" }, breakpoints: [{ line: 5 }, { line: 9 }] };
  const key = breakpoints.ask({ command: "setBreakpoints", args });
  breakpoints.take(key, {
    owner: zero!,
    said: [{ id: 0, verified: true, line: 5 }, { id: 1, verified: true, line: 10 }],
  });
  breakpoints.take(key, {
    owner: one!,
    said: [{ id: 0, verified: false, message: "No such file" }, {
      id: 1,
      verified: true,
      line: 10,
    }],
  });
  breakpoints.take(key, { owner: two!, said: "no answer within 5 s" });
  const [first, second] = breakpoints.answer(key);
  assert.deepEqual(first, {
    id: 1,
    verified: true,
    line: 5,
    message: "not in rank 1: No such file; not in rank 2: no answer within 5 s",
  });
  assert.equal(second!.line, 10, "where the ranks have it");
  assert.deepEqual(breakpoints.ids(zero!, [1, 7]), [second!.id]);
  const changed = breakpoints.change(one!, { id: 0, verified: true, line: 5 });
  assert.equal(changed?.message, "not in rank 2: no answer within 5 s");
  assert.equal(breakpoints.change(one!, { id: 0, verified: true, line: 5 }), null, "nothing new");
  assert.equal(breakpoints.change(one!, { id: 44, verified: true }), null, "not one of ours");
  assert.deepEqual(breakpoints.forget(two!).map(({ message }) => message), [undefined, undefined]);
  assert.deepEqual(breakpoints.wanted, [{ command: "setBreakpoints", args }]);
  const none = breakpoints.ask({ command: "setBreakpoints", args: { ...args, breakpoints: [] } });
  assert.deepEqual(breakpoints.answer(none), []);
  assert.equal(breakpoints.wanted.length, 1, "the latest of a file counts");
});

Deno.test("merge.Prefixer puts the rank in front of each line, whole lines at a time", none, () => {
  const shown: OutputBody[] = [];
  const prefixer = new Prefixer((body) => shown.push(body));
  const text = () => shown.splice(0).map(({ output }) => output).join("");
  prefixer.take("0", { category: "stdout", output: "one" });
  prefixer.take("1", { category: "stdout", output: "uno\n\ndos\n" });
  assert.equal(text(), "[1] uno\n[1] \n[1] dos\n");
  prefixer.take("0", { category: "stdout", output: " more\n" });
  assert.equal(text(), "[0] one more\n");
  prefixer.take("0", { category: "stdout", output: "Password: " });
  prefixer.flush();
  assert.equal(text(), "[0] Password: ");
  prefixer.take("0", { category: "stdout", output: "yes\n" });
  assert.equal(text(), "yes\n");
  prefixer.take("0", { category: "stdout", output: "half" });
  prefixer.flush();
  prefixer.take("1", { category: "stdout", output: "line\n" });
  assert.equal(text(), "[0] half\n[1] line\n");
});

Deno.test(
  "hub.RelayPool starts one relay a node and ends it after the last rank",
  none,
  async () => {
    const pool = new RelayPool();
    let started = 0;
    let closed = 0;
    const ended = Promise.withResolvers<string>();
    const start = () => {
      started++;
      const relay = { ended: ended.promise, close: () => Promise.resolve(void closed++) };
      return Promise.resolve(relay as unknown as Relay);
    };
    const all = await Promise.all([1, 2, 3].map(() => pool.share("relay n1", start)));
    await pool.share("relay n2", start);
    assert.equal(started, 2);
    await all[0]!.release();
    await all[0]!.release();
    await all[1]!.release();
    assert.equal(closed, 0);
    await all[2]!.release();
    assert.equal(closed, 1);
    await pool.share("relay n1", start);
    assert.equal(started, 3, "a new one after the last has gone");
    await assert.rejects(
      pool.share("relay n3", () => Promise.reject(new Error("no room"))),
      /no room/,
    );
    await pool.share("relay n3", start);
    assert.equal(started, 4, "a failure isn't kept");
  },
);
