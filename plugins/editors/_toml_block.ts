/**
 * A block between two comments in a TOML file, and as much of TOML as is needed to find its place:
 * tables, their keys, and where strings and lists go over several lines. Pure.
 *
 * @module
 */

const begin = "# >>> rdg >>> written by rdg init; rdg init --remove takes it out";
const finish = "# <<< rdg <<<";

/** A table of the file. */
export interface Table {
  /** Its dotted name without quotes or blanks. */
  name: string;
  /** The keys that stand directly in it, with the raw beginning of their values. */
  keys: Map<string, string>;
  /** Offset behind its last line that is neither blank nor comment. */
  contentEnd: number;
}

/**
 * Reads a file's tables.
 *
 * @param text The file.
 * @returns The tables in order; the offset behind the last content; whether `language` is a list
 *   written inline.
 * @throws {SyntaxError} when a string or list isn't closed.
 */
export function readHeaders(
  text: string,
): { headers: Table[]; end: number; inlineLanguage: boolean } {
  const headers: Table[] = [];
  let table: Table = { name: "", keys: new Map(), contentEnd: 0 };
  const top = table;
  let open: State = { quote: "", depth: 0 };
  let end = 0;
  for (const match of text.matchAll(/[^\r\n]*(?:\r\n|\n|\r|$)/g)) {
    const line = match[0].replace(/[\r\n]+$/, "");
    const inside = open.quote !== "" || open.depth > 0;
    const header = inside ? null : /^\s*\[\[?([^\[\]]+)\]\]?\s*(?:#.*)?$/.exec(line);
    if (header) {
      table = { name: header[1]!.replace(/[\s"']/g, ""), keys: new Map(), contentEnd: 0 };
      headers.push(table);
    } else {
      const pair = inside ? null : /^\s*([\w."'\s-]+?)\s*=\s*(\S[^#]*)/.exec(line);
      if (pair) table.keys.set(pair[1]!.replace(/[\s"']/g, ""), pair[2]!.trim());
      open = advance(line, open);
    }
    if (inside || !/^\s*(?:#.*)?$/.test(line)) {
      end = table.contentEnd = match.index + match[0].length;
    }
  }
  if (open.quote || open.depth > 0) throw new SyntaxError("A string or list is not closed");
  const inlineLanguage = [...top.keys.keys()].some((key) => /^language(?:\.|$)/.test(key));
  return { headers, end, inlineLanguage };
}

/** What is open at the end of a line: a kind of quote, and lists or inline tables. */
interface State {
  quote: string;
  depth: number;
}

function advance(line: string, state: State): State {
  let { quote, depth } = state;
  let rest = line;
  while (rest) {
    if (quote) {
      const close = quote.startsWith('"')
        ? rest.search(quote.length === 3 ? /(?<!\\)(?:\\\\)*"""/ : /(?<!\\)(?:\\\\)*"/)
        : rest.indexOf(quote);
      if (close === -1) {
        if (quote.length === 1) throw new SyntaxError(`A string is not closed: ${line.trim()}`);
        return { quote, depth };
      }
      rest = rest.slice(rest.indexOf(quote, close) + quote.length);
      quote = "";
      continue;
    }
    const token = /"""|'''|["'#[\]{}]/.exec(rest);
    if (!token || token[0] === "#") break;
    rest = rest.slice(token.index + token[0].length);
    if (/["']/.test(token[0])) quote = token[0];
    else depth += /[[{]/.test(token[0]) ? 1 : -1;
  }
  return { quote, depth };
}

/**
 * Puts the block in.
 *
 * @param text The file without it.
 * @param options The block's lines, and the offset to put it at (behind a line's end).
 * @returns The file with it.
 */
export function insertBlock(
  text: string,
  options: { lines: readonly string[]; at: number },
): string {
  const eol = /\r\n|\n/.exec(text)?.[0] ?? "\n";
  const { at } = options;
  const block = [begin, ...options.lines, finish].join(eol);
  const bare = at > 0 && !/[\r\n]/.test(text[at - 1]!);
  return text.slice(0, at) + (bare ? eol + block : block + eol) + text.slice(at);
}

/**
 * Takes the block out.
 *
 * @param text The file.
 * @returns The file without it, and the block; `null` where there is none.
 */
export function takeBlock(text: string): { text: string; block: string | null } {
  const start = text.search(/^# >>> rdg >>>/m);
  const tail = start === -1 ? null : /^# <<< rdg <<<.*(\r\n|\n|$)/m.exec(text.slice(start));
  if (!tail) return { text, block: null };
  const stop = start + tail.index + tail[0].length;
  const block = text.slice(start, stop);
  const before = tail[1] ? text.slice(0, start) : text.slice(0, start).replace(/(\r\n|\n)$/, "");
  return { text: before + text.slice(stop), block };
}
