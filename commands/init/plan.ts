/**
 * Works out what every file of the chosen editors should become, before anything is written. Reads
 * files through what it is given; the new texts come from the editors' plugins.
 *
 * @module
 */

import type { AttachProfile, EditorFile, EditorPlugin } from "../../plugins/contract.ts";
import { ExitCode, RdgError } from "../../plugins/error.ts";
import { fileError, withTarget } from "../_file_error.ts";
import { parentOf } from "./files.ts";
import { type Links, type Owner, whyNotAside, whyNotOurs } from "./links.ts";
import { absolute, expand, type Surroundings } from "./places.ts";

/** Larger files are left alone: no editor's configuration is, and reading one takes long. */
const maxBytes = 8 * 1024 * 1024;

/** What to do about a link to something else. */
const foreignHint =
  "let it lead to such a file, or take the link away; or add by hand what --print shows";

/** What is to be done. */
export interface Task {
  /** The editors. */
  plugins: readonly EditorPlugin[];
  /** Entries and inputs. */
  profile: AttachProfile;
  /** Add, or take out. */
  action: "apply" | "remove";
  /** Replace, or take out, what was changed by hand. */
  force: boolean;
}

/** What one file becomes. */
export interface Change extends Links {
  /** The path as a person knows it: relative to the project, or with `~`. */
  shown: string;
  /** Where the bytes are, links resolved. */
  target: string;
  /** The editors that it is for. */
  plugins: EditorPlugin[];
  /** What it holds; `null` for nothing. */
  before: { bytes: Uint8Array; text: string } | null;
  /** What it should hold; `null` for nothing. */
  after: string | null;
  /** Why the old file is set aside and a new one made, if it is. */
  malformed?: string;
  /** Lines for the person. */
  notes: string[];
}

/** A file with those whose it is. */
interface Target extends Omit<Change, "after" | "malformed" | "notes"> {
  /** The plugins, each with its own name for the file. */
  owners: Owner[];
}

/**
 * Works out the changes.
 *
 * @param task What is to be done.
 * @param around Where.
 * @returns One change a file, those that change nothing included.
 * @throws {RdgError} when one of the files can't be read, understood or written; nothing was done.
 */
export async function planChanges(task: Task, around: Surroundings): Promise<Change[]> {
  const targets = new Map<string, Target>();
  for (const plugin of task.plugins) {
    for (const file of plugin.files) {
      for (const { path, name } of await pathsOf(file, { task, around })) {
        const target = await inspect(path, around).catch((error) => {
          throw error instanceof RdgError ? error : editorFileError("read", { path }, error);
        });
        const known = targets.get(target) ?? {
          ...await read(target, { path, around }),
          owners: [],
          plugins: [],
        };
        known.owners.push({ plugin, file: name, pattern: file.path });
        known.plugins.push(plugin);
        targets.set(target, known);
      }
    }
  }
  return [...targets.values()]
    .filter(({ before }) => task.action === "apply" || before !== null)
    .map((target) => change(target, task));
}

/** The paths that a plugin's file stands for, each with the plugin's own name for it. */
async function pathsOf(
  file: EditorFile,
  { task, around }: { task: Task; around: Surroundings },
): Promise<{ path: string; name: string }[]> {
  const folder = around.root.split("/").findLast((part) => part !== "") ?? "project";
  const nameOf = (path: string) =>
    file.path.includes("*") ? path.slice(parentOf(path).replace(/\/$/, "").length + 1) : file.path;
  const found = await expand(file.path, around);
  if (found.length > 0) return found.map((path) => ({ path, name: nameOf(path) }));
  const fresh = file.fresh ?? (file.path.includes("*") ? undefined : file.path);
  if (fresh === undefined || task.action === "remove") return [];
  const name = fresh.replace("${folder}", folder);
  const path = absolute(name, around);
  if (path === undefined) {
    throw new RdgError(`Cannot write "${name}": there is no home folder`, {
      code: "not-found",
      exitCode: ExitCode.notFound,
      hint: "set HOME, or use --print",
    });
  }
  return [{ path, name }];
}

/** Makes sure that a path can be a file, and resolves its links. */
async function inspect(path: string, { files }: Surroundings): Promise<string> {
  let above = parentOf(path);
  while (above !== "/" && await files.kind(above) === null) above = parentOf(above);
  const realAbove = await resolve(above, files);
  const aboveKind = await files.kind(realAbove);
  if (aboveKind !== "folder") throw refused({ path }, `"${above}" is a file, not a folder`);
  const kind = await files.kind(path);
  if (kind === null) {
    return realAbove.replace(/\/$/, "") + path.slice(above.replace(/\/$/, "").length);
  }
  const target = await resolve(path, files);
  const targetKind = await files.kind(target);
  const behind = kind === "link" ? target : null;
  if (targetKind === "folder") throw refused({ path, behind }, "it is a folder");
  if (targetKind !== "file") throw refused({ path, behind }, "it is no regular file");
  return target;
}

