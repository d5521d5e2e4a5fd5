/**
 * A laptop for the test cluster: an ordinary user of its own, who can read nothing of the cluster's
 * user, with a key and an ssh configuration; an sshd on a compute node; a firewall in front of the
 * nodes. Needs root; makes and removes a user, and a table of nftables.
 *
 * @module
 */

import type { Cluster } from "../../cluster/cluster.ts";
import { systemPython } from "../../cluster/install.ts";
import {
  endChild,
  freePorts,
  mustRun,
  processesOf,
  readLine,
  runToEnd,
  signal,
  waitUntil,
} from "../../cluster/process.ts";
import { readSockets } from "../../../commands/connect/guard.ts";
import { Child } from "../../support/rdg.ts";

/** The address under which the login node sees the compute nodes, apart from Slurm's own traffic. */
const nodeAddress = "127.66.0.1";

/** The laptop. */
export class Laptop {
  /** Its user. */
  readonly user: { name: string; uid: number; home: string };
  /** The port of the compute node's sshd; 0 before {@linkcode startNodeSshd}. */
  nodePort = 0;
  readonly #cluster: Cluster;
  readonly #daemons: Deno.ChildProcess[] = [];
  #table: string | null = null;
  #sshdConfig: string | undefined;

  /** Use {@linkcode makeLaptop}. */
  constructor(cluster: Cluster, user: Laptop["user"]) {
    this.#cluster = cluster;
    this.user = user;
  }

  /** The project's folder. */
  get project(): string {
    return `${this.user.home}/project`;
  }

  /** Its folder for temporary files. */
  get temporary(): string {
    return `${this.user.home}/tmp`;
  }

  /** The words to put before a command so that the laptop's user runs it. */
  asUser(env: Record<string, string> = {}): string[] {
    const { root } = this.#cluster;
    const all = {
      HOME: this.user.home,
      USER: this.user.name,
      LANG: "C.UTF-8",
      PATH: `${root}/bin:/usr/bin:/bin`,
      DENO_DIR: `${root}/deno`,
      TMPDIR: this.temporary,
      NO_COLOR: "1",
      ...env,
    };
    return [
      ...["setpriv", `--reuid=${this.user.uid}`, `--regid=${this.user.uid}`, "--clear-groups"],
      ...["--inh-caps=-all", "env", "-i", "-C", this.project],
      ...Object.entries(all).map(([name, value]) => `${name}=${value}`),
    ];
  }

  /** Starts `rdg connect` there. */
  connect(words: readonly string[], env: Record<string, string> = {}): Child {
    return this.start([...this.asUser(env), "rdg", "connect", ...words]);
  }

  /** Starts a program whose output is waited for. */
  start(words: readonly string[]): Child {
    const [program = "", ...args] = words;
    return new Child(
      new Deno.Command(program, { args, stdin: "null", stdout: "piped", stderr: "piped" }).spawn(),
    );
  }

