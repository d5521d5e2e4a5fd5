/**
 * What keeps the ways open, where the connection to the login node breaks or hangs: against a login node
 * and debuggers of literals.
 */

import assert from "node:assert/strict";
import { encode, MessageReader } from "../../../commands/connect/dap.ts";
import type { FoundRanks } from "../../../commands/connect/hub/choose.ts";
import { RanksKeeper } from "../../../commands/connect/hub/keeper.ts";
import { SessionKeeper } from "../../../commands/connect/keeper.ts";
import type { Link } from "../../../commands/connect/link.ts";
import { Login, type Stop } from "../../../commands/connect/login.ts";
import type { Desk } from "../../../commands/connect/stay.ts";
import type { Stream } from "../../../commands/connect/stream.ts";
import { TimeLimit } from "../../../commands/connect/time_limit.ts";
import type { Job, RunOutput } from "../../../plugins/contract.ts";
import { RdgError } from "../../../plugins/error.ts";
import { local } from "../../../plugins/schedulers/local.ts";
import { slurm } from "../../../plugins/schedulers/slurm.ts";
import { parseRecord, type Session } from "../../../python/sessions.ts";
import { type Expected, fakeHost } from "../../support/fake_host.ts";
import { record } from "../../support/records.ts";
import { squeueLine } from "../../support/squeue.ts";
import { helper, ready, signalled } from "../attach/_attach.ts";
import { pair } from "./hub/fake_ranks.ts";

const never = () => new Promise<never>(() => {});
const menus = { job: never, processes: never, pid: never };
const address = { host: "n1", port: 4711 };

function session(changes: Record<string, unknown> = {}): Session {
  const found = parseRecord(JSON.stringify(record(changes)), { path: "", uid: null });
  assert.ok(typeof found !== "string", `${found}`);
  return found;
}

/** A debugger that says hello. */
function debuggerOfLiterals(): Stream {
  const [near, far] = pair();
  (async () => {
    for await (const { message } of new MessageReader(far.readable).messages()) {
      const { seq, command = "" } = message!;
      const head = { type: "response", "request_seq": seq, success: true, command } as const;
      await far.write(encode({ seq, ...head, body: {} }));
    }
  })().catch(() => {});
  return near;
}

/** A login node where one process is. */
class FakeLogin {
  readonly #broken = Promise.withResolvers<string>();
  readonly #record: Record<string, unknown>;
  /** Settles when the question came that is never answered. */
  readonly asked = Promise.withResolvers<void>();
  /** Which question is never answered. */
  hangs: (script: string) => boolean = () => false;
  /** Whether a way has been made. */
  reached = false;
  /** Settles when a way was wanted and refused; null while none is refused. */
  refused: PromiseWithResolvers<void> | null = null;
  /** How many ways were wanted. */
  wanted = 0;

  /** @param changes What is particular about the process's record. */
  constructor(changes: Record<string, unknown>) {
    this.#record = record(changes);
  }

  /** Loses the connection. */
  break(): void {
    this.#broken.resolve("Connection reset by peer");
  }

