/**
 * My session records as the commands read them, those that can't be used named on stderr.
 *
 * @module
 */

import type { Host } from "./_host.ts";
import { ownBoot } from "./_proc.ts";
import { readSessions, type Session } from "../python/sessions.ts";

/**
 * Reads my session records.
 *
 * @param state The state folder; null where the environment names none.
 * @param options The world; `quiet` names none that is passed over.
 * @returns The sessions, by job, rank and node.
 */
export async function mySessions(
  state: string | null,
  { host, quiet = false }: { host: Host; quiet?: boolean },
): Promise<Session[]> {
  if (state === null) return [];
  const { sessions, passedOver } = await readSessions(state, { uid: Deno.uid() });
  if (quiet) return sessions;
  for (const line of passedOver) {
    host.terminal.say(host.terminal.style("dim", `Passed over ${line}`));
  }
  return sessions;
}

/**
 * Leaves out programs outside of jobs that can't be on this machine, though the host has its name.
 *
 * @param sessions Any sessions.
 * @param host The world.
 * @returns The others.
 */
export async function withoutOtherBoots(
  sessions: readonly Session[],
  host: Host,
): Promise<Session[]> {
  const hostname = host.hostname();
  if (!sessions.some((one) => one.hostname === hostname)) return [...sessions];
  const here = { hostname, boot: await ownBoot(host.runner) };
  return sessions.filter((session) => !isOfOtherBoot(session, here));
}

/**
 * Says whether a program outside of jobs is of another boot of this host's name: it ended when this
 * machine was started anew, or runs on another one that is called so. Nothing here tells which.
 *
 * @param session The program's session.
 * @param here This host's name, and its boot where that is known.
 */
export function isOfOtherBoot(
  session: Pick<Session, "scheduler" | "hostname" | "boot">,
  here: { hostname: string; boot: string | null },
): boolean {
  return session.scheduler === "local" && session.hostname === here.hostname &&
    session.boot !== null && here.boot !== null && session.boot !== here.boot;
}
