/**
 * Makes the README's pictures: `deno run -A test/demo/record.ts`. The quick start is typed into real
 * terminals (tmux) on the test cluster's login node and on its laptop, and what they show is drawn as
 * `quick_start.svg`; the page of `rdg stack --html` on a job of eight ranks that hangs is photographed by
 * Chromium as `stack.png`. What differs from run to run, and this machine's names, is replaced.
 *
 * Needs root, and Debian's packages of Slurm, OpenSSH, tmux and Chromium; takes port 5678.
 *
 * @module
 */

import { type Cluster, startCluster } from "../cluster/cluster.ts";
import { installRdg } from "../cluster/install.ts";
import { endJobs, writeProgram } from "../cluster/jobs.ts";
import { mustRun, waitUntil } from "../cluster/process.ts";
import { type Laptop, makeLaptop } from "../commands/connect/laptop.ts";
import { startHanging } from "../readme/_hang.ts";
import { drawScreens, type Screen } from "./_screen.ts";

const columns = 92;
const here = new URL(".", import.meta.url).pathname;

const batchScript = `#!/bin/bash
#SBATCH --job-name=train --time=1:00:00
rdg debug python train.py --epochs 3
`;

/** A shell in a terminal of its own. */
class Terminal {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  /** Starts a shell by these words, in a terminal of so many lines. */
  static async start(words: readonly string[], options: { folder: string; rows: number }) {
    const socket = `${options.folder}/tmux-${crypto.randomUUID().slice(0, 8)}`;
    const terminal = new Terminal(socket);
    const size = ["-x", String(columns), "-y", String(options.rows)];
    await terminal.#tmux("-f", "/dev/null", "new-session", "-d", ...size, ...words);
    return terminal;
  }

  async #tmux(...words: string[]): Promise<string> {
    return await mustRun(["tmux", "-S", this.#socket, ...words], { env: { LANG: "C.UTF-8" } });
  }

  /** Types a line and waits for something new on the screen. */
  async type(line: string, until: RegExp): Promise<void> {
    await this.#tmux("send-keys", "-l", line);
    await this.#tmux("send-keys", "Enter");
    await waitUntil(`${until} after "${line}"`, {
      ask: async () => until.test((await this.#tmux("capture-pane", "-p", "-J")).trimEnd()),
      timeoutMs: 30_000,
    }).catch(async (error) => {
      throw new Error(`${error.message}:\n${(await this.lines()).join("\n")}`);
    });
  }

  /** What it shows, without empty lines at its end. */
  async lines(): Promise<string[]> {
    return (await this.#tmux("capture-pane", "-p", "-e")).trimEnd().split("\n");
  }

  /** Closes it. */
  async close(): Promise<void> {
    await this.#tmux("kill-server").catch(() => "");
  }
}

/** Replaces what is of this machine, or of this run. */
function tidy(cluster: Cluster, text: string): string {
  return text
    .replaceAll(`${cluster.user.home}`, "/home/ada")
    .replaceAll(cluster.user.name, "ada")
    .replaceAll(/(Port: |5678:n1:)\d{4,5}/g, "$152545")
    .replaceAll(/(PID )\d+|\d+ {2}(?=listening)/g, (_, word) => word ? "PID 31107" : "31107  ")
    .replaceAll(/ \d+s( +)59:\d\d/g, " 2s$159:58")
    .replaceAll(/59:\d\d left/g, "59:50 left")
    .replaceAll(/20\d\d-\d\d-\d\dT[\d:]+Z/g, "2026-11-22T12:00:00Z")
    .replaceAll(/ada@[\w.-]+/g, "ada@login1.cluster.example");
}

async function quickStart(cluster: Cluster, laptop: Laptop): Promise<Screen[]> {
  const train = await Deno.readTextFile(`${here}../readme/train.py`);
  await writeProgram(cluster, { name: "train.py", text: train });
  await writeProgram(cluster, { name: "job.sh", text: batchScript });
  const shell = ["bash", "--norc", "--noprofile", "-i"];
  const onLogin = cluster.asUser({
    env: {
      PS1: "\\[\\e[32m\\]login1\\[\\e[0m\\]:~$ ",
      TERM: "xterm",
      PYTHONPATH: `${cluster.root}/site`,
    },
  });
  const onLaptop = laptop.asUser({
    PS1: "\\[\\e[34m\\]laptop\\[\\e[0m\\]:~/project$ ",
    TERM: "xterm",
    TERM_PROGRAM: "vscode",
  });
  const folder = cluster.root;
  const one = await Terminal.start([...onLogin, ...shell], { folder, rows: 40 });
  const two = await Terminal.start([...onLaptop, ...shell], { folder, rows: 20 });
  try {
    await one.type("cat job.sh", /epochs 3\n.*\$/);
    await one.type("sbatch job.sh", /Submitted batch job \d+/);
    await waitUntil("the job to wait", {
      ask: async () => {
        const text = await Deno.readTextFile(`${cluster.user.home}/slurm-1.out`).catch(() => "");
        return text.includes("waiting for debugger");
      },
    });
    await one.type("cat slurm-1.out", /waiting for debugger/);
    await one.type("rdg sessions", /listening.*train\.py/);
    // The first connection tells of the host's key; nobody looks at that.
    await mustRun([...onLaptop, "ssh", "login", "true"]);
    await two.type("cd ~/project; clear", /^laptop:~\/project\$$/);
    await two.type("rdg init", /press F5/);
    await two.type("rdg connect login", /left/);
    const lines = async (terminal: Terminal) =>
      (await terminal.lines()).map((line) => tidy(cluster, line));
    return [
      { title: "on the cluster", lines: await lines(one) },
      { title: "on your laptop, in VS Code's folder: then F5", lines: await lines(two) },
    ];
  } finally {
    await one.close();
    await two.close();
    await endJobs(cluster);
  }
}

async function stackPage(cluster: Cluster): Promise<void> {
  const job = await startHanging(cluster);
  const page = `${cluster.user.home}/stack.html`;
  const { code, stderr } = await cluster.run(["rdg", "stack", job, `--html=${page}`]);
  if (code !== 0) throw new Error(stderr);
  const folder = await Deno.makeTempDir();
  try {
    const html = tidy(cluster, await Deno.readTextFile(page));
    await Deno.writeTextFile(`${folder}/stack.html`, html);
    await mustRun([
      ...["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"],
      ...[`--user-data-dir=${folder}/profile`, "--window-size=1000,650"],
      ...[`--screenshot=${here}stack.png`, `file://${folder}/stack.html`],
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const cluster = await startCluster({ ssh: true });
let laptop: Laptop | undefined;
try {
  await installRdg(cluster);
  await Deno.symlink("/usr/bin/python3", `${cluster.root}/bin/python`);
  laptop = await makeLaptop(cluster);
  await Deno.writeTextFile(
    `${here}quick_start.svg`,
    drawScreens(await quickStart(cluster, laptop), columns),
  );
  await stackPage(cluster);
} finally {
  await laptop?.close();
  await cluster.stop();
}
