/**
 * Measures `rdg connect` on the test cluster: from the command to "ready", DAP round trips and the
 * throughput of a 10 MB result, by way, beside plain debugpy over `ssh -L`; and counts the scheduler's
 * programs. Needs root. Prints a table for the README.
 *
 *     deno run -A test/bench/connect_ways.ts
 *
 * @module
 */

import { startCluster } from "../cluster/cluster.ts";
import { installRdg, systemPython } from "../cluster/install.ts";
import { counting, countingLine, submit, untilArmed, writeProgram } from "../cluster/jobs.ts";
import { endChild, freePorts, mustRun, waitUntil } from "../cluster/process.ts";
import { ready } from "../commands/connect/desk.ts";
import { type Laptop, makeLaptop } from "../commands/connect/laptop.ts";

const runs = 5;

interface Numbers {
  attachMs: number;
  medianMs: number;
  p95Ms: number;
  bigBytes: number;
  bigMs: number;
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

async function measure(laptop: Laptop, port: number): Promise<Numbers> {
  const source = await Deno.readTextFile(new URL("connect_client.py", import.meta.url));
  const file = `${laptop.project}/count.py`;
  const words = [systemPython, "-c", source, String(port), file, String(countingLine)];
  return JSON.parse(await mustRun([...laptop.asUser(), ...words]));
}

function row(name: string, readyMs: number[], numbers: Numbers): string {
  const sorted = [...readyMs].sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  const big = `${numbers.bigMs} ms (${(numbers.bigBytes / 1000 / numbers.bigMs).toFixed(0)} MB/s)`;
  return `| ${name} | ${middle ?? "-"} | ${numbers.medianMs} | ${numbers.p95Ms} | ${big} |`;
}

const cluster = await startCluster({ ssh: true });
let laptop: Laptop | undefined;
try {
  await installRdg(cluster);
  await writeProgram(cluster, { name: "count.py", text: counting });
  laptop = await makeLaptop(cluster);
  await laptop.startNodeSshd();

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
  const baseline = await waitUntil("plain debugpy over ssh -L", {
    ask: () => measure(laptop!, near).catch(() => null),
    everyMs: 500,
  });
  await endChild(tunnel);
  await cluster.run(["scancel", job]);

  say("| way | ready, ms | round trip, ms | 95 % | 10 MB result |");
  say("|---|---|---|---|---|");
  say(row("plain debugpy, `ssh -L`", [], baseline));
  const armed = await submit(cluster, { script: "rdg debug --lite python3 count.py" });
  await untilArmed(cluster, { job: armed });
  for (const via of ["direct", "relay", "jump"]) {
    const times: number[] = [];
    let numbers: Numbers | undefined;
    for (let run = 0; run < runs; run++) {
      const begin = Date.now();
      await using child = laptop.connect(["login", "--via", via, "--port=0", "--json"]);
      const { port } = await ready(child);
      // The first run of all wakes the program as well.
      if (via === "direct" && run === 0) say(`first, waking included: ${Date.now() - begin} ms`);
      else times.push(Date.now() - begin);
      if (run === runs - 1) numbers = await measure(laptop, port);
      await child.kill("SIGINT");
      await child.status();
    }
    say(row(via, times, numbers!));
  }
} finally {
  await laptop?.close();
  await cluster.stop();
}
