/**
 * Who is at the other end of a connection to the local port, and who holds a port. Reads
 * /proc/net/tcp and tcp6 (Linux; through `cat` where Deno may not read it itself, which takes all permissions).
 *
 * @module
 */

import { loaderVariables } from "./stream.ts";

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
  return text.split("\n").flatMap((line) => {
    if (!line.includes(wanted)) return [];
    const fields = line.trim().split(/\s+/);
    const [, local = "", remote = "", state = "", , , , uid = "", , inode = ""] = fields;
    if (!local.endsWith(wanted) && !remote.endsWith(wanted)) return [];
    return [{ local, remote, state, uid: Number(uid), inode }];
  });
}

/** 127.0.0.1 as the tables have it, words in the machine's byte order: IPv4, and mapped into IPv6. */
function loopback(port: number): string[] {
  const little = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
  const end = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const address = little ? "0100007F" : "7F000001";
  return [
    address + end,
    `${"0".repeat(16)}${little ? "FFFF0000" : "0000FFFF"}${address}${end}`,
  ];
}

/** Whose process is at the other end: a user's number, or that it can't be told. */
export type Peer = number | "nobody" | "unknown";

/** The table is read piece by piece while sockets come and go: now and then a line is missing. */
const reads = 3;

/**
 * Says whose process is at the other end.
 *
 * @param ports The client's port and the local one, both on 127.0.0.1.
 * @param read Reads the tables; null where there are none.
 * @returns The user's number; `nobody` where no process holds that end (any more), `unknown` where the
 * system doesn't tell.
 */
export async function peerUser(
  ports: { client: number; own: number },
  read: () => Promise<string | null> = readTable,
): Promise<Peer> {
  const [clients, owns] = [loopback(ports.client), loopback(ports.own)];
  for (let count = 0; count < reads; count++) {
    const text = await read();
    if (text === null) return "unknown";
    const row = readSockets(text, ports.client).find(({ local, remote }) =>
      clients.includes(local) && owns.includes(remote)
    );
    if (row) return row.inode === "0" ? "nobody" : row.uid;
  }
  return "nobody";
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
      state === "0A" && (loopback(port).includes(local) || /^0+:/.test(local))
    );
  return row?.uid ?? null;
}

const tables = ["/proc/net/tcp", "/proc/net/tcp6"] as const;

/** The tables' text; null where the system has none, or doesn't show them. */
export async function readTable(): Promise<string | null> {
  if (Deno.build.os !== "linux") return null;
  try {
    const texts = await Promise.all(tables.map((path) =>
      Deno.readTextFile(path).catch((error) => {
        // A kernel without IPv6 has no second table.
        if (path === tables[1] && error instanceof Deno.errors.NotFound) return "";
        throw error;
      })
    ));
    return texts.join("\n");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) return null;
  }
  try {
    const { stdout } = await new Deno.Command("cat", {
      args: [...tables],
      stdin: "null",
      stderr: "null",
      env: await loaderVariables(),
    }).output();
    return stdout.length > 0 ? new TextDecoder().decode(stdout) : null;
  } catch {
    return null;
  }
}
