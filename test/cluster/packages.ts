/**
 * Whether this machine can run the test cluster. Looks for programs on PATH; under `CI=true` as root
 * it installs Debian's packages first (apt-get).
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
  let packages = await missingPackages(list);
  if (packages.length === 0) return null;
  if (Deno.env.get("CI") === "true") {
    await install(packages);
    packages = await missingPackages(list);
    if (packages.length === 0) return null;
  }
  return `not installed: apt-get install -y ${packages.join(" ")}`;
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

async function install(packages: readonly string[]): Promise<void> {
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", ...packages]]) {
    const { code, stderr } = await new Deno.Command("apt-get", {
      args,
      env: { DEBIAN_FRONTEND: "noninteractive" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    if (code !== 0) {
      throw new Error(`apt-get ${args[0]} failed: ${new TextDecoder().decode(stderr).trim()}`);
    }
  }
}
