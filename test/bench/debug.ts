/**
 * Measures what `rdg debug` costs a program: time to start, memory, processes and threads, and the speed
 * of a loop full of calls before, while and after somebody looks; beside plain `python s.py`, beside
 * debugpy by itself, and beside the PyPI package remote-debug. Everything is interleaved, so that what else the machine does hits all alike.
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
import {
  type BenchTable,
  beside,
  median,
  quantile,
  ratio,
  type SummaryRow,
  withRatio,
} from "./_table.ts";
import { names, remoteDebugFor, ways, words } from "./_ways.ts";

const rounds = { start: 20, memory: 3, speed: 40 };

const programs = {
  pass: "pass\n",
  imports: "import json, subprocess, threading\n",
};

/** Runs of one way, as spawn.py says them. */
interface Runs {
  wall: number[];
  cpu: number[];
}

/** What came out so far: rows of the whole table, and of the one table of all benches. */
interface Found {
  rows: string[][];
  summary: SummaryRow[];
}

/** Measures on 3.11, where tracing costs most, and on the newest Python. */
export async function bench(): Promise<BenchTable> {
  const found: Found = { rows: [], summary: [] };
  const versions: string[] = [];
  for (const interpreter of new Set([newestPython, python])) {
    await using sandbox = await makeSandbox({ interpreter });
    await startTimes(found, { interpreter, sandbox });
    await memory(found, { interpreter, sandbox });
    await speed(found, { interpreter, sandbox });
    versions.push(await versionLine(interpreter));
  }
  return {
    title: "What `rdg debug` costs a program",
    columns: ["", "Python", ...names],
    rows: found.rows,
    summary: found.summary,
    versions: versions.join("; "),
    notes: [
      versions.join("; "),
      `ms from start to end: median of ${rounds.start} runs (debugpy, remote-debug: of a fifth of them); "least" is ` +
      'the shortest; "processor" is the user and system time, which what runs beside it changes less',
      "added to plain, and as a multiple of it, in brackets",
      `memory of the program alone, while it waits for input: median of ${rounds.memory} runs`,
      `loop: processor time of 50,000 calls of a one-line function, least of ${rounds.speed} rounds ` +
      "as a multiple of plain's in the same rounds; the column of plain is a second plain program: the " +
      "noise",
    ],
  };
}

/** Where one round of measurements is made. */
interface Where {
  interpreter: Interpreter;
  sandbox: Sandbox;
}

/** Rows on the time from start to end. */
async function startTimes({ rows, summary }: Found, where: Where): Promise<void> {
  const { interpreter, sandbox } = where;
  for (const [kind, text] of Object.entries(programs)) {
    const script = await sandbox.write(`${kind}.py`, text);
    const all = ways(interpreter);
    const commands = Object.fromEntries(
      all.map((way) => [way.name, {
        words: words(way, { interpreter, script }),
        env: way.env,
        every: way.listens || way.stops ? 5 : 1,
      }]),
    );
    const runs = await spawnAll(commands, { interpreter, sandbox });
    const row = (what: string, pick: (runs: Runs) => number, digits = 0) => {
      const values = all.map(({ name }) => pick(runs[name] ?? { wall: [], cpu: [] }));
      rows.push([`${what}, \`${text.trim()}\``, interpreter.version, ...cells(values, digits)]);
    };
    summary.push(summed(`start to end, \`${text.trim()}\`, ${interpreter.version}`, {
      values: all.map(({ name }) => median(runs[name]?.wall ?? [])),
      unit: "ms",
    }));
    row("start to end, ms", ({ wall }) => median(wall), 1);
    row("the same, least", ({ wall }) => quantile(wall, 0), 1);
    row("the same, processor", ({ cpu }) => median(cpu), 1);
  }
}

async function spawnAll(
  commands: Record<string, unknown>,
  options: Where,
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
async function memory({ rows, summary }: Found, where: Where): Promise<void> {
  const { interpreter, sandbox } = where;
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
    summary.push(summed(`resident memory, \`${text.trim()}\`, ${interpreter.version}`, {
      values: samples.map((some) => median(some.map(({ rss }) => rss / 1024))),
      unit: "MiB",
      digits: 1,
    }));
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
}

/** Rows on the loop. */
async function speed({ rows, summary }: Found, where: Where): Promise<void> {
  const { interpreter, sandbox } = where;
  await using stack = new AsyncDisposableStack();
  const start = async (index: number) =>
    stack.use(await Looper.start(index, { interpreter, sandbox }));
  const base = await start(0);
  const loopers: Looper[] = [];
  for (const index of names.keys()) loopers.push(await start(index));
  /** Interleaved rounds of those that can be in this state. */
  const row = async (
    what: string,
    options: {
      where: "main" | "thread" | "new";
      takesPart?: (looper: Looper) => boolean;
      /** Also a row of the one table. */
      sum?: true;
    },
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
    if (options.sum) {
      const least = (looper: Looper) => quantile(samples.get(looper) ?? [], 0);
      const values = loopers.map(least);
      summary.push(summed(`loop of calls, ${what}, ${interpreter.version}`, {
        values,
        unit: "ms",
        digits: 1,
      }));
    }
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
  const canAttach = (looper: Looper) => canListen(looper) || looper.way.stops;
  await row("never woken", { where: "main", takesPart: ({ way }) => !way.listens, sum: true });
  for (const looper of loopers) if (looper.way.wakes || looper.way.stops) await looper.wake();
  await row("listening, nobody attached", { where: "main", takesPart: canListen });
  await row("listening, in another thread", { where: "thread", takesPart: canListen });
  await row("listening, in a new thread", { where: "new", takesPart: canListen });
  for (const looper of loopers) if (canAttach(looper)) await looper.attach();
  await row("attached, no breakpoint", { where: "main", takesPart: canAttach, sum: true });
  await row("attached, in another thread", { where: "thread", takesPart: canAttach });
  for (const looper of loopers) if (canAttach(looper)) await looper.detach();
  await row("after a detach", { where: "main", takesPart: canAttach, sum: true });
  await row("after a detach, in another thread", { where: "thread", takesPart: canAttach });
  await row("after a detach, in a new thread", { where: "new", takesPart: canAttach });
}

/**
 * A row of the one table; rdg's cell is that of `--lite`.
 *
 * @param what What was measured.
 * @param options Values in the order of `names`, NaN for a way that took no part; their unit.
 */
function summed(
  what: string,
  options: { values: readonly number[]; unit: string; digits?: number },
): SummaryRow {
  const [plain = NaN, lite = NaN, , , debugpy = NaN, remoteDebug = NaN] = options.values;
  const { unit, digits = 0 } = options;
  const cell = (value: number) =>
    Number.isNaN(value) ? "" : withRatio(value, { unit, base: plain, digits });
  return {
    what,
    rdg: cell(lite),
    plain: withRatio(plain, { unit, digits }),
    debugpy: cell(debugpy),
    remoteDebug: cell(remoteDebug),
  };
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
  let remoteDebug = "?";
  for await (const { name } of Deno.readDir(remoteDebugFor(interpreter))) {
    remoteDebug = /^remote_debug-(.+)\.dist-info$/.exec(name)?.[1] ?? remoteDebug;
  }
  return `${new TextDecoder().decode(stdout)}, remote-debug ${remoteDebug}`;
}
