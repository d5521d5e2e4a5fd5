/**
 * The folder of drop-in plugins: what lies in it, and whether only its owner can have put it there.
 * Reads `${XDG_CONFIG_HOME:-~/.config}/rdg/plugins`.
 *
 * @module
 */

/** A plugin in the folder. */
export interface Entry {
  /** What it is called there: the folder's name, or the file's without its ending. */
  name: string;
  /** The file or folder. */
  top: string;
  /** The file to load; null where the folder has none. */
  path: string | null;
}

/** Largest plugin, in bytes. */
export const maxBytes = 1024 * 1024;

/** What a plugin's file may be called in a folder of its own. */
export const fileNames = ["plugin.ts", "plugin.js", "plugin.mjs"];

/**
 * Lists the plugins.
 *
 * @param folder The folder of plugins.
 * @returns What may be one, by name; hidden files and other endings are not.
 */
export function listEntries(folder: string): Entry[] {
  const entries: Entry[] = [];
  let found: Deno.DirEntry[];
  try {
    found = [...Deno.readDirSync(folder)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  for (const { name } of found) {
    const top = `${folder}/${name}`;
    const info = statOrNull(top);
    if (name.startsWith(".") || name.startsWith("_") || !info) continue;
    if (info.isDirectory) {
      entries.push({ name, top, path: pluginFileIn(top) });
    } else if (info.isFile && /\.(?:ts|js|mjs)$/.test(name)) {
      entries.push({ name: name.replace(/\.\w+$/, ""), top, path: top });
    }
  }
  return entries.sort((a, b) => a.top < b.top ? -1 : 1);
}

/** The plugin's file in a folder of its own; null where there is none. */
export function pluginFileIn(folder: string): string | null {
  const name = fileNames.find((one) => statOrNull(`${folder}/${one}`)?.isFile);
  return name === undefined ? null : `${folder}/${name}`;
}

/**
 * Says why somebody else could have written a plugin.
 *
 * @param path The plugin's file.
 * @param options The highest folder to look at, and the person's user id; null where there are none.
 * @returns The reason, with a small first letter; null where only the owner, or root, could.
 */
export function whoElse(
  path: string,
  options: { upTo: string; uid: number | null },
): string | null {
  const { upTo, uid } = options;
  if (uid === null) return null;
  const real = Deno.realPathSync(path);
  const top = realOrSame(upTo);
  // The links on the way count as well as what they lead to.
  const chain = [...upward(path, upTo), ...upward(real, real.startsWith(`${top}/`) ? top : real)];
  for (const place of new Set(chain)) {
    const info = Deno.lstatSync(place);
    if (info.uid !== uid && info.uid !== 0) {
      return `${place} belongs to another user (uid ${info.uid}): chown it, or take it away`;
    }
    if (!info.isSymlink && ((info.mode ?? 0) & 0o022) !== 0) {
      return `others can write ${place}: chmod go-w ${place}`;
    }
  }
  return null;
}

/** A path and the folders above it, up to and with one. */
function upward(path: string, upTo: string): string[] {
  const places = [path];
  let place = path;
  while (place !== upTo && place.startsWith(`${upTo}/`)) {
    place = place.slice(0, place.lastIndexOf("/"));
    places.push(place);
  }
  return places;
}

function realOrSame(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    return path;
  }
}

function statOrNull(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch {
    return null;
  }
}
