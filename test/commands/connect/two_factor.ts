/**
 * A second door to the test cluster's login node: an sshd that asks for the password and then for a
 * one-time code, as many clusters do (PAM, with Debian's libpam-google-authenticator). The PAM file is
 * shown to that machine alone, by a mount in its own namespace. Needs root.
 *
 * @module
 */

import type { Cluster } from "../../cluster/cluster.ts";
import { endChild, freePorts, mustRun, signal, waitUntil } from "../../cluster/process.ts";
import { readSockets } from "../../../commands/connect/guard.ts";

/** Where Debian puts PAM's modules, by machine. */
const modules = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map((machine) =>
  `/usr/lib/${machine}/security/pam_google_authenticator.so`
);

/** An sshd that asks twice. */
export interface TwoFactor {
  /** Its port on 127.0.0.1. */
  readonly port: number;
  /** The user's password. */
  readonly password: string;
  /** A code that counts once; a new one with each call. */
  code(): string;
  /** Has it go by more lines; by its own ones when none are given. */
  configure(more?: readonly string[]): Promise<void>;
  /** Ends it. */
  close(): Promise<void>;
}

/**
 * Starts it.
 *
 * @param cluster A cluster whose login node is a machine of its own.
 * @returns The sshd; `close()` ends it.
 */
export async function startTwoFactor(cluster: Cluster): Promise<TwoFactor> {
  const { root, user } = cluster;
  const password = `pw-${crypto.randomUUID()}`;
  await mustRun(["chpasswd"], { stdin: `${user.name}:${password}\n` });
  // "Emergency codes": each is taken off the file when it was used.
  const codes = Array.from({ length: 10 }, (_, i) => String(87_654_300 + i * 7));
  const secret = `${root}/ssh/second_factor`;
  const lines = ["JBSWY3DPEHPK3PXPJBSWY3DPEH", '" TOTP_AUTH', ...codes, ""];
  await Deno.writeTextFile(secret, lines.join("\n"), { mode: 0o600 });
  const pam = `${root}/ssh/pam_sshd`;
  await Deno.writeTextFile(
    pam,
    [
      "auth requisite pam_unix.so",
      `auth required pam_google_authenticator.so secret=${secret} user=root`,
      "account required pam_permit.so",
      "session required pam_permit.so",
      "",
    ].join("\n"),
  );
  const [port = 0] = freePorts(1);
  const config = `${root}/ssh/sshd_config_two_factor`;
  const text = (await Deno.readTextFile(`${root}/ssh/sshd_config`))
    .replace(/^Port .*$/m, `Port ${port}`)
    .replace(/^PidFile .*$/m, `PidFile ${root}/run/sshd-two-factor.pid`)
    .replace(/^KbdInteractiveAuthentication .*$/m, "KbdInteractiveAuthentication yes")
    .replace(/^UsePAM .*$/m, "UsePAM yes");
  const write = (more: readonly string[]) =>
    Deno.writeTextFile(
      config,
      [text, "AuthenticationMethods keyboard-interactive", ...more, ""].join("\n"),
    );
  await write([]);
  const there = cluster.asRoot("login");
  await mustRun([...there, "mount", "--bind", pam, "/etc/pam.d/sshd"]);
  const [program = "", ...args] = [...there, "/usr/sbin/sshd", "-D", "-e", "-f", config];
  const child = new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await waitUntil("the sshd that asks twice", {
    ask: async () => {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port }).catch(() => null);
      connection?.close();
      return connection !== null;
    },
  });
  return {
    port,
    password,
    code() {
      const code = codes.shift();
      if (code === undefined) throw new Error("all one-time codes are used up");
      return code;
    },
    async configure(more = []) {
      await write(more);
      const listening = async () => {
        const table = await Deno.readTextFile("/proc/net/tcp");
        return readSockets(table, port).find(({ state }) => state === "0A")?.inode;
      };
      const before = await listening();
      signal(child.pid, "SIGHUP");
      await waitUntil("another socket", {
        ask: async () => ![before, undefined].includes(await listening()),
      });
    },
    async close() {
      await endChild(child);
      await mustRun([...there, "umount", "/etc/pam.d/sshd"]);
    },
  };
}

/** Why this can't run here; null where it can. */
export async function whyNoTwoFactor(): Promise<string | null> {
  for (const path of modules) {
    if (await Deno.stat(path).then(() => true, () => false)) return null;
  }
  return "not installed: apt-get install libpam-google-authenticator";
}
