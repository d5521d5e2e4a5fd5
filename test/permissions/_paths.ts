/**
 * The main paths of each command, and what has to come of them. One entry a path: a new command needs
 * an entry here and a list in `deno.json`. Writes session records into the sandbox.
 *
 * @module
 */

import assert from "node:assert/strict";
import { schedulers } from "../../plugins/schedulers.ts";
import { DapClient } from "../support/dap.ts";
import { Pty } from "../support/pty.ts";
import { python } from "../support/python.ts";
import { record, type RecordText, writeRecord } from "../support/records.ts";
import { type Child, type Sandbox, startRdg } from "../support/rdg.ts";

const schedulerNames = schedulers.map(({ name }) => name).filter((name) => name !== "local");

/** What a path is given. */
export interface Stage {
  /** Its home, state and project. */
  sandbox: Sandbox;
  /** Runs the command under its list and returns what came of it. */
  run(words: readonly string[], env?: Record<string, string>): Promise<Result>;
  /** Starts the command under its list. */
  start(words: readonly string[], env?: Record<string, string>): Child;
  /** The words that start the command under its list, for a terminal; an empty variable is unset. */
  words(words: readonly string[], env?: Record<string, string>): string[];
}

/** What came of a run. */
export interface Result {
  /** Exit code. */
  code: number;
  /** Text on stdout. */
  stdout: string;
  /** Text on stderr. */
  stderr: string;
}

/** One path of a command. */
export type Path = (stage: Stage) => Promise<void>;

/** A process that doesn't exist: the largest possible id is 2^22. */
const nobody = "1073741823";

/** What environment modules set; under a list Deno starts nothing while a program would inherit it. */
const modules = { LD_LIBRARY_PATH: "/opt/modules/lib" };

/** Asks for a process of a job; the helper gets there, and says that there is none. */
function helped(command: "attach" | "stack", how: { scheduler: string; job: string }): Path {
  const words = command === "attach" ? [how.job, nobody] : [how.job, "--pid", nobody];
  return async ({ run }) => {
    const { code, stderr } = await run(words, { RDG_SCHEDULER: how.scheduler, USER: "ada" });
    assert.match(stderr, /has no such process/);
    assert.equal(code, 3);
  };
}

const helperPaths = (command: "attach" | "stack"): Record<string, Path> => ({
  slurm: helped(command, { scheduler: "slurm", job: "36" }),
  pbs: helped(command, { scheduler: "pbs", job: "1008.qot-calc0" }),
  torque: helped(command, { scheduler: "torque", job: "72.c0" }),
  lsf: helped(command, { scheduler: "lsf", job: "22010" }),
  sge: helped(command, { scheduler: "sge", job: "1" }),
  flux: helped(command, { scheduler: "flux", job: "1470723981312" }),
  htcondor: helped(command, { scheduler: "htcondor", job: "101.0" }),
});

/** Sends the scheduler's own signal to a job that has an armed process. */
function broadcast(scheduler: string, job: string, host: string): Path {
  return async ({ sandbox, run }) => {
    await armed(sandbox, { scheduler, host, job: { id: job, display: job, step: null } });
    const words = [job, "--via=scancel", "--no-wait"];
    const { code, stderr } = await run(words, { RDG_SCHEDULER: scheduler });
    assert.match(stderr, /signals whole steps/);
    assert.equal(code, 0);
  };
}

/** Asks a process that its record says to be on this very host: whether it is there is looked at. */
function looked(command: "attach" | "stack"): Path {
  return async ({ sandbox, run }) => {
    const boot = (await Deno.readTextFile("/proc/sys/kernel/random/boot_id")).trim();
    await armed(sandbox, { hostname: Deno.hostname(), boot, pid: Number(nobody) });
    const { code, stderr } = await run(["36"], { RDG_SCHEDULER: "slurm" });
    assert.match(stderr, command === "attach" ? /has no such process/ : /ended/);
    assert.notEqual(code, 0);
  };
}

/** Lists a session of a job that the scheduler doesn't: the cluster's name is asked for. */
function listed(scheduler: string): Path {
  return async ({ sandbox, run }) => {
    const job = { id: "999999", display: "999999", step: null };
    await armed(sandbox, { scheduler, cluster: "elsewhere", job });
    const env = { RDG_SCHEDULER: scheduler, ...modules };
    const { code, stdout, stderr } = await run(["--json"], env);
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).sessions[0].cluster, "elsewhere");
  };
}

