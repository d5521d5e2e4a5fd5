/**
 * A real Slurm on this machine, for tests and for playing: munged, slurmctld, two slurmd, and where
 * wanted sshd as the login node. Everything it keeps lies in one temporary folder; its ports are
 * free ones; it has its own munge key and socket, so a munge or Slurm that is already here isn't
 * touched. It makes one ordinary user with a home in that folder. Needs root.
 *
 * @module
 */

import { hostsFile, slurmConf, sshdConfig } from "./config.ts";
import { type Machine, makeMachine } from "./machine.ts";
import { which } from "./packages.ts";
import {
  endChild,
  type Finished,
  freePorts,
  mustRun,
  processesOf,
  runToEnd,
  signal,
  waitUntil,
} from "./process.ts";

/** What {@linkcode startCluster} may be told. */
export interface ClusterOptions {
  /** Start sshd on the login node. */
  ssh?: boolean;
  /** Processors that each node claims to have (4). */
  cpus?: number;
  /** Shell commands to run on each node as root before its slurmd starts: `$1` is its name. */
  nodeSetup?: string;
}

/** How to run something as the cluster's user. */
export interface RunOptions {
  /** Variables beside those of {@linkcode Cluster.env}. */
  env?: Record<string, string>;
  /** Folder; the user's home when absent. */
  cwd?: string;
  /** Text for stdin; none when absent. */
  stdin?: string;
  /** Limit in milliseconds (60,000). */
  timeoutMs?: number;
  /** The machine: `login` when absent, or a node's name. */
  on?: string;
}

/** A running cluster. */
export class Cluster {
  /** Folder of everything it keeps. */
  readonly root: string;
  /** The ordinary user that jobs run as. */
  readonly user: { name: string; uid: number; gid: number; home: string };
  /** Names of the nodes. */
  readonly nodes: readonly string[] = ["n1", "n2"];
  /** Environment of the user on the login node. */
  readonly env: Record<string, string>;
  /** How to reach the login node by ssh; null without sshd. */
  ssh: { port: number; args: string[] } | null = null;
  #machines = new Map<string, Machine>();
  #daemons = new Map<string, Deno.ChildProcess>();

  /** Use {@linkcode startCluster}. */
  constructor(root: string, user: Cluster["user"]) {
    this.root = root;
    this.user = user;
    this.env = {
      HOME: user.home,
      USER: user.name,
      LOGNAME: user.name,
      SHELL: "/bin/bash",
      LANG: "C.UTF-8",
      PATH: `${root}/bin:/usr/local/bin:/usr/bin:/bin`,
      SLURM_CONF: `${root}/slurm.conf`,
      DENO_DIR: `${root}/deno`,
      DENO_NO_UPDATE_CHECK: "1",
    };
  }

