/**
 * Files that are rdg's own from the first to the last byte, for configurations that are code and
 * can't be merged into safely (Lua, elisp). Pure.
 *
 * @module
 */

import type { FileEdit } from "../contract.ts";

/** Whether to go over hand-made changes, and what the file is called. */
export interface DropInOptions {
  /** Replace, or take away, a file that was changed by hand. */
  force?: boolean | undefined;
  /** What the file is called. */
  file: string;
}

/**
 * The text of a drop-in file.
 *
 * @param oldText What is there, or `null`.
 * @param wanted What should be there.
 * @param options The file's name; `force` replaces a file that differs.
 * @returns The wanted text, or the old one with a note.
 */
export function applyDropIn(
  oldText: string | null,
  wanted: string,
  options: DropInOptions,
): FileEdit {
  if (oldText === null || oldText.trim() === "" || options.force) return { text: wanted };
  if (oldText === wanted) return { text: oldText };
  return {
    text: oldText,
    notes: [
      `${options.file} differs from what rdg would write: left as it is (--force replaces it)`,
    ],
  };
}

/** Takes the file away when it is still as it was written. */
export function removeDropIn(oldText: string, wanted: string, options: DropInOptions): FileEdit {
  if (oldText === wanted || options.force) return { text: null };
  return {
    text: oldText,
    notes: [`${options.file} was changed by hand: left as it is (--force takes it away)`],
  };
}
