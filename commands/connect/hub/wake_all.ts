/**
 * Wakes many processes of a job by one call of the scheduler, and tells of each as soon as it listens.
 * Asks the login node.
 *
 * @module
 */

import { sameNode } from "../../_scheduler.ts";
import { runHelper } from "../../attach/enter.ts";
import { selectProcesses } from "../../attach/select.ts";
import type { Menus } from "../../_job_menu.ts";
import { ExitCode, RdgError } from "../../../plugins/error.ts";
import { local } from "../../../plugins/schedulers/local.ts";
import type { Session } from "../../../python/sessions.ts";
import { type About, isAbout } from "../../../python/wake.ts";
import type { FoundRanks } from "./choose.ts";

/** What {@linkcode wakeAll} needs beside the processes. */
export interface WakeAllContext {
  /** Their job, and the login node as a world. */
  found: FoundRanks;
  /** Asks the person; it never has to. */
  menus: Menus;
  /** The state folder on the login node. */
  state: string;
  /** Seconds to wait until they listen. */
  timeoutS: number;
  /** Hears of each that listens. */
  onReady: (session: Session) => void;
  /** Hears why one doesn't, and whether it hangs in native code, so that nobody knows how long. */
  onTrouble: (session: Session, why: string, stuck: boolean) => void;
}

/**
 * Wakes processes.
 *
 * @param sleeping The processes.
 * @param context Their job, and who wants to hear.
 * @throws {RdgError} where the scheduler starts nothing in the job.
 */
export async function wakeAll(
  sleeping: readonly Session[],
  context: WakeAllContext,
): Promise<void> {
  const { found: { chosen, display, host }, menus, state, timeoutS } = context;
  const request = { job: chosen.scheduler === local ? "local" : display, all: true };
  const selection = await selectProcesses(request, {
    scheduler: chosen.scheduler,
    sessions: sleeping,
    host,
    menus,
  });
  if (selection.groups.length === 0) {
    throw new RdgError("Cannot wake the ranks: none of them is there any more", {
      code: "not-found",
      exitCode: ExitCode.notFound,
    });
  }
  const find = (event: About) =>
    sleeping.find((one) => isAbout(event, one) && sameNode(one.host, event.node)) ??
      sleeping.find((one) => isAbout(event, one));
  const settled = new Set<Session>();
  const options = { wait: true, timeoutS, json: false, state, host };
  await Promise.all(selection.groups.map((group) =>
    runHelper(group, {
      selection,
      options,
      onEvent: (event) => {
        const session = "pid" in event ? find(event) : undefined;
        if (!session || event.type === "node" || event.type === "done") return;
        if (event.type === "ready") {
          settled.add(session);
          context.onReady(event.session);
        } else if (event.type === "stuck") {
          const where = event.opening ? "its debugger is loading" : stuckWords(event);
          context.onTrouble(session, `does not answer yet: ${where}`, !event.opening);
        } else if (event.type === "process") {
          if (event.outcome === "signalled" || event.outcome === "already") return;
          settled.add(session);
          context.onTrouble(
            session,
            `cannot be woken: ${event.outcome}${event.detail ? ` (${event.detail})` : ""}`,
            true,
          );
        } else {
          settled.add(session);
          const why = event.type === "ended" ? "has ended" : `did not listen within ${timeoutS} s`;
          context.onTrouble(session, why, true);
        }
      },
    })
  ));
  for (const session of sleeping) {
    if (!settled.has(session)) context.onTrouble(session, "gave no answer from its node", true);
  }
}

/** Where a process is that doesn't answer: its innermost frame. */
function stuckWords({ stacks, detail }: { stacks: string | null; detail: string }): string {
  const frame = /File "([^"]+)", line (\d+) in (\S+)/.exec(stacks ?? "");
  const place = frame ? `busy in native code, called from ${frame[3]} ${frame[1]}:${frame[2]}` : "";
  return [place, detail].filter(Boolean).join("; ") || "it is busy";
}
