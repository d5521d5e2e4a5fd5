/**
 * What the system says about a file, as an error for people. Pure.
 *
 * @module
 */

import { ExitCode, RdgError } from "../plugins/error.ts";

/**
 * Turns what the system says about a file into an error for people.
 *
 * @param action What was attempted.
 * @param path The file, as the person knows it.
 * @param options What was thrown, what to do unless the disk is full, and where the bytes are if the path is a
 * symbolic link.
 * @returns The error, to be thrown.
 */
export function fileError(
  action: "read" | "write",
  path: string,
  { cause, hint, behind }: { cause: unknown; hint: string; behind?: string | null },
): RdgError {
  const words = cause instanceof Error ? cause.message : String(cause);
  // EPERM, EACCES, EROFS; ENOSPC and EDQUOT.
  const isDenied = cause instanceof Deno.errors.PermissionDenied ||
    cause instanceof Deno.errors.NotCapable || /os error (?:1|13|30)\b/.test(words);
  const isFull = /os error (?:28|122)\b/.test(words);
  return new RdgError(`Cannot ${action} ${withTarget(path, behind)}`, {
    code: isDenied ? "permission" : "file",
    exitCode: isDenied ? ExitCode.permission : ExitCode.generic,
    hint: isFull ? "make room there (df, quota), then do it again" : hint,
    cause,
  });
}

/**
 * Names a file, and what it leads to.
 *
 * @param path The file, as the person knows it.
 * @param behind Where it leads to, if it is a symbolic link.
 * @returns Both, quoted.
 */
export function withTarget(path: string, behind?: string | null): string {
  return behind ? `"${path}", a symbolic link to "${behind}"` : `"${path}"`;
}
