/** What is written, and where it can't be. */

import assert from "node:assert/strict";
import { styleText } from "node:util";
import { systemTerminal, writeAll } from "../../commands/_terminal.ts";
import { RdgError } from "../../plugins/error.ts";

Deno.test("style() marks text as node:util's styleText does, unless colours aren't wanted", () => {
  const coloured = systemTerminal((name) => name === "FORCE_COLOR" ? "1" : undefined);
  for (const style of ["bold", "dim", "red", "green", "yellow", "cyan"] as const) {
    assert.equal(coloured.style(style, "x"), styleText(style, "x", { validateStream: false }));
  }
  const plain = systemTerminal((name) => name === "NO_COLOR" || name === "FORCE_COLOR" ? "1" : "");
  assert.equal(plain.style("red", "x"), "x");
});

Deno.test("writeAll() goes on where the stream takes a part at a time", () => {
  const taken: number[] = [];
  const slow = {
    writeSync(bytes: Uint8Array) {
      taken.push(...bytes.subarray(0, 2));
      return Math.min(2, bytes.length);
    },
  };
  assert.equal(writeAll(slow, "träin"), true);
  assert.equal(new TextDecoder().decode(new Uint8Array(taken)), "träin");
});

Deno.test("writeAll() tells of a reader that has gone, and of a stream that can't be written to", () => {
  const failing = (error: Error) => ({
    writeSync(): number {
      throw error;
    },
  });
  assert.equal(writeAll(failing(new Deno.errors.BrokenPipe("gone")), "x"), false);
  assert.throws(() => writeAll(failing(new Error("No space left on device")), "x"), (error) => {
    assert.ok(error instanceof RdgError);
    assert.equal(error.message, "Cannot write the output");
    assert.match(String(error.cause), /No space left/);
    return true;
  });
});
