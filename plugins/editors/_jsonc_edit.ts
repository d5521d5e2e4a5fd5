/**
 * Puts entries into a JSON file with comments and takes them out again, byte for byte. Pure.
 *
 * Every insertion is undone by the matching removal, whatever stood there before. For that, three
 * layouts are kept apart: an entry put before others brings its own comma; entries put into a list
 * that was there but empty stand right behind the bracket (`[{ … }]`); a list that rdg itself adds
 * begins on a new line. jsonc-parser's own `modify` isn't used: it re-lays neighbouring entries and
 * moves a comment behind the last one (seen with 3.3.1).
 *
 * @module
 */

import { type Node, stripComments } from "jsonc-parser";
import type { FileEdit } from "../contract.ts";
import {
  commaAfter,
  type Document,
  findProperty,
  isBreak,
  type Json,
  lineIndent,
  readDocument,
  render,
  restOfLine,
  same,
  valueOf,
} from "./_jsonc.ts";

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
interface Splice {
  from: number;
  to: number;
  text: string;
}

/**
 * Adds what is missing.
 *
 * @param oldText The file, or `null` where there is none.
 * @param shape What is wanted.
 * @param options `force` replaces entries that differ.
 * @returns The new text, and notes on entries that were left alone.
 * @throws {SyntaxError} when the file is no JSON with comments, or has another shape.
 */
export function applyShape(
  oldText: string | null,
  shape: Shape,
  options: { force?: boolean | undefined },
): FileEdit {
  let text = oldText ?? "";
  const blank = readDocumentOrFresh(text);
  if (blank) {
    const gap = blank.text === "" || isBreak(blank.text.at(-1)) ? "" : blank.eol;
    const body = JSON.stringify(freshValue(shape), null, 2).replaceAll("\n", blank.eol);
    return { text: `${blank.bom}${blank.text}${gap}${body}${blank.eol}` };
  }
  const notes: string[] = [];
  for (const part of shape.parts) text = applyPart(text, part, { ...options, notes });
  return { text, ...(notes.length ? { notes } : {}) };
}

/** The document when it holds no value, so that a whole new one is due. */
function readDocumentOrFresh(text: string): Document | undefined {
  const document = readDocument(text);
  return document.root ? undefined : document;
}

/** What a new file holds. */
function freshValue(shape: Shape): Json {
  const value: { [key: string]: Json } = { ...shape.fresh };
  for (const part of shape.parts) {
    if (part.property === undefined) return container(part, part.items);
    value[part.property] = container(part, part.items);
  }
  return value;
}

/** A part as a value. */
function container(part: Part, items: readonly Wanted[]): Json {
  if (part.key !== undefined) return items.map(({ value }) => value);
  return Object.fromEntries(items.map(({ key, value }) => [key, value]));
}

function applyPart(
  source: string,
  part: Part,
  options: { force?: boolean | undefined; notes: string[] },
): string {
  const document = readDocument(source);
  const place = locate(document, part);
  if (!place.node) {
    const property = JSON.stringify(part.property);
    const indent = lineIndent(document.text, place.root.offset) + document.unit;
    const value = render(container(part, part.items), { ...document, indent });
    return splice(document, [append(document, place.root, `${property}: ${value}`)]);
  }
  const missing: Wanted[] = [];
  const replaced: Splice[] = [];
  for (const item of part.items) {
    const found = entries(place.node, part).filter((entry) => entry.key === item.key);
    const other = found.at(-1);
    if (!other) missing.push(item);
    else if (item.lenient || found.some(({ value }) => same(valueOf(value), item.value))) continue;
    else if (options.force) {
      const { offset, length } = other.value;
      const indent = lineIndent(document.text, other.node.offset);
      replaced.push({
        from: offset,
        to: offset + length,
        text: render(item.value, { ...document, indent }),
      });
    } else {
      options.notes.push(
        `"${item.key}" is there but differs from what rdg would write: left as it is (--force replaces it)`,
      );
    }
  }
  const added = missing.length ? insert(document, place.node, { part, items: missing }) : [];
  return splice(document, [...replaced, ...added]);
}

