/**
 * Whether this machine can run the test cluster. Looks for programs on PATH; `test/run.ts` has
 * installed them where tests run in CI.
 *
 * @module
 */

/** The programs that the cluster consists of, and Debian's packages that bring them. */
const wanted = [
  ["munged", "munge"],
  ["slurmctld", "slurm-wlm"],
  ["slurmd", "slurm-wlm"],
  ["squeue", "slurm-wlm"],
  ["setpriv", "util-linux"],
  ["useradd", "passwd"],
  ["python3", "python3"],
] as const;

/** The login node's. */
const wantedForSsh = [["sshd", "openssh-server"], ["ssh", "openssh-client"]] as const;

/**
 * Says why the cluster can't run here.
 *
 * @param options `ssh` asks for sshd as well.
 * @returns The reason with the command that helps, or null when it can run.
 */
export async function whyNoCluster(options: { ssh?: boolean } = {}): Promise<string | null> {
  if (Deno.build.os !== "linux") return "the test cluster needs Linux";
  if (Deno.uid() !== 0) return "the test cluster needs root: its jobs run as another user";
  const list = [...wanted, ...(options.ssh ? wantedForSsh : [])];
  const packages = await missingPackages(list);
  return packages.length === 0 ? null : `not installed: apt-get install -y ${packages.join(" ")}`;
}

async function missingPackages(list: readonly (readonly [string, string])[]): Promise<string[]> {
  const missing = new Set<string>();
  for (const [program, name] of list) {
    if (await which(program) === null) missing.add(name);
  }
  return [...missing];
}

/**
 * Finds a program on PATH, and in the folders that hold daemons.
 *
 * @param program Its name.
 * @returns Its path, or null.
 */
export async function which(program: string): Promise<string | null> {
  const folders = `${Deno.env.get("PATH") ?? ""}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin`.split(
    ":",
  );
  for (const folder of folders) {
    if (!folder.startsWith("/")) continue;
    try {
      if ((await Deno.stat(`${folder}/${program}`)).isFile) return `${folder}/${program}`;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return null;
}

/**
 * Says why an ordinary user can't make a container here.
 *
 * @returns The reason, or null.
 */
export async function whyNoContainers(): Promise<string | null> {
  const words = ["--reuid=65534", "--clear-groups", "unshare", "--user", "--map-root-user", "true"];
  const output = await new Deno.Command("setpriv", { args: words }).output().catch(() => null);
  return output?.success ? null : "users may not make namespaces here";
}

/** The words that run a command with process ids of its own, its user root. */
export const asContained = "unshare --user --map-root-user --pid --fork --mount-proc";