  /**
   * Opens a port through which a test comes as the laptop's user, or another.
   *
   * @param port The port to get to.
   * @param words The words to put before a command so that the wanted user runs it.
   * @returns The port to connect to.
   */
  async bridge(port: number, words: readonly string[] = this.asUser()): Promise<number> {
    const source = await Deno.readTextFile(new URL("testdata/bridge.py", import.meta.url));
    const [program = "", ...args] = [...words, systemPython, "-c", source, String(port)];
    const child = new Deno.Command(program, {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#daemons.push(child);
    return Number(await readLine(child.stdout));
  }

  /** Writes the ssh configuration; more lines come first, so that they win. */
  async configure(more: readonly string[] = []): Promise<void> {
    const { root, user, ssh } = this.#cluster;
    const lines = [
      ...more,
      "Host login",
      "  HostName 127.0.0.1",
      `  Port ${ssh!.port}`,
      "Host n1 n2",
      `  Port ${this.nodePort || 22}`,
      "Host *",
      `  User ${user.name}`,
      `  IdentityFile ${this.user.home}/.ssh/key`,
      "  StrictHostKeyChecking accept-new",
      `  UserKnownHostsFile ${this.user.home}/.ssh/known_hosts`,
      "",
    ];
    await Deno.copyFile(`${root}/ssh/user_key`, `${this.user.home}/.ssh/key`);
    await Deno.writeTextFile(`${this.user.home}/.ssh/config`, lines.join("\n"));
    await Deno.chmod(`${this.user.home}/.ssh/key`, 0o600);
    await mustRun(["chown", "-R", this.user.name, `${this.user.home}/.ssh`]);
  }

  /** Starts an sshd on node n1. */
  async startNodeSshd(): Promise<void> {
    const { root } = this.#cluster;
    const [port = 0] = freePorts(1);
    this.nodePort = port;
    const text = (await Deno.readTextFile(`${root}/ssh/sshd_config`))
      .replace(/^Port .*$/m, `Port ${port}`)
      .replace(/^ListenAddress .*$/m, "ListenAddress 127.0.0.1\nListenAddress 127.66.0.1")
      .replace(/^PidFile .*$/m, `PidFile ${root}/run/sshd-n1.pid`);
    await Deno.writeTextFile(`${root}/ssh/sshd_config_n1`, text);
    const words = this.#cluster.asUser({ on: "n1" });
    const prefix = words.slice(0, words.indexOf("setpriv"));
    const [program = "", ...args] = [
      ...prefix,
      ...["/usr/sbin/sshd", "-D", "-e", "-f", `${root}/ssh/sshd_config_n1`],
    ];
    this.#daemons.push(
      new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "null" }).spawn(),
    );
    await waitUntil("the node's sshd", {
      ask: async () => {
        const connection = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => null);
        connection?.close();
        return connection !== null;
      },
    });
    await this.configure();
  }

  /** Has the login node's sshd go by more lines; by its own ones when none are given. */
  async configureSshd(more: readonly string[] = []): Promise<void> {
    const { root } = this.#cluster;
    const config = `${root}/ssh/sshd_config`;
    this.#sshdConfig ??= await Deno.readTextFile(config);
    await Deno.writeTextFile(config, [this.#sshdConfig, ...more, ""].join("\n"));
    const pid = (await Deno.readTextFile(`${root}/run/sshd.pid`)).trim();
    signal(Number(pid), "SIGHUP");
    const words = this.asUser();
    await waitUntil("sshd", {
      ask: async () => (await runToEnd([...words, "ssh", "login", "true"])).code === 0,
    });
  }

  /** Closes all ports of the nodes but sshd's: refused at once, or (`drop`) never answered. */
  async closePorts(verdict: "reject with tcp reset" | "drop"): Promise<void> {
    await this.openPorts();
    const hosts = await Deno.readTextFile(`${this.#cluster.root}/hosts`);
    // The file is mounted over /etc/hosts: it has to stay the same file.
    await Deno.writeTextFile(
      `${this.#cluster.root}/hosts`,
      hosts.replaceAll(/^127\.0\.0\.1 (n\d\.)/gm, `${nodeAddress} $1`),
    );
    this.#table = `rdg_test_${Deno.pid}`;
    await mustRun(["nft", "-f", "-"], {
      stdin: [
        `table inet ${this.#table} {`,
        "  chain output {",
        "    type filter hook output priority 0; policy accept;",
        `    ip daddr ${nodeAddress} tcp dport != ${this.nodePort} ${verdict}`,
        "  }",
        "}",
        "",
      ].join("\n"),
    });
  }

  /** Cuts the laptop's connections of now to the login node, without either side being told. */
  async silence(): Promise<void> {
    await this.openPorts();
    const { port } = this.#cluster.ssh!;
    const table = await Deno.readTextFile("/proc/net/tcp");
    const own = readSockets(table, port).filter(({ uid, state }) =>
      uid === this.user.uid && state === "01"
    );
    const ports = own.map(({ local }) => parseInt(local.split(":")[1]!, 16));
    this.#table = `rdg_test_${Deno.pid}`;
    const set = `{ ${ports.join(", ")} }`;
    await mustRun(["nft", "-f", "-"], {
      stdin: [
        `table inet ${this.#table} {`,
        "  chain output {",
        "    type filter hook output priority 0; policy accept;",
        `    tcp sport ${set} tcp dport ${port} drop`,
        `    tcp sport ${port} tcp dport ${set} drop`,
        "  }",
        "}",
        "",
      ].join("\n"),
    });
  }

  /** Takes the firewall away. */
  async openPorts(): Promise<void> {
    const hosts = await Deno.readTextFile(`${this.#cluster.root}/hosts`);
    await Deno.writeTextFile(
      `${this.#cluster.root}/hosts`,
      hosts.replaceAll(nodeAddress, "127.0.0.1"),
    );
    if (this.#table) await runToEnd(["nft", "delete", "table", "inet", this.#table]);
    this.#table = null;
  }

  /** Empties its folder for temporary files, so that one test's failure isn't the next one's too. */
  async tidy(): Promise<void> {
    await runToEnd(["sh", "-c", 'rm -rf "$1"/*', "sh", this.temporary]);
  }

  /** Ends everything and removes the user. */
  async close(): Promise<void> {
    await this.openPorts();
    for (const daemon of this.#daemons) await endChild(daemon);
    await waitUntil("the laptop's processes to end", {
      ask: async () => {
        const pids = await processesOf(this.user.uid);
        for (const pid of pids) signal(pid, "SIGKILL");
        return pids.length === 0;
      },
    });
    await runToEnd(["userdel", this.user.name]);
    await Deno.remove(this.user.home, { recursive: true });
  }
}

/**
 * Makes a laptop for a cluster that has an sshd.
 *
 * @param cluster The cluster, rdg installed.
 * @returns The laptop; `close()` removes it.
 */
export async function makeLaptop(cluster: Cluster): Promise<Laptop> {
  const home = await Deno.makeTempDir({ prefix: "rdg-laptop-" });
  const name = `rdglap${home.slice(-6).toLowerCase().replace(/[^a-z0-9]/g, "x")}`;
  await mustRun(["useradd", "--no-create-home", "--home-dir", home, "--shell", "/bin/bash", name]);
  const uid = Number((await mustRun(["id", "-u", name])).trim());
  await Deno.mkdir(`${home}/.ssh`, { mode: 0o700 });
  await Deno.mkdir(`${home}/project`);
  await Deno.mkdir(`${home}/tmp`);
  await mustRun(["chown", "-R", name, home]);
  const laptop = new Laptop(cluster, { name, uid, home });
  await laptop.configure();
  return laptop;
}

/** Why these tests can't run here; null where they can. */
export async function whyNoLaptop(): Promise<string | null> {
  const { code } = await runToEnd(["nft", "list", "tables"]).catch(() => ({ code: 1 }));
  return code === 0 ? null : "nft is missing or may not be used: apt-get install nftables";
}
