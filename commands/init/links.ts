/**
 * Editors' files that are links, as those who keep their settings in one repository have them. A link
 * is kept and written through; but what is behind it may be anything of the person's, `~/.bashrc` by a
 * slip, and is changed only where it is the editor's file for sure. Pure.
 *
 * @module
 */

import type { AttachProfile, EditorPlugin } from "../../plugins/contract.ts";
import { isOfKind } from "../../plugins/editors/kind.ts";

/** How a file is found. */
export interface Links {
  /** The path as the person knows it. */
  path: string;
  /** What it leads to, links resolved, where it is a symbolic link itself; else null. */
  behind: string | null;
  /** How many names the file has: more than one where there are hard links. */
  names: number;
}

/** An editor for which a file is meant. */
export interface Owner {
  /** The editor. */
  plugin: EditorPlugin;
  /** Its own name for the file. */
  file: string;
  /** The name it looks for, with `*` for what may differ. */
  pattern: string;
}

/**
 * Says why a file must not be changed.
 *
 * @param links How it is found.
 * @param options What it holds, whose it is, and what they want in it.
 * @returns The reason; null where nothing speaks against it.
 */
export function whyNotOurs(
  { behind }: Links,
  { text, owners, profile }: { text: string; owners: readonly Owner[]; profile: AttachProfile },
): string | null {
  if (behind === null) return null;
  const names = new Set(words(behind));
  const fits = owners.some(({ plugin, file, pattern }) => {
    if (words(pattern).every((word) => names.has(word))) return true;
    const fresh = plugin.apply({ file, oldText: null, profile }).text;
    return fresh !== null && isOfKind(text, fresh);
  });
  const kind = lastPart(owners[0]?.pattern ?? "");
  return fits ? null : `neither the name nor the content is that of a ${kind}`;
}

/**
 * Says why a file that can't be understood must not be set aside for a new one.
 *
 * @param links How it is found.
 * @returns The reason; null where it may be.
 */
export function whyNotAside({ behind, names }: Links): string | null {
  if (behind !== null) return "what is behind a link is not set aside";
  return names > 1 ? "a file with a second name (a hard link) is not set aside" : null;
}

/** A file's name, or a pattern's, as its words: `.vscode/launch.json` gives launch and json. */
function words(path: string): string[] {
  return lastPart(path).toLowerCase().split(/[^a-z0-9]+/).filter((word) => word !== "");
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
