/**
 * Takes entries out of a JSON file with comments again, so that what was there before is left, byte
 * for byte. The layouts that tell apart what rdg added stand in `_jsonc_edit.ts`. Pure.
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
  readDocument,
  same,
  valueOf,
} from "./_jsonc.ts";
import {
  entries,
  isHugging,
  locate,
  type Part,
  type Shape,
  type Splice,
  splice,
} from "./_jsonc_shape.ts";

/**
 * Takes out what `applyShape` put in.
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
