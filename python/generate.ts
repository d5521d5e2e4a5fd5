/**
 * Writes what is made from other files of the tree: `remote_debug/_tables.py` (tables of both sides) and
 * `files.ts` (the list of Python files). `deno task generate`; tests compare both with what this
 * renders. Touches those two files.
 *
 * @module
 */

import { rankTable } from "../plugins/ranks.ts";
import { schedulers } from "../plugins/schedulers.ts";
import { oldestDebugpy } from "./examine.ts";
import { renderTables } from "./tables.ts";

/**
 * Renders `files.ts`.
 *
 * @param names Paths of the Python files below `remote_debug/`, sorted.
 * @returns TypeScript source, as `deno fmt` leaves it.
 */
function renderFiles(names: readonly string[]): string {
  return [
    "/**",
    " * The Python files that travel with rdg, as text imports: they come along from a folder, a URL and a",
    " * compiled binary. Written by `deno task generate`. Touches nothing.",
    " *",
    " * @module",
    " */",
    "",
    ...names.map((name) =>
      `import ${identifier(name)} from "./remote_debug/${name}" with { type: "text" };`
    ),
    "",
    "/** Texts by path below the package's folder. */",
    "export const pythonFiles: Readonly<Record<string, string>> = {",
    ...names.map((name) => `  "${name}": ${identifier(name)},`),
    "};",
    "",
  ].join("\n");
}

/** `_adapter_process.py` as a name of its own: `adapterProcess`. */
function identifier(name: string): string {
  const words = name.replace(/\.py$/, "").split(/[/_]+/).filter(Boolean);
  if (words.length === 1) words.push("text");
  return words.map((word, index) => index === 0 ? word : word[0]!.toUpperCase() + word.slice(1))
    .join("");
}

/**
 * Lists the Python files of the package.
 *
 * @param folder The package's folder.
 * @returns Paths below it, sorted.
 */
function listPythonFiles(folder: URL): string[] {
  const names = ["", "_site/"].flatMap((below) =>
    [...Deno.readDirSync(new URL(`./${below}`, folder))]
      .filter(({ name, isFile }) => isFile && name.endsWith(".py"))
      .map(({ name }) => below + name)
  );
  return names.sort();
}

if (import.meta.main) {
  const folder = new URL("./remote_debug/", import.meta.url);
  Deno.writeTextFileSync(
    new URL("_tables.py", folder),
    renderTables(schedulers, { ranks: rankTable, oldestDebugpy }),
  );
  Deno.writeTextFileSync(
    new URL("./files.ts", import.meta.url),
    renderFiles(listPythonFiles(folder)),
  );
}
