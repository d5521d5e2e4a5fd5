/**
 * Ranks of a parallel program on this host, without a scheduler, and an `rdg connect` that serves them.
 *
 * @module
 */

import { python } from "../../../support/python.ts";
import { Child, makeSandbox, type Sandbox, start, startRdg } from "../../../support/rdg.ts";

/** What `rdg connect --json` says of several ranks. */
export interface Ready {
  event: "ready" | "ranks";
  port: number;
  job: string;
  way: string | null;
  merge: boolean;
  ranks: {
    rank: number | null;
    node: string;
    pid: number;
    state: string;
    way: string | null;
    exception: string | null;
  }[];
}

/** Counts, a step every 20 ms, until the file "stop" appears; a breakpoint goes to {@linkcode line}. */
export const counting = `import os, sys, time
rank = int(os.environ["RANK"])

def step(number):
    mine = number * 10 + rank
    time.sleep(0.02)
    return mine

number = 0
while not os.path.exists("stop") and not os.path.exists("stop%d" % rank):
    number += 1
    step(number)
sys.stdout.write("end of %d\\n" % rank)
sys.exit(rank + 10)
`;

/** The line of {@linkcode counting} in the midst of a step. */
export const line = 6;

/** A parallel program on this host. */
export class Ranks implements AsyncDisposable {
  /** Where everything lies. */
  readonly sandbox: Sandbox;
  /** The program's path. */
  readonly script: string;
  /** The processes by rank; the newest of each. */
  readonly processes: Child[] = [];
  readonly #all: Child[] = [];
  readonly #size: number;
  readonly #flags: readonly string[];

  private constructor(
    sandbox: Sandbox,
    options: { script: string; size: number; flags: string[] },
  ) {
    this.sandbox = sandbox;
    this.script = options.script;
    this.#size = options.size;
    this.#flags = options.flags;
  }

  /**
   * Starts one, and waits until each rank has a record.
   *
   * @param options How many ranks, the source, rdg debug's flags (`--lite`), the ranks to start with,
   * and how many are started at the same time.
   * @returns The program.
   */
  static async start(
    options: {
      size: number;
      source?: string;
      flags?: string[];
      only?: number[];
      atOnce?: number;
    },
  ): Promise<Ranks> {
    const sandbox = await makeSandbox();
    const script = await sandbox.write("train.py", options.source ?? counting);
    const { size, flags = ["--lite"] } = options;
    const ranks = new Ranks(sandbox, { script, size, flags });
    const wanted = options.only ?? Array.from({ length: size }, (_, rank) => rank);
    try {
      const { atOnce = wanted.length } = options;
      for (let at = 0; at < wanted.length; at += atOnce) {
        await Promise.all(wanted.slice(at, at + atOnce).map((rank) => ranks.add(rank)));
      }
    } catch (error) {
      await ranks[Symbol.asyncDispose]();
      throw error;
    }
    return ranks;
  }

  /** Starts a rank, also one that has ended. */
  async add(rank: number): Promise<Child> {
    const child = startRdg(["debug", ...this.#flags, python.path, this.script], {
      sandbox: this.sandbox,
      env: { RANK: `${rank}`, WORLD_SIZE: `${this.#size}`, LOCAL_RANK: `${rank}` },
    });
    this.processes[rank] = child;
    this.#all.push(child);
    const until = Date.now() + 30_000;
    while (!(await this.#pids()).includes(child.pid)) {
      if (Date.now() > until) throw new Error(`rank ${rank} wrote no record:\n${child.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return child;
  }

  /** Starts `rdg connect` and waits until every rank that can be reached is. */
  async connect(...words: string[]): Promise<{ child: Child; ready: Ready }> {
    const child = this.run(...words);
    const there = ({ ranks = [] }: Ready) =>
      ranks.every(({ way, state }) => way !== null || state === "uncrashed");
    return { child, ready: await saidThat(child, there) };
  }

  /** Starts `rdg connect`. */
  run(...words: string[]): Child {
    return startRdg(["connect", "--scheduler=local", "--port=0", "--json", ...words], {
      sandbox: this.sandbox,
    });
  }

  /** Lets all end by themselves; returns their exit codes by rank. */
  async finish(): Promise<number[]> {
    await this.sandbox.write("stop", "");
    return await Promise.all(this.processes.map(async (child) => (await child.status()).code));
  }

  /** Ends everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#all) await child[Symbol.asyncDispose]();
    await this.sandbox[Symbol.asyncDispose]();
  }

  async #pids(): Promise<number[]> {
    return (await this.sandbox.records().catch(() => [])).map(({ pid }) => pid as number);
  }
}

/** Waits for the nth object that `rdg connect --json` prints. */
export async function said(child: Child, count = 1): Promise<Ready> {
  const pattern = new RegExp(`^(?:\\{.*\\}\\n){${count}}`);
  const [lines] = await child.until(pattern, { stream: "stdout", timeoutMs: 60_000 });
  return JSON.parse(lines.trim().split("\n").at(-1)!);
}

/** Waits until what `rdg connect --json` last said fits. */
export async function saidThat(child: Child, fits: (ready: Ready) => boolean): Promise<Ready> {
  for (let count = 1;; count++) {
    const ready = await said(child, count);
    if (fits(ready)) return ready;
  }
}

/** Ends `rdg connect` as Ctrl-C does. */
export async function leave(child: Child): Promise<void> {
  await child.kill("SIGINT");
  const { code } = await child.status();
  if (code !== 0) throw new Error(`rdg connect ended with code ${code}:\n${child.stderr}`);
}

export { Child, start };
