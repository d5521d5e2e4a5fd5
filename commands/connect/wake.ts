/**
 * Wakes the one process that `rdg connect` goes to, by the means of `rdg attach`. Asks the login node.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import type { Menus } from "../_job_menu.ts";
import { report } from "../attach/report.ts";
import { selectProcesses } from "../attach/select.ts";
import { wakeProcesses } from "../attach/wake.ts";
import type { SchedulerPlugin } from "../../plugins/contract.ts";
import { type ExitCode, RdgError } from "../../plugins/error.ts";
import { local } from "../../plugins/schedulers/local.ts";
import type { Session } from "../../python/sessions.ts";

/** What {@linkcode wake} needs beside the session. */
export interface WakeContext {
  /** The job's id, as people write it. */
  display: string;
  /** The scheduler that it belongs to. */
  scheduler: SchedulerPlugin;
  /** The login node, as a world. */
  host: Host;
  /** The state folder there. */
  state: string;
  /** Asks the person. */
  menus: Menus;
  /** Seconds to wait until it listens. */
  timeoutS: number;
  /** Whether nothing is said meanwhile. */
  quiet: boolean;
}

/**
 * Wakes a process; the complaints of `rdg attach` become one error.
 *
 * @param session The process.
 * @param context Its job, and the world.
 * @returns The session, which listens now.
 * @throws {RdgError} where it can't be woken.
 */
export async function wake(
  session: Session,
  context: WakeContext,
): Promise<Session> {
  const { display, host, scheduler, menus, state, timeoutS, quiet } = context;
  const request = {
    job: scheduler === local ? "local" : display,
    pid: session.pid,
    all: false,
    node: session.host,
    json: false,
    wait: true,
    timeoutS,
  };
  const selection = await selectProcesses(request, {
    scheduler,
    // Another one may have the same number: containers on one node begin to count at 1, each of them.
    sessions: [session],
    host,
    menus,
  });
  const results = await wakeProcesses(selection, {
    wait: true,
    timeoutS,
    json: quiet,
    state,
    host,
  });
  const awake = results.find((result) => result.session)?.session;
  if (awake) return awake;
  const lines: string[] = [];
  const listening = {
    ...host,
    terminal: { ...host.terminal, say: (line: string) => void lines.push(line) },
  };
  const exitCode = await report(results, {
    json: false,
    wait: true,
    selection,
    host: listening,
  });
  const [message = "", ...rest] = lines.join("\n").split("\n");
  const hint = rest.find((line) => line.startsWith("Try: "))?.slice(5);
  throw new RdgError(message || `Cannot wake process ${session.pid}`, {
    code: "not-woken",
    exitCode: exitCode as ExitCode,
    hint,
    cause: rest.filter((line) => !line.startsWith("Try: ")).join("\n") || undefined,
  });
}
