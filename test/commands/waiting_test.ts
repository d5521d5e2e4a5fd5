/** What is shown while rdg waits: nothing at first, then a line that moves, or plain lines. */

import assert from "node:assert/strict";
import type { Terminal } from "../../commands/_terminal.ts";
import { whileWaiting } from "../../commands/_waiting.ts";

const pace = { drawMs: 20, frameMs: 5, sayMs: 20, againMs: 40 };

/** A terminal that keeps what it is shown, and tells of each thing. */
function keeper(options: { live: boolean }) {
  const shown: (string | null)[] = [];
  const said: string[] = [];
  let tell = () => {};
  const terminal: Terminal = {
    out: () => assert.fail("nothing goes to stdout"),
    say: (line) => {
      said.push(line);
      tell();
    },
    ...options.live
      ? {
        status: (text: string | null) => {
          shown.push(text);
          tell();
        },
      }
      : {},
    style: (_style, text) => text,
    interactive: false,
    live: options.live,
    columns: 30,
  };
  const until = (enough: () => boolean) =>
    new Promise<void>((resolve) => {
      tell = () => enough() && resolve();
      tell();
    });
  return { terminal, shown, said, until };
}

Deno.test("whileWaiting() shows nothing of a short wait", async () => {
  for (const live of [true, false]) {
    const { terminal, shown, said } = keeper({ live });
    const slow = { ...pace, drawMs: 60_000, sayMs: 60_000 };
    const result = await whileWaiting("Waiting", () => Promise.resolve(7), {
      terminal,
      pace: slow,
    });
    assert.equal(result, 7);
    assert.deepEqual([shown, said], [live ? [null] : [], []]);
  }
});

Deno.test("whileWaiting() moves a line on a terminal, and takes it away", async () => {
  const { terminal, shown, said, until } = keeper({ live: true });
  await whileWaiting("Waiting for squeue", () => until(() => shown.length === 5), {
    terminal,
    pace,
  });
  assert.deepEqual(shown, [
    "| Waiting for squeue…",
    "/ Waiting for squeue…",
    "- Waiting for squeue…",
    "\\ Waiting for squeue…",
    "| Waiting for squeue…",
    null,
  ]);
  assert.deepEqual(said, []);
});

Deno.test("whileWaiting() cuts the line to the terminal, and takes it away after an error", async () => {
  const { terminal, shown, until } = keeper({ live: true });
  const work = async () => {
    await until(() => shown.length === 1);
    throw new Error("no");
  };
  await assert.rejects(whileWaiting("Waiting for a very long name of a host", work, {
    terminal,
    pace,
  }));
  assert.equal(shown.length, 2);
  assert.ok(shown[0]!.length < 30, shown[0]!);
  assert.equal(shown[1], null);
});

Deno.test("whileWaiting() says plain lines elsewhere, now and then", async () => {
  const { terminal, said, until } = keeper({ live: false });
  await whileWaiting("Waiting for squeue", async (tell) => {
    await until(() => said.length === 3);
    tell("Waiting for srun");
    await until(() => said.length === 4);
  }, { terminal, pace });
  assert.deepEqual(said, [
    "Waiting for squeue…",
    "Waiting for squeue… (0 s)",
    "Waiting for squeue… (0 s)",
    "Waiting for srun…",
  ]);
});
