/**
 * Which processes of which job are served together: by what was typed and by the records on the login
 * node. Asks the login node.
 *
 * @module
 */

import type { Host } from "../../_host.ts";
import { formatRanks, inRanks, type RankRange } from "../../_ranks.ts";
import type { ChosenJob } from "../../attach/jobs.ts";
import { waitsForCrash } from "../../attach/select.ts";
import type { RdgError } from "../../../plugins/error.ts";
import type { Session } from "../../../python/sessions.ts";
import {
  type FindContext,
  findJob,
  type JobWish,
  lower,
  noneAtAll,
  noSession,
  type NotYet,
} from "../find.ts";

/** What is looked for. */
export interface RanksWish extends JobWish {
  /** The ranks; undefined for all. */
  ranks?: readonly RankRange[];
}

/** The processes that were chosen, and their job. */
export interface FoundRanks {
  /** The job. */
  chosen: ChosenJob;
  /** Its id as people write it. */
  display: string;
  /** The processes. */
  sessions: Session[];
  /** Ranks that were asked for by number and have no session. */
  missing: number[];
  /** The login node, as a world. */
  host: Host;
}

/** Ranks beyond this many are not named one by one. */
const namedUpTo = 4096;

/**
 * Finds the processes; wakes none.
 *
 * @param wish What was typed.
 * @param context The login node, the menus, and what to leave out.
 * @returns The processes; or, for the patient, why there are none yet.
 * @throws {RdgError} when there are none.
 */
export async function findRanks(
  wish: RanksWish,
  context: FindContext,
): Promise<FoundRanks | NotYet> {
  const choice = await findJob(wish, context);
  if ("why" in choice) return choice;
  const { chosen, display, known, host } = choice;
  const fitting = known.filter(({ rank }) => inRanks(rank, wish.ranks));
  if (!fitting.some((session) => !waitsForCrash(session))) {
    const error = nothing({ display, known, fitting, wish });
    if (context.patient) return { why: lower(error.message) };
    throw error;
  }
  return { chosen, display, sessions: fitting, missing: missing(wish, fitting), host };
}

function nothing(
  { display, known, fitting, wish }: {
    display: string;
    known: readonly Session[];
    fitting: readonly Session[];
    wish: RanksWish;
  },
): RdgError {
  const fail = (message: string, hint: string) => noSession(display, { message, hint });
  if (known.length === 0) return noSession(display, noneAtAll);
  if (fitting.length > 0) {
    const many = fitting.length === 1 ? "its program is" : `its ${fitting.length} processes are`;
    return fail(
      `${many} armed for a crash only, and none has crashed`,
      "--wait waits for the crash",
    );
  }
  const wanted = (wish.ranks ?? []).map((range) => [...new Set(range)].join("-")).join(",");
  const ranks = known.flatMap(({ rank }) => rank === null ? [] : [rank]);
  if (ranks.length === 0) {
    return fail(
      `nothing there has a rank, so none has rank ${wanted}`,
      "--all takes every process",
    );
  }
  const size = Math.max(...known.map(({ worldSize }) => worldSize ?? 0));
  return fail(
    `nothing there has rank ${wanted}; ${size > 0 ? `of ${size} ranks, ` : ""}` +
      `${formatRanks(ranks)} ${ranks.length === 1 ? "has" : "have"} a session`,
    `--rank=${formatRanks(ranks)}, or --all`,
  );
}

/** Ranks that were typed and aren't there. */
function missing({ ranks = [] }: RanksWish, fitting: readonly Session[]): number[] {
  const there = new Set(fitting.map(({ rank }) => rank ?? 0));
  const absent: number[] = [];
  for (const [first, last] of ranks) {
    for (let rank = first; rank <= last && absent.length < namedUpTo; rank++) {
      if (!there.has(rank)) absent.push(rank);
    }
  }
  return absent;
}
