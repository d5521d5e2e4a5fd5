/** How many ssh connections sessions on the login node take, against an ssh of literals. */

import assert from "node:assert/strict";
import { SshSessions } from "../../../commands/connect/ssh_sessions.ts";
import type { ProgramStream } from "../../../commands/connect/stream.ts";

const none = { permissions: "none" } as const;

/** What a login or a session comes to: it speaks, ends with a reason, or is never heard of. */
type Fate = "speaks" | "silent" | { reason: string };

const full: Fate = {
  reason: "mux_client_request_session: session request failed: " +
    "Session open refused by peer",
};

/** An ssh that does what `fate` says of its arguments. */
function fakeSsh(fate: (args: readonly string[]) => Fate | Promise<Fate>) {
  const started: { kind: "shared" | "further" | "single"; closed: boolean }[] = [];
  const spawn = (args: readonly string[]): ProgramStream => {
    const kind = args.includes("-M") ? "further" : args.includes("shared") ? "shared" : "single";
    const one: typeof started[number] = { kind, closed: false };
    started.push(one);
    const ended = Promise.withResolvers<number>();
    let reason = "";
    const readable = new ReadableStream<Uint8Array>({
      async start(controller) {
        const what = await fate(args);
        if (what === "speaks") controller.enqueue(new TextEncoder().encode("\n"));
        if (typeof what === "string") return;
        reason = what.reason;
        controller.close();
        ended.resolve(255);
      },
    });
    return {
      readable,
      ended: ended.promise,
      write: () => Promise.resolve(),
      reason: () => reason,
      close: () => {
        one.closed = true;
        ended.resolve(0);
        return Promise.resolve();
      },
    };
  };
  const sessions = new SshSessions({
    login: "login",
    spawn,
    own: [],
    shared: ["shared"],
    first: ["-S", "/tmp/x/ssh"],
    folder: "/tmp/x",
    heardMs: 50,
  });
  return { sessions, started, kinds: () => started.map(({ kind }) => kind).sort() };
}

/** What several starts at once come to: messages, or "begun". */
async function startAll(sessions: SshSessions, count: number): Promise<string[]> {
  // What rdg waits with keeps nothing alive, and here is nothing else.
  const alive = setTimeout(() => {}, 10_000);
  const starts = Array.from({ length: count }, () => sessions.start("true"));
  const settled = await Promise.allSettled(starts);
  clearTimeout(alive);
  return settled.map((one) => one.status === "fulfilled" ? "begun" : `${one.reason.message}`);
}

Deno.test(
  "connect.SshSessions opens one further connection for all that had no room",
  none,
  async () => {
    const { sessions, kinds } = fakeSsh((args) =>
      args.includes("shared") && args.includes("/tmp/x/ssh") ? full : "speaks"
    );
    assert.deepEqual(await startAll(sessions, 3), ["begun", "begun", "begun"]);
    assert.deepEqual(kinds(), ["further", ...Array(6).fill("shared")]);
    await sessions.close();
  },
);

Deno.test(
  "connect.SshSessions tries no further login after one that failed or was too slow",
  none,
  async () => {
    const cases: [Fate, RegExp][] = [
      ["silent", /do without a question to you: no answer within 0\.05 s\. Log in by a key/],
      [{ reason: "ada@login: Permission denied (publickey)." }, /: ada@login: Permission denied/],
    ];
    for (const [fate, pattern] of cases) {
      const { sessions, kinds } = fakeSsh((args) => args.includes("-M") ? fate : full);
      for (const message of [...await startAll(sessions, 4), ...await startAll(sessions, 1)]) {
        assert.match(message, pattern);
      }
      assert.deepEqual(kinds(), ["further", ...Array(5).fill("shared")]);
    }
  },
);

Deno.test(
  "connect.SshSessions tries no login for one session again after one that was too slow",
  none,
  async () => {
    const { sessions, kinds } = fakeSsh((args) =>
      args.includes("-M") ? "speaks" : args.includes("shared") ? full : "silent"
    );
    for (const message of await startAll(sessions, 3)) assert.match(message, /no answer within/);
    assert.equal(kinds().filter((kind) => kind === "single").length, 1);
  },
);

Deno.test("connect.SshSessions starts nothing after its end", none, async () => {
  for (const slow of ["-M", "ControlPath=none"]) {
    const [asked, told] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { sessions, started } = fakeSsh(async (args) => {
      if (!args.includes(slow)) return args.includes("shared") ? full : "speaks";
      asked.resolve();
      await told.promise;
      return "speaks";
    });
    const all = startAll(sessions, 4);
    await asked.promise;
    const before = started.length;
    await sessions.close();
    told.resolve();
    assert.deepEqual(await all, Array(4).fill("the connection has ended"));
    assert.equal(started.length, before, slow);
    assert.equal(started.at(-1)!.closed, true);
    await assert.rejects(sessions.start("true"), /the connection has ended/);
    assert.equal(started.length, before);
  }
});
