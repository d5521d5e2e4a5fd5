/** Who comes to the local port where several ranks are served, without any rank. */

import assert from "node:assert/strict";
import { encode, type Message, MessageReader } from "../../../../commands/connect/dap.ts";
import type { Fleet } from "../../../../commands/connect/hub/fleet.ts";
import { Hub } from "../../../../commands/connect/hub/hub.ts";
import { Reception } from "../../../../commands/connect/hub/reception.ts";
import { FakeRank, pair } from "./fake_ranks.ts";

Deno.test("hub.Reception turns away who attaches after the ranks have ended", async () => {
  for (const merge of [false, true]) {
    const ready = [new FakeRank(0).member];
    ready[0]!.way!.hello = {};
    const hub = new Hub({
      merge,
      fleet: { ready, members: ready } as Partial<Fleet> as Fleet,
      say: () => {},
      onChange: () => {},
    });
    const [near, editor] = pair();
    const reception = new Reception(near, {
      hub: () => Promise.resolve(hub),
      door: {
        port: 5678,
        claim: () => Promise.resolve(true),
        onEvent: () => {},
        describe: () => ({}),
      },
      localRoot: "/desk",
    });
    const served = reception.serve();
    const reader = new MessageReader(editor.readable);
    const ask = async (seq: number, command: string): Promise<Message> => {
      const args = { clientID: "rdg-test", supportsStartDebuggingRequest: true };
      await editor.write(encode({ seq, type: "request", command, arguments: args }));
      return (await reader.next(1e6))!.message!;
    };
    assert.equal((await ask(1, "initialize")).success, true);
    await hub.end("the ranks of job 36 have ended");
    const { type, success, message } = await ask(2, "attach");
    assert.deepEqual([type, success, message], ["response", false, "All ranks have ended."]);
    await served;
  }
});
