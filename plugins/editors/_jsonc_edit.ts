/**
 * Puts entries into a JSON file with comments; every other byte stays. Pure.
 *
 * Every insertion is undone by the matching removal (`_jsonc_remove.ts`), whatever stood there
 * before. For that, three layouts are kept apart: an entry put before others brings its own comma;
 * entries put into a list that was there but empty stand right behind the bracket (`[{ … }]`); a list
 * that rdg itself adds begins on a new line. jsonc-parser's own `modify` isn't used: it re-lays
 * neighbouring entries and moves a comment behind the last one (seen with 3.3.1).
 *
 * @module
 */

import type { Node } from "jsonc-parser";
import type { FileEdit } from "../contract.ts";
import {
  commaAfter,
  type Document,
  isBreak,
  type Json,
  lineIndent,
  readDocument,
  render,
  restOfLine,
  same,
  valueOf,
} from "./_jsonc.ts";
import {
  entries,
  locate,
  type Part,
  type Shape,
  type Splice,
  splice,
  type Wanted,
} from "./_jsonc_shape.ts";

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
  const indent = childIndent(document, node);
  if (options.part.key === undefined) {
    const body = options.items.map((item) => line(item, indent)).join(`,${eol}${indent}`);
    return append(document, node, body);
  }
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
