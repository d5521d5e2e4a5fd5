/** `rdg debug` with a literal machine: what it is told, what it becomes. */

import assert from "node:assert/strict";
import { parse, run } from "../../../commands/debug/command.ts";
import { type Machine, startError } from "../../../commands/debug/become.ts";
import type { Host } from "../../../commands/_host.ts";
import type { AgentConfig, AgentPlaces } from "../../../python/launch.ts";
import { RdgError } from "../../../plugins/error.ts";

interface Became {
  made: string[];
  command: readonly string[];
  changes: Record<string, string | null>;
  config: AgentConfig;
  places: AgentPlaces;
}

/** A host that has an environment and nothing else. */
function hostWith(environment: Record<string, string>): Host {
  const refuse = (): never => {
    throw new Error("not used by rdg debug");
  };
  return {
    env: (name) => environment[name],
    terminal: {
      out: refuse,
      say: refuse,
      style: refuse,
      interactive: false,
      live: false,
      columns: 80,
    },
    runner: refuse,
    cwd: refuse,
    hostname: refuse,
    user: refuse,
    now: refuse,
    verbose: false,
  };
}

/** Runs a command line on a machine that only takes note. */
async function become(
  argv: readonly string[],
  environment: Record<string, string> = {},
  canReplace = true,
): Promise<Became> {
  let places: AgentPlaces | undefined;
  const made: string[] = [];
  let became: Omit<Became, "places" | "made"> | undefined;
  const machine: Machine = {
    pid: 77,
    uid: 1000,
    canReplace,
    startTime: () => 1234,
    names: () => ({ boot: "b", pids: "pid:[1]", network: "net:[2]", host: "n1" }),
    makeFolder: (path) => made.push(path),
    environment: () => environment,
    installAgent(where) {
      places = where;
      return Promise.resolve("/agent/remote_debug/_site");
    },
    become(command, changes) {
      became = { command, changes, config: JSON.parse(changes["RDG_CONFIG"] ?? "") };
      return Promise.resolve(9);
    },
  };
  assert.equal(await run(parse(argv), hostWith(environment), machine), 9);
  return { ...became!, places: places!, made };
}

Deno.test("debug.parse() turns flags into what the agent is told", () => {
  const { agent } = parse(["python", "s.py", "--lite"]);
  assert.deepEqual(agent, {
    format: 1,
    modes: ["wait"],
    stopOnEntry: false,
    port: 0,
    bind: "0.0.0.0",
    signal: 0,
    stackSignal: 0,
    waitTimeout: null,
    programs: [],
    subprocess: false,
    ranks: null,
    quiet: false,
    auth: true,
    command: ["python", "s.py", "--lite"],
  });
  const words = "-lp --stop-on-entry --port 81 --bind ::1 --signal USR1 --stack-signal=USR2 " +
    "--wait-timeout 0 --program a --program=b --subprocess --rank 0,2-3 --quiet x";
  assert.deepEqual(parse(words.split(" ")).agent, {
    format: 1,
    modes: ["lite", "post-mortem"],
    stopOnEntry: true,
    port: 81,
    bind: "::1",
    signal: 10,
    stackSignal: 12,
    waitTimeout: 0,
    programs: ["a", "b"],
    subprocess: true,
    ranks: [[0, 0], [2, 3]],
    quiet: true,
    auth: true,
    command: ["x"],
  });
});

Deno.test("debug.run() becomes COMMAND with the environment that arms it", async () => {
  const { command, changes, config, places } = await become(["-l", "python", "s.py"], {
    HOME: "/home/me",
    PYTHONPATH: "/mine:",
  });
  assert.deepEqual(command, ["python", "s.py"]);
  assert.deepEqual(Object.keys(changes).sort(), ["PYTHONPATH", "RDG_CLAIM", "RDG_CONFIG"]);
  assert.equal(changes["PYTHONPATH"], "/agent/remote_debug/_site:/mine:");
  assert.equal(changes["RDG_CLAIM"], null);
  assert.deepEqual(
    [config.pid, config.start, config.spawned, config.job, config.follow],
    [77, 1234, false, null, false],
  );
  assert.deepEqual(places, { cache: "/home/me/.cache/rdg", temporary: "/tmp", uid: 1000 });
});

Deno.test("debug.run() tells the job, and follows a launcher into its own", async () => {
  const inside = await become(["python", "s.py"], { SLURM_JOB_ID: "36" });
  assert.deepEqual([inside.config.job, inside.config.follow], ["36", false]);
  const launcher = await become(["/opt/slurm/bin/srun", "python", "s.py"]);
  assert.deepEqual([launcher.config.job, launcher.config.follow], [null, true]);
});

Deno.test("debug.run() tells what a container's program has to know of the machine outside", async () => {
  const { config, made } = await become(["podman", "run", "image"], {
    HOME: "/home/me",
    USER: "me",
  });
  assert.deepEqual(config.machine, {
    boot: "b",
    pids: "pid:[1]",
    network: "net:[2]",
    host: "n1",
    user: "me",
    state: "/home/me/.local/state/rdg",
    cache: "/home/me/.cache/rdg",
  });
  // A folder that isn't there can't be handed to a container.
  assert.deepEqual(made, ["/home/me/.local/state/rdg"]);
});

Deno.test("debug.run() says when COMMAND will be a child", async () => {
  assert.equal((await become(["python"], {}, false)).config.spawned, true);
});

Deno.test("debug.run() finds the cache by XDG_CACHE_HOME, HOME, or not at all", async () => {
  const caches = [];
  for (
    const environment of [{ XDG_CACHE_HOME: "/c", HOME: "/h" }, { HOME: "/h" }, {}, { HOME: "" }]
  ) {
    caches.push((await become(["python"], environment as Record<string, string>)).places.cache);
  }
  assert.deepEqual(caches, ["/c/rdg", "/h/.cache/rdg", null, null]);
  assert.equal((await become(["python"], { TMPDIR: "/scratch" })).places.temporary, "/scratch");
});

Deno.test("debug.run() keeps the configuration small whatever COMMAND's length", async () => {
  const words = ["python", "s.py", ...Array.from({ length: 5000 }, (_, n) => `/data/file${n}`)];
  const { command, changes } = await become(words);
  assert.equal(command.length, 5002);
  assert((changes["RDG_CONFIG"] ?? "").length < 20_000);
});

Deno.test("startError() says what happened and what to do", () => {
  const seen = [[2, "x"], [2, "./x"], [13, "./x"], [8, "x"]].map(([errno, program]) => {
    const error = startError(String(program), Number(errno));
    assert(error instanceof RdgError);
    return [error.exitCode, error.message];
  });
  assert.deepEqual(seen, [
    [3, 'Cannot run "x": it is not on PATH'],
    [3, 'Cannot run "./x": there is no such file'],
    [4, 'Cannot run "./x": it may not be executed'],
    [1, 'Cannot run "x": the system refused (errno 8)'],
  ]);
});
