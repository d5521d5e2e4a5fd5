/**
 * The worker between rdg and a plugin's process: starts it, hands lines over, keeps its time, and ends
 * it when it takes too long. rdg itself waits on shared memory meanwhile, so that a plugin's function
 * answers like any other function. Imported as text by `_process.ts`, so it imports nothing itself.
 * Starts Deno.
 *
 * @module
 */

/** The first message. */
interface Start {
  /** State, status and length, then the answer's bytes. */
  shared: SharedArrayBuffer;
  program: string;
  args: string[];
  env: Record<string, string>;
  limitMs: number;
}

/** The others; without a line, the end. */
interface Line {
  line?: string;
  limitMs: number;
}

/** What an answer is; `_process.ts` has the same numbers. */
const status = { line: 1, late: 2, ended: 3, failed: 4, long: 5 } as const;

/** Longest answer, in MB. */
const maxAnswerMb = 64;

const encoder = new TextEncoder();
let shared: SharedArrayBuffer;
let child: Deno.ChildProcess | undefined;
let writer: WritableStreamDefaultWriter<Uint8Array>;
let reader: ReadableStreamDefaultReader<Uint8Array>;
let complaint = "";
let rest: Uint8Array[] = [];

function answer(kind: number, bytes: Uint8Array): void {
  const size = 16 + bytes.length;
  if (shared.byteLength < size) shared.grow(size);
  new Uint8Array(shared, 16, bytes.length).set(bytes);
  const control = new Int32Array(shared, 0, 3);
  control[1] = kind;
  control[2] = bytes.length;
  Atomics.store(control, 0, 1);
  Atomics.notify(control, 0);
}

/** The next line of the plugin's process, or why there is none. */
async function nextLine(): Promise<Uint8Array | "ended" | "long"> {
  let size = rest.reduce((sum, part) => sum + part.length, 0);
  while (true) {
    const last = rest.at(-1);
    const end = last?.indexOf(10) ?? -1;
    if (last && end >= 0) {
      const parts = [...rest.slice(0, -1), last.subarray(0, end)];
      const line = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
      let at = 0;
      for (const part of parts) {
        line.set(part, at);
        at += part.length;
      }
      rest = [last.subarray(end + 1)];
      return line;
    }
    const { done, value } = await reader.read();
    if (done) return "ended";
    if ((size += value.length) > maxAnswerMb * 1024 * 1024) return "long";
    rest.push(value);
  }
}

async function gather(stream: ReadableStream<Uint8Array>): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    complaint = (complaint + decoder.decode(chunk, { stream: true })).slice(0, 4000);
  }
}

/** Ends the process, and waits until it is gone: it must not be left to what rdg becomes. */
async function end(): Promise<void> {
  const ending = child;
  child = undefined;
  try {
    ending?.kill("SIGKILL");
  } catch {
    // It has ended.
  }
  await ending?.status;
}

async function exchange({ line, limitMs }: Line): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), limitMs);
  });
  const asked = (async () => {
    if (line !== undefined) await writer.write(encoder.encode(`${line}\n`));
    return await nextLine();
  })().catch(() => "ended" as const);
  const got = await Promise.race([asked, late]);
  clearTimeout(timer);
  if (typeof got !== "string") return answer(status.line, got);
  await end();
  const said = { late: "", ended: complaint, long: String(maxAnswerMb) }[got];
  answer(status[got], encoder.encode(said));
}

async function start(message: Start): Promise<void> {
  ({ shared } = message);
  try {
    child = new Deno.Command(message.program, {
      args: message.args,
      env: message.env,
      clearEnv: true,
      // Nothing of the project's counts, not even as the place to stand in.
      ...Deno.build.os === "windows" ? {} : { cwd: "/" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    return answer(status.failed, encoder.encode(String(error)));
  }
  writer = child.stdin.getWriter();
  reader = child.stdout.getReader();
  gather(child.stderr).catch(() => {});
  await exchange({ limitMs: message.limitMs });
}

globalThis.addEventListener("message", (event) => {
  const { data } = event as MessageEvent<Start | Line>;
  if ("program" in data) {
    start(data);
  } else if (data.line === undefined) {
    end().then(() => {
      answer(status.ended, new Uint8Array());
      globalThis.close();
    });
  } else if (child === undefined) {
    answer(status.ended, encoder.encode(complaint));
  } else {
    exchange(data);
  }
});
