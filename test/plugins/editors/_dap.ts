/**
 * A real program under `rdg debug`, and what an editor does to it. Starts rdg, opens TCP connections;
 * every wait has a limit.
 *
 * @module
 */

import { stopped } from "../../support/debugging.ts";
import { DapClient } from "../../support/dap.ts";
import { python } from "../../support/python.ts";
import { makeSandbox, startRdg } from "../../support/rdg.ts";

/** Fails when something takes too long. */
export async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Timed out: ${what}`)), 30_000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Line of {@linkcode program} that a breakpoint is set on. */
export const breakpointLine = 7;

/** Calls a function; `rdg debug` makes it wait before its first line. */
export const program = `"""Doubles."""

import sys


def double(x):
    return x * 2


print("result", double(21), flush=True)
`;

/** A program that waits for an editor. */
export interface Debuggee extends AsyncDisposable {
  /** Where it listens. */
  port: number;
  /** What its port wants to know. */
  token: string;
  /** Resolves when it has printed its result. */
  ended: Promise<unknown>;
}

/**
 * Starts a Python file under `rdg debug`.
 *
 * @param file The file.
 * @param options The folder to start it in; `auth: false` for `--no-auth`.
 * @returns The program, waiting.
 */
export async function startProgram(
  file: string,
  options: { cwd: string; auth?: boolean },
): Promise<Debuggee> {
  const sandbox = await makeSandbox();
  const flags = options.auth === false ? ["--no-auth"] : [];
  const child = startRdg(["debug", ...flags, python.path, file], { sandbox, cwd: options.cwd });
  const dispose = async () => {
    await child[Symbol.asyncDispose]();
    await sandbox[Symbol.asyncDispose]();
  };
  try {
    const port = await child.port();
    const [record] = await sandbox.records();
    const ended = child.until(/^result 42$/m, { stream: "stdout" });
    ended.catch(() => {}); // A test that stops nowhere may end before.
    return { port, token: String(record?.["token"]), ended, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** What came of attaching. */
export interface Stop {
  /** Whether debugpy found the file of the breakpoint. */
  verified: boolean;
  /** Path of the frame, as the editor would open it. */
  path: string;
  /** Line of the frame. */
  line: number;
  /** What the frame's `x` is. */
  x: string;
}

/**
 * Attaches as an editor does, stops at the breakpoint and lets the program end.
 *
 * @param debuggee The program.
 * @param options Attach arguments as they are (where they hold no token, it is put in as `rdg connect`
 * does); the local file to set the breakpoint in.
 * @returns The stop; `null` when the program ended without one.
 */
export async function attachAndStop(
  debuggee: Debuggee,
  options: { attach: unknown; file: string },
): Promise<Stop | null> {
  await using client = await DapClient.connect({ port: debuggee.port });
  const { breakpoints } = await client.attach({
    arguments: { rdgToken: debuggee.token, ...options.attach as Record<string, unknown> },
    breakpoints: { [options.file]: [breakpointLine] },
  });
  const stop = stopped(client);
  const first = await Promise.race([stop, debuggee.ended.then(() => null)]);
  stop.catch(() => {}); // Closing leaves it unanswered where the program ended first.
  if (first === null) return null;
  const { stackFrames: [frame] } = await client.request<
    { stackFrames: { id: number; line: number; source: { path: string } }[] }
  >("stackTrace", { threadId: first.threadId });
  const { result } = await client.request<{ result: string }>("evaluate", {
    expression: "x",
    frameId: frame?.id,
  });
  await client.request("continue", { threadId: first.threadId });
  await debuggee.ended;
  return {
    verified: breakpoints[options.file]?.[0]?.verified ?? false,
    path: frame?.source.path ?? "",
    line: frame?.line ?? 0,
    x: result,
  };
}