/** Finds the list or object of a part. */
function locate(document: Document, part: Part): { root: Node; node: Node | undefined } {
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
interface Entry {
  key: string | undefined;
  /** The whole of it. */
  node: Node;
  /** Its value. */
  value: Node;
}

function entries(node: Node, part: Part): Entry[] {
  return (node.children ?? []).map((child) => {
    if (part.key === undefined) {
      return { key: String(child.children?.[0]?.value), node: child, value: child.children![1]! };
    }
    const named = child.type === "object" ? findProperty(child, part.key) : undefined;
    return { key: named?.children?.[1]?.value as string | undefined, node: child, value: child };
  });
}

/** Puts entries into a list (in front) or an object (at the end). */
function insert(
  document: Document,
  node: Node,
  options: { part: Part; items: readonly Wanted[] },
): Splice[] {
  const { text, eol, unit } = document;
  const [first] = node.children ?? [];
  const line = (item: Wanted, indent: string) => {
    const value = render(item.value, { eol, unit, indent });
    return options.part.key === undefined ? `${JSON.stringify(item.key)}: ${value}` : value;
  };
  if (!first) {
    const indent = lineIndent(text, node.offset);
    const at = node.offset + 1;
    return [{ from: at, to: at, text: options.items.map((item) => line(item, indent)).join(", ") }];
  }
  if (options.part.key === undefined) {
    const indent = childIndent(document, node);
    const body = options.items.map((item) => line(item, indent)).join(`,${eol}${indent}`);
    return append(document, node, body);
  }
  const indent = childIndent(document, node);
  const at = restOfLine(text, node.offset + 1) ?? node.offset + 1;
  const body = options.items.map((item) => `${eol}${indent}${line(item, indent)},`).join("");
  return [{ from: at, to: at, text: body }];
}

/** Indentation of a container's children. */
function childIndent(document: Document, node: Node): string {
  const { text, unit } = document;
  const first = node.children?.[0];
  const before = first && text.slice(node.offset, first.offset);
  if (first && before && /[\r\n]/.test(before)) return lineIndent(text, first.offset);
  return lineIndent(text, node.offset) + unit;
}

/** Puts a property behind an object's last one, keeping to its way with trailing commas. */
function append(document: Document, object: Node, property: string): Splice[] {
  const { text, eol } = document;
  const last = object.children?.at(-1);
  if (!last) return [{ from: object.offset + 1, to: object.offset + 1, text: property }];
  const indent = childIndent(document, object);
  const end = last.offset + last.length;
  const comma = commaAfter(text, end);
  const after = comma === undefined ? end : comma + 1;
  const at = restOfLine(text, after) ?? after;
  const trailing = comma === undefined ? "" : ",";
  const body: Splice = { from: at, to: at, text: `${eol}${indent}${property}${trailing}` };
  return comma === undefined ? [{ from: end, to: end, text: "," }, body] : [body];
}

/** Applies splices, given as one list or nested ones; those at one offset keep their order. */
function splice(document: Document, splices: readonly (Splice | Splice[])[]): string {
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

/**
 * Takes out what {@linkcode applyShape} put in.
 *
 * @param oldText The file.
 * @param shape What had been wanted.
 * @param options `force` takes out entries of the same keys that differ, too.
 * @returns The new text, `null` when only what a new file holds is left, and notes.
 * @throws {SyntaxError} when the file is no JSON with comments, or has another shape.
 */
export function removeShape(
  oldText: string,
  shape: Shape,
  options: { force?: boolean | undefined },
): FileEdit {
  const { root, bom } = readDocument(oldText);
  if (!root) return { text: oldText };
  const notes: string[] = [];
  const [last, ...others] = shape.parts.toReversed();
  const without = (source: string) =>
    others.reduce((rest, part) => removePart(rest, part, { ...options, notes: [] }), source);
  const rest = shape.keep ? without(oldText) : "";
  const keep = (key: string) => shape.keep?.(key, rest) ?? false;
  let text = removePart(oldText, last!, { ...options, notes, keep });
  for (const part of others) text = removePart(text, part, { ...options, notes });
  if (text !== oldText && !isHugging(root)) text = bom + withoutFresh(text, shape);
  const empty = text !== oldText && !text.slice(bom.length).trim();
  return { text: empty ? null : text, ...(notes.length ? { notes } : {}) };
}

/** The text without its value, when only that is left which rdg writes into a new file besides. */
function withoutFresh(source: string, shape: Shape): string {
  const { root, text, eol } = readDocument(source);
  if (!root) return text;
  const end = root.offset + root.length;
  const list = shape.parts[0]!.property === undefined && shape.parts[0]!.key !== undefined;
  const fresh = JSON.stringify(list ? [] : { ...shape.fresh }, null, 2).replaceAll("\n", eol);
  if (text.slice(root.offset, end) !== fresh) return text;
  return text.slice(0, root.offset) + text.slice(end).replace(/^(\r\n|\n|\r)/, "");
}

function removePart(
  source: string,
  part: Part,
  options: { force?: boolean | undefined; notes: string[]; keep?(key: string): boolean },
): string {
  const document = readDocument(source);
  const { root, node } = locate(document, part);
  if (!node) return source;
  const all = entries(node, part);
  const mine = new Set<Node>();
  for (const item of part.items) {
    for (const entry of all.filter(({ key }) => key === item.key)) {
      if (options.keep?.(item.key)) continue;
      const untouched = same(valueOf(entry.value), item.value) && !hasComment(document, entry.node);
      if (untouched || options.force) mine.add(entry.node);
      else if (!item.lenient) {
        options.notes.push(
          `"${item.key}" was changed by hand: left as it is (--force takes it out)`,
        );
      }
    }
  }
  if (mine.size === 0) return source;
  const keptBracket = node === root || mine.size < all.length ||
    isHugging(node) || hasNotes(document, node);
  if (keptBracket) return splice(document, cut(document, node, mine));
  return splice(document, cut(document, root, new Set([findProperty(root, part.property!)!])));
}

/** Takes children out of a list or object, each with the comma that came with it. */
function cut(document: Document, node: Node, mine: ReadonlySet<Node>): Splice[] {
  const { text } = document;
  const children = node.children!;
  const last = children.at(-1)!;
  const end = last.offset + last.length;
  if (children.every((child) => mine.has(child)) && !hasNotes(document, node)) {
    const from = node.offset + 1;
    if (!isHugging(node)) return [{ from, to: node.offset + node.length - 1, text: "" }];
    const comma = commaAfter(text, end);
    return [
      { from, to: end, text: "" },
      ...(comma === undefined ? [] : [{ from: comma, to: comma + 1, text: "" }]),
    ];
  }
  const splices = children.filter((child) => mine.has(child)).map((child) =>
    lineOf(document, child)
  );
  const survivor = children.findLast((child) => !mine.has(child));
  if (survivor && survivor !== last && commaAfter(text, end) === undefined) {
    const comma = commaAfter(text, survivor.offset + survivor.length)!;
    splices.push({ from: comma, to: comma + 1, text: "" });
  }
  return splices;
}

/** Whether the first child stands right behind the bracket: then the bracket was there before rdg. */
function isHugging(node: Node): boolean {
  return node.children?.[0]?.offset === node.offset + 1;
}

/** Whether there are comments in a part of a container that would go with its children. */
function hasNotes(document: Document, node: Node): boolean {
  let rest = "";
  let at = node.offset + 1;
  for (const child of node.children ?? []) {
    rest += document.text.slice(at, child.offset);
    at = child.offset + child.length;
  }
  if (!isHugging(node)) rest += document.text.slice(at, node.offset + node.length - 1);
  return !/^[\s,]*$/.test(rest);
}

/** Whether somebody put a comment into an entry: then it isn't rdg's alone any more. */
function hasComment(document: Document, node: Node): boolean {
  const text = document.text.slice(node.offset, node.offset + node.length);
  return stripComments(text) !== text;
}

/** A child with its comma, and the line break and blanks before it. */
function lineOf(document: Document, child: Node): Splice {
  const { text } = document;
  let from = child.offset;
  while (text[from - 1] === " " || text[from - 1] === "\t") from--;
  if (isBreak(text[from - 1])) from -= text[from - 1] === "\n" && text[from - 2] === "\r" ? 2 : 1;
  else from = child.offset;
  const end = child.offset + child.length;
  const comma = commaAfter(text, end);
  return { from, to: comma === undefined ? end : comma + 1, text: "" };
}
