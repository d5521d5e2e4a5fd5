/**
 * The reader of faulthandler's dumps: captured ones of each Python version, and what a dump can be
 * besides whole. Pure, but for reading the captured files.
 */

import assert from "node:assert/strict";
import { parseDump } from "../../python/dump.ts";

const folder = new URL("testdata/dumps/", import.meta.url);

function captured(name: string): string {
  return Deno.readTextFileSync(new URL(name, folder));
}

for (const version of ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"]) {
  Deno.test(`parseDump() reads threads of Python ${version}, the main one first`, () => {
    const { threads, cut } = parseDump(captured(`${version}-threads.txt`), { complete: true });
    assert.equal(cut, false);
    assert.deepEqual(threads.map(({ main, frames }) => [main, frames.length]), [
      [true, 1],
      [false, 6],
      [false, 6],
    ]);
    assert.equal(threads[0]!.frames[0]!.function, "<module>");
    assert.equal(threads[0]!.frames[0]!.line, 16);
    assert.deepEqual(threads[1]!.frames.map((frame) => frame.function), [
      ...["wait", "get", "waiter", "run", "_bootstrap_inner", "_bootstrap"],
    ]);
    assert.match(threads[1]!.frames[0]!.file, /\/python3\.\d+\/threading\.py$/);
  });
}

for (const version of ["3.8", "3.13"]) {
  Deno.test(`parseDump() says that frames beyond 100 are missing (Python ${version})`, () => {
    const { threads, cut } = parseDump(captured(`${version}-deep.txt`), { complete: true });
    assert.equal(cut, false);
    const [main, deep] = threads;
    assert.equal(main!.main, true);
    assert.equal(deep!.frames.length, 100);
    assert.deepEqual([main!.cut, deep!.cut], [false, true]);
  });
}

Deno.test("parseDump() says that threads beyond 100, the main one first of all, are missing", () => {
  const { threads, cut } = parseDump(captured("3.12-many.txt"), { complete: true });
  assert.equal(cut, true);
  assert.equal(threads.length, 100);
  assert.deepEqual(threads.filter(({ main }) => main), []);
});

Deno.test("parseDump() reads names of threads, and passes over the C stack (Python 3.14)", () => {
  for (const name of ["3.14-threads.txt", "3.14-fatal.txt"]) {
    const { threads, cut } = parseDump(captured(name), { complete: true });
    assert.equal(cut, false);
    assert.deepEqual(threads.map(({ name, note, frames }) => [name, note, frames.length]), [
      ["python3.14", null, 1],
      ["loader-with-a-l", null, 6],
      ["loader ü (1)", null, 6],
    ]);
  }
});

Deno.test("parseDump() gives letters back that faulthandler escapes", () => {
  const { threads } = parseDump(captured("3.11-unicode.txt"), { complete: true });
  assert.equal(threads[1]!.frames[0]!.function, "größe");
  const text = 'Thread 0x1 (most recent call first):\n  File "/a\\x5cb\\u2019", line 1 in \\x0a\n';
  const [thread] = parseDump(text, { complete: true }).threads;
  assert.deepEqual(thread!.frames[0], { file: "/a\\x5cb’", line: 1, function: "\\x0a" });
});

Deno.test("parseDump() drops half a line, and doubts the thread it stood in", () => {
  const whole = captured("3.11-threads.txt");
  for (let length = 0; length < whole.length; length += 7) {
    const { threads, cut } = parseDump(whole.slice(0, length), { complete: false });
    assert.equal(cut, true);
    for (const { frames } of threads) {
      for (const { function: name, line } of frames) {
        assert.ok(
          ["wait", "get", "waiter", "run", "_bootstrap_inner", "_bootstrap", "<module>"].includes(
            name,
          ),
        );
        assert.ok(line! > 5);
      }
    }
    if (threads.length > 0) assert.equal(threads.at(-1)!.cut || threads[0]!.cut, true);
  }
});

Deno.test("parseDump() takes the last of several dumps", () => {
  const first = captured("3.11-threads.txt");
  const second = captured("3.11-unicode.txt");
  const { threads } = parseDump(first + second, { complete: true });
  assert.equal(threads.length, 2);
  assert.equal(threads[1]!.frames[0]!.function, "größe");
});

Deno.test("parseDump() reads what later versions add: names, freed frames, no GIL", () => {
  const text = [
    "Thread 0x00007f01 [worker (1)] (most recent call first):",
    "  File ???, line ??? in ???",
    "  <truncated rest of calls>",
    "",
    "Thread 0x00007f02 [io] (most recent call first):",
    "  <tstate is freed>",
    "",
    "Current thread 0x00007f03 [python3.14] (most recent call first):",
    "  Garbage-collecting",
    '  File "a", line 3 in b", line 7 in c',
    "",
  ].join("\n");
  const { threads } = parseDump(text, { complete: true });
  assert.deepEqual(threads, [
    {
      ...{ id: "00007f03", name: "python3.14", main: true, cut: false, note: "Garbage-collecting" },
      frames: [{ file: 'a", line 3 in b', line: 7, function: "c" }],
    },
    {
      ...{ id: "00007f01", name: "worker (1)", main: false, cut: true, note: null },
      frames: [{ file: "???", line: null, function: "???" }],
    },
    { id: "00007f02", name: "io", main: false, cut: false, note: "tstate is freed", frames: [] },
  ]);
  const free = "<Cannot show all threads while the GIL is disabled>\n" +
    text.slice(text.indexOf("Cur"));
  assert.equal(parseDump(free, { complete: true }).cut, true);
});

Deno.test("parseDump() finds nothing in another program's text", () => {
  for (const text of ["", "\n", 'File "x", line 1 in y\n', "{", "{}", "\0\xff"]) {
    assert.deepEqual(parseDump(text, { complete: true }).threads, []);
  }
});

Deno.test("parseDump() reads py-spy's JSON", () => {
  const { threads } = parseDump(captured("py-spy-0.4.json"), { complete: true, via: "py-spy" });
  assert.deepEqual(threads, [{
    ...{ id: "139682180569984", name: "MainThread", main: true, cut: false, note: null },
    frames: [{ file: "<string>", line: 1, function: "<module>" }],
  }]);
});
