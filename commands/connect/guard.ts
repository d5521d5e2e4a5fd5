/**
 * Who is at the other end of a connection to the local port, and who holds a port. Reads
 * /proc/net/tcp (Linux; through `cat` where Deno may not read it itself, which takes all permissions).
 *
 * @module
 */

/** One row of the system's table of TCP sockets. */
export interface SocketRow {
  /** Local address and port, as the table writes them. */
  local: string;
  /** Remote address and port. */
  remote: string;
  /** `01` established, `0A` listening. */
  state: string;
  /** The owner. */
  uid: number;
  /** 0 for a socket that nobody holds any more. */
  inode: string;
}

/**
 * Reads /proc/net/tcp.
 *
 * @param text Its content.
 * @param port Only rows with this local or remote port.
 * @returns The rows.
 */
export function readSockets(text: string, port: number): SocketRow[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return text.split("\n").slice(1).flatMap((line) => {
    if (!line.includes(wanted)) return [];
    const fields = line.trim().split(/\s+/);
    const [, local = "", remote = "", state = "", , , , uid = "", , inode = ""] = fields;
    if (!local.endsWith(wanted) && !remote.endsWith(wanted)) return [];
    return [{ local, remote, state, uid: Number(uid), inode }];
  });
}

/** 127.0.0.1 as the table has it: a word in the machine's byte order. */
function loopback(port: number): string {
  const little = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
  return `${little ? "0100007F" : "7F000001"}:${port.toString(16).toUpperCase().padStart(4, "0")}`;
}

/**
 * Says whose process is at the other end.
 *
 * @param ports The client's port and the local one, both on 127.0.0.1.
 * @param read Reads the table; null where there is none.
 * @returns The user's number; null where it can't be told.
 */
export async function peerUser(
  ports: { client: number; own: number },
  read: () => Promise<string | null> = readTable,
): Promise<number | null> {
  const text = await read();
  if (text === null) return null;
  const row = readSockets(text, ports.client).find(({ local, remote, inode }) =>
    local === loopback(ports.client) && remote === loopback(ports.own) && inode !== "0"
  );
  return row?.uid ?? null;
}

/**
 * Says whose process listens on a port of this machine.
 *
 * @param port The port.
 * @param read Reads the table.
 * @returns The user's number; null where it can't be told.
 */
export async function portUser(
  port: number,
  read: () => Promise<string | null> = readTable,
): Promise<number | null> {
  const text = await read();
  const row = text === null
    ? undefined
    : readSockets(text, port).find(({ local, state }) =>
      state === "0A" && (local === loopback(port) || local.startsWith("00000000:"))
    );
  return row?.uid ?? null;
}

/** The table's text; null where the system has none, or doesn't show it. */
export async function readTable(): Promise<string | null> {
  if (Deno.build.os !== "linux") return null;
  try {
    return await Deno.readTextFile("/proc/net/tcp");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) return null;
  }
  try {
    const { success, stdout } = await new Deno.Command("cat", {
      args: ["/proc/net/tcp"],
      stdin: "null",
      stderr: "null",
      env: { LD_LIBRARY_PATH: "", LD_PRELOAD: "", LD_RUN_PATH: "" },
    }).output();
    return success ? new TextDecoder().decode(stdout) : null;
  } catch {
    return null;
  }
}
