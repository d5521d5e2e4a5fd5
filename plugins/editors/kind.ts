/**
 * Whether a text is of the kind that an editor's plugin writes, for files whose name doesn't tell. Pure.
 *
 * @module
 */

import type { Node } from "jsonc-parser";
import { type Document, findProperty, readDocument } from "./_jsonc.ts";

/**
 * Says whether a text is surely such a file: JSON with one of the lists or objects that a new one holds.
 *
 * @param text What a file holds.
 * @param fresh What the plugin writes where there is no file.
 * @returns False also where it can't be told: for code, and for JSON that is an array or next to nothing.
 */
export function isOfKind(text: string, fresh: string): boolean {
  const wanted = rootOf(fresh);
  const found = rootOf(text);
  if (wanted?.type !== "object" || found?.type !== "object") return false;
  return (wanted.children ?? []).some(({ children: [key, value] = [] }) => {
    if (value?.type !== "array" && value?.type !== "object") return false;
    return findProperty(found, String(key?.value))?.children?.[1]?.type === value.type;
  });
}

function rootOf(text: string): Node | undefined {
  let document: Document;
  try {
    document = readDocument(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  return document.root;
}
