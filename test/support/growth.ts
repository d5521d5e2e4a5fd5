/**
 * How the work of a function grows with its input.
 *
 * @module
 */

import assert from "node:assert/strict";
import process from "node:process";

/** How much larger the large input is. */
const factor = 8;

/** Processor time of one call, in microseconds: what else the machine does doesn't count. */
function cost(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
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
