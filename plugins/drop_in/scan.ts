/**
 * Refuses plugins that import anything but types. Pure.
 *
 * A process without permissions still fetches `npm:` modules (seen with Deno 2.9.6), so Deno is told
 * not to as well; this says so in words, with the line. It errs on the side of refusing: it looks at
 * comments and strings, too, but prose with the word "import" passes.
 *
 * @module
 */

/** Blanks and comments between two words of the language. */
const gap = String.raw`(?:\s|/\*[^]*?\*/|//[^\n]*\n)*`;

/** `import type { A, B } from "…"`, which is gone before the plugin runs. */
const typeImport = /\bimport\s+type\s+[\w$\s{},*]+?\s*from\s*(["'])[^"'\n]*\1/g;

const forbidden: readonly RegExp[] = [
  // import x from "…", import "…", import { x } …, import * as x …, import(…), import.meta
  new RegExp(String.raw`\bimport${gap}[({*."'${"`"}\\]`),
  new RegExp(String.raw`\bimport${gap}[\w$]+${gap}(?:from\b|,|=)`),
  new RegExp(String.raw`\bimport${gap}(?:defer|source)\b`),
  // export * from "…", export { x } from "…"; a plain list of names is all right.
  new RegExp(String.raw`\bexport${gap}\*`),
  new RegExp(String.raw`\bexport${gap}\{(?!\s*[\w$,\s]*\}(?!${gap}from\b))`),
];

/**
 * Looks for imports.
 *
 * @param text A plugin's source.
 * @returns What is wrong, with the line, small first letter; null where it imports types at most.
 */
export function forbiddenImport(text: string): string | null {
  // As many characters as before, so that the line stays right.
  const rest = text.replace(typeImport, (found) => found.replaceAll(/[^\n]/g, " "));
  for (const pattern of forbidden) {
    const found = pattern.exec(rest);
    if (!found) continue;
    const line = rest.slice(0, found.index).split("\n").length;
    return `line ${line} imports something: a plugin is one file, and imports types only ` +
      '(import type { … } from "…")';
  }
  return null;
}
