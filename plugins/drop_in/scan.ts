/**
 * Refuses plugins that import anything but types. Pure.
 *
 * A process without permissions still fetches `npm:` modules (seen with Deno 2.9.6), so Deno is told
 * not to as well, where it can be told (a compiled rdg can't); this says so in words, with the line. It
 * errs on the side of refusing: it looks at comments and strings, too, but prose with the word "import"
 * passes.
 *
 * Every place is looked at a bounded number of times, whatever the text: it is a stranger's, and rdg
 * itself reads it.
 *
 * @module
 */

/** Blanks and comments between two words that are gone over; more of them nobody writes. */
const maxGap = 500;

/** Characters of a name, escapes among them. */
const name = /[\p{ID_Continue}$\u200c\u200d\\]+/uy;

/** After `import`: ` type A, { B } from "…"`, which is gone before the plugin runs. */
const typeImport = /\s+type\s((?:(?!\bimport\b)[\w$\s{},*])+)(["'])[^"'\n]*\2/y;

/**
 * Looks for imports.
 *
 * @param text A plugin's source.
 * @returns What is wrong, with the line, small first letter; null where it imports types at most.
 */
export function forbiddenImport(text: string): string | null {
  const keywords = /\b(?:import|export)\b/g;
  for (let found = keywords.exec(text); found; found = keywords.exec(text)) {
    const after = keywords.lastIndex;
    const end = found[0] === "import" ? endOfTypeImport(text, after) : undefined;
    if (end !== undefined) keywords.lastIndex = end;
    else if (found[0] === "import" ? imports(text, after) : exportsAgain(text, after)) {
      const line = text.slice(0, found.index).split("\n").length;
      return `line ${line} imports something: a plugin is one file, and imports types only ` +
        '(import type { … } from "…")';
    }
  }
  return null;
}

/** Where an import of types ends that begins before `at`; undefined where it is none. */
function endOfTypeImport(text: string, at: number): number | undefined {
  typeImport.lastIndex = at;
  const clause = typeImport.exec(text)?.[1];
  // "type" itself is what is imported by `import type from …` and `import type, { x } from …`.
  if (clause === undefined || !/^\s*[^\s,].*[\s}]from\s*$/s.test(clause)) return undefined;
  return clause.match(/\bfrom\b/g)?.length === 1 ? typeImport.lastIndex : undefined;
}

/** Whether `import`, which ends at `at`, is one: of a module, of its address, by a call. */
function imports(text: string, at: number): boolean {
  const start = afterGap(text, at);
  if (start === undefined || /[({*."'`]/.test(text[start] ?? "")) return true;
  name.lastIndex = start;
  const word = name.exec(text)?.[0];
  if (word === undefined) return false;
  // import defer * as …, import source x …
  if (word.includes("\\") || word === "defer" || word === "source") return true;
  const next = afterGap(text, start + word.length);
  return next === undefined || /^(?:from\b|,|=)/.test(text.slice(next, next + 5));
}

/** Whether `export`, which ends at `at`, is of another module's: `* from "…"`, `{ x } from "…"`. */
function exportsAgain(text: string, at: number): boolean {
  const start = afterGap(text, at);
  if (start === undefined || text[start] === "*") return true;
  if (text[start] !== "{") return false;
  // A plain list of names is all right.
  const names = /\{[\w$,\s]*\}/y;
  names.lastIndex = start;
  if (!names.test(text)) return true;
  const next = afterGap(text, names.lastIndex);
  return next === undefined || /^from\b/.test(text.slice(next, next + 5));
}

/** Where the blanks and comments from `at` on end; undefined where they don't within the limit. */
function afterGap(text: string, at: number): number | undefined {
  const part = text.slice(at, at + maxGap);
  let end = 0;
  while (end < part.length) {
    // JavaScript ends a line in four ways.
    const close = part.startsWith("/*", end)
      ? /\*\//g
      : part.startsWith("//", end)
      ? /[\n\r\u2028\u2029]/g
      : undefined;
    if (close) {
      close.lastIndex = end + 2;
      if (!close.test(part)) return at + part.length < text.length ? undefined : text.length;
      end = close.lastIndex;
    } else if (/\s/.test(part[end]!)) end++;
    else return at + end;
  }
  return at + part.length < text.length ? undefined : text.length;
}
