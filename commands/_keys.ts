/**
 * Where a menu reads its keys. Opens `/dev/tty` where stdin can't be used.
 *
 * @module
 */

import { ExitCode, RdgError } from "../plugins/error.ts";

/** A terminal to read keys from. */
export interface Keys {
  /** The stream; undefined for stdin. */
  input: NodeJS.ReadStream | undefined;
  /** Gives it back. */
  close(): void;
}

/**
 * Opens the terminal for keys.
 *
 * A terminal that belongs to another user (after `su`, or `sudo -u`) can't be opened a second time,
 * which Deno needs for reading without blocking: a menu there would never answer again, Ctrl-C and
 * SIGTERM included (Deno 2.9.6). By its other name, `/dev/tty`, it can.
 *
 * @returns The keys.
 * @throws {RdgError} `permission` where no way leads to them.
 */
export async function openKeys(): Promise<Keys> {
  if (canReopen()) return { input: undefined, close: () => {} };
  const { openSync } = await import("node:fs");
  const { ReadStream } = await import("node:tty");
  try {
    const input = new ReadStream(openSync("/dev/tty", "r"));
    return { input, close: () => void input.destroy() };
  } catch (error) {
    throw new RdgError("Cannot ask: this terminal belongs to another user", {
      code: "permission",
      exitCode: ExitCode.permission,
      hint: 'pass the job and the process (see "rdg sessions"), or log in as yourself',
      cause: error,
    });
  }
}

function canReopen(): boolean {
  try {
    Deno.openSync("/proc/self/fd/0").close();
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.PermissionDenied);
  }
}
