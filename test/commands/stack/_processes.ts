/**
 * Processes and frames for the tests of `rdg stack`. Pure.
 *
 * @module
 */

import type { Answered, Missing, Snapshot } from "../../../commands/stack/snapshot.ts";
import type { Frame, Thread } from "../../../python/dump.ts";

/** A frame of the person's own. */
export function frame(name: string, line: number, file = "/home/ada/train.py"): Frame {
  return { function: name, line, file };
}

/** A frame of a package. */
export function torch(name: string, line: number): Frame {
  return frame(name, line, "/opt/v/lib/python3.11/site-packages/torch/distributed/c10d.py");
}

/** A process that answered; its PID is 100 above its rank unless another one is given. */
export function answered(changes: {
  rank: number | null;
  pid?: number;
  node?: string;
  child?: boolean;
  frames?: readonly Frame[];
  others?: readonly (readonly Frame[])[];
}): Answered {
  const { rank, node = "n1", child = false, frames = [], others = [] } = changes;
  const pid = changes.pid ?? 100 + (rank ?? 0);
  const thread = (list: readonly Frame[], i: number): Thread => ({
    ...{ id: String(i), name: null, main: i === 0, cut: false, note: null },
    frames: [...list],
  });
  return {
    ...{ key: `${node}:${pid}:1`, rank, node, pid, child },
    name: "python3 train.py",
    via: "signal",
    osThreads: null,
    dump: { threads: [frames, ...others].map(thread), cut: false },
  };
}

/** A rank that gave nothing. */
export function missing(rank: number, reason: string): Missing {
  return {
    ...{ key: `n1:${100 + rank}:1`, rank, node: "n1", pid: 100 + rank, child: false },
    ...{ outcome: "gone", reason },
  };
}

/** One look at job 36. */
export function snapshot(
  processes: readonly Answered[],
  silent: readonly Missing[] = [],
  time = 1_000,
): Snapshot {
  return { job: "36", time, answered: [...processes], missing: [...silent] };
}