  /** Whether each node has a hostname of its own. */
  get separate(): boolean {
    return [...this.#machines.values()].every((machine) => machine.separate);
  }

  /** Starts everything and waits until all nodes are idle. */
  async start(options: ClusterOptions): Promise<void> {
    const { root } = this;
    for (const name of ["munge", "state", "spool", "run", "log", "ssh", "bin", "deno"]) {
      await Deno.mkdir(`${root}/${name}`);
    }
    const hosts = await Deno.readTextFile("/etc/hosts").catch(() => "127.0.0.1 localhost");
    await Deno.writeTextFile(`${root}/hosts`, hostsFile(["login", ...this.nodes], hosts));
    for (const name of ["login", ...this.nodes]) {
      const setup = name === "login" || !options.nodeSetup ? {} : { setup: options.nodeSetup };
      this.#machines.set(name, await makeMachine(name, { hosts: `${root}/hosts`, ...setup }));
    }
    const [controllerPort = 0, sshPort = 0, ...ports] = freePorts(2 + this.nodes.length);
    await Deno.writeTextFile(`${root}/plugstack.conf`, "");
    await Deno.writeTextFile(
      `${root}/slurm.conf`,
      slurmConf({
        root,
        clusterName: "rdgtest",
        controller: this.#machines.get("login")!.name,
        controllerPort,
        nodes: this.nodes.map((name, i) => ({ name, port: ports[i]! })),
        cpus: options.cpus ?? 4,
      }),
    );
    await this.#startMunge();
    await this.startDaemon("slurmctld");
    for (const node of this.nodes) await this.startDaemon(node);
    if (options.ssh) await this.#startSshd(sshPort);
    await this.waitForNodes("idle");
  }

  /** Starts slurmctld, or the slurmd of a node. */
  async startDaemon(name: string): Promise<void> {
    const conf = `${this.root}/slurm.conf`;
    const words = name === "slurmctld"
      ? ["slurmctld", "-D", "-f", conf]
      : ["slurmd", "-D", "-N", name, "-f", conf];
    await this.#spawn(name, { machine: name === "slurmctld" ? "login" : name, words });
  }

  /** Ends slurmctld, or the slurmd of a node (its running jobs stay). */
  async stopDaemon(name: string): Promise<void> {
    const child = this.#daemons.get(name);
    this.#daemons.delete(name);
    if (child) await endChild(child);
  }

  /** Waits until `sinfo` shows every node in a state. */
  async waitForNodes(state: string): Promise<void> {
    await waitUntil(`${this.nodes.length} nodes that are ${state}`, {
      ask: async () => {
        const { stdout } = await this.run(["sinfo", "-h", "-N", "-o", "%n %T"]);
        const lines = stdout.trim().split("\n");
        return lines.length === this.nodes.length &&
          lines.every((line) => line.endsWith(` ${state}`));
      },
      everyMs: 100,
    }).catch(async (error) => {
      throw new Error(`${error.message}\n${await this.logs()}`);
    });
  }

  /**
   * Words to put before a command so that root runs it on a machine of its own.
   *
   * @param machine The machine's name.
   * @throws {Error} where it shares this host's mounts: what is mounted there would lie over this
   * host's own files.
   */
  asRoot(machine: string): readonly string[] {
    const { separate, prefix } = this.#machines.get(machine)!;
    if (separate) return prefix;
    throw new Error(
      "this needs mount and UTS namespaces (unshare as root), and the kernel refuses",
    );
  }

  /** The words to put before a command so that the user runs it on a machine. */
  asUser(options: RunOptions = {}): string[] {
    const machine = this.#machines.get(options.on ?? "login")!;
    const env = { ...this.env, ...options.env };
    return [
      ...machine.prefix,
      ...["setpriv", `--reuid=${this.user.uid}`, `--regid=${this.user.gid}`, "--clear-groups"],
      ...["--inh-caps=-all", "env", "-i", "-C", options.cwd ?? this.user.home],
      ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
    ];
  }

  /** Runs a command as the user, to its end. */
  async run(words: readonly string[], options: RunOptions = {}): Promise<Finished> {
    return await runToEnd([...this.asUser(options), ...words], {
      timeoutMs: options.timeoutMs ?? 60_000,
      ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
    });
  }

  /** Submits a batch script; returns the job's id. */
  async sbatch(script: string, args: readonly string[] = []): Promise<string> {
    const { code, stdout, stderr } = await this.run(["sbatch", "--parsable", ...args], {
      stdin: script,
    });
    if (code !== 0) throw new Error(`sbatch: ${stderr}`);
    return stdout.trim().split(";")[0]!;
  }

  /**
   * Environment in which Slurm's programs give a daemon up that is down: after 2 seconds, not after
   * `MessageTimeout`'s 10 for each of their tries.
   */
  async impatient(): Promise<Record<string, string>> {
    const path = `${this.root}/impatient.conf`;
    const conf = await Deno.readTextFile(`${this.root}/slurm.conf`);
    await Deno.writeTextFile(path, `${conf}MessageTimeout=2\n`);
    return { SLURM_CONF: path };
  }

  /** What the daemons wrote lately. */
  async logs(): Promise<string> {
    const parts: string[] = [];
    for await (const { name } of Deno.readDir(`${this.root}/log`)) {
      const text = await Deno.readTextFile(`${this.root}/log/${name}`);
      parts.push(`== ${name}`, ...text.split("\n").slice(-25));
    }
    return parts.join("\n");
  }

  /** Ends all jobs, processes and namespaces, removes the user and the folder. */
  async stop(): Promise<void> {
    if (this.#daemons.has("slurmctld")) {
      await this.run(["scancel", "--full", "--signal=KILL", `--user=${this.user.name}`], {
        timeoutMs: 5000,
      });
      await this.run(["scancel", `--user=${this.user.name}`], { timeoutMs: 5000 });
    }
    await waitUntil("the user's processes to end", {
      ask: async () => {
        const pids = await processesOf(this.user.uid);
        for (const pid of pids) signal(pid, "SIGKILL");
        return pids.length === 0;
      },
    });
    for (const name of [...this.#daemons.keys()].reverse()) await this.stopDaemon(name);
    await this.#endStepDaemons();
    for (const machine of this.#machines.values()) await machine.close();
    await runToEnd(["userdel", this.user.name]);
    await Deno.remove(this.root, { recursive: true });
  }

  async #startMunge(): Promise<void> {
    const key = `${this.root}/munge/key`;
    await Deno.writeFile(key, crypto.getRandomValues(new Uint8Array(128)), { mode: 0o600 });
    const { root } = this;
    await this.#spawn("munged", {
      machine: "login",
      words: [
        ...["munged", "--foreground", "--force", `--key-file=${key}`],
        ...[`--socket=${root}/munge/socket`, `--pid-file=${root}/run/munged.pid`],
        ...[`--log-file=${root}/log/munged.log`, `--seed-file=${root}/munge/seed`],
      ],
    });
    await waitUntil("munged's socket", {
      ask: async () => (await Deno.stat(`${root}/munge/socket`).catch(() => null)) !== null,
    });
  }

  async #startSshd(port: number): Promise<void> {
    const { root } = this;
    const keygen = (file: string) =>
      mustRun(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", `${root}/ssh/${file}`]);
    await keygen("host_key");
    await keygen("user_key");
    await Deno.copyFile(`${root}/ssh/user_key.pub`, `${root}/ssh/authorized_keys`);
    const config = sshdConfig({ root, port, user: this.user.name });
    await Deno.writeTextFile(`${root}/ssh/sshd_config`, config);
    await Deno.mkdir("/run/sshd", { recursive: true, mode: 0o755 });
    const sshd = await which("sshd") ?? "/usr/sbin/sshd";
    await this.#spawn("sshd", {
      machine: "login",
      words: [sshd, "-D", "-e", "-f", `${root}/ssh/sshd_config`],
    });
    const args = [
      ...["-F", "none", "-p", String(port), "-i", `${root}/ssh/user_key`],
      ...["-o", "StrictHostKeyChecking=no", "-o", `UserKnownHostsFile=${root}/ssh/known_hosts`],
      ...["-o", "BatchMode=yes", "-o", "LogLevel=ERROR", `${this.user.name}@127.0.0.1`],
    ];
    this.ssh = { port, args };
    await waitUntil("sshd", {
      ask: async () => (await runToEnd(["ssh", ...args, "true"])).code === 0,
    });
  }

  async #spawn(
    name: string,
    options: { machine: string; words: readonly string[] },
  ): Promise<void> {
    const [program = "", ...args] = options.words;
    const path = await which(program) ?? program;
    const words = [...this.#machines.get(options.machine)!.prefix, path, ...args];
    const child = new Deno.Command(words[0]!, {
      args: words.slice(1),
      env: { SLURM_CONF: `${this.root}/slurm.conf`, LANG: "C.UTF-8", PATH: this.env.PATH! },
      clearEnv: true,
      cwd: this.root,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#daemons.set(name, child);
  }

  /** slurmstepd outlives slurmd; those of this cluster are known by their configuration's path. */
  async #endStepDaemons(): Promise<void> {
    const mine = async () => {
      const pids: number[] = [];
      for (const pid of await processesOf(0)) {
        const environment = await Deno.readTextFile(`/proc/${pid}/environ`).catch(() => "");
        const command = await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "");
        if (command.startsWith("slurmstepd") && environment.includes(`${this.root}/`)) {
          pids.push(pid);
        }
      }
      return pids;
    };
    await waitUntil("slurmstepd to end", {
      ask: async () => {
        const pids = await mine();
        for (const pid of pids) signal(pid, "SIGKILL");
        return pids.length === 0;
      },
    });
  }
}

/**
 * Starts a cluster.
 *
 * @param options What it should have.
 * @returns The running cluster, all nodes idle; `stop()` takes it down.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const root = await Deno.makeTempDir({ prefix: "rdg-cluster-" });
  await Deno.chmod(root, 0o755);
  const name = `rdg${root.slice(-6).toLowerCase().replace(/[^a-z0-9]/g, "x")}`;
  const home = `${root}/home`;
  await mustRun([
    "useradd",
    "--create-home",
    "--home-dir",
    home,
    "--password",
    "*",
    "--shell",
    "/bin/bash",
    name,
  ]);
  const ids = (await mustRun(["id", "-u", name])).trim();
  const group = (await mustRun(["id", "-g", name])).trim();
  const cluster = new Cluster(root, { name, uid: Number(ids), gid: Number(group), home });
  try {
    await cluster.start(options);
  } catch (error) {
    await cluster.stop().catch(() => {});
    throw error;
  }
  return cluster;
}
