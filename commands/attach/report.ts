/**
 * Says what became of the processes that were to be woken: blocks (or one JSON object) on stdout,
 * everything else on stderr.
 *
 * @module
 */

import { connectionBlock, tunnelLine } from "../_block.ts";
import type { Host } from "../_host.ts";
import { outputOf } from "../_scheduler.ts";
import { ExitCode, formatError, RdgError } from "../../plugins/error.ts";
import type { Selection } from "./select.ts";
import type { Result } from "./wake.ts";

/** What the words depend on beside the result. */
interface Words {
  /** Whether answers were waited for. */
  wait: boolean;
  /** The job's id, as people write it. */
  displayId: string;
  /** The job's output; only hints name it. */
  output?: string;
}

/**
 * Prints the results.
 *
 * @param results One a process.
 * @param options How, for which selection, and the world; the scheduler is asked for the job's output
 * where only that tells what became of a process.
 * @returns 0 when all of them are as wanted, else the code of the first that isn't.
 */
export async function report(
  results: readonly Result[],
  options: {
    json: boolean;
    wait: boolean;
    selection: Pick<Selection, "scheduler" | "jobId" | "displayId">;
    host: Host;
  },
): Promise<number> {
  const { host, wait, selection: { scheduler, jobId, displayId } } = options;
  if (options.json) {
    host.terminal.out(`${JSON.stringify(asJson(results, { wait, displayId }), null, 2)}\n`);
  } else {
    for (const { session, login = null } of results) {
      if (session) host.terminal.out(`${connectionBlock(session, login).join("\n")}\n\n`);
    }
    const signalled = results.filter(({ outcome }) => outcome === "signalled" && !wait);
    for (const { pid, node } of signalled) {
      host.terminal.say(
        `Signalled process ${pid} on ${node}; its output will say where to connect.`,
      );
    }
  }
  // What listens stands still until somebody comes: nothing that takes a while goes before its block.
  const output = jobId !== null && results.some((result) => leadsToOutput(result, wait))
    ? await outputOf(scheduler, { job: jobId, host })
    : "its output";
  const errors = results.map((result) => problem(result, { wait, displayId, output }))
    .filter((error) => error !== null);
  for (const error of errors) host.terminal.say(formatError(error));
  return errors[0]?.exitCode ?? ExitCode.ok;
}

/** Whether what became of a process can only be seen in the job's output. */
function leadsToOutput({ outcome }: Result, wait: boolean): boolean {
  return outcome === "ended" || outcome === "late" || (outcome === "signalled" && wait);
}

function asJson(
  results: readonly Result[],
  options: Words,
): Record<string, unknown> {
  return {
    job: options.displayId,
    sessions: results.filter(({ session }) => session).map(({ session, login = null }) => ({
      node: session!.host,
      pid: session!.pid,
      rank: session!.rank,
      worldSize: session!.worldSize,
      state: session!.state,
      waiting: session!.waiting,
      host: session!.address!.host,
      port: session!.address!.port,
      remotePath: session!.remotePath,
      auth: session!.auth,
      token: session!.token,
      exception: session!.exception,
      ssh: tunnelLine(session!, login),
    })),
    others: results.filter(({ session }) => !session).map((result) => ({
      node: result.node,
      pid: result.pid,
      outcome: result.outcome,
      message: problem(result, options)?.message ?? null,
      stacks: result.stacks ?? null,
    })),
  };
}

