/**
 * `rdg attach --via=scancel`: wakes by the scheduler's own signal command. A broadcast to a whole
 * step: it ends every process that has no handler, so it is used only when asked for by name.
 *
 * @module
 */

import { whileWaiting } from "../_waiting.ts";
import { ExitCode, RdgError } from "../../plugins/error.ts";
import { checkDeclared } from "../../plugins/host.ts";
import { readSessions, type Session } from "../../python/sessions.ts";
import type { Selection } from "./select.ts";
import type { Result, WakeOptions } from "./wake.ts";

/** Pause between two looks at the records, in milliseconds: there is nobody on the node to tell. */
const pauseMs = 300;

/**
 * Signals the steps of the chosen processes and waits for their records to say "listening".
 *
 * @param selection Whom; each must have a record.
 * @param options The limits, the state folder and the world.
 * @returns One result a process.
 * @throws {RdgError} where the scheduler has no such command, or it fails.
 */
export async function broadcast(selection: Selection, options: WakeOptions): Promise<Result[]> {
  const { scheduler, sessions } = selection;
  const { host } = options;
  if (!scheduler.broadcast || sessions.length === 0 || options.state === null) {
    throw new RdgError(
      scheduler.broadcast
        ? `Cannot signal job ${selection.displayId} as a whole: none of its sessions can be seen`
        : `Cannot signal job ${selection.displayId} as a whole: ${scheduler.name} has no way to`,
      { code: "scheduler", exitCode: ExitCode.scheduler, hint: "leave --via=scancel out" },
    );
  }
  const asleep = sessions.filter(sleeps);
  // One call a step and signal: two programs of a step may have been given different ones.
  const calls = new Map(asleep.map(({ job: { step }, signal }) => [
    `${step} ${signal}`,
    { job: selection.groups[0]!.job.id, signal, ...(step === null ? {} : { step }) },
  ]));
  if (calls.size > 0) {
    host.terminal.say(host.terminal.style(
      "yellow",
      "Warning: this signals whole steps of the job. Processes in them that rdg has not prepared " +
        "(wrapper shells, other programs) are ended by it.",
    ));
  }
  for (const target of calls.values()) {
    const spec = scheduler.broadcast(target);
    if (!spec) continue;
    checkDeclared(spec, scheduler);
    const { code, stderr } = await host.runner(spec);
    if (code !== 0) {
      const words = `"${spec.program}" exited with code ${code}`;
      throw new RdgError(`Cannot signal job ${selection.displayId} as a whole: ${words}`, {
        code: "scheduler",
        exitCode: ExitCode.scheduler,
        hint: "see whether the job still runs: rdg sessions",
        cause: stderr,
      });
    }
  }
  const { state } = options;
  return await whileWaiting(
    "Waiting for the records of what was signalled",
    () => waitForRecords(sessions, { ...options, state }),
    { terminal: host.terminal },
  );
}

/** Whether there is something to wake: it was never woken, or runs on after a detach. */
function sleeps({ state, waiting }: Session): boolean {
  return state === "armed" || state === "listening" && waiting === false;
}

async function waitForRecords(
  sessions: readonly Session[],
  options: WakeOptions & { state: string },
): Promise<Result[]> {
  const end = options.host.now() + (options.wait ? options.timeoutS * 1000 : 0);
  const job = sessions[0]!.job.id;
  while (true) {
    const over = options.host.now() >= end;
    const now = await readSessions(options.state, { job, uid: Deno.uid() });
    const results = sessions.map((session): Result => {
      const found = now.sessions.find(({ path }) => path === session.path);
      const base = { node: session.host, pid: session.pid, detail: "", signal: session.signal };
      if (!found) return { ...base, outcome: "ended" };
      if (found.state === "armed" || !found.address || !over && sleeps(found)) {
        return { ...base, outcome: options.wait ? "late" : "signalled" };
      }
      return { ...base, outcome: "ready", session: found, login: found.submitHost };
    });
    const waiting = results.some(({ outcome }) => outcome === "late");
    if (!waiting || over) return results;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
