/**
 * Merging, writing and comparing of stacks. Pure.
 */

import assert from "node:assert/strict";
import { formatRanks, inRanks, parseRanks } from "../../../commands/_ranks.ts";
import { compare } from "../../../commands/stack/changes.ts";
import { groupsOf, mergeSnapshot } from "../../../commands/stack/merge.ts";
import { fold, isLibrary, placer } from "../../../commands/stack/places.ts";
import { namer } from "../../../commands/stack/snapshot.ts";
import { renderMissing, renderText } from "../../../commands/stack/text.ts";
import type { Marks } from "../../../commands/stack/changes.ts";
import type { Snapshot } from "../../../commands/stack/snapshot.ts";
import { answered, frame, missing, snapshot, torch } from "./_processes.ts";

const plain = { verbose: false, width: 200 };

function lines(look: Snapshot, marks?: Marks): string[] {
  return renderText(look, mergeSnapshot(look), { ...plain, marks });
}

const step = [frame("step", 88), frame("main", 120), frame("<module>", 140)];

/** 512 ranks, of which one loads data. */
function hang(): Snapshot {
  return snapshot(Array.from({ length: 512 }, (_, rank) =>
    answered({
      rank,
      node: `n${rank % 8}`,
      frames: rank === 37
        ? [frame("load_batch", 14, "/home/ada/data.py"), ...step]
        : [torch("all_reduce", 2501), ...step],
    })));
}

Deno.test("formatRanks() writes what parseRanks() reads", () => {
  assert.equal(formatRanks([]), "");
  assert.equal(formatRanks([3]), "3");
  assert.equal(formatRanks([2, 0, 1, 7, 5, 6, 5]), "0-2,5-7");
  const ranks = Array.from({ length: 512 }, (_, rank) => rank).filter((rank) => rank !== 37);
  assert.equal(formatRanks(ranks), "0-36,38-511");
  for (let rank = 0; rank < 520; rank++) {
    assert.equal(inRanks(rank, parseRanks(formatRanks(ranks))), ranks.includes(rank));
  }
});

Deno.test("mergeSnapshot() branches where ranks part, the fewest first", () => {
  const { main } = mergeSnapshot(hang());
  assert.equal(main.children.length, 1);
  const at = main.children[0]!.children[0]!.children[0]!;
  assert.equal(at.frame!.function, "step");
  assert.deepEqual(
    at.children.map(({ frame, processes }) => [frame!.function, processes.length]),
    [["load_batch", 1], ["all_reduce", 511]],
  );
  assert.deepEqual(
    groupsOf(main).map(({ processes, frames }) => [processes.length, frames.length]),
    [
      [1, 4],
      [511, 4],
    ],
  );
});

Deno.test("renderText() names the rank that is elsewhere in its first line", () => {
  assert.deepEqual(lines(hang()), [
    "rank 37 in load_batch data.py:14",
    "511 ranks (0-36,38-511) in step train.py:88 → all_reduce torch/distributed/c10d.py:2501",
    "",
    "Main threads",
    "└─ all 512 ranks",
    "   <module>  train.py:140",
    "   main      train.py:120",
    "   step      train.py:88",
    "   ├─ rank 37",
    "   │  load_batch  data.py:14",
    "   └─ 511 ranks (0-36,38-511)",
    "      all_reduce  torch/distributed/c10d.py:2501",
  ]);
});

Deno.test("renderText() shows who is in a function that others have gone on from", () => {
  const look = snapshot([
    answered({ rank: 0, frames: step }),
    answered({ rank: 1, frames: [frame("inner", 5), ...step] }),
    answered({ rank: 2, frames: [frame("inner", 5), ...step] }),
  ]);
  const text = lines(look).join("\n");
  assert.match(text, /step {6}train\.py:88\n {3}├─ rank 0 \(right here\)\n {3}└─ 2 ranks \(1-2\)/);
});

Deno.test("renderText() keeps ranks with different code, and different programs, apart", () => {
  const other = answered({ rank: 1, frames: [frame("step", 88, "/scratch/copy/train.py")] });
  const look = snapshot([answered({ rank: 0, frames: [frame("step", 88)] }), other]);
  assert.deepEqual(lines(look).slice(0, 2), [
    "rank 0 in step ada/train.py:88",
    "rank 1 in step copy/train.py:88",
  ]);
});

Deno.test("renderText() puts other threads and helper processes below", () => {
  const waiting = [torch("wait", 3)];
  const look = snapshot([
    answered({ rank: 0, frames: step, others: [waiting, waiting] }),
    answered({ rank: 1, frames: step, others: [waiting] }),
    answered({ rank: 1, pid: 77, child: true, frames: [frame("work", 9)] }),
  ]);
  const text = lines(look).join("\n");
  assert.match(text, /^all 2 ranks in step train\.py:88\n\nMain threads\n└─ all 2 ranks\n/);
  assert.match(text, /Helper processes, main threads\n└─ PID 77 \(below rank 1\)\n {3}work/);
  assert.match(text, /Other threads\n└─ all 2 ranks, 3 threads\n {3}wait/);
});

Deno.test("renderText() stays whole with processes that show nothing", () => {
  const look = snapshot([
    answered({ rank: 0, frames: [] }),
    { ...answered({ rank: 1, frames: [] }), dump: { threads: [], cut: true } },
  ]);
  assert.equal(lines(look)[0], "rank 0 in (no Python frame)");
  assert.match(renderMissing(look).join("\n"), /No stacks of rank 1 .*: what came back holds no/);
  assert.deepEqual(lines(snapshot([])), []);
});

Deno.test("renderText() lets no control character of a name reach the terminal", () => {
  const look = snapshot([answered({ rank: 0, frames: [frame("\x1b[2J", 1, "/a\x07/b\n.py")] })]);
  // deno-lint-ignore no-control-regex -- these must not come
  for (const line of lines(look)) assert.doesNotMatch(line, /[\x00-\x1f]/);
});