async function resolve(path: string, files: Surroundings["files"]): Promise<string> {
  try {
    return await files.realPath(path);
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) {
      throw editorFileError("read", { path }, error);
    }
    const link = await files.readLink(path).catch(() => null);
    const to = link === null ? "" : ` to "${link}"`;
    const where = error instanceof Deno.errors.FilesystemLoop ? "in a circle" : "nowhere";
    throw refused({ path }, `"${path}" is a symbolic link${to} that leads ${where}`);
  }
}

async function read(
  target: string,
  { path, around }: { path: string; around: Surroundings },
): Promise<Omit<Target, "owners" | "plugins">> {
  const { files } = around;
  const base = { shown: shown(path, around), path, target, behind: null, names: 1 };
  let behind: string | null = null;
  try {
    if (await files.kind(target) === null) return { ...base, before: null };
    if (await files.kind(path) === "link") behind = target;
    const size = await files.size(target);
    if (size > maxBytes) {
      throw refused(
        { path, behind },
        `it has ${(size / 1024 / 1024).toFixed(0)} MB, and more than 8 is no configuration`,
      );
    }
    const bytes = await files.read(target);
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
    return { ...base, behind, names: await files.names(target), before: { bytes, text } };
  } catch (error) {
    if (error instanceof RdgError) throw error;
    throw editorFileError("read", { path, behind }, error);
  }
}

/** Whether a file is text in UTF-8; anything else would not survive being written back. */
function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return !bytes.includes(0);
  } catch {
    return false;
  }
}

function change(target: Target, task: Task): Change {
  const { owners, ...base } = target;
  const notes: string[] = [];
  let text = base.before?.text ?? null;
  let malformed: string | undefined;
  const keep = (note: string): Change => ({
    ...base,
    after: base.before?.text ?? null,
    notes: [note],
  });
  const foreign = () =>
    whyNotOurs(base, { text: base.before?.text ?? "", owners, profile: task.profile });
  const refuseForeign = () => {
    const why = foreign();
    if (why !== null) throw refused(base, why, foreignHint);
  };
  if (base.before && !isUtf8(base.before.bytes)) {
    if (task.action === "remove") {
      return keep(`${base.shown} is no text in UTF-8, so it is left as it is`);
    }
    refuseForeign();
    const replaceable = whyNotAside(base) === null &&
      owners.every(({ plugin }) => plugin.malformed === "set-aside");
    if (!task.force || !replaceable) {
      throw refused(
        base,
        "it is no text in UTF-8",
        replaceable
          ? "save it as UTF-8, or let rdg set it aside and write a new one: --force"
          : "save it as UTF-8",
      );
    }
    malformed = "it is no text in UTF-8";
    text = null;
  }
  for (const { plugin, file } of owners) {
    const request = { file, profile: task.profile, force: task.force };
    try {
      const edit = task.action === "apply"
        ? plugin.apply({ ...request, oldText: text })
        : text === null
        ? { text }
        : plugin.remove({ ...request, oldText: text });
      text = edit.text;
      for (const note of edit.notes ?? []) if (!notes.includes(note)) notes.push(note);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      if (task.action === "remove") {
        const why = `cannot be understood, so it is left as it is: ${error.message}`;
        // Several editors may have the same file.
        if (!notes.includes(`${base.shown} ${why}`)) notes.push(`${base.shown} ${why}`);
        continue;
      }
      refuseForeign();
      const kept = whyNotAside(base);
      if (plugin.malformed !== "set-aside" || kept !== null) {
        throw refused(
          base,
          kept === null ? error.message : `${error.message}; ${kept}`,
          "mend it, or add by hand what --print shows",
        );
      }
      malformed = error.message;
      text = plugin.apply({ ...request, oldText: null }).text;
    }
  }
  if (task.action === "apply") {
    if (base.before && text !== base.before.text) refuseForeign();
  } else if (text === null) {
    // Entries are taken out wherever they are; all of a file, under --force, only where it is rdg's.
    const why = foreign();
    if (why !== null) {
      return keep(`${withTarget(base.shown, base.behind)}: ${why}, so it is left as it is`);
    }
  }
  return { ...base, after: text, ...(malformed === undefined ? {} : { malformed }), notes };
}

/** A path as a person would write it. */
function shown(path: string, { root, home }: Surroundings): string {
  const below = root === "/" ? "/" : `${root}/`;
  if (path.startsWith(below)) return path.slice(below.length);
  return home && path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;
}

/** A file as an error names it. */
type Named = Pick<Links, "path"> & Partial<Links>;

/** An error for a file that rdg won't touch. */
function refused({ path, behind }: Named, why: string, hint?: string): RdgError {
  return new RdgError(`Cannot set up ${withTarget(path, behind)}: ${why}`, {
    code: "refused",
    exitCode: ExitCode.generic,
    hint: hint ?? "move it out of the way, or add by hand what --print shows; nothing was changed",
  });
}

/** What the system says about one of the editors' files. */
export function editorFileError(
  action: "read" | "write",
  { path, behind = null }: Named,
  cause: unknown,
): RdgError {
  return fileError(action, path, {
    ...{ cause, behind },
    hint: "see who owns it and its folder: ls -ld; or add by hand what --print shows",
  });
}
