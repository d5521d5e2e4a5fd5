// deno-lint-ignore-file no-console -- a program of its own, not part of rdg
/**
 * Runs all tests, set-up included: `deno task test [filter…]`.
 *
 * Brings Python 3.14 into `.cache/test` (by Maven), and what the tests need for each interpreter (by
 * pip), on CI as root also the servers and editors of Debian's packages (by apt-get), then starts `deno
 * test` and ends with a line that counts its real results.
 *
 * @module
 */

import { which } from "./cluster/packages.ts";
import { bringNewestPython } from "./support/newest_python.ts";
import { cache, root } from "./support/paths.ts";
import type { Interpreter } from "./support/python.ts";
import { installPackages, must } from "./support/set_up.ts";

/** Debian packages that bring what the highest tests talk to. */
const packages = [
  ..."slurm-wlm munge openssh-server openssh-client tmux procps iproute2 python3 python3-pip gcc"
    .split(
      " ",
    ),
  ..."bubblewrap charliecloud emacs-nox elpa-dap-mode neovim vim-nox chromium nftables fish tcsh"
    .split(" "),
  ..."zsh bash-completion gdb openmpi-bin mpich libpam-google-authenticator".split(" "),
  ..."python3-mpi4py python3-torch".split(" "),
];

/** Files that run at a time: the tests wait more than they compute, but some of their waits have limits. */
const jobs = Math.min(Math.ceil(1.5 * navigator.hardwareConcurrency), 8);

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}

/** Installs packages by an interpreter's pip into a folder, unless it is there. */
async function pip(
  interpreter: Interpreter,
  folder: string,
  names: readonly string[],
): Promise<void> {
  if (await exists(folder)) return;
  const temporary = `${folder}.tmp`;
  await Deno.remove(temporary, { recursive: true }).catch(() => {});
  const install = [
    interpreter.path,
    "-m",
    "pip",
    "install",
    "-q",
    "--no-compile",
    "--target",
    temporary,
  ];
  if (
    !await must([...install, ...names], {
      PIP_ROOT_USER_ACTION: "ignore",
      PIP_DISABLE_PIP_VERSION_CHECK: "1",
    })
  ) {
    throw new Error(
      `Cannot install ${names.join(", ")} for ${interpreter.path}: apt-get install python3-pip`,
    );
  }
  await Deno.rename(temporary, folder);
}

/** On CI as root everything is brought in, and no test may be skipped. */
const all = Boolean(Deno.env.get("CI")) && Deno.uid() === 0;

/** Elsewhere 3.14 is tried for where Maven is at hand. */
async function installPrograms(): Promise<void> {
  const maven = await which("mvn") !== null;
  if (all && !await installPackages(maven ? packages : [...packages, "maven"])) Deno.exit(1);
  if (!all && !maven || await bringNewestPython()) return;
  console.error("Python 3.14 could not be had");
  if (all) Deno.exit(1);
}

async function installForPython(): Promise<void> {
  await Deno.mkdir(`${cache}/pytest`, { recursive: true });
  const jobs: (() => Promise<void>)[] = [];
  const wanted = [
    ...interpreters.map((interpreter) => ({ version: "newest", interpreter })),
    ...oldDebugpy,
  ];
  for (const { version, interpreter } of wanted) {
    await Deno.mkdir(`${cache}/debugpy/${version}`, { recursive: true });
    const name = version === "newest" ? "debugpy" : `debugpy==${version}`;
    jobs.push(() => pip(interpreter, debugpyFor(interpreter, version), [name]));
  }
  for (const one of new Set([python, newestPython])) {
    jobs.push(() => pip(one, pytestFor(one), ["pytest"]));
  }
  jobs.push(() => pip(python, pySpyFolder, ["py-spy"]));
  await Promise.all([0, 1].map(async () => {
    for (let job = jobs.shift(); job; job = jobs.shift()) await job();
  }));
}

await installPrograms();
// Only now: it looks for the interpreters.
const { debugpyFor, interpreters, newestPython, oldDebugpy, pySpyFolder, pytestFor, python } =
  await import("./support/python.ts");
await installForPython();
console.log(`Python: ${interpreters.map(({ version }) => version).join(", ")}`);
const child = new Deno.Command(Deno.execPath(), {
  args: ["test", "-A", "--no-check", "--parallel", ...Deno.args],
  cwd: root,
  env: { DENO_JOBS: Deno.env.get("DENO_JOBS") ?? String(jobs) },
  stdin: "null",
  stdout: "piped",
}).spawn();
let tail = "";
for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
  await Deno.stdout.write(new TextEncoder().encode(chunk));
  tail = (tail + chunk).slice(-4000);
}
const { code } = await child.status;
// deno-lint-ignore no-control-regex
const plain = tail.replace(/\x1b\[[0-9;]*m/g, "");
const [, passed, failed, ignored] =
  /(\d+) passed[^|]*\| (\d+) failed(?:[^|]*\| (\d+) ignored)?[^\n]*\n*$/m.exec(plain) ?? [];
if (all && ignored) console.error("Tests were skipped, which CI must not do");
console.log(`${passed ?? 0} passed, ${failed ?? 0} failed${ignored ? `, ${ignored} skipped` : ""}`);
Deno.exit(code || (passed && !(all && ignored) ? 0 : 1));
