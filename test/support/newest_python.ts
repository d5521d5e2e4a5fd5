// deno-lint-ignore-file no-console -- for a program of its own, not part of rdg
/**
 * CPython 3.14, which Debian 12 has no package of: out of the archive in which the JavaCPP presets carry
 * it, by Maven, into `.cache/test`. x86-64 with glibc 2.35 or newer. Starts mvn and python3.
 *
 * Its library is stripped of all symbols that aren't exported, and tkinter and dbm.gnu are missing; pip,
 * ssl, ctypes, sqlite3, venv and `sys.remote_exec` are there.
 *
 * @module
 */

import { cache } from "./paths.ts";
import { must } from "./set_up.ts";

/** Group, name, version, kind and classifier, as Maven writes them. */
const archive = ["org.bytedeco", "cpython", "3.14.3-1.5.13", "jar", "linux-x86_64"];

const folder = `${cache}/cpython-${archive[2]}`;

/** The interpreter's path, whether it is there or not. */
export const newestPath = `${folder}/bin/python3.14`;

/** Unpacks without Python's own tests, which are half of it; an archive of this kind keeps no modes. */
const unpack = `import os, sys, zipfile
source, prefix, target = sys.argv[1:]
with zipfile.ZipFile(source) as archive:
    for item in archive.infolist():
        name = item.filename
        if name.startswith(prefix) and not item.is_dir() and "/lib/python3.14/test/" not in name:
            path = os.path.join(target, name[len(prefix):])
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(archive.read(item))
os.chmod(os.path.join(target, "bin/python3.14"), 0o755)
`;

/**
 * Brings the interpreter in, once.
 *
 * @returns Whether it is there.
 */
export async function bringNewestPython(): Promise<boolean> {
  if (await works()) return true;
  const [group = "", name, version, kind, classifier] = archive;
  const file = `${name}-${version}-${classifier}.${kind}`;
  if (Deno.build.arch !== "x86_64" || Deno.build.os !== "linux") {
    console.error(`No Python 3.14: ${file} is for x86-64 Linux`);
    return false;
  }
  await Deno.mkdir(cache, { recursive: true });
  const temporary = await Deno.makeTempDir({ dir: cache, prefix: "cpython-" });
  try {
    const get = [
      ...["mvn", "-q", "-B", `-Dmaven.repo.local=${temporary}/repository`],
      ...["dependency:get", "-Dtransitive=false", `-Dartifact=${archive.join(":")}`],
    ];
    if (!await must(get)) return false;
    const path = [temporary, "repository", ...group.split("."), name, version, file].join("/");
    const prefix = `${group.replaceAll(".", "/")}/${name}/${classifier}/`;
    if (!await must(["python3", "-c", unpack, path, prefix, `${temporary}/python`])) return false;
    await Deno.remove(folder, { recursive: true }).catch(() => {});
    await Deno.rename(`${temporary}/python`, folder);
    return await works();
  } finally {
    await Deno.remove(temporary, { recursive: true });
  }
}

async function works(): Promise<boolean> {
  const code = "import ctypes, ssl, sys; sys.remote_exec";
  return await Deno.stat(newestPath).then(() => true, () => false) &&
    await must([newestPath, "-c", code]);
}
