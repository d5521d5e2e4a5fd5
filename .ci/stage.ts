/**
 * Makes the folder that goes to JSR: the files that `deno.json` names under "publish", texts that are
 * imported as such turned into modules. JSR's analyser refused text imports (seen in its source of
 * August 2026), although `deno publish --dry-run` takes them.
 *
 * `deno run -A .ci/stage.ts FOLDER`. Reads the checkout, writes FOLDER, which must not exist.
 *
 * @module
 */

import denoConfig from "../deno.json" with { type: "json" };

const root = new URL("../", import.meta.url).pathname;

/** `import NAME from "PATH" with { type: "text" };`, on one line or several. */
const textImport = /^import (\w+) from "(\.[^"]+)" with \{\s*type: "text",?\s*\};$/gm;

/** What a module is imported from by another one: a path beside it. */
const moduleImport = /(?:\bfrom |\bimport\(?)"(\.[^"]+\.ts)"/g;

/**
 * Copies the files.
 *
 * @param folder Where to; it must not exist.
 * @returns The paths written, below the folder, sorted.
 */
export async function stage(folder: string): Promise<string[]> {
  await Deno.mkdir(folder);
  const texts = new Set<string>();
  const files = new Map<string, string>();
  for (const name of denoConfig.publish.include) {
    for await (const path of below(name)) {
      if (denoConfig.publish.exclude.includes(path)) continue;
      const text = await Deno.readTextFile(root + path);
      if (!path.endsWith(".ts")) {
        files.set(path, text);
        continue;
      }
      const changed = text.replaceAll(textImport, (_all, name: string, from: string) => {
        texts.add(new URL(from, `file:///${path}`).pathname.slice(1));
        return `import ${name} from "${from}.ts";`;
      });
      files.set(path, changed);
    }
  }
  // A file may be both: read as a text, and imported as a module.
  const modules = new Set(
    [...files].flatMap(([path, text]) =>
      [...text.matchAll(moduleImport)].map(([, from = ""]) =>
        new URL(from, `file:///${path}`).pathname.slice(1)
      )
    ),
  );
  for (const path of texts) {
    const text = files.get(path);
    if (text === undefined) throw new Error(`Cannot publish: "${path}" is imported, but left out`);
    if (!modules.has(path)) files.delete(path);
    const head = `/** The text of ${path.split("/").at(-1)}. @module */\n\n/** The text. */\n`;
    const body = `const text: string = ${JSON.stringify(text)};\nexport default text;\n`;
    files.set(`${path}.ts`, head + body);
  }
  for (const [path, text] of files) {
    const full = `${folder}/${path}`;
    await Deno.mkdir(full.slice(0, full.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(full, text);
  }
  return [...files.keys()].sort();
}

/** Files below a path of the checkout, those that Python leaves behind excepted. */
async function* below(path: string): AsyncGenerator<string> {
  if ((await Deno.stat(root + path)).isFile) return yield path;
  for await (const { name } of Deno.readDir(root + path)) {
    if (name !== "__pycache__" && !name.endsWith(".egg-info") && name !== "build") {
      yield* below(`${path}/${name}`);
    }
  }
}

if (import.meta.main) {
  const [folder] = Deno.args;
  if (!folder) throw new Error("Cannot stage: name a folder that doesn't exist");
  for (const path of await stage(folder)) {
    await Deno.stdout.write(new TextEncoder().encode(`${path}\n`));
  }
}
