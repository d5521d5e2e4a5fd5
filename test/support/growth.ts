/**
 * How the work of a function grows with its input.
 *
 * @module
 */

import assert from "node:assert/strict";

/** How much larger the large input is. */
const factor = 8;

const libc = Deno.dlopen("libc.so.6", {
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
});
/** `CLOCK_THREAD_CPUTIME_ID`: other test files run in other threads of this process. */
const ownThread = 3;

/** Processor time of this thread so far, in microseconds. */
function used(): number {
  const time = new BigInt64Array(2);
  assert.equal(libc.symbols.clock_gettime(ownThread, time), 0);
  return Number(time[0]! * 1_000_000n + time[1]! / 1000n);
}

/** Processor time of one call, in microseconds: what else is done meanwhile doesn't count. */
function cost(work: () => void): number {
  const before = used();
  work();
  return used() - before;
}

/**
 * Asserts that eight times as much takes eight times as long, not 64 times.
 *
 * @param prepare Makes the input of a size, and returns the work on it.
 * @param size The small one of two sizes; its work should take some milliseconds.
 */
export function assertLinear(prepare: (size: number) => () => void, size: number): void {
  const least = (size: number) => {
    const work = prepare(size);
    return Math.min(...Array.from({ length: 3 }, () => cost(work)));
  };
  const [small, large] = [least(size), least(factor * size)];
  assert.ok(
    large < 3 * factor * small,
    `${small} µs became ${large} µs on ${factor} times as much`,
  );
}
