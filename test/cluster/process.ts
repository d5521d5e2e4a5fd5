/**
 * Starting, waiting for and ending the processes of the test cluster, each by its id. Reads /proc.
 *
 * @module
 */

/** Result of a program that ran to its end. */
export interface Finished {
  /** Exit status. */
  code: number;
  /** What it wrote. */
  stdout: string;
  /** What it complained about. */
  stderr: string;
}

/**
 * Runs a program to its end.
 *
 * @param words The program and its arguments.
 * @param options Environment (beside the own one), folder, text for stdin, and a limit (60 s).
 * @returns Its exit status and output.
 */
export async function runToEnd(
  words: readonly string[],
  options: { env?: Record<string, string>; cwd?: string; stdin?: string; timeoutMs?: number } = {},
): Promise<Finished> {
  const [program = "", ...args] = words;
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), options.timeoutMs ?? 60_000);
  try {
    const child = new Deno.Command(program, {
      args,
      ...(options.env ? { env: options.env } : {}),
      ...(options.cwd ? { cwd: options.cwd } : {}),
      stdin: options.stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
      signal: abort.signal,
    }).spawn();
    if (options.stdin !== undefined) {
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(options.stdin)).catch(() => {});
      await writer.close().catch(() => {});
    }
    const { code, stdout, stderr } = await child.output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: text(stdout), stderr: text(stderr) };
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Like {@linkcode runToEnd}, for a program that has to succeed.
 *
 * @param words The program and its arguments.
 * @param options As for `runToEnd`.
 * @returns What it wrote to stdout.
 * @throws {Error} with its output when it fails.
 */
export async function mustRun(
  words: readonly string[],
  options: Parameters<typeof runToEnd>[1] = {},
): Promise<string> {
  const { code, stdout, stderr } = await runToEnd(words, options);
  if (code !== 0) {
    throw new Error(`${words.slice(0, 12).join(" ")}: exit status ${code}\n${stdout}${stderr}`);
  }
  return stdout;
}

/**
 * Reads the first line of a stream.
 *
 * @param stream A child's stdout.
 * @returns The line without its end; what there was where the stream ended before.
 */
export async function readLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes("\n")) break;
  }
  return text.split("\n")[0] ?? "";
}

/**
 * Asks again and again until there is an answer.
 *
 * @param what What is waited for, for the error.
 * @param options How to ask (null or false: not yet), how often and how long.
 * @returns The answer.
 * @throws {Error} when the time is over.
 */
export async function waitUntil<T>(
  what: string,
  options: { ask: () => Promise<T | null | false>; timeoutMs?: number; everyMs?: number },
): Promise<T> {
  const end = Date.now() + (options.timeoutMs ?? 30_000);
  while (true) {
    const answer = await options.ask();
    if (answer !== null && answer !== false) return answer;
    if (Date.now() > end) throw new Error(`Waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 50));
  }
}

/**
 * Ends a child: SIGTERM, and SIGKILL after five seconds.
 *
 * @param child The child.
 */
export async function endChild(child: Deno.ChildProcess): Promise<void> {
  signal(child.pid, "SIGTERM");
  const timer = setTimeout(() => signal(child.pid, "SIGKILL"), 5000);
  await child.status;
  clearTimeout(timer);
}

/**
 * Finds all processes of one user.
 *
 * @param uid The user.
 * @returns Their ids.
 */
export async function processesOf(uid: number): Promise<number[]> {
  const pids: number[] = [];
  for await (const entry of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(entry.name)) continue;
    try {
      if ((await Deno.stat(`/proc/${entry.name}`)).uid === uid) pids.push(Number(entry.name));
    } catch {
      // It has ended in the meantime.
    }
  }
  return pids;
}

/**
 * Sends a signal; a process that has ended is no error.
 *
 * @param pid The process.
 * @param name The signal.
 */
export function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) && !(error instanceof TypeError)) throw error;
  }
}

/**
 * Asks the system for free TCP ports.
 *
 * @param count How many.
 * @returns That many different ports.
 */
export function freePorts(count: number): number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  const ports = listeners.map(({ addr }) => addr.port);
  for (const listener of listeners) listener.close();
  return ports;
}
