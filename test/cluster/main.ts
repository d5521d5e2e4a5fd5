/**
 * `deno task cluster`: starts the test cluster and opens a shell of its user on the login node.
 * Ends with the shell. With words after it, runs these instead of a shell. Needs root.
 *
 * @module
 */

import { startCluster } from "./cluster.ts";
import { installRdg } from "./install.ts";
import { whyNoCluster } from "./packages.ts";

function say(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}

async function play(words: readonly string[]): Promise<number> {
  const reason = await whyNoCluster({ ssh: true });
  if (reason) {
    say(`Cannot start the test cluster: ${reason}`);
    return 1;
  }
  const cluster = await startCluster({ ssh: true });
  // Ctrl-C belongs to the shell inside; the cluster goes when that shell has ended.
  const ignore = () => {};
  Deno.addSignalListener("SIGINT", ignore);
  try {
    await installRdg(cluster);
    await Deno.writeTextFile(`${cluster.user.home}/loop.py`, example);
    await Deno.chown(`${cluster.user.home}/loop.py`, cluster.user.uid, cluster.user.gid);
    const enter = [...cluster.asUser({ env: userEnvironment(cluster.root) })];
    if (words.length > 0) return await stay([...enter, ...words]);
    say(`A Slurm with the nodes ${cluster.nodes.join(" and ")} is up; this is its login node.`);
    say("  sinfo; squeue; srun -N2 hostname");
    say("  sbatch --wrap 'rdg debug --lite python3 loop.py'    then: rdg sessions, rdg attach");
    say(`  from another terminal, as root: ssh ${cluster.ssh!.args.join(" ")}`);
    say("Leaving this shell (exit, Ctrl-D) takes the cluster down.");
    return await stay([...enter, "bash", "--norc", "-i"]);
  } finally {
    await cluster.stop();
    Deno.removeSignalListener("SIGINT", ignore);
  }
}

function userEnvironment(root: string): Record<string, string> {
  return {
    PYTHONPATH: `${root}/site`,
    PS1: "\\u@\\h:\\w\\$ ",
    TERM: Deno.env.get("TERM") ?? "dumb",
  };
}

async function stay(words: readonly string[]): Promise<number> {
  const child = new Deno.Command(words[0]!, {
    args: words.slice(1),
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  return (await child.status).code;
}

const example = `import time

def step(number):
    total = number * 2
    time.sleep(0.2)
    return total

for number in range(10**6):
    step(number)
`;

if (import.meta.main) Deno.exit(await play(Deno.args));
