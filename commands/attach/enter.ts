/**
 * Runs the helper on the nodes of one allocation: as a step of the scheduler's (one call with a task a
 * node; one call a node where the scheduler enters no more at a time), directly where the processes run
 * on this very host, or over ssh (one call a node).
 *
 * @module
 */

import type { Host } from "../_host.ts";
import { ownBoot, processStates } from "../_proc.ts";
import { inTime, sameNode, schedulerLimitMs } from "../_scheduler.ts";
import type {
  HelperFailure,
  HelperTarget,
  RunOutput,
  RunSpec,
  SchedulerPlugin,
} from "../../plugins/contract.ts";
import { ExitCode, RdgError } from "../../plugins/error.ts";
import { checkDeclared, quoteWord } from "../../plugins/host.ts";
import { local } from "../../plugins/schedulers/local.ts";
import type { Session } from "../../python/sessions.ts";
import { wakeCommand, type WakeEvent, wakeReader, type WakeRequest } from "../../python/wake.ts";
import type { Group, Selection } from "./select.ts";
import type { WakeOptions } from "./wake.ts";

/** How to reach a node. */
export type Way = "scheduler" | "direct" | "ssh" | "scancel";

/** A program for the nodes: how to start it, and how to read what it says. */
export interface Helper<Event> {
  /** The command line for some processes, with the interpreter to try first. */
  command(request: WakeRequest, python: string): string[];
  /** Makes a reader of one call's lines; null for a line that says nothing. */
  reader(): (line: string) => Event | null;
  /** What a person can do on the node where no Python runs the helper; undefined for nothing. */
  byHand?(selection: Selection): string | undefined;
}

const wakeHelper: Helper<WakeEvent> = {
  command: wakeCommand,
  reader: wakeReader,
  // Any other signal than its own would end it.
  byHand: ({ sessions: [session] }) =>
    session && `send the signal by hand on the node: kill -s ${session.signal} ${session.pid}`,
};

/** What the helper said, and what went wrong with starting it where it said nothing. */
export interface Answer<Event = WakeEvent> {
  /** Its lines. */
  events: Event[];
  /** The failure of some node, or of all. */
  failure: HelperFailure | null;
}

/** What {@linkcode runHelper} needs. */
interface Wanted<Event> {
  selection: Selection;
  options: Omit<WakeOptions, "json">;
  onEvent: (event: Event) => void;
}

/** What every step below needs. */
interface Context<Event> extends Wanted<Event> {
  helper: Helper<Event>;
}

/** Seconds after which a process that hasn't answered is asked for its stacks. */
const stuckAfterS = 3;

/** Seconds that preparing a process may take: two runs of gdb. */
const injectS = 80;

/** What exit code a failure to enter the job means. */
const exitCodes = {
  ended: ExitCode.notFound,
  pending: ExitCode.notFound,
  refused: ExitCode.permission,
  busy: ExitCode.scheduler,
  unreachable: ExitCode.scheduler,
  scheduler: ExitCode.scheduler,
} as const;

/**
 * Runs the helper for one allocation's processes.
 *
 * @param group The processes.
 * @param context The selection, the way, the world, and who wants to hear each line.
 * @returns What the helper said.
 * @throws {RdgError} when it could be started nowhere: why, and what else can be tried.
 */
export async function runHelper(group: Group, context: Wanted<WakeEvent>): Promise<Answer> {
  return await runOnNodes(group, { ...context, helper: wakeHelper });
}

/**
 * Runs any helper for one allocation's processes.
 *
 * @param group The processes.
 * @param context As {@linkcode runHelper} takes it, and the helper.
 * @returns What it said.
 * @throws {RdgError} when it could be started nowhere: why, and what else can be tried.
 */
export async function runOnNodes<Event>(
  group: Group,
  context: Context<Event>,
): Promise<Answer<Event>> {
  const { selection, options } = context;
  const way = options.via ?? await chooseWay(group, context);
  if (way === "ssh") return await overSsh(group, context);
  const answer = way === "direct" ? await here(group, context) : await byScheduler(group, context);
  if (answer.events.length > 0) return answer;
  throw cannotEnter(answer, selection);
}

