/**
 * Evaluates an expression on many ranks and groups equal answers: what `rdg: all EXPR` in the debug
 * console means. Asks what it is given.
 *
 * @module
 */

import { formatRanks } from "../../_ranks.ts";

/** An answer to a request. */
export interface Reply {
  /** Whether it was served. */
  success: boolean;
  /** Why not. */
  message?: string;
  /** What came back. */
  body?: Record<string, unknown>;
}

/** A rank that can be asked. */
export interface Asked {
  /** The rank; null without one. */
  readonly rank: number | null;
  /** How people call it. */
  readonly label: string;
  /** The thread that is stopped; null while it runs. */
  readonly stoppedThread: number | null;
  /** Sends a request. */
  ask(command: string, args: Record<string, unknown>): Promise<Reply>;
}

/** A rank that can be told to go on and to stop. */
export interface Obeying extends Asked {
  /** Has it go on; null where it runs already. */
  resume(command: "continue"): Promise<Reply | null>;
  /** Has it stop; null where it is stopped already. */
  halt(): Promise<Reply | null>;
}

/** What was typed into the debug console for rdg. */
export type Order =
  | { type: "all"; expression: string }
  | { type: "rank"; rank: number; expression: string }
  | { type: "continue" | "pause" | "unknown" };

/** How to write it. */
export const usage = '"rdg: all EXPR" evaluates on every rank, "rdg: rank N EXPR" on one; ' +
  '"rdg: continue" and "rdg: pause" act on all';

/**
 * Reads what was typed.
 *
 * @param text The expression of an `evaluate` request.
 * @returns What rdg is to do; null where it is none of rdg's business.
 */
export function readOrder(text: string): Order | null {
  const rest = /^\s*rdg:\s*([\s\S]*?)\s*$/.exec(text)?.[1];
  if (rest === undefined) return null;
  const all = /^all\s+([\s\S]+)$/.exec(rest)?.[1];
  if (all !== undefined) return { type: "all", expression: all };
  const one = /^rank\s+(\d{1,9})\s+([\s\S]+)$/.exec(rest);
  if (one) return { type: "rank", rank: Number(one[1]), expression: one[2]! };
  if (rest === "continue" || rest === "pause") return { type: rest };
  return { type: "unknown" };
}

/**
 * Does what was typed.
 *
 * @param order From {@linkcode readOrder}.
 * @param ranks The ranks.
 * @returns What to show, or why it can't be done.
 */
export async function obey(
  order: Order,
  ranks: readonly Obeying[],
): Promise<{ result: string } | { refusal: string }> {
  switch (order.type) {
    case "all":
      return { result: await evaluateOnAll(ranks, order.expression) };
    case "rank": {
      const one = ranks.find(({ rank }) => rank === order.rank);
      if (!one) return { refusal: `There is no session of rank ${order.rank}.` };
      return { result: await evaluateOn(one, order.expression) };
    }
    case "continue":
    case "pause": {
      const act = (one: Obeying) => order.type === "pause" ? one.halt() : one.resume("continue");
      const bad = await onEach(ranks, act);
      return { result: bad.length > 0 ? bad.join("\n") : "done" };
    }
    default:
      return { refusal: `rdg knows: ${usage}.` };
  }
}

/**
 * Acts on each rank at the same time.
 *
 * @param ranks The ranks.
 * @param act What to do.
 * @returns Who failed, and why.
 */
export async function onEach<One extends Asked>(
  ranks: readonly One[],
  act: (one: One) => Promise<Reply | null>,
): Promise<string[]> {
  const results = await Promise.all(
    ranks.map(async (one) => ({ one, reply: await act(one) })),
  );
  return results.flatMap(({ one, reply }) =>
    reply?.success === false ? [`${one.label}: ${reply.message ?? "it failed"}`] : []
  );
}

/**
 * Evaluates on all of them at the same time.
 *
 * @param asked Whom.
 * @param expression Python source.
 * @returns `ranks 0-2: 3.14` and `rank 3: nan`, a line each; the answer of most first.
 */
export async function evaluateOnAll(
  asked: readonly Asked[],
  expression: string,
): Promise<string> {
  const answers = await Promise.all(
    asked.map(async (one) => ({ one, text: await evaluateOn(one, expression) })),
  );
  return grouped(answers).join("\n");
}

/**
 * Evaluates in the innermost frame of the thread that is stopped.
 *
 * @param one Whom.
 * @param expression Python source.
 * @returns The value as text, or why there is none.
 */
export async function evaluateOn(one: Asked, expression: string): Promise<string> {
  const threadId = one.stoppedThread;
  if (threadId === null) return "it runs: pause it first";
  const trace = await one.ask("stackTrace", { threadId, startFrame: 0, levels: 1 });
  const frames = trace.body?.["stackFrames"] as { id: number }[] | undefined;
  if (!trace.success || !frames?.[0]) return trace.message ?? "it has no frame";
  const reply = await one.ask("evaluate", {
    expression,
    frameId: frames[0].id,
    context: "repl",
  });
  if (reply.success) return String(reply.body?.["result"] ?? "");
  return (reply.message ?? "it failed").trim().split("\n").at(-1)!;
}

/**
 * Groups equal answers.
 *
 * @param answers Who said what.
 * @returns A line for each answer, that of most ranks first, then by rank.
 */
export function grouped(
  answers: readonly { one: Pick<Asked, "rank" | "label">; text: string }[],
): string[] {
  const groups = new Map<string, Pick<Asked, "rank" | "label">[]>();
  for (const { one, text } of answers) groups.set(text, [...groups.get(text) ?? [], one]);
  return [...groups].sort(([, a], [, b]) =>
    b.length - a.length || (a[0]!.rank ?? 0) - (b[0]!.rank ?? 0)
  ).map(([text, ones]) => `${who(ones)}: ${text}`);
}

/**
 * Names ranks, as short as it goes.
 *
 * @param ones The ranks.
 * @returns `ranks 0-2`, `rank 3`, `process 4711`.
 */
export function who(ones: readonly Pick<Asked, "rank" | "label">[]): string {
  const ranks = ones.flatMap(({ rank }) => rank === null ? [] : [rank]);
  const others = ones.filter(({ rank }) => rank === null).map(({ label }) => label);
  const named = ranks.length === 0
    ? []
    : [`${new Set(ranks).size === 1 ? "rank" : "ranks"} ${formatRanks(ranks)}`];
  return [...named, ...others].join(", ");
}