  /** The way to it. */
  get link(): Link {
    return {
      facts: { hostname: "login", state: "/home/ada/.local/state/rdg", uid: 1000 },
      broken: this.#broken.promise,
      script: (text: string): Promise<RunOutput> => {
        if (this.hangs(text)) {
          this.asked.resolve();
          return never();
        }
        const line = JSON.stringify(this.#record);
        const stdout = text.includes("cksum") ? `sum 1\n${line}` : line;
        return Promise.resolve({ code: 0, stdout, stderr: "" });
      },
      connect: () => {
        this.wanted++;
        if (this.refused) {
          this.refused.resolve();
          return Promise.reject(new Error("Connection refused"));
        }
        this.reached = true;
        return Promise.resolve(debuggerOfLiterals());
      },
      bury: () => Promise.resolve(),
      close: () => Promise.resolve(),
    } as unknown as Link;
  }
}

/** A desk that connects to these login nodes, one after the other. */
function deskOf(first: FakeLogin, second?: FakeLogin) {
  const said: string[] = [];
  const at = Promise.withResolvers<void>();
  const { promise: stopped, resolve } = Promise.withResolvers<Stop>();
  const board = { say: (line: string) => void said.push(line), show: () => {} };
  const desk = {
    options: { via: "direct", timeoutS: 5, wait: false, json: false },
    host: fakeHost({}).host,
    board,
    login: new Login({
      name: "login",
      link: first.link,
      reopen: () => second ? Promise.resolve(second.link) : assert.fail("it has not broken"),
      board: board as unknown as Desk["board"],
      stopped,
      signal: new AbortController().signal,
    }),
    front: { attached: null, port: 5678 },
    stopped,
    done: new Set(),
    limit: new TimeLimit(),
    ready: () => Promise.resolve(at.resolve()),
    tick: () => {},
  } as unknown as Desk;
  return { desk, said, ready: at.promise, stop: () => resolve({ type: "stop" }) };
}

/** What comes before a limit; "late" afterwards. */
async function inTime<T>(work: Promise<T>, ms: number): Promise<T | "late"> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"late">((resolve) => timer = setTimeout(() => resolve("late"), ms));
  return await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function foundRanks(
  sessions: Session[],
  calls?: readonly Expected[],
): FoundRanks & { done: () => void } {
  const { host, done } = fakeHost({ env: { USER: "ada" }, ...(calls ? { calls } : {}) });
  const job = { id: "36", displayId: "36", nodes: ["n1"] } as Partial<Job> as Job;
  const chosen = { scheduler: calls ? slurm : local, jobs: [job] as [Job] };
  return { chosen, display: "36", sessions, missing: [], host, done };
}

Deno.test("connect.RanksKeeper ends at once while the login node gives no answer", async (t) => {
  const changes = { rank: 0, launcher: "torchrun", state: "listening", waiting: true, address };
  const cases: [string, { hangsAt: RegExp; breaks?: true }][] = [
    ["at the look for the launcher", { hangsAt: /environ/ }],
    ["at a look at the records", { hangsAt: /cksum/ }],
    ["after it was connected to anew", { hangsAt: /cksum/, breaks: true }],
  ];
  for (const [name, { hangsAt, breaks }] of cases) {
    await t.step(name, async () => {
      const [first, second] = [new FakeLogin(changes), new FakeLogin(changes)];
      const hanging = breaks ? second : first;
      hanging.hangs = (script) => hangsAt.test(script);
      const { desk, ready, stop } = deskOf(first, second);
      const keeper = new RanksKeeper(desk, menus);
      const served = keeper.serve(foundRanks([session(changes)]));
      if (breaks) {
        await inTime(ready, 10_000);
        first.break();
      }
      assert.notEqual(await inTime(hanging.asked.promise, 10_000), "late");
      stop();
      assert.deepEqual(await inTime(served, 3000), { type: "stop" });
    });
  }
});

Deno.test("connect.SessionKeeper ends at once while the login node gives no answer", async (t) => {
  const changes = { rank: 0, state: "attached", address };
  const setUp = async () => {
    const [first, second] = [new FakeLogin(changes), new FakeLogin(changes)];
    const { desk, ready, stop } = deskOf(first, second);
    const keeper = new SessionKeeper(desk);
    const found = { session: session(changes), job: null, scheduler: local, record: "/r.json" };
    const served = keeper.serve(found as unknown as Parameters<typeof keeper.serve>[0]);
    await inTime(ready, 10_000);
    return { first, second, keeper, served, stop };
  };
  const ends = async (login: FakeLogin, served: Promise<unknown>, stop: () => void) => {
    assert.notEqual(await inTime(login.asked.promise, 10_000), "late");
    stop();
    assert.deepEqual(await inTime(served, 3000), { type: "stop" });
  };
  await t.step("after it was connected to anew", async () => {
    const { first, second, served, stop } = await setUp();
    // The far side still has to notice that the editor of before has gone.
    second.hangs = () => second.reached;
    first.break();
    await ends(second, served, stop);
  });
  await t.step("when an end of the connection was closed", async () => {
    const { first, keeper, served, stop } = await setUp();
    first.hangs = () => true;
    keeper.onFront({ type: "closed" } as Parameters<typeof keeper.onFront>[0]);
    await ends(first, served, stop);
  });
  await t.step("and begins nothing afterwards", async () => {
    const { first, keeper, served, stop } = await setUp();
    const { promise: refused } = first.refused = Promise.withResolvers();
    keeper.onFront({ type: "closed" } as Parameters<typeof keeper.onFront>[0]);
    assert.notEqual(await inTime(refused, 10_000), "late");
    // It looks for a while whether the program has ended, then makes a new way.
    stop();
    assert.deepEqual(await inTime(served, 3000), { type: "stop" });
    const { wanted } = first;
    await inTime(never(), 2000);
    assert.equal(first.wanted, wanted);
  });
});

Deno.test("connect.RanksKeeper wakes again who may not have been when the connection broke", async () => {
  const changes = { rank: 0 };
  const [first, second] = [new FakeLogin(changes), new FakeLogin(changes)];
  const { desk, said, ready: isReady, stop } = deskOf(first, second);
  const list: Expected = { program: "squeue", answer: { stdout: squeueLine({ nodes: "n1" }) } };
  const lost: Expected = {
    program: "srun",
    answer: () => {
      first.break();
      throw new RdgError("Cannot ask the login node: the connection has ended", {
        code: "connection",
        exitCode: 1,
      });
    },
  };
  const found = foundRanks([session(changes)], [list, lost, list, helper(signalled, ready)]);
  const served = new RanksKeeper(desk, menus).serve(found);
  assert.notEqual(await inTime(Promise.race([isReady, served]), 10_000), "late", said.join("\n"));
  assert.deepEqual(said, [
    "Waking 1 rank…",
    'The connection to "login" broke (Connection reset by peer); building it again.',
    'Connected to "login" again.',
    "Connected to 1 rank of job 36 on 1 node, way: direct",
  ]);
  stop();
  assert.deepEqual(await inTime(served, 3000), { type: "stop" });
  found.done();
});
