/**
 * What an editor does to a program that runs under rdg, and programs to do it to.
 *
 * @module
 */

import { DapClient } from "./dap.ts";
import type { Child, Sandbox } from "./rdg.ts";

/** Where a program stopped. */
export interface Stop {
  /** As DAP calls it: `breakpoint`, `exception`, `entry`. */
  reason: string;
  /** The thread. */
  threadId: number;
  /** `function file:line`, innermost first. */
  frames: string[];
  /** Ids of the frames, in the same order. */
  frameIds: number[];
}

/**
 * Attaches with the token of the record that listens on the port. A client that has just gone may
 * still hold the place, so an attempt that fails is made again for four seconds.
 *
 * @param child Whose words are shown when it fails.
 * @param sandbox Where its record is.
 * @param options The port, and breakpoints by path.
 * @returns The client; close it.
 */
export async function attach(
  child: Child,
  sandbox: Sandbox,
  options: { port: number; breakpoints?: Record<string, number[]> },
): Promise<DapClient> {
  const records = await sandbox.records();
  const record = records.find(({ address }) =>
    (address as { port?: number } | null)?.port === options.port
  );
  for (let left = 40;; left--) {
    const client = await DapClient.connect({ port: options.port });
    try {
      await client.attach({
        ...typeof record?.["token"] === "string" ? { token: record["token"] } : {},
        arguments: { connect: { host: "127.0.0.1", port: options.port } },
        breakpoints: options.breakpoints ?? {},
      });
      return client;
    } catch (error) {
      await client.close();
      if (left === 0) {
        throw new Error(`${error}; stderr:\n${child.stderr}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Waits until the program stops, and reads its stack. */
export async function stopped(client: DapClient): Promise<Stop> {
  const { body } = await client.waitFor<{ reason: string; threadId: number }>("stopped");
  const trace = await client.request<{
    stackFrames: { id: number; name: string; line: number; source?: { path?: string } }[];
  }>("stackTrace", { threadId: body.threadId });
  return {
    ...body,
    frames: trace.stackFrames.map(({ name, line, source }) =>
      `${name.replace(/ \(Current frame\)/, "")} ${source?.path?.split("/").at(-1)}:${line}`
    ),
    frameIds: trace.stackFrames.map(({ id }) => id),
  };
}

/** Evaluates an expression in a frame. */
export async function evaluate(
  client: DapClient,
  expression: string,
  frameId?: number,
): Promise<string> {
  const { result } = await client.request<{ result: string }>("evaluate", {
    expression,
    frameId,
    context: "repl",
  });
  return result;
}

/** Lets the program go on. */
export function resume(client: DapClient, stop: Stop): Promise<unknown> {
  return client.request("continue", { threadId: stop.threadId });
}

/**
 * Evaluates in the frame where it stopped, then goes on.
 *
 * @param client The client.
 * @param stop From {@linkcode stopped}.
 * @param expression What to evaluate.
 * @returns The value as text.
 */
export async function evaluateAndGo(
  client: DapClient,
  stop: Stop,
  expression: string,
): Promise<string> {
  const result = await evaluate(client, expression, stop.frameIds[0]);
  await resume(client, stop);
  return result;
}

/** Goes round until the file "stop" appears; says each round how long it took and what is loaded. */
export const loopScript = `import os, sys, threading, time
def tiny(i):
    return i + 1
def work():
    x = 0
    for i in range(20000):
        x = tiny(x)
    return x
rounds = 0
while not os.path.exists("stop"):
    rounds += 1
    work()
    print("round", rounds, threading.active_count(), "debugpy" in sys.modules, flush=True)
    time.sleep(0.02)
print("end", flush=True)
sys.exit(4)
`;

/** Fails with a chained exception, in the way that its argument says. */
export const crashScript = `import sys, threading
def inner(n):
    secret = n * 2
    return 1 / (n - n)
def outer():
    mine = [1, 2]
    try:
        inner(3)
    except ZeroDivisionError as error:
        raise ValueError("chained") from error
def hook(kind, value, trace):
    print("own hook:", kind.__name__, flush=True)
if "hook" in sys.argv:
    sys.excepthook = hook
    assert sys.excepthook is hook
if "thread" in sys.argv:
    thread = threading.Thread(target=outer)
    thread.start()
    thread.join()
    sys.exit(7)
if "exit" in sys.argv:
    sys.exit("bye")
if "interrupt" in sys.argv:
    raise KeyboardInterrupt
outer()
`;