/** What is wrong with a process, or null. */
function problem(
  result: Result,
  options: Words,
): RdgError | null {
  const { outcome, pid, detail, signal } = result;
  const { output = "its output" } = options;
  const here = options.displayId === "local";
  const where = result.node === null || here ? "" : ` on ${result.node}`;
  const fail = (words: string, more: { exitCode: ExitCode; hint?: string; cause?: unknown }) =>
    new RdgError(`Cannot wake process ${pid}${where}: ${words}`, { code: outcome, ...more });
  const notFound = ExitCode.notFound;
  switch (outcome) {
    case "ready":
    case "already":
      return null;
    case "signalled":
      return options.wait
        ? fail(`it was signalled, and then ${detail || "nothing came back"}`, {
          ...timeout(),
          cause: result.cause,
        })
        : null;
    case "late":
      return fail(
        result.stacks
          ? "it was signalled, but is still in that call"
          : "it was signalled, but has not answered yet",
        timeout(),
      );
    case "ended":
      return fail("it was signalled, and ended before it listened", {
        exitCode: ExitCode.generic,
        hint: `read ${output}: it may have ended by itself, or debugpy may be missing`,
      });
    case "no-answer":
      return fail(detail || "its node said nothing", {
        exitCode: ExitCode.scheduler,
        hint: "see whether the node is up; the others of the job can be reached without it",
      });
    case "gone":
    case "not-here":
      return fail(
        here ? "there is no such process here" : `job ${options.displayId} has no such process`,
        { exitCode: notFound, hint: "rdg sessions, which shows those that are armed" },
      );
    case "reused":
      return fail("the armed process has ended, and its number belongs to another one now", {
        exitCode: notFound,
        hint: "rdg sessions, which shows those that are armed",
      });
    case "hidden":
      return fail("/proc does not show it (hidepid), so nothing of it can be checked", {
        exitCode: ExitCode.permission,
        hint: "start rdg where the program runs, in its container: there it is shown",
      });
    case "not-mine":
      return fail("it belongs to somebody else", {
        exitCode: ExitCode.permission,
        hint: here
          ? `ps -fp ${pid} tells whose it is`
          : "check the PID: it stands in the job's output",
      });
    case "other-job":
    case "no-job":
      return fail(
        detail ? `it belongs to job ${detail}` : `it does not belong to job ${options.displayId}`,
        { exitCode: notFound, hint: "check the job and the PID: both stand in the job's output" },
      );
    case "not-lite":
      return fail("it is armed for a crash only", {
        exitCode: ExitCode.generic,
        hint: 'start it with "rdg debug -lp" to be able to wake it as well',
      });
    case "lost":
      return fail(`it was prepared by "rdg debug", but has lost that: ${detail}`, {
        exitCode: ExitCode.generic,
        hint: 'put "rdg debug --lite" right before the Python command that is to be debugged',
      });
    case "unprepared":
      return fail(`it was not started by "rdg debug --lite"${detail ? ` (${detail})` : ""}`, {
        exitCode: ExitCode.generic,
        hint: "nothing was sent to it: the signal would have ended it. " +
          `${again()} prepares it first, where gdb may`,
      });
    case "no-ptrace":
      return fail(`it can't be prepared: ${detail}`, {
        exitCode: ExitCode.permission,
        hint: 'start it with "rdg debug --lite" the next time: that needs no such right',
      });
    case "no-gdb":
      return fail(`it can't be prepared: ${detail}`, {
        exitCode: notFound,
        hint: "module load gdb, or put gdb on PATH there; rdg debug --lite needs none",
      });
    case "stopped":
      return fail(`it can't be prepared: ${detail}`, {
        exitCode: ExitCode.generic,
        hint: "let it go on, then do this again",
      });
    case "cannot-inject":
      return fail(`it can't be prepared: ${detail}; it runs on as before`, {
        exitCode: ExitCode.generic,
      });
    case "queued":
      return fail(`rdg's code waits in it, but ${detail}`, {
        exitCode: ExitCode.timeout,
        hint: "it will be prepared as soon as it runs Python again: do this again then. " +
          `Where it is now: rdg stack ${job()}--pid ${pid} --inject`,
      });
    case "failed":
      return fail(detail || "the helper failed", {
        exitCode: ExitCode.generic,
        // Any other signal than its own would end it.
        ...signal === null ? {} : { hint: `kill -s ${signal} ${pid}, by hand on the node` },
      });
  }

  function job(): string {
    return here ? "" : `${options.displayId} `;
  }

  function again(): string {
    return `rdg attach ${job()}${pid} --inject`;
  }

  function timeout() {
    return {
      exitCode: ExitCode.timeout,
      hint: "the debugger opens as soon as its main thread runs Python again; " +
        `"rdg attach ${options.displayId}" then says where. If it does run, read ${output}: ` +
        "what keeps the debugger from opening stands there",
    };
  }
}
