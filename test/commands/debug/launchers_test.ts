/**
 * A crash in a parallel program under the real mpirun of Open MPI and of MPICH: ranks, what is said, and
 * whether the flags do what is said of them. Each test needs Debian's package of its launcher.
 */

import assert from "node:assert/strict";
import { which } from "../../cluster/packages.ts";
import { python } from "../../support/python.ts";
import { makeSandbox, runRdg, type Sandbox, startRdg } from "../../support/rdg.ts";

/** A launcher, and how it is asked to keep the others. */
interface Launcher {
  program: string;
  package: string;
  /** As the record calls it. */
  name: string;
  library: string;
  words: readonly string[];
  flags: readonly string[];
  advice: RegExp;
}

const launchers: readonly Launcher[] = [
  {
    program: "mpirun.openmpi",
    package: "openmpi-bin",
    name: "mpirun",
    library: "libmpi.so.40",
    words: ["--oversubscribe", "-n", "3"],
    flags: ["--enable-recovery"],
    advice: /^To keep them: Open MPI 4: mpirun --enable-recovery$/m,
  },
  {
    program: "mpirun.mpich",
    package: "mpich",
    name: "mpiexec",
    library: "libmpich.so.12",
    words: ["-n", "3"],
    flags: ["-disable-auto-cleanup"],
    advice: /^To keep them: MPICH: mpiexec -disable-auto-cleanup$/m,
  },
];

/**
 * Rank 1 crashes; rank 2 ends with an error as soon as "end" is there, rank 0 well at "finish". MPI
 * is entered as mpi4py does it.
 */
const crashing = `import ctypes, os, sys, time
mpi = ctypes.CDLL(sys.argv[1], ctypes.RTLD_GLOBAL)
mpi.MPI_Init(None, None)
rank = int(os.environ.get("OMPI_COMM_WORLD_RANK") or os.environ["PMI_RANK"])
if rank == 1:
    raise ValueError("rank one")
while rank == 2 and not os.path.exists("end"):
    time.sleep(0.05)
if rank == 2:
    time.sleep(0.2)
    raise OSError("rank two") if "late" in sys.argv else SystemExit(3)
while not os.path.exists("finish"):
    time.sleep(0.05)
print("rank 0 went on", flush=True)
`;

interface Listed {
  rank: number;
  worldSize: number;
  state: string;
  crashed: number | null;
  exception: string | null;
}

async function sessions(sandbox: Sandbox): Promise<Listed[]> {
  const { stdout } = await runRdg(["sessions", "--scheduler", "local", "--json"], { sandbox });
  return JSON.parse(stdout).sessions;
}

async function until(
  sandbox: Sandbox,
  what: string,
  good: (all: Listed[]) => boolean,
): Promise<Listed[]> {
  let all: Listed[] = [];
  for (const end = Date.now() + 30_000; Date.now() < end;) {
    all = await sessions(sandbox);
    if (good(all)) return all;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`Waited in vain for ${what}: ${JSON.stringify(all)}`);
}

for (const launcher of launchers) {
  const ignore = await which(launcher.program) === null;
  const suffix = ignore ? ` (skipped: not installed: apt-get install -y ${launcher.package})` : "";
  const env = { OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1" };
  const words = (flags: readonly string[], more: readonly string[] = []) => [
    ...["debug", "-lp", launcher.program, ...flags, ...launcher.words],
    ...[python.path, "crash.py", launcher.library, ...more],
  ];

  Deno.test({
    name:
      `rdg debug ${launcher.program}: a crash is waited for with the flags that are named${suffix}`,
    ignore,
    fn: async () => {
      await using sandbox = await makeSandbox();
      await sandbox.write("crash.py", crashing);
      await using child = startRdg(words(launcher.flags), { sandbox, env });
      const first = await until(
        sandbox,
        "the crash",
        (all) => all.length === 3 && all[0]!.state === "crashed",
      );
      assert.deepEqual(first.map(({ rank, worldSize }) => [rank, worldSize]), [
        [1, 3],
        [0, 3],
        [2, 3],
      ]);
      assert.equal(first[0]!.exception, "ValueError: rank one");
      const [record] = await sandbox.records();
      assert.equal(record!["launcher"], launcher.name);
      const said = await child.until(launcher.advice).catch(() => null);
      assert.ok(said ?? launcher.advice.test(child.stdout), child.stderr + child.stdout);
      await sandbox.write("end", "");
      await until(sandbox, "rank 2's end", (all) => all.length === 2);
      await sandbox.write("finish", "");
      await child.until(/rank 0 went on/, { stream: "stdout" });
      const left = await until(sandbox, "rank 0's end", (all) => all.length === 1);
      assert.deepEqual([left[0]!.rank, left[0]!.state], [1, "crashed"]);
      await child.kill("SIGTERM");
      await child.status();
    },
  });

  Deno.test({
    name: `rdg stack, under ${launcher.program}, shows the first of two crashes first${suffix}`,
    ignore,
    fn: async () => {
      await using sandbox = await makeSandbox();
      await sandbox.write("crash.py", crashing);
      await using child = startRdg(words(launcher.flags, ["late"]), { sandbox, env });
      await until(sandbox, "the first", (all) => all[0]?.state === "crashed");
      await sandbox.write("end", "");
      await until(sandbox, "the second", (all) => all[1]?.state === "crashed");
      const { stdout, stderr } = await runRdg(["stack", "local"], { sandbox });
      assert.match(
        stdout,
        /^rank 1 crashed: ValueError: rank one\nrank 2 crashed \d+\.\d s later: OSError: rank two\n2 ranks \(1-2\) in /,
        stderr,
      );
      await child.kill("SIGTERM");
      await child.status();
    },
  });

  Deno.test({
    name:
      `rdg debug ${launcher.program}: without the flags another rank's end ends the wait${suffix}`,
    ignore,
    fn: async () => {
      await using sandbox = await makeSandbox();
      await sandbox.write("crash.py", crashing);
      await using child = startRdg(words([]), { sandbox, env });
      await until(sandbox, "the crash", (all) => all[0]?.state === "crashed");
      await sandbox.write("end", "");
      assert.notEqual((await child.status()).code, 0);
      await until(sandbox, "the end of all", (all) => all.length === 0);
    },
  });
}
