/**
 * Reads JSON with comments as a tree with offsets, and finds its way in it: where a comma stands,
 * how a line is indented, what a new element should look like. Pure; touches nothing.
 *
 * @module
 */

import {
  createScanner,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";

/** Plain JSON. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** A text with its tree. */
export interface Document {
  /** The text without its byte order mark. */
  text: string;
  /** The byte order mark, or nothing. */
  bom: string;
  /** The value; undefined where there are only blanks and comments. */
  root: Node | undefined;
  /** What ends its lines. */
  eol: string;
  /** One step of indentation. */
  unit: string;
}

/** Kinds of tokens as jsonc-parser's scanner numbers them (its enum is erased when imported). */
const Token = {
  comma: 5,
  lineComment: 12,
  blockComment: 13,
  lineBreak: 14,
  blank: 15,
  end: 17,
} as const;

const bomMark = "\ufeff";

/**
 * Reads a text.
 *
 * @param source The text, with or without a byte order mark.
 * @returns Its tree and its habits.
 * @throws {SyntaxError} when it is no JSON even with comments and trailing commas allowed.
 */
export function readDocument(source: string): Document {
  const bom = source.startsWith(bomMark) ? bomMark : "";
  const text = source.slice(bom.length);
  const habits = { text, bom, eol: /\r\n|\n|\r/.exec(text)?.[0] ?? "\n" };
  if (isTrivia(text)) return { ...habits, root: undefined, unit: "  " };
  const errors: ParseError[] = [];
  let root: Node | undefined;
  try {
    root = parseTree(text, errors, { allowTrailingComma: true });
  } catch (error) {
    if (error instanceof RangeError) throw new SyntaxError("It is nested too deeply");
    throw error;
  }
  const [first] = errors;
  if (first || !root) {
    const offset = first?.offset ?? 0;
    const lines = text.slice(0, offset).split(/\r\n|\n|\r/);
    throw new SyntaxError(
      `${first ? printParseErrorCode(first.error) : "No value"} in line ${lines.length}, column ${
        lines.at(-1)!.length + 1
      }`,
    );
  }
  return { ...habits, root, unit: indentUnit(text, root) };
}

/** Whether a text holds only blanks and comments. */
function isTrivia(text: string): boolean {
  const scanner = createScanner(text);
  for (;;) {
    const kind: number = scanner.scan();
    if (scanner.getTokenError() !== 0) return false;
    if (kind === Token.end) return true;
    if (kind < Token.lineComment || kind > Token.blank) return false;
  }
}

/** One step of indentation: that of the first child which stands on a line of its own. */
function indentUnit(text: string, root: Node): string {
  const child = root.children?.[0];
  const before = child && text.slice(root.offset + 1, child.offset);
  const indent = before && /[\r\n]([ \t]+)$/.exec(before)?.[1];
  if (indent) return indent;
  return /[\r\n]\t/.test(text) ? "\t" : "  ";
}

/**
 * Writes a value so that it fits in with the document.
 *
 * @param value The value.
 * @param options The document's habits, and the indentation of the line that the value begins on.
 * @returns Text of one or more lines, the first without indentation.
 */
export function render(
  value: Json,
  options: { eol: string; unit: string; indent: string },
): string {
  const lines = JSON.stringify(value, null, options.unit).split("\n");
  return lines.join(options.eol + options.indent);
}

/** Blanks at the beginning of the line that an offset lies in. */
export function lineIndent(text: string, offset: number): string {
  let start = offset;
  while (start > 0 && !isBreak(text[start - 1])) start--;
  return /^[ \t]*/.exec(text.slice(start, offset))![0];
}

/** Whether a character ends a line. */
export function isBreak(character: string | undefined): boolean {
  return character === "\n" || character === "\r";
}

/**
 * Goes over blanks and comments that stand on the same line.
 *
 * @returns Where the line ends; undefined when something else follows first.
 */
export function restOfLine(text: string, offset: number): number | undefined {
  const scanner = createScanner(text);
  scanner.setPosition(offset);
  for (;;) {
    const kind: number = scanner.scan();
    const start = scanner.getTokenOffset();
    const end = start + scanner.getTokenLength();
    if (kind === Token.lineBreak) return start;
    if (kind === Token.blank || kind === Token.lineComment) continue;
    if (kind === Token.blockComment && !/[\r\n]/.test(text.slice(start, end))) continue;
    return undefined;
  }
}

/**
 * Finds the comma that follows an element, over blanks and comments.
 *
 * @returns Its offset; undefined when there is none.
 */
export function commaAfter(text: string, offset: number): number | undefined {
  const scanner = createScanner(text, true);
  scanner.setPosition(offset);
  const kind: number = scanner.scan();
  return kind === Token.comma ? scanner.getTokenOffset() : undefined;
}

/**
 * Finds a property; of several with the same name the last, as every reader does.
 *
 * @returns The property's node, whose children are the key and the value.
 */
export function findProperty(object: Node, name: string): Node | undefined {
  return object.children?.findLast((property) => property.children?.[0]?.value === name);
}

/** The value that a tree stands for; of properties of one name the last. */
export function valueOf(node: Node): Json {
  if (node.type === "array") return (node.children ?? []).map(valueOf);
  if (node.type !== "object") return node.value as Json;
  const entries: [string, Json][] = [];
  for (const property of node.children ?? []) {
    const [key, value] = property.children ?? [];
    if (key && value) entries.push([String(key.value), valueOf(value)]);
  }
  return Object.fromEntries(entries);
}

/** Whether two values are the same; the order of properties doesn't count. */
export function same(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length &&
      a.every((item, index) => same(item, b[index]));
  }
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
}
