/**
 * Whether a message that the README shows stands in the sources of rdg. Reads those.
 *
 * @module
 */

import { root } from "../support/python.ts";

/** What a message's variable parts look like in a source: `${…}`, `%s`, `{…}`. */
const placeholder = String.raw`(?:\$\{[^}]*\}|%[a-z]|\{[^}]*\})`;

/** Parts of a message that come from elsewhere: quoted names, numbers, `N`, a way, the action. */
const variable = /("[^"]*"|\b[A-Z]\b|\b\d+\b| of user \d+|\bdirect\b|\bCannot \w+ to\b)/;

/** All texts of the program, strings that go over several lines put together. */
export async function sources(): Promise<string> {
  const texts: string[] = [];
  for (const folder of ["commands", "plugins", "python"]) {
    for await (const path of walk(`${root}/${folder}`)) {
      if (/\.(ts|py)$/.test(path)) texts.push(await Deno.readTextFile(path));
    }
  }
  return joined(texts.join("\n"));
}

/** A source with its broken strings in one piece, quotes unescaped. */
export function joined(source: string): string {
  return source
    .replaceAll(/(["'`])\s*\+?\s*\n\s*(?:\+\s*)?f?(["'`])/g, "")
    .replaceAll(/\\(["'`])/g, "$1")
    .replaceAll(/\s+/g, " ");
}

async function* walk(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* walk(`${folder}/${name}`);
    else yield `${folder}/${name}`;
  }
}

/**
 * What the clauses of a message have to match in the sources: a message is often put together of what
 * was tried and why it failed, so it is cut at `: `, at brackets and at `…`. Numbers, words in quotes,
 * single capitals and paths may stand there as themselves or as a placeholder.
 */
function patterns(message: string): RegExp[] {
  const clauses = message.split(/…\/[\w.-]+|…|: |:$|, (?:but )?| \(|\)|^\[rdg\] /).map((part) =>
    part.trim()
  );
  return clauses.filter((clause) => /\w{2}/.test(clause)).map((clause) => {
    const parts = clause.split(variable);
    const regex = parts.map((part, index) => {
      const literal = part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
      return index % 2 === 0 ? literal : `(?:${literal}|(?: of user )?"?${placeholder}"?)`;
    });
    return new RegExp(regex.join(""));
  });
}

/** Whether all of a message's clauses stand in a source. */
export function says(source: string, message: string): boolean {
  const all = patterns(message);
  return all.length > 0 && all.every((one) => one.test(source));
}
