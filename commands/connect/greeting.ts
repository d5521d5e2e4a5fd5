/**
 * The first words on a connection to the local port: whoever doesn't begin as a DAP client does is
 * turned away, and another rdg connect that asks is told who is here. Touches the connection that it is
 * given.
 *
 * @module
 */

import { type Message, MessageReader, type Piece } from "./dap.ts";
import type { Outlet } from "./outlet.ts";
import type { Stream } from "./stream.ts";

/** The request that asks a port whether an rdg connect holds it. */
export const whoCommand = "rdgWho";
/** Milliseconds until the first message has come: an editor sends it at once. */
const firstMs = 10_000;
/** Bytes of a message before the attach; VS Code's has about 1,000. */
export const maxBytes = 4 * 1024 * 1024;
/** Messages before the attach. */
export const maxMessages = 64;

/** What an editor began with. */
export interface Greeting {
  /** What comes after. */
  reader: MessageReader;
  /** Its first message, as it came. */
  first: Piece;
  /** The same, a request. */
  request: Message;
  /** What it calls itself; null where it doesn't say. */
  name: string | null;
}

/**
 * Reads the first message.
 *
 * @param stream The connection; closed where it is turned away.
 * @param options The way out to it, what another rdg connect is told, and who hears why it was turned
 * away.
 * @returns The greeting; null where there is nothing more to do.
 */
export async function greet(
  stream: Stream,
  options: {
    outlet: Outlet;
    door: { describe: () => Record<string, unknown>; onEvent: (event: Refused) => void };
  },
): Promise<Greeting | null> {
  const { outlet, door } = options;
  const greeting = await read(stream);
  if (greeting === null) return null;
  if ("refused" in greeting) {
    door.onEvent({ type: "refused", why: greeting.refused });
    await stream.close();
    return null;
  }
  if (greeting.request.command !== whoCommand) return greeting;
  await outlet.answer(greeting.request, door.describe());
  return null;
}

interface Refused {
  type: "refused";
  why: string;
}

async function read(stream: Stream): Promise<Greeting | { refused: string } | null> {
  const reader = new MessageReader(stream.readable);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), firstMs);
  });
  let first: Piece | null | undefined;
  try {
    first = await Promise.race([reader.next(maxBytes), late]);
  } catch (error) {
    return { refused: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
  if (first === undefined) return { refused: "no DAP message came" };
  if (first === null) return null;
  const request = first.message;
  if (request?.type !== "request") return { refused: "it began with no request" };
  const { clientName, clientID } = (request.arguments ?? {}) as Record<string, unknown>;
  const name = typeof clientName === "string"
    ? clientName
    : typeof clientID === "string"
    ? clientID
    : null;
  return { reader, first, request, name: name?.slice(0, 40) ?? null };
}
