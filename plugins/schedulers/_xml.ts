/**
 * Reads the XML that Grid Engine and Torque print. Pure; touches nothing.
 *
 * Own code rather than a package: importing any npm parser adds 20 ms or more to every start of rdg
 * (measured on Deno 2.9: 31 ms became 53 with fast-xml-parser, 59 with htmlparser2), and what these
 * two print is elements, attributes, text and entities only. Grid Engine's answer about an unknown
 * job holds elements without a name (`<>`): such signs are kept as text.
 *
 * @module
 */

/** One element. */
export interface XmlElement {
  /** Its name as written; empty for the root that holds everything. */
  name: string;
  /** Its attributes. */
  attributes: Record<string, string>;
  /** The text directly inside it, without blanks at the ends. */
  text: string;
  /** The elements directly inside it. */
  children: XmlElement[];
}

/** Every part is read once, whatever the text: what lacks its end reaches to the end of all. */
const token =
  /<!--[\s\S]*?(?:-->|$)|<!\[CDATA\[([\s\S]*?)(?:\]\]>|$)|<\?[\s\S]*?(?:\?>|$)|<![^<>]*>|<(\/?)([A-Za-z_][\w:.-]*)((?:"[^"<]*"|'[^'<]*'|[^<>"'])*)>|([^<]+|<)/g;

const namedEntities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

/**
 * Reads a document.
 *
 * @param text The XML, one or more top-level elements.
 * @returns A root without a name whose children are the top-level elements.
 * @throws {SyntaxError} when there is no element at all, or the text ends inside one.
 */
export function parseXml(text: string): XmlElement {
  const root = element("", "");
  const open = [root];
  for (const [, cdata, slash, name, rest = "", chars] of text.matchAll(token)) {
    const parent = open.at(-1)!;
    if (cdata !== undefined) parent.text += cdata;
    else if (chars !== undefined) parent.text += decode(chars);
    else if (name !== undefined && slash) close(open, name);
    else if (name !== undefined) {
      const child = element(name, rest);
      parent.children.push(child);
      if (!rest.endsWith("/")) open.push(child);
    }
  }
  if (root.children.length === 0) throw new SyntaxError("There is no XML element");
  if (open.length > 1) throw new SyntaxError(`The XML ends inside <${open.at(-1)!.name}>`);
  return root;
}

/**
 * Finds elements by name, at any depth, outermost first; inside a match it looks no further.
 *
 * @param parent Where to look.
 * @param name The elements' name.
 * @returns The elements.
 */
export function findAll(parent: XmlElement, name: string): XmlElement[] {
  return parent.children.flatMap((child) => child.name === name ? [child] : findAll(child, name));
}

/**
 * The text of a child.
 *
 * @param parent Where to look.
 * @param path Names, one level each.
 * @returns The text; undefined where there is no such child or it is empty.
 */
export function textOf(parent: XmlElement, ...path: string[]): string | undefined {
  let at: XmlElement | undefined = parent;
  for (const name of path) at = at?.children.find((child) => child.name === name);
  return at?.text.trim() || undefined;
}

function element(name: string, rest: string): XmlElement {
  const attributes: Record<string, string> = {};
  for (
    const [, key, double, single] of rest.matchAll(/([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)
  ) {
    attributes[key!] = decode(double ?? single ?? "");
  }
  return { name, attributes, text: "", children: [] };
}

/** Closes the innermost open element of this name and what is open inside; ignores a stray one. */
function close(open: XmlElement[], name: string): void {
  const at = open.findLastIndex((element) => element.name === name);
  if (at > 0) open.length = at;
}

function decode(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#(\d+)|#[xX]([\da-fA-F]+)|(\w+));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return namedEntities[name] ?? whole;
    const code = decimal === undefined ? parseInt(hex, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
