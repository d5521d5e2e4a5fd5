/**
 * My session records as the commands read them, those that can't be used named on stderr.
 *
 * @module
 */

import type { Host } from "./_host.ts";
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
