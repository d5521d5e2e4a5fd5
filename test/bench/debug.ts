/**
 * Measures what `rdg debug` costs a program: time to start, memory, processes and threads, and the speed
 * of a loop full of calls before, while and after somebody looks; beside plain `python s.py` and beside
 * debugpy by itself. Everything is interleaved, so that what else the machine does hits all alike.
 *
 * Touches: starts Python programs, one after another, in a temporary folder.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { debugpyFor, type Interpreter, newestPython, python } from "../support/python.ts";
import { makeSandbox, type Sandbox } from "../support/rdg.ts";
import { Looper } from "./_looper.ts";
import { type Standing, standing } from "./_standing.ts";
import { type BenchTable, beside, median, quantile, ratio } from "./_table.ts";
import { names, ways, words } from "./_ways.ts";

const rounds = { start: 25, memory: 5, speed: 60 };

const programs = {
  pass: "pass\n",
  imports: "import json, subprocess, threading\n",
};

/** Runs of one way, as spawn.py says them. */
interface Runs {
  wall: number[];
  cpu: number[];
}

/** Measures on 3.11, where tracing costs most, and on the newest Python. */
export async function bench(): Promise<BenchTable> {
  const rows: string[][] = [];
  const versions: string[] = [];
  for (const interpreter of new Set([newestPython, python])) {
    await using sandbox = await makeSandbox({ interpreter });
    rows.push(
      ...await startTimes(interpreter, sandbox),
      ...await memory(interpreter, sandbox),
      ...await speed(interpreter, sandbox),
    );
    versions.push(await versionLine(interpreter));
  }
  return {
    title: "What `rdg debug` costs a program",
    columns: ["", "Python", ...names],
    rows,
    notes: [
      versions.join("; "),
      `ms from start to end: median of ${rounds.start} runs (debugpy: of a fifth of them); "least" is ` +
      'the shortest; "processor" is the user and system time, which what runs beside it changes less',
      "added to plain, and as a multiple of it, in brackets",
      `memory of the program alone, while it waits for input: median of ${rounds.memory} runs`,
      `loop: processor time of 50,000 calls of a one-line function, least of ${rounds.speed} rounds ` +
      "as a multiple of plain's in the same rounds; the column of plain is a second plain program: the " +
      "noise",
    ],
  };
}

/** Rows on the time from start to end. */
async function startTimes(interpreter: Interpreter, sandbox: Sandbox): Promise<string[][]> {
  const rows: string[][] = [];
  for (const [kind, text] of Object.entries(programs)) {
    const script = await sandbox.write(`${kind}.py`, text);
    const all = ways(interpreter);
    const commands = Object.fromEntries(
      all.map((way) => [way.name, {
        words: words(way, { interpreter, script }),
        env: way.env,
        every: way.listens ? 5 : 1,
      }]),
    );
    const runs = await spawnAll(commands, { interpreter, sandbox });
    const row = (what: string, pick: (runs: Runs) => number, digits = 0) => {
      const values = all.map(({ name }) => pick(runs[name] ?? { wall: [], cpu: [] }));
      rows.push([`${what}, \`${text.trim()}\``, interpreter.version, ...cells(values, digits)]);
    };
    row("start to end, ms", ({ wall }) => median(wall), 1);
    row("the same, least", ({ wall }) => quantile(wall, 0), 1);
    row("the same, processor", ({ cpu }) => median(cpu), 1);
  }
  return rows;
}