/** Runs the helper on this host, as a child. */
async function here<Event>(group: Group, context: Context<Event>): Promise<Answer<Event>> {
  // Started directly, the helper has no word of the scheduler's that says what this node is called.
  const node = context.selection.sessions[0]?.host;
  const [program = "", ...args] = commandFor(
    group,
    node === undefined ? context : { ...context, node },
  );
  return await call({ program, args }, context);
}

/** Has the scheduler run the helper: by one call, else by one a node. */
async function byScheduler<Event>(group: Group, context: Context<Event>): Promise<Answer<Event>> {
  const { selection: { scheduler, displayId } } = context;
  const parts = calls(group, scheduler);
  if (parts.length === 0) {
    throw new RdgError(
      `Cannot enter job ${displayId}: ${scheduler.name} starts nothing inside a job from outside`,
      { code: "scheduler", exitCode: ExitCode.scheduler, hint: "--via=ssh goes over ssh" },
    );
  }
  return await together(
    parts.map(async (part) => {
      const spec = scheduler.helper!(helperTarget(part), commandFor(part, context))!;
      checkDeclared(spec, scheduler);
      const answer = await call(spec, context);
      if (answer.events.length > 0 || !answer.failure?.ssh || context.options.via !== undefined) {
        return answer;
      }
      // Where ssh fails as well, the scheduler's own words say more.
      return await overSsh(part, context).catch(() => answer);
    }),
  );
}

/** The calls by which a scheduler enters these nodes: one, one a node, or none where it can't. */
function calls(group: Group, scheduler: SchedulerPlugin): Group[] {
  const enters = (part: Group) => Boolean(scheduler.helper?.(helperTarget(part), ["true"]));
  if (enters(group)) return [group];
  const parts = group.nodes.map((node) => ({ ...group, nodes: [node] }));
  return parts.every(enters) ? parts : [];
}

/** What calls that run at the same time said: one that never ends keeps nobody from the others' words. */
async function together<Event>(calls: readonly Promise<Answer<Event>>[]): Promise<Answer<Event>> {
  const settled = await Promise.allSettled(calls);
  const answers = settled.flatMap((one) => one.status === "fulfilled" ? [one.value] : []);
  const [broken] = settled.flatMap((one) => one.status === "rejected" ? [one.reason] : []);
  if (broken === undefined) return joined(answers);
  if (!(broken instanceof RdgError) || answers.every(({ events }) => events.length === 0)) {
    throw broken;
  }
  const message = broken.message.replace(/^Cannot [^:]*: /, "");
  return joined([{ events: [], failure: { message, hint: broken.hint ?? "" } }, ...answers]);
}

/** What several calls said; the failure of one that said nothing counts most. */
function joined<Event>(answers: readonly Answer<Event>[]): Answer<Event> {
  const failed = answers.find(({ events }) => events.length === 0) ??
    answers.find(({ failure }) => failure !== null);
  return { events: answers.flatMap(({ events }) => events), failure: failed?.failure ?? null };
}

async function overSsh<Event>(group: Group, context: Context<Event>): Promise<Answer<Event>> {
  const answer = await together(group.nodes.map((node) => {
    const command = commandFor(group, { ...context, node }).map(quoteWord).join(" ");
    // The command goes to a sh through stdin: a login shell may be a csh, which has other quotes.
    return call({
      program: "ssh",
      args: ["-o", "BatchMode=yes", "-o", "ConnectTimeout=10", node, "exec sh"],
      stdin: `${command}\n`,
    }, context);
  }));
  if (answer.events.length === 0) throw cannotEnter(answer, context.selection);
  return answer;
}

function cannotEnter(
  { failure }: Pick<Answer, "failure">,
  { displayId }: Selection,
): RdgError {
  const kind = failure?.kind ?? "scheduler";
  const where = displayId === "local" ? "Cannot start the helper" : `Cannot enter job ${displayId}`;
  return new RdgError(`${where}: ${failure?.message ?? "the helper said nothing"}`, {
    code: kind,
    exitCode: exitCodes[kind],
    hint: failure?.hint,
    cause: failure?.cause,
  });
}

/** Directly on this host, by the scheduler where it can, else over ssh. */
async function chooseWay<Event>(
  group: Group,
  { selection, options }: Context<Event>,
): Promise<Way> {
  if (selection.scheduler === local || await areHere(selection.sessions, options.host)) {
    return "direct";
  }
  return calls(group, selection.scheduler).length > 0 ? "scheduler" : "ssh";
}

