/**
 * Checks that a tag is the version of all parts, and prints its section of CHANGELOG.md.
 *
 * `deno run --allow-read .ci/notes.ts v1.2.3`. Reads deno.json, the Python package and the changelog.
 *
 * @module
 */

import denoConfig from "../deno.json" with { type: "json" };

const root = new URL("../", import.meta.url);

/**
 * Reads the versions of the parts.
 *
 * @returns The version by file.
 */
export async function versions(): Promise<Record<string, string>> {
  const file = "python/remote_debug/__init__.py";
  const text = await Deno.readTextFile(new URL(file, root));
  return {
    "deno.json": denoConfig.version,
    [file]: /^__version__ = "([^"]+)"$/m.exec(text)?.[1] ?? "none",
  };
}

/**
 * Finds a version's section of a changelog.
 *
 * @param changelog The whole text.
 * @param version `1.2.3`; `Unreleased` for what comes next.
 * @returns What stands below the heading; null where there is no such heading, or nothing below it.
 */
export function sectionOf(changelog: string, version: string): string | null {
  const sections = changelog.split(/^## /m).slice(1);
  const name = (section: string) => section.split("\n", 1)[0]!.replace(/ - .*$/, "").trim();
  const found = sections.find((section) => name(section).replace(/^\[(.*)\]$/, "$1") === version);
  return found?.replace(/^.*\n/, "").trim() || null;
}

if (import.meta.main) {
  const wanted = (Deno.args[0] ?? "").replace(/^v/, "");
  for (const [file, version] of Object.entries(await versions())) {
    if (version !== wanted) {
      throw new Error(`Cannot release "${wanted}": ${file} says ${version}`);
    }
  }
  const notes = sectionOf(await Deno.readTextFile(new URL("CHANGELOG.md", root)), wanted);
  if (notes === null) {
    throw new Error(`Cannot release "${wanted}": CHANGELOG.md has no section "## ${wanted}"`);
  }
  await Deno.stdout.write(new TextEncoder().encode(`${notes}\n`));
}