/** Writes a record of an armed process of this user. */
function armed(sandbox: Sandbox, changes: Record<string, unknown>): Promise<string> {
  const mine = { uid: Deno.uid(), ...changes };
  return writeRecord(sandbox.state, record(mine) as RecordText);
}

const loop = "import time\nnumber = 0\nwhile True:\n    number += 1\n    time.sleep(0.05)\n";

/** A program under `rdg debug --lite`, started with all permissions. */
async function program({ sandbox }: Stage): Promise<Child> {
  // A program that is armed may not have read its file yet: a second one must not write it anew.
  const file = `${sandbox.dir}/loop.py`;
  if (!await Deno.stat(file).then(() => true, () => false)) await sandbox.write("loop.py", loop);
  const child = startRdg(["debug", "--lite", python.path, "loop.py"], { sandbox });
  await child.until(/Armed and ready/);
  return child;
}

/** Attaches an editor and stops at a breakpoint. */
async function stopAt(sandbox: Sandbox, port: number): Promise<void> {
  await using client = await DapClient.connect({ port });
  await client.attach({
    arguments: {
      connect: { host: "127.0.0.1", port },
      pathMappings: [{ localRoot: sandbox.dir, remoteRoot: "." }],
    },
    breakpoints: { [`${sandbox.dir}/loop.py`]: [4] },
  });
  const { threadId } = (await client.waitFor<{ threadId: number }>("stopped")).body;
  assert.equal(await client.evaluate("number >= 0", threadId), "True");
  await client.disconnect();
}

/** From `rdg connect` to a breakpoint. */
function connected(words: readonly string[], env: Record<string, string> = {}): Path {
  return async (stage) => {
    await using debugged = await program(stage);
    await using child = stage.start([...words, "--port=0", "--json"], env);
    const ended = child.status(70_000).then(() => Promise.reject(new Error(child.stderr)));
    const ready = child.until(/"port":(\d+)/, { stream: "stdout", timeoutMs: 60_000 });
    const [, port] = await Promise.race([ready, ended]);
    await stopAt(stage.sandbox, Number(port));
    await child.kill("SIGINT");
    assert.equal((await child.status()).code, 0, child.stderr);
    assert.ok(debugged.pid > 0);
  };
}

