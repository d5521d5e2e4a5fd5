/**
 * Reads what faulthandler writes about a process's threads (Python 3.8 to 3.14), and what
 * `py-spy dump --json` prints. Pure.
 *
 * Sources: `Python/traceback.c` of CPython 3.8 to 3.14, and dumps of each in test/python/testdata/dumps.
 *
 * @module
 */

/** One place in a program. */
export interface Frame {
  /** Path of the source file as Python knows it; `???` where it couldn't be read. */
  file: string;
  /** Line; null where it couldn't be read. */
  line: number | null;
  /** The function; `<module>` for a file's own code. */
  function: string;
}

/** One thread of a process. */
export interface Thread {
  /** Python's identifier, as text; unique within its process. */
  id: string;
  /** Its name, where the dump says it (Python 3.14, py-spy). */
  name: string | null;
  /** Whether it is the program's first thread. */
  main: boolean;
  /** Where it is, the innermost frame first. */
  frames: Frame[];
  /** Whether outer frames are missing: more than 100, or the text was cut short. */
  cut: boolean;
  /** What stands there in place of frames: `no Python frame`, `Garbage-collecting`. */
  note: string | null;
}

/** The stacks of one process. */
export interface Dump {
  /** The threads, the main one first. */
  threads: Thread[];
  /** Whether threads are missing: more than 100, the main one then among them. */
  cut: boolean;
}

/** Frames of one thread that Python writes. */
const maxFrames = 100;

const header = /^(Current thread|Thread) 0x([0-9a-f]+)(?: \[(.*)\])? \(most recent call first\):$/;
const frameLine = /^ {2}File (?:"(.*)"|(\?\?\?)), line (\d+|\?\?\?) in (.*)$/;

/**
 * Reads a dump.
 *
 * @param text What the process wrote, or py-spy's JSON. Of several dumps that follow
 * each other (somebody else asked as well) the last one counts.
 * @param options `complete` is false for a text that was cut short: its last thread is then doubtful.
 * `via` is `py-spy` for its JSON, `python` for the same from Python's own reader.
 * @returns The threads; none where the text holds nothing of the kind.
 */
export function parseDump(text: string, options: { complete: boolean; via?: string }): Dump {
  if (options.via === "py-spy" || options.via === "python") return parsePySpy(text);
  const lines = lastDump(text);
  // Without its end, a last line may be half a line.
  if (!text.endsWith("\n")) lines.pop();
  const threads: (Thread & { current: boolean })[] = [];
  let cut = text.includes("<Cannot show all threads");
  for (const line of lines) {
    // Follows where a program's own faulthandler wrote (3.14), in the form of frames without a thread.
    if (line.startsWith("Current thread's C stack trace ")) break;
    const start = header.exec(line);
    if (start) {
      const [, word, id = "", name] = start;
      const current = word === "Current thread";
      threads.push({
        id,
        current,
        name: name ?? null,
        main: false,
        frames: [],
        cut: false,
        note: null,
      });
      continue;
    }
    const thread = threads.at(-1);
    const frame = frameLine.exec(line);
    if (frame && thread) {
      // Python 3.13 doesn't say that it left frames out.
      thread.cut = thread.frames.push(readFrame(frame)) === maxFrames;
    } else if (line === "...") cut = true;
    else if (thread && /^ {2}(?:\.\.\.|<truncated rest of calls>)$/.test(line)) thread.cut = true;
    else if (thread && /^ {2}\S/.test(line)) thread.note ??= line.trim().replace(/^<(.*)>$/, "$1");
  }
  if (!options.complete) {
    cut = true;
    const last = threads.at(-1);
    if (last) last.cut = true;
  }
  const main = mainThread(threads, cut);
  const order = main ? [main, ...threads.filter((thread) => thread !== main)] : threads;
  return {
    threads: order.map(({ current: _current, ...thread }, i) => ({
      ...thread,
      main: main !== undefined && i === 0,
    })),
    cut,
  };
}

/** Lines of the last dump: within one a blank line comes before each thread but the first. */
function lastDump(text: string): string[] {
  const lines = text.split("\n");
  const start = lines.findLastIndex((line, i) => header.test(line) && lines[i - 1] !== "");
  return lines.slice(Math.max(0, start));
}

function readFrame([, path, , line, name = ""]: RegExpExecArray): Frame {
  return {
    file: path === undefined ? "???" : unescape(path),
    line: line === "???" ? null : Number(line),
    function: unescape(name),
  };
}

/** faulthandler writes other characters than ASCII's as Python would: `\xf6`, `\u2019`. */
function unescape(text: string): string {
  return text.replaceAll(
    /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))/g,
    (whole, two, four, eight) => {
      const code = parseInt(two ?? four ?? eight, 16);
      return code < 0xa0 || code > 0x10ffff ? whole : String.fromCodePoint(code);
    },
  );
}

/**
 * The program's first thread. Python lists the newest first, so it comes last; without the end of the
 * list it is the one that took the signal, which the kernel offers to the first thread before others.
 */
function mainThread<T extends Thread & { current: boolean }>(
  threads: readonly T[],
  cut: boolean,
): T | undefined {
  const mayBe = ({ frames }: T) => {
    const outermost = frames.at(-1);
    return outermost?.function !== "_bootstrap" || !outermost.file.endsWith("threading.py");
  };
  const last = cut ? undefined : threads.at(-1);
  if (last && mayBe(last)) return last;
  return threads.find((thread) => thread.current && mayBe(thread));
}

/** What py-spy 0.3 and later print; what Python's own reader says is put into the same form. */
function parsePySpy(text: string): Dump {
  let rows: unknown;
  try {
    rows = JSON.parse(text);
  } catch {
    return { threads: [], cut: true };
  }
  if (!Array.isArray(rows)) return { threads: [], cut: true };
  const threads = rows.map((row): Thread => ({
    id: String(row.thread_id),
    name: typeof row.thread_name === "string" ? row.thread_name : null,
    main: row.os_thread_id === row.pid || row.thread_name === "MainThread",
    frames: (Array.isArray(row.frames) ? row.frames : []).map((
      frame: { filename?: unknown; line?: unknown; name?: unknown },
    ) => ({
      file: String(frame.filename ?? "???"),
      line: typeof frame.line === "number" && frame.line > 0 ? frame.line : null,
      function: String(frame.name ?? "???"),
    })),
    cut: false,
    note: null,
  }));
  return { threads: threads.sort((a, b) => Number(b.main) - Number(a.main)), cut: false };
}
