/**
 * Runs the helper on the nodes of the chosen processes: as a step of the scheduler's, directly where
 * it is this very host, or over ssh. One call an allocation (one a node over ssh).
 *
 * @module
 */

import type { Host } from "../_host.ts";
import type { HelperFailure, RunOutput, RunSpec } from "../../plugins/contract.ts";
import { ExitCode, RdgError } from "../../plugins/error.ts";
import { checkDeclared, quoteWord } from "../../plugins/host.ts";
import type { Session } from "../../python/sessions.ts";
import {
  type Outcome,
  parseWakeLine,
  wakeCommand,
  type WakeEvent,
  type WakeRequest,
} from "../../python/wake.ts";
import type { AttachOptions } from "./command.ts";
import type { Group, Selection } from "./select.ts";

/** How to reach a node. */
export type Way = "scheduler" | "direct" | "ssh" | "scancel";

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
  /** Where to connect, once it listens. */
  session?: Session;
  /** The host to ssh to. */
  login?: string | null;
  /** Where its threads are, if it didn't answer for a while. */
  stacks?: string;
}

/** What {@linkcode wakeProcesses} needs beside the selection. */
export type WakeOptions =
  & Pick<AttachOptions, "via" | "wait" | "timeoutS" | "json">
  & { state: string | null; host: Host };

/** Seconds after which a process that hasn't answered is asked for its stacks. */
const stuckAfterS = 3;

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
  const results: Result[] = [];
  await Promise.all(selection.groups.map(async (group) => {
    const events = await runHelper(group, { selection, options });
    for (const { pid, host } of group.targets) {
      results.push(resultOf(pid, events.filter((event) => host === null || event.node === host)));
    }
  }));
  // A PID that was typed by hand is looked for in every component of the job.
  const found = results.filter(({ outcome }) => outcome !== "not-here" && outcome !== "no-answer");
  return selection.sessions.length === 0 && found.length > 0 ? found : results;
}

/** The last word on one process among the helper's events. */
function resultOf(pid: number, events: readonly WakeEvent[]): Result {
  const result: Result = { node: null, pid, outcome: "no-answer", detail: "" };
  for (const event of events) {
    if (!("pid" in event) || event.pid !== pid) continue;
    if (event.type === "process") {
      // Another node's "no such process here" doesn't count where one node has it.
      if (event.outcome === "not-here" && result.outcome !== "no-answer") continue;
      Object.assign(result, { node: event.node, outcome: event.outcome, detail: event.detail });
    } else if (event.type === "stuck") {
      result.detail = event.detail;
      if (event.stacks && !event.opening) result.stacks = event.stacks;
    } else if (event.type === "ready") {
      Object.assign(result, { outcome: "ready", session: event.session, login: event.login });
    } else {
      result.outcome = event.type;
    }
  }
  return result;
}

async function runHelper(
  group: Group,
  context: { selection: Selection; options: WakeOptions },
): Promise<WakeEvent[]> {
  const { selection, options } = context;
  const { host } = options;
  const way = options.via ?? await chooseWay(group, selection, host);
  if (way === "ssh") {
    return (await Promise.all(
      group.nodes.map((node) => call(sshSpec(node, context, group), { ...context, group })),
    )).flat();
  }
  const request = requestFor(group, context);
  const python = selection.sessions[0]?.executable ?? "python3";
  const command = wakeCommand(request, python);
  if (way === "direct") {
    const [program = "", ...args] = command;
    return await call({ program, args }, { ...context, group });
  }
  const spec = selection.scheduler.helper?.({ job: group.job.id, nodes: group.nodes }, command);
  if (!spec) {
    throw new RdgError(
      `Cannot enter job ${selection.displayId}: ${selection.scheduler.name} runs ` +
        "nothing inside a job from outside",
      {
        code: "scheduler",
        exitCode: ExitCode.scheduler,
        hint: "--via=ssh goes to the node over ssh",
      },
    );
  }
  checkDeclared(spec, selection.scheduler);
  return await call(spec, { ...context, group });
}

/** Directly on this host, by the scheduler where it can, else over ssh. */
async function chooseWay(group: Group, selection: Selection, host: Host): Promise<Way> {
  const here = selection.sessions.length > 0 &&
    selection.sessions.every(({ hostname }) => hostname === host.hostname()) &&
    await sameNamespace(selection.sessions);
  if (here || selection.jobId === null) return "direct";
  const helper = selection.scheduler.helper?.({ job: group.job.id, nodes: group.nodes }, ["true"]);
  return helper ? "scheduler" : "ssh";
}