/** The paths by command and name. */
export const paths: Readonly<Record<string, Readonly<Record<string, Path>>>> = {
  debug: {
    "becomes the command": async ({ sandbox, start }) => {
      await sandbox.write("short.py", "print('ran')\n");
      await using child = start(["--lite", python.path, "short.py"]);
      assert.equal((await child.status()).code, 0, child.stderr);
      assert.equal(child.stdout, "ran\n");
    },
  },
  attach: {
    ...helperPaths("attach"),
    "this host": async (stage) => {
      await using debugged = await program(stage);
      const { code, stdout, stderr } = await stage.run(["local", "--json"]);
      assert.equal(code, 0, stderr);
      assert.equal(JSON.parse(stdout).sessions[0].pid, debugged.pid);
    },
    "a process of this host, in a job": looked("attach"),
    "rdg's files for --inject": async ({ run, sandbox }) => {
      const { code, stderr } = await run([nobody, "--inject"]);
      assert.match(stderr, /there is no such process here/);
      assert.equal(code, 3);
      assert.ok((await Deno.stat(`${sandbox.cache}/python`)).isDirectory);
    },
    scancel: broadcast("slurm", "36", "n1"),
    qsig: broadcast("pbs", "1008.qot-calc0", "qot-calc0"),
    bkill: broadcast("lsf", "22010", "hostA"),
  },
  sessions: {
    ...Object.fromEntries(schedulerNames.map((name) => [name, listed(name)])),
    "a program of this host that has ended": async (stage) => {
      {
        await using child = await program(stage);
        const { stdout } = await stage.run(["--json"], { RDG_SCHEDULER: "local" });
        assert.equal(JSON.parse(stdout).sessions[0].pid, child.pid);
      }
      assert.equal((await stage.sandbox.records()).length, 1);
      const { stderr } = await stage.run([], { RDG_SCHEDULER: "local" });
      assert.match(stderr, /^No sessions\.$/m);
      assert.deepEqual(await stage.sandbox.records(), []);
    },
  },
  stack: {
    ...helperPaths("stack"),
    "a process of this host, in a job": looked("stack"),
    "this host, as a page": async (stage) => {
      await using debugged = await program(stage);
      const { code, stdout, stderr } = await stage.run(["local", "--html", "page.html"]);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /loop\.py/);
      const page = await Deno.readTextFile(`${stage.sandbox.dir}/page.html`);
      assert.match(page, new RegExp(String(debugged.pid)));
    },
  },
  init: {
    "writes, and takes out": async ({ sandbox, run }) => {
      const file = `${sandbox.dir}/.vscode/launch.json`;
      const bare = { PATH: sandbox.dir };
      const made = await run([], bare);
      assert.equal(made.code, 0, made.stderr);
      assert.match(await Deno.readTextFile(file), /rdg: Attach/);
      assert.equal((await run(["--remove"], bare)).code, 0);
    },
    "asks Helix for its version": async ({ run }) => {
      const { code, stderr } = await run(["--editor=helix,neovim"]);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /Helix is left out/);
    },
    "asks the person": async ({ sandbox, words }) => {
      await Deno.mkdir(`${sandbox.env["HOME"]}/bin`);
      for (const name of ["nvim", "emacs"]) {
        await Deno.writeTextFile(`${sandbox.env["HOME"]}/bin/${name}`, "", { mode: 0o755 });
      }
      await using terminal = new Pty(words([], {
        TERM: "xterm",
        NO_COLOR: "",
        PATH: `${sandbox.env["HOME"]}/bin`,
      }));
      await terminal.waitFor(/Which editors/i);
      await terminal.type("\r");
      assert.equal(await terminal.ended(), 0, terminal.text);
    },
  },
  plugin: {
    "adds, lists, tests and removes one": async ({ run }) => {
      for (
        const words of [
          ["new", "scheduler", "toyq"],
          ["add", "--yes", "./toyq"],
          ["list"],
          ["test", "toyq"],
          ["remove", "toyq"],
        ]
      ) {
        const { code, stderr } = await run(words);
        assert.equal(code, 0, stderr);
      }
    },
  },
  doctor: {
    "looks at everything": async ({ sandbox, run }) => {
      const session = record({
        uid: Deno.uid(),
        state: "listening",
        address: { host: "127.0.0.1", port: 1 },
      });
      await writeRecord(sandbox.state, session);
      const { code, stdout, stderr } = await run([python.path], { RDG_SCHEDULER: "local" });
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, /n1:1 cannot be reached/);
    },
    "asks the scheduler": async ({ run }) => {
      const { code, stdout, stderr } = await run([python.path], { RDG_SCHEDULER: "slurm" });
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, /slurm answered in .*: 1 job of yours/);
    },
  },
  completion: Object.fromEntries(
    schedulerNames.map((name): [string, Path] => [name, async ({ sandbox, run }) => {
      await writeRecord(sandbox.state, record({ uid: Deno.uid() }));
      const env = { RDG_COMPLETE: "scheduler", RDG_SCHEDULER: name };
      const { code, stdout, stderr } = await run(["words", "--", "attach", ""], env);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^\S+\t.*\n(?:.*\n)*:nothing\n$/);
    }]),
  ),
  install: {
    "writes the launcher": async ({ sandbox, run }) => {
      const { code, stderr } = await run([]);
      assert.equal(code, 0, stderr);
      assert.ok((await Deno.stat(`${sandbox.env["HOME"]}/.local/bin/rdg`)).isFile);
    },
  },
  connect: {
    "from a laptop": connected(["login", "local", "--scheduler=local"], modules),
    "on the login node itself": connected([], { RDG_SCHEDULER: "local" }),
    "asks which process": async (stage) => {
      await using _one = await program(stage);
      await using _two = await program(stage);
      const env = { TERM: "xterm", NO_COLOR: "", RDG_SCHEDULER: "local" };
      await using terminal = new Pty(stage.words(["login", "--port=0"], env));
      await terminal.waitFor(/Which process/i);
      await terminal.type("\r");
      await terminal.waitFor(/Ready on 127\.0\.0\.1/, 60_000);
      await terminal.type("\x03");
      assert.equal(await terminal.ended(), 0, terminal.text);
    },
    "in VS Code's terminal": async (stage) => {
      const file = `${stage.sandbox.dir}/endpoints`;
      await connected(["login", "local", "--scheduler=local"], {
        TERM_PROGRAM: "vscode",
        VSCODE_DEBUGPY_ADAPTER_ENDPOINTS: file,
      })(stage);
    },
  },
};
