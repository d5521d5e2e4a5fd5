/**
 * Which session of a job `rdg connect` goes to: by what was typed, else by asking; and waking it where
 * it sleeps. Asks the login node.
 *
 * @module
 */

import { inRanks } from "../_ranks.ts";
import { waitsForCrash } from "../attach/select.ts";
import { ExitCode, RdgError, usageError } from "../../plugins/error.ts";
import type { Session } from "../../python/sessions.ts";
import {
  type FindContext,
  findJob,
  jobOf,
  type JobWish,
  lower,
  noneAtAll,
  noSession,
  type NotYet,
} from "./find.ts";
import { recordPath } from "./records.ts";
import { wake } from "./wake.ts";
import type { Destination } from "./ways.ts";

/** What is looked for. */
export interface Wish extends JobWish {
  /** The rank. */
  rank?: number;
  /** Seconds to wait until a woken program listens. */
  timeoutS: number;
  /** Whether progress is shown. */
  quiet: boolean;
}

/** A session that listens, and its job. */
export interface Found extends Destination {
  /** Its record on the login node. */
  record: string;
}

/**
 * Finds the session, and wakes it if need be.
 *
 * @param wish What was typed.
 * @param context The login node, the menus, and what to leave out.
 * @returns The session; or, for the patient, why there is none yet.
 * @throws {RdgError} when there is none, or it can't be woken.
 */
export async function findSession(wish: Wish, context: FindContext): Promise<Found | NotYet> {
  const choice = await findJob(wish, context);
  if ("why" in choice) return choice;
  const { link } = context.login;
  const { chosen, display, known, host } = choice;
  const fitting = known.filter(({ rank }) =>
    wish.rank === undefined || inRanks(rank, [[wish.rank, wish.rank]])
  );
  const usable = fitting.filter((session) => !waitsForCrash(session));
  if (usable.length === 0) {
    const why = nothingUsable({ display, known, fitting, wish });
    if (context.patient) return { why: lower(why.message) };
    throw why;
  }
  const session = await chooseProcess(usable, { display, context });
  const awake = session.state === "armed"
    ? await wake(session, {
      display,
      scheduler: chosen.scheduler,
      host,
      state: link.facts.state,
      menus: context.menus,
      timeoutS: wish.timeoutS,
      quiet: wish.quiet,
    })
    : session;
  if (!awake.address) {
    throw new RdgError("Cannot connect: the session names no address", {
      code: "not-found",
      exitCode: ExitCode.notFound,
      hint: "start the program anew, with this version of rdg",
    });
  }
  return {
    session: awake,
    job: jobOf(chosen, awake),
    scheduler: chosen.scheduler,
    record: recordPath(link, awake),
  };
}

async function chooseProcess(
  sessions: readonly Session[],
  { display, context }: { display: string; context: FindContext },
): Promise<Session> {
  if (sessions.length === 1) return sessions[0]!;
  if (context.host.terminal.interactive) {
    const chosen = await context.menus.processes(sessions);
    return chosen[0]!;
  }
  const ranks = sessions.flatMap(({ rank }) => rank === null ? [] : [rank]);
  throw usageError(
    `Cannot ask which of ${sessions.length} processes of job ${display}: stdin is no terminal`,
    ranks.length > 0 ? `--rank N, one of: ${ranks.slice(0, 16).join(", ")}` : "use a terminal",
  );
}

function nothingUsable(
  { display, known, fitting, wish }: {
    display: string;
    known: readonly Session[];
    fitting: readonly Session[];
    wish: Wish;
  },
): RdgError {
  const fail = (message: string, hint: string) => noSession(display, { message, hint });
  if (known.length === 0) return noSession(display, noneAtAll);
  if (fitting.length === 0) {
    const ranks = known.map(({ rank }) => rank ?? 0).slice(0, 16).join(", ");
    return fail(`nothing there has rank ${wish.rank}`, `--rank N, one of: ${ranks}`);
  }
  return fail(
    "its program is armed for a crash only, and has not crashed",
    "--wait waits for the crash",
  );
}
