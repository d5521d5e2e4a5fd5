/**
 * Reads what the helpers on the nodes say. Pure.
 *
 * @module
 */

/**
 * Makes a reader of the lines that `node/pieces.py` writes: each object comes in pieces, and the pieces of
 * several nodes may be mixed.
 *
 * @returns Takes one line; gives the object that it completes, or null: there is more to come, or it is
 * somebody else's line (a prolog's, a plugin's of the site).
 */
export function pieceReader(): (line: string) => Record<string, unknown> | null {
  const pieces = new Map<string, string[]>();
  return (line) => {
    const [, stream = "", more, piece = ""] = /rdg-helper (\S+) ([01]) (.*?)\r?$/.exec(line) ?? [];
    if (more === undefined) return null;
    const text = pieces.get(stream) ?? [];
    text.push(piece);
    pieces.set(stream, text);
    if (more === "1") return null;
    pieces.delete(stream);
    try {
      // Written by our own helper a moment ago, in this very form.
      return JSON.parse(text.join(""));
    } catch {
      return null;
    }
  };
}