/** Whether these processes run here: two machines may share a name, but no boot, and hardly start times. */
async function areHere(sessions: readonly Session[], host: Host): Promise<boolean> {
  if (sessions.some((one) => one.hostname !== host.hostname() || one.startTime === null)) {
    return false;
  }
  // A machine that plays several nodes (several slurmd) has no one name for the helper to go by.
  if (new Set(sessions.map((one) => one.host)).size > 1) return false;
  const boot = await ownBoot(host.runner);
  if (boot && sessions.some((one) => one.boot !== null && one.boot !== boot)) return false;
  const now = await processStates(sessions.map(({ pid }) => pid), host.runner);
  if (sessions.some(({ pid, startTime }) => now.get(pid)?.startTime !== startTime)) return false;
  return sessions.length > 0;
}

function helperTarget({ job, nodes }: Group): HelperTarget {
  // A component of a heterogeneous job has an id that no other program takes: only 8+1 says it.
  const id = job.displayId.includes("+") ? job.displayId : job.id;
  return { job: id, nodes, jobNodes: job.nodes };
}

/** The helper's command line; `node` where it can't know by itself what its node is called. */
function commandFor<Event>(group: Group, context: Context<Event> & { node?: string }): string[] {
  const python = context.selection.sessions[0]?.executable ?? "python3";
  return context.helper.command(requestFor(group, context), python);
}

function requestFor<Event>(
  group: Group,
  context: Context<Event> & { node?: string },
): WakeRequest {
  const { selection, options, node = null } = context;
  const { job } = selection.scheduler;
  return {
    job: selection.jobId,
    jobVariables: job.job,
    jobAliases: [...new Set(selection.sessions.map((session) => session.job.id))],
    element: job.elementId === undefined ? null : {
      pattern: job.elementId,
      variables: job.arrayIndex ?? [],
      none: job.noArrayIndex ?? [],
    },
    nodeVariables: job.node ?? [],
    node,
    state: options.state,
    targets: group.targets.filter(({ host }) =>
      node === null || host === null || sameNode(host, node)
    ),
    waitS: options.wait ? options.timeoutS : 0,
    stuckAfterS,
    ...(options.inject ? { inject: options.inject } : {}),
  };
}

/** Runs the helper, once more without an option that this scheduler's version doesn't know. */
async function call<Event>(spec: RunSpec, context: Context<Event>): Promise<Answer<Event>> {
  const { options, onEvent } = context;
  const spareMs = options.inject ? injectS * 1000 : 0;
  const timeoutMs = (options.wait ? options.timeoutS : 0) * 1000 + spareMs +
    schedulerLimitMs(options.host);
  const events: Event[] = [];
  const read = context.helper.reader();
  const onLine = (line: string) => {
    const event = read(line);
    if (!event) return;
    events.push(event);
    onEvent(event);
  };
  const { displayId } = context.selection;
  const action = displayId === "local" ? "start the helper" : `enter job ${displayId}`;
  let output: RunOutput;
  try {
    output = await inTime({ ...spec, timeoutMs }, { host: options.host, action, onLine });
  } catch (error) {
    // What some nodes have said already counts, even if another one never ends.
    if (!(error instanceof RdgError) || error.code !== "timeout" || events.length === 0) {
      throw error;
    }
    const message = `"${spec.program}" has not ended within ${timeoutMs / 1000} s`;
    return { events, failure: { message, hint: "see whether all nodes of the job are up" } };
  }
  const failure = explain(output, { spec, ...context });
  if (failure?.retry && events.length === 0) return await call(failure.retry, context);
  const cause = output.stderr.trim() || output.stdout.trim() || undefined;
  return { events, failure: failure && { cause, ...failure } };
}

function explain<Event>(
  output: RunOutput,
  { spec, selection, helper }: Context<Event> & { spec: RunSpec },
): HelperFailure | null {
  if (output.code === 0) return null;
  if (output.stderr.includes("rdg-wake: no Python")) {
    return {
      message: "there is no Python 3.6 or later on the node",
      hint: helper.byHand?.(selection) ?? "put a python3 on PATH there",
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
  return selection.scheduler.helperFailure?.(output, spec) ?? {
    message: `"${spec.program}" exited with code ${output.code}`,
    hint: "run it again with --verbose to see the command",
  };
}
