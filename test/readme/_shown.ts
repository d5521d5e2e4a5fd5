/**
 * The blocks of the README of this checkout: finds one by its first line, and compares what was printed
 * with what it shows. Reads the README.
 *
 * @module
 */

import assert from "node:assert/strict";
import { root } from "../support/python.ts";
import { type Block, blocksOf, differs } from "./_blocks.ts";

/** All blocks. */
export const blocks: readonly Block[] = blocksOf(await Deno.readTextFile(`${root}/README.md`));

/** The program that the README's commands start. */
export const trainPy: string = await Deno.readTextFile(new URL("train.py", import.meta.url));

/** The blocks that begin so, `from` the how-manyth; there has to be one. */
export function block(starts: string, from = 0): Block {
  const found = blocks.filter(({ lines }) => lines[0]?.startsWith(starts))[from];
  assert(found, `README.md has no block that begins with "${starts}"`);
  return found;
}

/** Fails where a program printed something else than the README shows. */
export function compare(shown: Block, printed: string): void {
  const lines = shown.lines[0]?.startsWith("$ ") ? shown.lines.slice(1) : shown.lines;
  const difference = differs(lines, printed.split("\n"));
  assert(difference === null, `README.md:${shown.line}\n${difference}\nall of it:\n${printed}`);
}
