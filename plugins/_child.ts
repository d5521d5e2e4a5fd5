/**
 * A started program's surroundings: the variables that it gets, its pipes, its end. Reads the
 * environment.
 *
 * @module
 */

import type { RunSpec } from "./contract.ts";

/** Output that is kept of one program, in bytes; what comes after it is dropped. */
const maxOutput = 256 * 1024 * 1024;

/**
 * The variables that a program gets: what the spec takes away and sets, and no loader variables where
 * Deno would refuse the start over them.
 *
 * @param spec What to run.
 * @returns Options for `Deno.Command`.
 */
export async function environmentFor(
  spec: RunSpec,
): Promise<{ env: Record<string, string>; clearEnv: boolean }> {
  const changes: Record<string, string | null> = {};
  const unscoped = (await Deno.permissions.query({ name: "run" })).state === "granted";
  const whole = (await Deno.permissions.query({ name: "env" })).state === "granted";
  const all = whole ? Deno.env.toObject() : undefined;
  if (!unscoped) {
    const known = all ? Object.keys(all) : ["LD_LIBRARY_PATH", "LD_PRELOAD", "LD_RUN_PATH"];
    for (const name of known) if (/^(LD|DYLD)_/.test(name)) changes[name] = "";
  }
  for (const name of Object.keys(all ?? {})) {
    if (spec.without?.some((pattern) => matches(name, pattern)) && !spec.keep?.includes(name)) {
      changes[name] = null;
    }
  }
  Object.assign(changes, spec.env);
  const clearEnv = all !== undefined && Object.values(changes).includes(null);
  const env: Record<string, string> = clearEnv ? { ...all } : {};
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) delete env[name];
    else env[name] = value;
  }
  return { env, clearEnv };
}

function matches(name: string, pattern: string): boolean {
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

/**
 * Reads a stream to its end, or until it is told to stop.
 *
 * @param stream The stream.
 * @param onLine Is called with each line as it comes.
 * @returns The text, and a way to stop.
 */
export function collect(
  stream: ReadableStream<Uint8Array>,
  onLine?: (line: string) => void,
): { text: Promise<string>; cancel: () => Promise<void> } {
  const reader = stream.getReader();
  const read = async () => {
    const decoder = new TextDecoder();
    const parts: string[] = [];
    let size = 0;
    let line = "";
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      size += next.value.length;
      const part = decoder.decode(next.value, { stream: true });
      if (size <= maxOutput) parts.push(part);
      if (!onLine) continue;
      const [first = "", ...others] = part.split("\n");
      line += first;
      for (const other of others) {
        onLine(line);
        line = other;
      }
    }
    if (onLine && line) onLine(line);
    return parts.join("") + decoder.decode();
  };
  return { text: read(), cancel: () => reader.cancel() };
}

/**
 * Ends a program: SIGTERM, and SIGKILL two seconds later.
 *
 * @param child The program.
 */
export async function end(child: Deno.ChildProcess): Promise<void> {
  const kill = (signal: Deno.Signal) => {
    try {
      child.kill(signal);
    } catch {
      // It has ended in the meantime.
    }
  };
  kill("SIGTERM");
  const timer = setTimeout(() => kill("SIGKILL"), 2000);
  await child.status;
  clearTimeout(timer);
}

/**
 * Hands a program its stdin.
 *
 * @param stream Its stdin.
 * @param text What to write.
 */
export async function feed(stream: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stream.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch {
    // The program ended without reading all of it; its exit status tells the story.
  }
}
