/**
 * Measures the door: round trip of `evaluate`, time to start, memory of the adapter; against
 * debugpy as it comes, and against debugpy with TCP_NODELAY on all of its sockets.
 *
 * Touches: starts Python programs, one after another.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import type { DebugProtocol } from "@vscode/debugprotocol";
import { DapClient } from "../support/dap.ts";
import { holderOf, newToken, readText } from "../support/door_program.ts";
import { TextLineStream } from "../support/lines.ts";
import { python, testPython } from "../support/python.ts";
import { type BenchTable, beside, median, quantile, withRatio } from "./_table.ts";

const program = fileURLToPath(new URL("door_latency.py", import.meta.url));
const ways = ["plain", "nodelay", "door"] as const;
const rounds = 5;
const requests = 400;

interface Sample {
  /** Round trips, milliseconds. */
  trips: number[];
  /** The call of listen(), milliseconds. */
  listen: number;
  /** Memory of the adapter that it shares with nobody, kB: listening, and with a client. */
  idle: number;
  busy: number;
}

async function measure(way: typeof ways[number]): Promise<Sample> {
  const { python, pythonPath } = await testPython();
  const site = await Deno.makeTempDir();
  await Deno.copyFile(program, `${site}/sitecustomize.py`);
  const child = new Deno.Command(python, {
    args: [program, way],
    env: {
      PYDEVD_DISABLE_FILE_VALIDATION: "1",
      ...(way === "nodelay" ? { RDG_BENCH_NODELAY: "1" } : {}),
      PYTHONPATH: way === "nodelay" ? `${site}:${pythonPath}` : pythonPath,
    },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const said = new TextLineStream(child.stdout);
  const input = child.stdin.getWriter();
  const token = newToken();
  await input.write(new TextEncoder().encode(`${token}\n`));
  const { port, listen } = JSON.parse(await said.next());
  const adapter = holderOf(port);
  const idle = ownMemory(adapter);
  const client = await DapClient.connect({ port });
  await input.write(new TextEncoder().encode("go\n"));
  const lines = (await Deno.readTextFile(program)).split("\n");
  const line = lines.findIndex((text) => text.endsWith("# breakpoint")) + 1;
  await client.attach({ token, breakpoints: { [program]: [line] } });
  const { body } = await client.waitFor<{ threadId: number }>("stopped");
  const { stackFrames } = await client.request<DebugProtocol.StackTraceResponse["body"]>(
    "stackTrace",
    { threadId: body.threadId },
  );
  const frameId = stackFrames[0]?.id;
  const trips: number[] = [];
  for (let index = 0; index < requests / (way === "plain" ? 8 : 1); index++) {
    const started = performance.now();
    await client.request("evaluate", { expression: "number + 1", frameId, context: "watch" });
    trips.push(performance.now() - started);
  }
  const busy = ownMemory(adapter);
  await client.disconnect();
  await input.close();
  await child.status;
  await said.cancel();
  await Deno.remove(site, { recursive: true });
  return { trips: trips.slice(10), listen: listen * 1000, idle, busy };
}

/** Private memory of a process, kB. */
function ownMemory(pid: number): number {
  const text = readText(`/proc/${pid}/smaps_rollup`);
  return [...text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+)/gm)]
    .reduce((sum, [, kb]) => sum + Number(kb), 0);
}

/** Measures the three ways in turn. */
export async function bench(): Promise<BenchTable> {
  const samples = new Map<string, Sample[]>(ways.map((way) => [way, []]));
  for (const way of ways) await measure(way); // Fills the caches.
  for (let round = 0; round < rounds; round++) {
    for (const way of ways) samples.get(way)?.push(await measure(way));
  }
  const trips = (way: string) => (samples.get(way) ?? []).flatMap((sample) => sample.trips);
  const middle = (way: string, pick: (sample: Sample) => number) =>
    median((samples.get(way) ?? []).map(pick));
  const rows = ways.map((way) => [
    way,
    beside(median(trips(way)), median(trips("plain")), 3),
    quantile(trips(way), 0.95).toFixed(2),
    quantile(trips(way), 0).toFixed(3),
    beside(middle(way, ({ listen }) => listen), middle("plain", ({ listen }) => listen)),
    beside(middle(way, ({ idle }) => idle), middle("plain", ({ idle }) => idle)),
    beside(middle(way, ({ busy }) => busy), middle("plain", ({ busy }) => busy)),
  ]);
  return {
    title: "What the door costs a debugging session",
    columns: [
      "",
      "`evaluate`, ms",
      "95 %",
      "best",
      "`listen()`, ms",
      "adapter alone, kB",
      "with a client, kB",
    ],
    rows,
    summary: [
      {
        what: `round trip of \`evaluate\`, on the node, ${python.version}`,
        rdg: withRatio(median(trips("door")), {
          unit: "ms",
          base: median(trips("plain")),
          digits: 1,
        }),
        debugpy: withRatio(median(trips("plain")), { unit: "ms", digits: 1 }),
        other: `debugpy with TCP_NODELAY: ${
          withRatio(median(trips("nodelay")), {
            unit: "ms",
            base: median(trips("plain")),
            digits: 1,
          })
        }`,
      },
      {
        what: `opening the port, ${python.version}`,
        rdg: withRatio(middle("door", ({ listen }) => listen), {
          unit: "ms",
          base: middle("plain", ({ listen }) => listen),
        }),
        debugpy: withRatio(middle("plain", ({ listen }) => listen), { unit: "ms" }),
      },
    ],
    notes: [
      `Python ${python.version}; "plain" is debugpy as it comes, "nodelay" the same with TCP_NODELAY`,
      `medians of ${rounds} programs in turn; the difference to plain and the ratio in brackets`,
      "memory of the adapter's process that it shares with nobody",
    ],
  };
}
