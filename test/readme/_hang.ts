/**
 * The job that the README's pictures of `rdg stack` show: eight ranks, of which one hangs in native code
 * that keeps the GIL. Starts it on the test cluster.
 *
 * @module
 */

import type { Cluster } from "../cluster/cluster.ts";
import { submit, untilArmed, writeProgram } from "../cluster/jobs.ts";
import { waitUntil } from "../cluster/process.ts";

/**
 * Starts eight ranks and waits until they are in their places; rank 5 is in `load_batch`.
 *
 * @param cluster A running cluster with rdg.
 * @returns The job's id.
 */
export async function startHanging(cluster: Cluster): Promise<string> {
  const folder = new URL("hang/", import.meta.url);
  for (const name of ["train.py", "data.py"]) {
    const text = await Deno.readTextFile(new URL(name, folder));
    await writeProgram(cluster, { name, text });
  }
  const job = await submit(cluster, {
    args: ["-n8", "-N2", "--ntasks-per-node=4"],
    script: "srun rdg debug --lite python3 train.py",
  });
  await untilArmed(cluster, { job, count: 8 });
  await waitUntil("eight ranks in their places", {
    ask: async () => {
      const names: string[] = [];
      for await (const { name } of Deno.readDir(cluster.user.home)) names.push(name);
      return names.filter((name) => /^at-\d$/.test(name)).length === 8;
    },
  });
  return job;
}