/** Two machines may have the same name; their boots differ, so the start times tell. */
async function sameNamespace(sessions: readonly Session[]): Promise<boolean> {
  for (const { pid, startTime } of sessions) {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => "");
    const field = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    if (startTime === null || Number(field) !== startTime) return false;
  }
  return true;
}

function requestFor(
  group: Group,
  { selection, options }: { selection: Selection; options: WakeOptions },
  node: string | null = null,
): WakeRequest {
  const { job } = selection.scheduler;
  return {
    job: selection.jobId,
    jobVariables: job.job,
    nodeVariables: job.node ?? [],
    node,
    state: options.state,
    targets: group.targets.filter(({ host }) => node === null || host === null || host === node),
    waitS: options.wait ? options.timeoutS : 0,
    stuckAfterS,
  };
}

function sshSpec(
  node: string,
  context: { selection: Selection; options: WakeOptions },
  group: Group,
): RunSpec {
  const request = requestFor(group, context, node);
  const command = wakeCommand(request, context.selection.sessions[0]?.executable ?? "python3");
  return {
    program: "ssh",
    args: [
      ...["-o", "BatchMode=yes", "-o", "ConnectTimeout=10"],
      ...[node, "--", command.map(quoteWord).join(" ")],
    ],
  };
}

/** Runs the helper, shows what comes meanwhile, and explains a failure. */
async function call(
  spec: RunSpec,
  context: { selection: Selection; options: WakeOptions; group: Group },
): Promise<WakeEvent[]> {
  const { selection, options } = context;
  const limit = { timeoutMs: ((options.wait ? options.timeoutS : 0) + 30) * 1000 };
  let events: WakeEvent[] = [];
  const onLine = (line: string) => {
    const event = parseWakeLine(line);
    if (!event) return;
    events.push(event);
    if (!options.json) showProgress(event, options.host);
  };
  let output = await options.host.runner({ ...spec, ...limit }, { onLine });
  let failure = events.length > 0 ? null : explain(output, { spec, ...context });
  if (failure?.retry) {
    events = [];
    const retry = { ...failure.retry, ...limit };
    output = await options.host.runner(retry, { onLine });
    failure = events.length > 0 ? null : explain(output, { ...context, spec: retry });
  }
  if (events.length > 0) return events;
  throw new RdgError(
    `Cannot enter job ${selection.displayId}: ${failure?.message ?? "the helper said nothing"}`,
    {
      code: failure?.kind ?? "scheduler",
      exitCode: exitCodes[failure?.kind ?? "scheduler"],
      hint: failure?.hint,
      cause: output.stderr.trim() || output.stdout.trim() || undefined,
    },
  );
}

const exitCodes = {
  ended: ExitCode.notFound,
  pending: ExitCode.notFound,
  refused: ExitCode.permission,
  busy: ExitCode.scheduler,
  unreachable: ExitCode.scheduler,
  scheduler: ExitCode.scheduler,
} as const;

function explain(
  output: RunOutput,
  { spec, selection }: { spec: RunSpec; selection: Selection },
): HelperFailure | null {
  if (output.stderr.includes("rdg-wake: no Python")) {
    return {
      message: "there is no Python 3.6 or later on the node",
      hint: "send the signal by hand on the node: kill -s RTMIN+6 PID",
      kind: "refused",
    };
  }
  if (spec.program === "ssh") {
    return {
      message: `"ssh" exited with code ${output.code}`,
      hint: "many clusters let you ssh to a node only while your job runs there, and only by key",
      kind: "refused",
    };
  }
  const failure = selection.scheduler.helperFailure?.(output, spec);
  if (failure) return failure;
  if (output.code === 0) return null;
  return { message: `"${spec.program}" exited with code ${output.code}`, hint: "see --verbose" };
}

/** What a person should see while waiting. */
function showProgress(event: WakeEvent, { terminal }: Host): void {
  if (event.type !== "stuck") return;
  const who = `Process ${event.pid} on ${event.node}`;
  if (event.opening) {
    terminal.say(`${who} is opening its debugger; that takes a while here.`);
  } else if (event.stacks) {
    terminal.say(
      terminal.style("yellow", `${who} does not answer yet: it is busy in native code.`),
    );
    terminal.say(event.stacks.trimEnd());
    if (event.detail) terminal.say(`Also, ${event.detail}.`);
    terminal.say("The debugger opens as soon as that call returns.");
  } else {
    terminal.say(`${who} does not answer yet${event.detail ? `: ${event.detail}` : ""}.`);
    terminal.say("The debugger opens as soon as its main thread runs Python again.");
  }
}
