/** The ways to the ranks that are served together, where there is none. */

import assert from "node:assert/strict";
import type { FoundRanks } from "../../../../commands/connect/hub/choose.ts";
import { Member } from "../../../../commands/connect/hub/member.ts";
import { Reach } from "../../../../commands/connect/hub/reach.ts";
import type { Link } from "../../../../commands/connect/link.ts";
import type { Desk } from "../../../../commands/connect/stay.ts";
import type { Job } from "../../../../plugins/contract.ts";
import { slurm } from "../../../../plugins/schedulers/slurm.ts";
import { parseRecord } from "../../../../python/sessions.ts";
import { record } from "../../../support/records.ts";

Deno.test("hub.Reach tries a rank again, and then says why it can't be reached", async () => {
  const address = { host: "127.0.0.1", port: 4711 };
  const text = JSON.stringify(record({ rank: 3, host: "n1", state: "listening", address }));
  const session = parseRecord(text, { path: "", uid: null });
  assert.ok(typeof session !== "string", `${session}`);
  const link = { facts: { hostname: "login" }, broken: new Promise(() => {}) };
  const job = { id: "36", displayId: "36", nodes: ["n1"] } as Partial<Job> as Job;
  const failures: string[] = [];
  const reach = new Reach({
    desk: {
      login: { link: link as Partial<Link> as Link },
      options: { via: "direct" },
      board: { say: assert.fail },
    } as unknown as Desk,
    found: { chosen: { scheduler: slurm, jobs: [job] } } as Partial<FoundRanks> as FoundRanks,
    onReady: () => assert.fail(),
    onBroken: () => assert.fail(),
    onFailure: (one, why) => failures.push(`${one.label} ${why}`),
  });
  const member = new Member(session);
  // What rdg waits with keeps nothing alive, and here is nothing else.
  const alive = setTimeout(() => {}, 10_000);
  await reach.to(member);
  await reach.to(member);
  assert.equal(reach.wantsRetry(member), true);
  assert.deepEqual(failures, []);
  await reach.to(member);
  clearTimeout(alive);
  assert.equal(reach.wantsRetry(member), false);
  assert.deepEqual(failures, [
    "rank 3 cannot be reached: direct: it listens on n1's own loopback only",
  ]);
});