Deno.test("renderText() puts the first crash first, however many are where it is", () => {
  const crash = (time: number, exception: string) => ({ crash: { time, exception } });
  const look = snapshot([
    answered({ rank: 0, frames: [frame("step", 4)] }),
    { ...answered({ rank: 1, frames: [frame("hook", 9)] }), ...crash(103.5, "KeyError: b") },
    { ...answered({ rank: 2, frames: [frame("hook", 9)] }), ...crash(100, "ValueError: a") },
  ]);
  const [first, second, third, fourth] = renderText(look, mergeSnapshot(look), {
    verbose: false,
    width: Infinity,
  });
  assert.deepEqual([first, second], [
    "rank 2 crashed: ValueError: a",
    "rank 1 crashed 3.5 s later: KeyError: b",
  ]);
  assert.match(third!, /^2 ranks \(1-2\) in hook/);
  assert.match(fourth!, /^rank 0 in step/);
});

Deno.test("renderMissing() gathers equal reasons", () => {
  const look = snapshot(
    [answered({ rank: 0, frames: step })],
    [missing(3, "the process has ended"), missing(4, "the process has ended"), missing(9, "why")],
  );
  assert.deepEqual(renderMissing(look), [
    "No stacks of 2 ranks (3-4): the process has ended",
    "No stacks of rank 9 (PID 109 on n1): why",
  ]);
});

Deno.test("namer() uses PIDs and nodes where a rank doesn't tell", () => {
  const a = answered({ rank: 0, pid: 5, node: "n1" });
  const b = answered({ rank: 0, pid: 5, node: "n2" });
  const c = answered({ rank: null, pid: 7, node: "n1" });
  const who = namer(snapshot([a, b, c]));
  assert.equal(who([a]), "PID 5 on n1 (rank 0)");
  assert.equal(who([a, b]), "2 processes (PID 5 on n1 (rank 0), PID 5 on n2 (rank 0))");
  assert.equal(who([c]), "PID 7 on n1");
  assert.equal(namer(snapshot([c]))([c]), "PID 7");
});

Deno.test("compare() marks who moved, who is new, who is gone", () => {
  const [a, b, c] = [0, 1, 2].map((rank) => answered({ rank, frames: step }));
  const first = compare(snapshot([a!, b!, c!], [], 1000), undefined);
  assert.equal(first.marks, undefined);
  const moved = { ...b!, dump: answered({ rank: 1, frames: step.slice(1) }).dump };
  const fresh = answered({ rank: 2, pid: 555, frames: step });
  const look = snapshot([a!, moved, fresh], [], 11_000);
  const second = compare(look, first.memory);
  assert.deepEqual([a!, b!, fresh].map(({ key }) => second.marks!.get(key)), [
    { kind: "same", forS: 10 },
    { kind: "moved" },
    { kind: "new" },
  ]);
  assert.deepEqual(second.ended.map(({ pid }) => pid), [c!.pid]);
  assert.deepEqual(lines(look, second.marks).slice(0, 2), [
    "rank 1 in main train.py:120  * moved",
    "2 ranks (0,2) in step train.py:88  * 1 of 2 moved",
  ]);
  const silent = compare(
    snapshot([moved, fresh], [{ ...missing(0, "late"), key: a!.key }], 12_000),
    second.memory,
  );
  assert.deepEqual(silent.ended, []);
  const third = compare(snapshot([a!, moved, fresh], [], 21_000), silent.memory);
  assert.deepEqual(third.marks!.get(a!.key), { kind: "same", forS: 20 });
});

Deno.test("fold() shortens long runs of library frames and recursion, and nothing else", () => {
  const library = Array.from({ length: 5 }, (_, i) => torch(`f${i}`, i));
  const own = frame("own", 1);
  const names = (all: boolean, ...frames: Parameters<typeof fold>[0]) =>
    fold(frames, { all }).map((line) =>
      "folded" in line ? `…${line.folded}` : `${line.frame.function}×${line.times}`
    );
  assert.deepEqual(names(false, own, ...library), ["own×1", "f0×1", "…3", "f4×1"]);
  assert.deepEqual(names(false, ...library, own), ["…5", "own×1"]);
  assert.deepEqual(names(false, ...library), ["f0×1", "…3", "f4×1"]);
  assert.deepEqual(names(false, own, ...library.slice(2), own), [
    ...["own×1", "f2×1", "f3×1", "f4×1", "own×1"],
  ]);
  assert.deepEqual(names(false, own, own, own), ["own×3"]);
  assert.equal(names(true, own, ...library).length, 6);
});

Deno.test("isLibrary() knows packages, the standard library and rdg, not a home of the same name", () => {
  const library = [
    "/usr/lib/python3.11/threading.py",
    "/usr/lib/python3/dist-packages/numpy/core.py",
    "/opt/conda/envs/x/lib/python3.13t/queue.py",
    "/home/ada/venv/lib64/python3.9/site-packages/torch/nn/modules/module.py",
    "/home/ada/.cache/rdg/debugpy/cpython-311-x86_64/debugpy/server/api.py",
    "<frozen runpy>",
  ];
  for (const file of library) assert.ok(isLibrary(frame("f", 1, file)), file);
  for (const file of ["/home/ada/python3.11/train.py", "train.py", "<string>", "<stdin>", "???"]) {
    assert.ok(!isLibrary(frame("f", 1, file)), file);
  }
  const place = placer([]);
  assert.equal(place(frame("f", 7, library[3]!)), "torch/nn/modules/module.py:7");
  assert.equal(place(frame("f", 7, library[0]!)), "threading.py:7");
});
