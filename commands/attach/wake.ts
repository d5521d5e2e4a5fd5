/**
 * Wakes the chosen processes and gathers what became of each.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import { whileWaiting } from "../_waiting.ts";
import type { Session } from "../../python/sessions.ts";
import {
  type Injection,
  isAbout,
  type Outcome,
  type Target,
  type WakeEvent,
} from "../../python/wake.ts";
import type { AttachOptions } from "./command.ts";
import { type Answer, runHelper } from "./enter.ts";
import type { Group, Selection } from "./select.ts";

/** What became of one process. */
export interface Result {
  /** Its node; null where it was not found on any. */
  node: string | null;
  /** Its id. */
  pid: number;
  /** How far it came. */
  outcome: Outcome | "ready" | "ended" | "late" | "no-answer";
  /** A word on that. */
  detail: string;
  /** The signal that wakes it, by its record; null where nothing tells. */
  signal: number | null;
  /** Where to connect, once it listens. */
  session?: Session;
  /** The host to ssh to. */
  login?: string | null;
  /** What a program printed about that. */
  cause?: string | undefined;
  /** Where its threads are, if it didn't answer for a while. */
  stacks?: string;
}

/** What {@linkcode wakeProcesses} needs beside the selection. */
export type WakeOptions =
  & Pick<AttachOptions, "via" | "wait" | "timeoutS" | "json">
  & { state: string | null; host: Host; inject?: Injection | undefined };

/**
 * Wakes the processes and waits for their answers.
 *
 * @param selection Whom.
 * @param options The way, the limits, the state folder and the world.
 * @returns One result a process, in the order in which they were chosen.
 * @throws {RdgError} when the helper could not be run.
 */
export async function wakeProcesses(
  selection: Selection,
  options: WakeOptions,
): Promise<Result[]> {
  const { terminal } = options.host;
  let told = false;
  const comment = (event: WakeEvent) => {
    if (options.json) return;
    if (event.type === "injecting") {
      terminal.say(`Preparing process ${event.pid} on ${event.node}…`);
    }
    if (event.type !== "stuck") return;
    if (!event.opening) showStuck(event, options.host);
    else if (!told) terminal.say("Loading the debugger takes a while here…");
    told ||= event.opening;
  };
  const perGroup = await whileWaiting(`Waiting for a helper on ${nodesOf(selection)}`, (tell) => {
    const waiting = awaited();
    const onEvent = (event: WakeEvent) => {
      comment(event);
      const what = waiting(event);
      if (what) tell(what);
    };
    return Promise.all(selection.groups.map(async (group) => {
      return resultsOf(group, await runHelper(group, { selection, options, onEvent }));
    }));
  }, { terminal });
  const results = perGroup.flat();
  // A PID that was typed by hand is looked for in every component of the job.
  const found = results.filter(({ outcome }) => outcome !== "not-here" && outcome !== "no-answer");
  return selection.sessions.length === 0 && found.length > 0 ? found : results;
}

function resultsOf(group: Group, { events, failure }: Answer): Result[] {
  const heard = new Set(events.map(({ node }) => node));
  return group.targets.flatMap((target) => {
    const { host } = target;
    // The same number may be a process of this job on several nodes.
    const nodes = host === null ? [...heard] : [host];
    const results = nodes.map((node) =>
      resultOf(target, events.filter((event) => event.node === node))
    );
    const here = results.filter(({ outcome }) => reached.includes(outcome));
    const best = here.length > 0
      ? here
      : [results.find((one) => !["no-answer", ...elsewhere].includes(one.outcome)) ?? results[0]!];
    return best.map((result) => {
      // The one node that said nothing may be where it is.
      const unheard = host === null && failure !== null && elsewhere.includes(result.outcome);
      return unheard || result.outcome === "no-answer"
        ? { ...result, node: host, outcome: "no-answer", detail: failure?.message ?? "" }
        : result.outcome === "signalled" && failure
        ? { ...result, detail: failure.message, cause: failure.cause }
        : result;
    });
  });
}

/** What a node says of a process that was signalled, or needed no signal. */
const reached: readonly string[] = ["ready", "late", "ended", "signalled", "already"];

/** What a node says of a number that means another process there. */
export const elsewhere: readonly string[] = ["not-here", "no-job", "other-job"];

/** The last word on one process among a node's events. */
function resultOf(target: Target, events: readonly WakeEvent[]): Result {
  const { pid, signal } = target;
  const result: Result = { node: null, pid, outcome: "no-answer", detail: "", signal };
  for (const event of events) {
    if (!("pid" in event) || !isAbout(event, target)) continue;
    if (event.type === "process") {
      Object.assign(result, { node: event.node, outcome: event.outcome, detail: event.detail });
    } else if (event.type === "stuck") {
      result.detail = event.detail;
      if (event.stacks && !event.opening) result.stacks = event.stacks;
    } else if (event.type === "ready") {
      Object.assign(result, { outcome: "ready", session: event.session, login: event.login });
    } else if (event.type !== "injecting") {
      result.outcome = event.type;
    }
  }
  return result;
}

function nodesOf({ groups }: Selection): string {
  const [first = "this host", ...others] = new Set(groups.flatMap(({ nodes }) => nodes));
  return others.length > 0 ? `${first} and ${others.length} more` : first;
}

/** Follows the helper's words; returns whose answer is waited for now, null for nobody's. */
function awaited(): (event: WakeEvent) => string | null {
  const waiting = new Map<string, string>();
  return (event) => {
    if (!("pid" in event)) return null;
    const key = `${event.node} ${event.namespace} ${event.pid}`;
    if (event.type === "process" && event.outcome === "signalled") {
      waiting.set(key, `process ${event.pid} on ${event.node} listens`);
    } else if (event.type !== "process" && event.type !== "stuck") {
      waiting.delete(key);
    }
    const [first] = waiting.values();
    if (first === undefined) return null;
    return `Waiting until ${waiting.size > 1 ? `${waiting.size} processes listen` : first}`;
  };
}

/** Where a process is that doesn't answer. */
function showStuck(event: WakeEvent & { type: "stuck" }, { terminal }: Host): void {
  const who = `Process ${event.pid} on ${event.node}`;
  if (event.stacks) {
    const line = `${who} does not answer yet: it is busy in native code, called from here:`;
    terminal.say(terminal.style("yellow", line));
    terminal.say(event.stacks.trimEnd());
    if (event.detail) terminal.say(`Also, ${event.detail}.`);
    terminal.say(
      event.listens
        ? "It stops as soon as that call returns; an editor can attach before that."
        : "The debugger opens as soon as that call returns.",
    );
  } else {
    terminal.say(`${who} does not answer yet${event.detail ? `: ${event.detail}` : ""}.`);
    terminal.say(
      `${event.listens ? "It stops" : "The debugger opens"} ` +
        "as soon as its main thread runs Python again.",
    );
  }
}
