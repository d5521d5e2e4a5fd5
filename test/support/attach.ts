/**
 * Attaches to a child of the tests the way an editor does. Touches the network and the session records.
 *
 * @module
 */

import { DapClient, DapFailure } from "./dap.ts";
import type { Child, Sandbox } from "./rdg.ts";

/** Where a program stopped. */
export interface Stop {
  /** DAP's reason. */
  reason: string;
  /** The thread that stopped. */
  threadId: number;
  /** `function file:line`, innermost first. */
  frames: string[];
  /** The frames' ids, in the same order. */
  frameIds: number[];
}

/**
 * Attaches with the token of the record that listens on the port. A client that has just gone may
 * still hold the place, so a refusal is tried again for four seconds.
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
        token: String(record?.["token"]),
        arguments: { connect: { host: "127.0.0.1", port: options.port } },
        breakpoints: options.breakpoints ?? {},
      });
      return client;
    } catch (error) {
      await client.close();
      if (!(error instanceof DapFailure) || left === 0) {
        throw new Error(`${error}; stderr:\n${child.stderr}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/**
 * Waits until the program stops.
 *
 * @param client From {@linkcode attach}.
 * @returns Where.
 */
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
  const { result } = await client.request<{ result: string }>("evaluate", {
    expression,
    frameId: stop.frameIds[0],
    context: "repl",
  });
  await client.request("continue", { threadId: stop.threadId });
  return result;
}
