/**
 * Asks the chosen processes for their stacks: the helper runs on all nodes of an allocation in one
 * call, whatever the number of processes.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import { type Answer, type Helper, runOnNodes, type Way } from "../attach/enter.ts";
import type { Group, Selection } from "../attach/select.ts";
import { elsewhere } from "../attach/wake.ts";
import { parseDump } from "../../python/dump.ts";
import { rankIn, rankVariables } from "../../plugins/ranks.ts";
import type { Session } from "../../python/sessions.ts";
import type { Injection } from "../../python/wake.ts";
import { stackCommand, type StackEvent, stackReader } from "../../python/stack.ts";
import { reasonOf } from "./reasons.ts";
import {
  type Answered,
  compareProcesses,
  type Crash,
  type Missing,
  type Snapshot,
} from "./snapshot.ts";

/** How to ask. */
export interface GatherOptions {
  /** How to reach the nodes; undefined to choose. */
  via?: Way;
  /** Seconds after which a process counts as silent. */
  limitS: number;
  /** Also processes that the chosen ones started and that rdg armed. */
  children: boolean;
  /** Also those that none of the chosen ones started. */
  orphans: boolean;
  /** Also all other Python processes of mine in the job. */
  unarmed: boolean;
  /** How to look into processes that rdg has not prepared by gdb; absent for py-spy alone. */
  inject?: Injection | undefined;
  /** The state folder. */
  state: string | null;
  /** The world. */
  host: Host;
}

/** What an event says about one process. */
type About = Extract<StackEvent, { type: "stack" | "none" }>;

/** Seconds for what comes beside the asking: entering the job, py-spy for many processes. */
const spareS = 60;

/**
 * Asks once.
 *
 * @param selection Whom.
 * @param options How.
 * @returns What came back, by rank.
 * @throws {RdgError} when the helper could be started nowhere.
 */
export async function gather(selection: Selection, options: GatherOptions): Promise<Snapshot> {
  const perGroup = await Promise.all(selection.groups.map(async (group) => {
    const answer = await runOnNodes(group, {
      selection,
      options: {
        ...(options.via === undefined ? {} : { via: options.via }),
        wait: true,
        timeoutS: options.limitS + spareS,
        state: options.state,
        host: options.host,
        inject: options.inject,
      },
      onEvent: () => {},
      helper: helperFor(group, { selection, options }),
    });
    return readGroup(group, { selection, answer });
  }));
  // A PID that was typed by hand is looked for in every component of the job.
  const all = perGroup.flat();
  const found = all.filter((one) => !("outcome" in one) || !elsewhere.includes(one.outcome));
  const pids = new Set(found.map(({ pid }) => pid));
  const processes = all.filter((one) =>
    !("outcome" in one) || !elsewhere.includes(one.outcome) || !pids.has(one.pid)
  );
  processes.sort(compareProcesses);
  const answered = processes.filter((one): one is Answered => "dump" in one);
  const ranks = new Set(answered.map(({ rank, child }) => child ? null : rank));
  // A rank that was killed and started again has left a record behind.
  const replaced = ({ rank, outcome }: Missing) =>
    rank !== null && ranks.has(rank) && (outcome === "gone" || outcome === "reused");
  return {
    job: selection.displayId,
    time: options.host.now(),
    answered,
    missing: processes.filter((one): one is Missing => "outcome" in one && !replaced(one)),
  };
}

function helperFor(
  group: Group,
  { selection, options }: { selection: Selection; options: GatherOptions },
): Helper<StackEvent> {
  return {
    command: ({ waitS: _wait, stuckAfterS: _stuck, targets, ...rest }, python) =>
      stackCommand({
        ...rest,
        targets: targets.map((target) => {
          const index = group.targets.indexOf(target);
          const session = sessionOf(group, { index, selection });
          return {
            ...target,
            index,
            signal: session?.stackSignal ?? null,
            fd: session?.stack?.fd ?? null,
          };
        }),
        limitS: options.limitS,
        children: options.children,
        orphans: options.orphans,
        unarmed: options.unarmed,
        rankVariables,
      }, python),
    reader: stackReader,
  };
}

/** Everything that was said about a group's processes. */
function readGroup(
  group: Group,
  { selection, answer }: { selection: Selection; answer: Answer<StackEvent> },
): (Answered | Missing)[] {
  const events = answer.events.filter((event): event is About =>
    event.type === "stack" || event.type === "none"
  );
  const context = (index: number | null) =>
    index === null ? undefined : sessionOf(group, { index, selection });
  const targets = group.targets.flatMap((target, index) => {
    const said = events.filter((event) => event.index === index);
    const good = said.filter((event) =>
      event.type === "stack" || !elsewhere.includes(event.outcome)
    );
    const session = context(index);
    const chosen = good.length > 0 ? good : said.slice(0, 1);
    if (chosen.length > 0) {
      return chosen.map((event) => read(event, { session, parent: undefined }));
    }
    const last = String(answer.failure?.cause ?? "").trim().split("\n").at(-1);
    const detail = [answer.failure?.message, last].filter(Boolean).join(": ");
    return [{
      ...identify({ node: target.host ?? "", pid: target.pid, start: target.startTime }),
      rank: session?.rank ?? null,
      child: false,
      ...crashOf(session),
      outcome: "no-answer" as const,
      reason: reasonOf("no-answer", { detail, job: selection.displayId }),
    }];
  });
  const children = events.filter((event) => event.index === null && !beside(event)).map((event) =>
    read(event, { session: undefined, parent: context(event.parent) })
  );
  return [...targets, ...children];

  function read(
    event: About,
    { session, parent }: { session: Session | undefined; parent: Session | undefined },
  ): Answered | Missing {
    const process = {
      ...identify(event),
      rank: (session ?? parent)?.rank ?? rankIn(event.environment)?.rank ?? null,
      child: !event.program,
      ...crashOf(session),
    };
    if (event.type === "none") {
      const { outcome, detail } = event;
      return {
        ...process,
        outcome,
        reason: reasonOf(outcome, { detail, job: selection.displayId }),
      };
    }
    return {
      ...process,
      name: event.name,
      dump: parseDump(event.text, { complete: event.complete, via: event.via }),
      via: event.via,
      osThreads: event.threads,
    };
  }
}

/** Nobody named it, and it isn't there: helper processes come and go, or are another job's. */
function beside(event: About): boolean {
  return event.type === "none" && ["gone", "ended", ...elsewhere].includes(event.outcome);
}

function identify(event: { node: string; pid: number; start: number | null }) {
  const { node, pid, start } = event;
  return { key: `${node}:${pid}:${start}`, node, pid };
}

function crashOf(session: Session | undefined): { crash?: Crash } {
  if (!session || session.crashed === null) return {};
  return { crash: { time: session.crashed, exception: session.exception ?? "" } };
}

/** The record behind a target. */
function sessionOf(
  group: Group,
  { index, selection }: { index: number; selection: Selection },
): Session | undefined {
  const target = group.targets[index];
  return selection.sessions.find(({ host, pid, startTime, pidNamespace }) =>
    host === target?.host && pid === target.pid && startTime === target.startTime &&
    pidNamespace === target.pidNamespace
  );
}
