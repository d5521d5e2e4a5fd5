/**
 * The local port: opening it, and saying who has it where it is taken. Listens and connects on
 * 127.0.0.1.
 *
 * @module
 */

import { ExitCode, RdgError } from "../../plugins/error.ts";
import { encode, MessageReader } from "./dap.ts";
import { whoCommand } from "./greeting.ts";
import { portUser } from "./guard.ts";
import { pause } from "./stream.ts";

/** The port that `rdg init` writes into editors' files. */
export const usualPort = 5678;

/**
 * The port that stands for one user of a shared host.
 *
 * @param uid The user's number.
 * @returns A port from 20000 to 29999, below those that Linux gives out by itself.
 */
export function portOfUser(uid: number): number {
  return 20_000 + uid % 10_000;
}

/**
 * Opens the port.
 *
 * @param port The port; 0 for any free one.
 * @returns The listening socket.
 * @throws {RdgError} `port-taken` with whoever has it, `permission`.
 */
export async function openPort(port: number): Promise<Deno.TcpListener> {
  try {
    return Deno.listen({ hostname: "127.0.0.1", port });
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) throw await taken(port);
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new RdgError(`Cannot listen on port ${port}: the system does not let you`, {
        code: "permission",
        exitCode: ExitCode.permission,
        hint: "choose a port above 1023: --port=N",
      });
    }
    if (error instanceof Deno.errors.NotCapable) {
      throw new RdgError(`Cannot listen on port ${port}: rdg may not use it`, {
        code: "permission",
        exitCode: ExitCode.permission,
        hint: "run rdg with --allow-net=127.0.0.1",
        cause: error,
      });
    }
    throw error;
  }
}

async function taken(port: number): Promise<RdgError> {
  const other = await who(port);
  if (other) {
    const about = [
      ...other.job ? [`job ${other.job}`] : [],
      ...other.login ? [`on "${other.login}"`] : [],
    ].join(" ");
    return new RdgError(
      `Cannot listen on port ${port}: another "rdg connect" of yours has it (PID ${other.pid}` +
        `${about ? `, for ${about}` : ""})`,
      {
        code: "port-taken",
        exitCode: ExitCode.generic,
        hint:
          `end that one with Ctrl-C (kill ${other.pid}), or choose another port for this one: ` +
          "--port=N, and the same number in the editor's configuration",
      },
    );
  }
  const user = await portUser(port);
  const own = Deno.uid();
  const whose = user !== null && own !== null && user !== own ? ` of user ${user}` : "";
  return new RdgError(`Cannot listen on port ${port}: another program${whose} has it`, {
    code: "port-taken",
    exitCode: ExitCode.generic,
    hint: "choose another one: --port=N, and the same number in the editor's configuration",
  });
}

/** Asks whoever listens whether it is an rdg connect; null when it isn't, or is somebody else's. */
async function who(port: number): Promise<{ pid: number; login: string; job: string } | null> {
  let connection: Deno.TcpConn;
  try {
    connection = await Deno.connect({ hostname: "127.0.0.1", port });
  } catch {
    return null;
  }
  try {
    const question = encode({ seq: 1, type: "request", command: whoCommand });
    await connection.write(question);
    const reader = new MessageReader(connection.readable);
    const answer = await Promise.race([reader.next().catch(() => null), pause(1000)]);
    const body = answer ? answer.message?.body : null;
    if (typeof body !== "object" || body === null) return null;
    const { pid, login, job } = body as Record<string, unknown>;
    if (typeof pid !== "number") return null;
    return { pid, login: String(login ?? ""), job: String(job ?? "") };
  } catch {
    return null;
  } finally {
    try {
      connection.close();
    } catch {
      // Closed with its readable side.
    }
  }
}
