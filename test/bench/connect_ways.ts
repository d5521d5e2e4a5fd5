/**
 * Measures `rdg connect` on the test cluster: from the command to "ready", DAP round trips and the
 * throughput of a 10 MB result, by way, beside plain debugpy over `ssh -L`; and counts the scheduler's
 * programs. Starts a cluster; needs root and Debian's packages of Slurm and OpenSSH.
 *
 * @module
 */

import { type Cluster, startCluster } from "../cluster/cluster.ts";
import { installRdg, systemPython } from "../cluster/install.ts";
import { counting, countingLine, submit, untilArmed, writeProgram } from "../cluster/jobs.ts";
import { endChild, freePorts, mustRun, waitUntil } from "../cluster/process.ts";
import { ready } from "../commands/connect/desk.ts";
import { type Laptop, makeLaptop } from "../commands/connect/laptop.ts";
import { whyNoCluster } from "../cluster/packages.ts";
import { type BenchTable, median, type SummaryRow, withRatio } from "./_table.ts";

const runs = 5;

interface Numbers {
  attachMs: number;
  medianMs: number;
  p95Ms: number;
  bigBytes: number;
  bigMs: number;
}

async function measure(laptop: Laptop, port: number): Promise<Numbers> {
  const source = await Deno.readTextFile(new URL("connect_client.py", import.meta.url));
  const file = `${laptop.project}/count.py`;
  const words = [systemPython, "-c", source, String(port), file, String(countingLine)];
  return JSON.parse(await mustRun([...laptop.asUser(), ...words]));
}

function row(name: string, readyMs: number[], numbers: Numbers): string[] {
  const big = `${numbers.bigMs} (${(numbers.bigBytes / 1000 / numbers.bigMs).toFixed(0)} MB/s)`;
  const ready = readyMs.length > 0 ? String(median(readyMs)) : "–";
  return [name, ready, String(numbers.medianMs), String(numbers.p95Ms), big];
}

/** Plain debugpy in a job, reached by `ssh -L`. */
async function plainDebugpy(cluster: Cluster, laptop: Laptop): Promise<Numbers> {
  const [plain = 0, near = 0] = freePorts(2);
  const job = await submit(cluster, {
    script: `python3 -m debugpy --listen 0.0.0.0:${plain} count.py`,
  });
  const user = laptop.asUser();
  const tunnel = new Deno.Command(user[0]!, {
    args: [...user.slice(1), "ssh", "-N", "-L", `${near}:n1:${plain}`, "login"],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    return await waitUntil("plain debugpy over ssh -L", {
      ask: () => measure(laptop, near).catch(() => null),
      everyMs: 500,
    });
  } finally {
    await endChild(tunnel);
    await cluster.run(["scancel", job]);
  }
}

async function measureWays(cluster: Cluster, laptop: Laptop): Promise<BenchTable> {
  const baseline = await plainDebugpy(cluster, laptop);
  const rows = [row("plain debugpy, `ssh -L`", [], baseline)];
  const summary: SummaryRow[] = [];
  const armed = await submit(cluster, { script: "rdg debug --lite python3 count.py" });
  await untilArmed(cluster, { job: armed });
  let first = 0;
  for (const via of ["direct", "relay", "jump"]) {
    const times: number[] = [];
    let numbers: Numbers | undefined;
    for (let run = 0; run < runs; run++) {
      const begin = Date.now();
      await using child = laptop.connect(["login", "--via", via, "--port=0", "--json"]);
      const { port } = await ready(child);
      // The first run of all wakes the program as well.
      if (via === "direct" && run === 0) first = Date.now() - begin;
      else times.push(Date.now() - begin);
      if (run === runs - 1) numbers = await measure(laptop, port);
      await child.kill("SIGINT");
      await child.status();
    }
    rows.push(row(via, times, numbers!));
    const { medianMs } = baseline;
    summary.push({
      what: `round trip from the laptop, \`--via=${via}\``,
      rdg: withRatio(numbers!.medianMs, { unit: "ms", base: medianMs, digits: 1 }),
      debugpy: `${withRatio(medianMs, { unit: "ms", digits: 1 })} over \`ssh -L\``,
    });
  }
  return {
    title: "`rdg connect` from a laptop through a login node into a job",
    columns: ["way", "ready, ms", "round trip, ms", "95 %", "10 MB result, ms"],
    rows,
    summary,
    notes: [
      `medians of ${runs}; the program was awake. Waking it as well: ${first} ms`,
      "laptop, login node and nodes on one machine",
    ],
  };
}

/** Measures. */
export async function bench(): Promise<BenchTable> {
  const reason = await whyNoCluster({ ssh: true });
  if (reason !== null) throw new Error(`Cannot measure: ${reason}`);
  const cluster = await startCluster({ ssh: true });
  let laptop: Laptop | undefined;
  try {
    await installRdg(cluster);
    await writeProgram(cluster, { name: "count.py", text: counting });
    laptop = await makeLaptop(cluster);
    await laptop.startNodeSshd();
    return await measureWays(cluster, laptop);
  } finally {
    await laptop?.close();
    await cluster.stop();
  }
}
