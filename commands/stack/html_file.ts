/**
 * Writes the page of `--html`. Touches that one file, and a temporary one beside it.
 *
 * @module
 */

import { fileError } from "../_file_error.ts";
import type { Host } from "../_host.ts";
import { ExitCode, RdgError } from "../../plugins/error.ts";
import type { Marks } from "./changes.ts";
import { pageStart, renderHtml } from "./html.ts";
import type { Merged } from "./merge.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * Checks before anything is asked whether the file can be written: it must not be there, or be a
 * page of ours.
 *
 * @param path The file.
 * @throws {RdgError} `exists`, `not-found` or `permission`.
 */
export async function checkHtmlFile(path: string): Promise<void> {
  const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) || "/" : ".";
  const info = await Deno.stat(folder).catch(() => null);
  if (!info?.isDirectory) {
    throw new RdgError(`Cannot write "${path}": there is no folder "${folder}"`, {
      code: "not-found",
      exitCode: ExitCode.notFound,
      hint: `mkdir -p ${folder}`,
    });
  }
  const old = await Deno.stat(path).catch(() => null);
  if (!old) return;
  const start = old.isFile ? await readStart(path, pageStart.length) : "";
  if (start === pageStart || (old.isFile && old.size === 0)) return;
  throw new RdgError(`Cannot write "${path}": it is there, and no page of rdg's`, {
    code: "exists",
    exitCode: ExitCode.usage,
    hint: "name another file: --html=stack.html",
  });
}

/**
 * Writes the page; it is replaced in one go, so that a browser never reads half of one.
 *
 * @param path The file.
 * @param look What to show.
 * @throws {RdgError} `permission` or `file` where it can't be written.
 */
export async function writeHtml(
  path: string,
  look: {
    snapshot: Snapshot;
    merged: Merged;
    marks: Marks | undefined;
    absent: readonly string[];
    host: Host;
  },
): Promise<void> {
  const text = renderHtml(look);
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await Deno.writeTextFile(temporary, text, { createNew: true });
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw fileError("write", path, { cause: error, hint: "name a file in a folder of yours" });
  }
  look.host.terminal.say(`Wrote ${path}`);
}

async function readStart(path: string, length: number): Promise<string> {
  try {
    using file = await Deno.open(path);
    const bytes = new Uint8Array(length);
    const read = await file.read(bytes);
    return new TextDecoder().decode(bytes.subarray(0, read ?? 0));
  } catch {
    return "";
  }
}
