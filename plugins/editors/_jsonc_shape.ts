/**
 * What an editor's plugin wants in a JSON file with comments, and how it finds its way there. Pure.
 *
 * @module
 */

import type { Node } from "jsonc-parser";
import { type Document, findProperty, type Json } from "./_jsonc.ts";

/** One entry that is wanted. */
export interface Wanted {
  /** By what it is found again: the value of {@linkcode Part.key}, or the property's name. */
  key: string;
  /** What it should be. */
  value: Json;
  /** An entry of this key that differs is taken as it is, without a note (inputs). */
  lenient?: boolean;
}

/** A list, or an object, in which entries are wanted. */
export interface Part {
  /** Name of the property of the file's object that holds it; none: the file's value itself. */
  property?: string;
  /** In a list: the property that an entry is found by. Without it, the part is an object. */
  key?: string;
  /** The entries. */
  items: readonly Wanted[];
}

/** What is wanted in a file. */
export interface Shape {
  /** The parts, in the order in which a new file holds them. */
  parts: readonly Part[];
  /** What a new file holds besides. */
  fresh?: { [key: string]: Json };
  /** Whether an entry of the last part must stay, given the file without the other parts' entries. */
  keep?(key: string, rest: string): boolean;
}

/** A piece of text to put in place of another. */
export interface Splice {
  /** Where it begins. */
  from: number;
  /** Where it ends; the same as `from` where nothing is taken away. */
  to: number;
  /** What to put there. */
  text: string;
}

/**
 * Finds the list or object of a part.
 *
 * @returns The file's value, and the part's where it is there.
 * @throws {SyntaxError} when either is of another type than it should be.
 */
export function locate(document: Document, part: Part): { root: Node; node: Node | undefined } {
  const root = document.root!;
  const kind = part.key === undefined ? "object" : "array";
  let node: Node | undefined = root;
  if (part.property !== undefined) {
    if (root.type !== "object") throw new SyntaxError(`It holds no object but: ${root.type}`);
    node = findProperty(root, part.property)?.children?.[1];
  }
  if (node && node.type !== kind) {
    throw new SyntaxError(
      `${part.property ?? "The file"} should be an ${kind} but is: ${node.type}`,
    );
  }
  return { root, node };
}

/** An element or property with its key. */
export interface Entry {
  /** Its key; undefined for an element without one. */
  key: string | undefined;
  /** The whole of it. */
  node: Node;
  /** Its value. */
  value: Node;
}

/** The elements or properties of a part, each with its key. */
export function entries(node: Node, part: Part): Entry[] {
  return (node.children ?? []).map((child) => {
    if (part.key === undefined) {
      return { key: String(child.children?.[0]?.value), node: child, value: child.children![1]! };
    }
    const named = child.type === "object" ? findProperty(child, part.key) : undefined;
    return { key: named?.children?.[1]?.value as string | undefined, node: child, value: child };
  });
}

/** Applies splices, given as one list or nested ones; those at one offset keep their order. */
export function splice(document: Document, splices: readonly (Splice | Splice[])[]): string {
  const sorted = splices.flat().map((item, index) => ({ ...item, index }))
    .sort((a, b) => a.from - b.from || a.index - b.index);
  let text = "";
  let at = 0;
  for (const { from, to, text: body } of sorted) {
    text += document.text.slice(at, from) + body;
    at = to;
  }
  return document.bom + text + document.text.slice(at);
}

/** Whether the first child stands right behind the bracket: then the bracket was there before rdg. */
export function isHugging(node: Node): boolean {
  return node.children?.[0]?.offset === node.offset + 1;
}