async function spawnAll(
  commands: Record<string, unknown>,
  options: { interpreter: Interpreter; sandbox: Sandbox },
): Promise<Record<string, Runs>> {
  const child = new Deno.Command(options.interpreter.path, {
    args: [fileURLToPath(new URL("spawn.py", import.meta.url))],
    cwd: options.sandbox.dir,
    env: { ...options.sandbox.env },
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  const task = JSON.stringify({ rounds: rounds.start, commands });
  await input.write(new TextEncoder().encode(task));
  await input.close();
  const { success, stdout } = await child.output();
  if (!success) throw new Error("spawn.py failed");
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Rows on what a running program holds. */
async function memory(interpreter: Interpreter, sandbox: Sandbox): Promise<string[][]> {
  const rows: string[][] = [];
  for (const [kind, text] of Object.entries(programs)) {
    const wait = "print('ready', flush=True)\nimport sys\nsys.stdin.readline()\n";
    const script = await sandbox.write(`${kind}_waits.py`, text + wait);
    const all = ways(interpreter);
    const samples: Standing[][] = all.map(() => []);
    for (let round = 0; round < rounds.memory; round++) {
      for (const [index, way] of all.entries()) {
        samples[index]?.push(await standing(way, { interpreter, sandbox, script }));
      }
    }
    const row = (what: string, key: keyof Standing) => {
      const values = samples.map((some) => median(some.map((sample) => sample[key])));
      const texts = key === "rss" || key === "pss" ? cells(values) : values.map(String);
      rows.push([`${what}, \`${text.trim()}\``, interpreter.version, ...texts]);
    };
    row("resident memory (VmRSS), kB", "rss");
    row("its share of memory (Pss), kB", "pss");
    row("other processes left standing", "others");
    row("threads", "threads");
  }
  return rows;
}

/** Rows on the loop. */
async function speed(interpreter: Interpreter, sandbox: Sandbox): Promise<string[][]> {
  await using stack = new AsyncDisposableStack();
  const start = async (index: number) =>
    stack.use(await Looper.start(index, { interpreter, sandbox }));
  const base = await start(0);
  const loopers: Looper[] = [];
  for (const index of names.keys()) loopers.push(await start(index));
  const rows: string[][] = [];
  /** Interleaved rounds of those that can be in this state. */
  const row = async (
    what: string,
    options: { where: "main" | "thread" | "new"; takesPart?: (looper: Looper) => boolean },
  ) => {
    const takesPart = options.takesPart ?? (() => true);
    const taking = loopers.filter((looper, index) => index === 0 || takesPart(looper));
    const samples = new Map<Looper, number[]>([base, ...taking].map((looper) => [looper, []]));
    for (let round = 0; round <= rounds.speed; round++) {
      // Another one comes first each time: the first after a pause finds a slower processor.
      const order = [...samples];
      order.push(...order.splice(0, round % order.length));
      for (const [looper, times] of order) {
        const took = await looper.work(options.where);
        if (round > 0) times.push(took);
      }
    }
    const plain = quantile(samples.get(base) ?? [], 0);
    rows.push([
      `loop, ${what} (plain: ${plain.toFixed(1)} ms)`,
      interpreter.version,
      ...loopers.map((looper) => {
        const times = samples.get(looper);
        return times ? ratio(quantile(times, 0), plain) : "";
      }),
    ]);
  };
  const canListen = ({ way }: Looper) => way.wakes || way.listens;
  await row("never woken", { where: "main", takesPart: ({ way }) => !way.listens });
  for (const looper of loopers) if (looper.way.wakes) await looper.wake();
  await row("listening, nobody attached", { where: "main", takesPart: canListen });
  await row("listening, in another thread", { where: "thread", takesPart: canListen });
  await row("listening, in a new thread", { where: "new", takesPart: canListen });
  for (const looper of loopers) if (canListen(looper)) await looper.attach();
  await row("attached, no breakpoint", { where: "main", takesPart: canListen });
  await row("attached, in another thread", { where: "thread", takesPart: canListen });
  for (const looper of loopers) if (canListen(looper)) await looper.detach();
  await row("after a detach", { where: "main", takesPart: canListen });
  await row("after a detach, in another thread", { where: "thread", takesPart: canListen });
  await row("after a detach, in a new thread", { where: "new", takesPart: canListen });
  return rows;
}

/** The first value as it is, the others beside it. */
function cells(values: readonly number[], digits = 0): string[] {
  const [plain = NaN, ...others] = values;
  return [plain.toFixed(digits), ...others.map((value) => beside(value, plain, digits))];
}

async function versionLine(interpreter: Interpreter): Promise<string> {
  const code = "import sys, debugpy; print('Python %d.%d.%d' % sys.version_info[:3], end='');" +
    "print(', debugpy', debugpy.__version__, end='')";
  const { stdout } = await new Deno.Command(interpreter.path, {
    args: ["-c", code],
    env: { PYTHONPATH: debugpyFor(interpreter), PYDEVD_DISABLE_FILE_VALIDATION: "1" },
  }).output();
  return new TextDecoder().decode(stdout);
}
