/** What a helper says comes in lines that no scheduler mixes, and is put together again. */

import assert from "node:assert/strict";
import { pieceReader } from "../../python/pieces.ts";
import { root } from "../support/paths.ts";
import { python } from "../support/python.ts";
import { outcome } from "../support/outcome.ts";
import { makeSandbox } from "../support/rdg.ts";

Deno.test("what two helpers say at once is read piece by piece", async () => {
  await using sandbox = await makeSandbox({ debugpy: null });
  const said = async (text: string) => {
    const code = `import sys; sys.path.insert(0, ${JSON.stringify(`${root}/python/node`)})
from pieces import say
say("node", node="n1")
say("ready", text=${JSON.stringify(text)} * 1000, number=1)
`;
    const { stdout, stderr } = await outcome([python.path, "-c", code], { sandbox });
    assert.equal(stderr, "");
    return stdout.trimEnd().split("\n");
  };
  const [one, other] = [await said("one\n"), await said("zwölf")];
  for (const line of [...one, ...other]) assert.ok(line.length < 1024, `${line.length}`);
  const mixed = ["a prolog's words"];
  for (let i = 0; i < Math.max(one.length, other.length); i++) {
    mixed.push(...[one[i], other[i]].filter((line) => line !== undefined));
  }
  const read = pieceReader();
  const objects = mixed.map(read).filter((object) => object !== null);
  assert.deepEqual(objects, [
    { node: "n1", type: "node" },
    { node: "n1", type: "node" },
    { text: "one\n".repeat(1000), number: 1, type: "ready" },
    { text: "zwölf".repeat(1000), number: 1, type: "ready" },
  ]);
});

Deno.test("pieceReader() passes over what isn't a helper's", () => {
  const read = pieceReader();
  const lines = ["", "rdg-helper", "rdg-helper n1:7 2 {}", "rdg-helper n1:7 0 {", "rdg-wake {}"];
  for (const line of lines) assert.equal(read(line), null, line);
  assert.deepEqual(read('0: rdg-helper n1:7 0 {"type":"done"}'), { type: "done" });
  // Below a terminal, which some schedulers give.
  assert.equal(read('rdg-helper n1:7 1 {"type":\r'), null);
  assert.deepEqual(read('rdg-helper n1:7 0 "done"}\r'), { type: "done" });
});
