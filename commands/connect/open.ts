/**
 * Opens the link to the login node, at first and again after it broke. The first time ssh may ask
 * whatever it has to. Again, nobody may be there: keys are tried without a word, and only a person who
 * presses Enter is asked for a password or a code (else the phone of somebody who sleeps would ring for
 * a second factor every two minutes). Starts ssh; reads stdin.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import { allSchedulers } from "../_scheduler.ts";
import { RdgError } from "../../plugins/error.ts";
import { type Link, localLink } from "./link.ts";
import { refused } from "./ssh_failure.ts";
import { sshLink } from "./ssh_link.ts";

/** What {@linkcode openLink} works with. */
export interface OpenContext {
  /** The world. */
  host: Host;
  /** Ends the attempt. */
  signal: AbortSignal;
}

/** A login node, as it was typed. */
export interface Wish {
  /** The login node; undefined for this host. */
  login?: string;
}

/**
 * Opens the link; ssh asks the person where it has to.
 *
 * @param wish The login node.
 * @param context The world.
 * @returns The link.
 * @throws {RdgError} with ssh's own words.
 */
export async function openLink(wish: Wish, context: OpenContext): Promise<Link> {
  const { host } = context;
  if (wish.login === undefined) {
    return await localLink({ runner: host.runner, programs: await programs(host) });
  }
  if (Deno.build.os === "windows") {
    host.terminal.say(
      "OpenSSH on Windows can't share a connection: each way to a node is one of its own, and may " +
        "ask you again.",
    );
  }
  return await overSsh(wish.login, { ...context, ask: true });
}

/**
 * Opens the link again: silently where keys suffice, else when the person says so.
 *
 * @param wish The login node.
 * @param context The world; `enter` waits for the Enter key, false where none can come (stdin's own when
 * absent).
 * @returns The link.
 * @throws {RdgError} with ssh's own words.
 */
export async function reopenLink(
  wish: Wish,
  context: OpenContext & { enter?: () => Promise<boolean> },
): Promise<Link> {
  if (wish.login === undefined) return await openLink(wish, context);
  const { host, signal, enter = enterKey } = context;
  const { interactive } = host.terminal;
  let refusal: unknown;
  try {
    return await overSsh(wish.login, { ...context, ask: false });
  } catch (error) {
    if (!isRefused(error) || signal.aborted) throw error;
    refusal = error;
  }
  while (interactive) {
    host.terminal.say(
      `"${wish.login}" wants you to log in again. Press Enter when you are there, or Ctrl-C to end.`,
    );
    if (!await enter()) throw refusal;
    try {
      return await overSsh(wish.login, { ...context, ask: true });
    } catch (error) {
      if (!isRefused(error) || signal.aborted) throw error;
      refusal = error;
      host.terminal.say(`${error.message}.`);
    }
  }
  // No terminal: a graphical SSH_ASKPASS may still ask, once.
  return await overSsh(wish.login, { ...context, ask: true });
}

async function overSsh(login: string, context: OpenContext & { ask: boolean }): Promise<Link> {
  const { host, signal, ask } = context;
  const { terminal } = host;
  return await sshLink({
    login,
    programs: await programs(host),
    ask,
    // Shown as it comes where a person is there: banners, and the words before a prompt.
    ...(ask && terminal.interactive ? { onComplaint: (text) => terminal.draw?.(text) } : {}),
    ...(host.verbose ? { onRun: (line) => terminal.say(terminal.style("dim", `$ ${line}`)) } : {}),
    signal,
  });
}

function isRefused(error: unknown): error is RdgError {
  return error instanceof RdgError && error.code === refused;
}

/** Those of the schedulers' programs whose presence says something. */
async function programs(host: Host): Promise<string[]> {
  return [...new Set((await allSchedulers(host)).flatMap(({ detect }) => detect))];
}

/** Waits for a line on stdin; Ctrl-C is a signal meanwhile, as always. */
async function enterKey(): Promise<boolean> {
  const bytes = new Uint8Array(256);
  while (true) {
    const count = await Deno.stdin.read(bytes);
    if (count === null) return false;
    if (bytes.subarray(0, count).includes(10)) return true;
  }
}
