// deno-lint-ignore-file no-console -- for programs of their own, not part of rdg
/**
 * What the programs of the test folder install for themselves. Starts apt-get, dpkg, pip.
 *
 * @module
 */

/**
 * Runs a program; its output is shown only when it fails.
 *
 * @param command Its words.
 * @param env Variables to add.
 * @returns Whether it ended well.
 */
export async function must(
  command: readonly string[],
  env: Record<string, string> = {},
): Promise<boolean> {
  const [program = "", ...args] = command;
  const { success, stdout, stderr } = await output(program, {
    args,
    env,
    stdin: "null",
  }).catch((error) => ({
    success: false,
    stdout: new Uint8Array(),
    stderr: new TextEncoder().encode(String(error)),
  }));
  if (!success) {
    const tail = new TextDecoder().decode(stdout).slice(-1000) +
      new TextDecoder().decode(stderr).slice(-2000);
    console.error(`Failed: ${command.join(" ")}\n${tail}`);
  }
  return success;
}

/**
 * Installs packages of Debian's, where any of them is missing. Needs root.
 *
 * @param names The packages.
 * @returns Whether they are there now.
 */
export async function installPackages(names: readonly string[]): Promise<boolean> {
  const { success } = await output("dpkg", { args: ["-s", ...names] })
    .catch(() => ({ success: false }));
  if (success) return true;
  const apt = { DEBIAN_FRONTEND: "noninteractive" };
  await must(["apt-get", "update", "-q"], apt);
  return await must(["apt-get", "install", "-q", "-y", "--no-install-recommends", ...names], apt);
}

/**
 * Makes sure that rdg can fetch debugpy for an interpreter: by its pip, unless it has debugpy.
 *
 * @param python The interpreter.
 * @returns Whether it can.
 */
export async function ensurePip(python: string): Promise<boolean> {
  const code =
    "import importlib.util as u, sys; sys.exit(not (u.find_spec('debugpy') or u.find_spec('pip')))";
  const { success } = await output(python, { args: ["-c", code] })
    .catch(() => ({ success: false }));
  if (success) return true;
  return Deno.uid() === 0 && await installPackages(["python3", "python3-pip"]);
}

/** Deno's own throws at once where there is no such program. */
async function output(program: string, options: Deno.CommandOptions): Promise<Deno.CommandOutput> {
  return await new Deno.Command(program, options).output();
}
