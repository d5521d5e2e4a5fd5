/**
 * The text that tells a person where to connect: the same that the program itself prints
 * (`remote_debug/_block.py`). Pure.
 *
 * @module
 */

import type { Session } from "../python/sessions.ts";

/**
 * The ssh line to paste on the laptop.
 *
 * @param session A session that listens.
 * @param login Full name of the host to ssh to; null where none is known.
 * @returns The line; `<user@login.hostname>` stands where the host isn't known.
 */
export function tunnelLine(session: Session, login: string | null): string {
  const { host, port } = session.address!;
  const target = login ? `${session.user}@${login}` : "<user@login.hostname>";
  const forward = `ssh -N -L 5678:${host}:${port}`;
  if (isLoopback(host) && session.job.id !== "local") {
    return `${forward} -J ${target} ${session.user}@${session.host}`;
  }
  return `${forward} ${target}`;
}

/**
 * The block of one session.
 *
 * @param session A session that listens.
 * @param login Full name of the host to ssh to; null where none is known.
 * @returns Lines, the last one says what the program does now.
 */
export function connectionBlock(session: Session, login: string | null): string[] {
  const { host, port } = session.address!;
  const lines = [
    "--- Python Debugger Info ---",
    `Node: ${host}`,
    `Port: ${port}`,
    `Remote Path: ${session.remotePath}`,
  ];
  if (session.rank !== null) {
    lines.push(`Rank: ${session.rank}${session.worldSize ? ` of ${session.worldSize}` : ""}`);
  }
  if (session.token) lines.push(`Token: ${session.token}`);
  lines.push("----------------------------");
  if (session.ownNetwork) lines.push(...ownNetwork);
  lines.push(
    "",
    "To connect from a local VS Code instance, run this on your local machine:",
    tunnelLine(session, login),
    "Then, attach the debugger to localhost:5678.",
    "",
    statusLine(session),
  );
  return lines;
}

/** What keeps a port of a container from being reached. */
const ownNetwork = [
  "This container has a network of its own: only a port that it publishes is reached from outside.",
  "Start it with the host's network (podman run --network=host).",
];

function statusLine(session: Session): string {
  if (session.state === "crashed") {
    return `Script has crashed (${
      session.exception ?? "unknown exception"
    }) and waits for debugger to attach...`;
  }
  if (session.state === "attached") {
    return "A debugger is attached already; it has to disconnect before another one can attach.";
  }
  if (session.waiting === false) {
    return "Script runs on: attach whenever you like, and it stops at your breakpoints.";
  }
  return "Script is paused, waiting for debugger to attach...";
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "localhost" || address === "::1";
}
