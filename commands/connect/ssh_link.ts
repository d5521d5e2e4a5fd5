/**
 * The login node over ssh: the system's `ssh`, with the person's own configuration, keys, agent, jump
 * hosts and prompts. One connection is authenticated; everything else goes through it by ssh's own
 * multiplexing (a socket in a private temporary folder, or the person's own ControlMaster where one
 * runs). OpenSSH on Windows has no multiplexing: there each way to a node is a connection of its own.
 *
 * Starts ssh. Touches a temporary folder.
 *
 * @module
 */

import { ExitCode, RdgError } from "../../plugins/error.ts";
import { commandLine, quoteWord } from "../../plugins/host.ts";
import { type Facts, factsScript, feed, type Link, nodeOptions, readFacts } from "./link.ts";
import { bootstrap, Shell, specScript, withoutMarks } from "./shell.ts";
import { explain } from "./ssh_failure.ts";
import { SshSessions } from "./ssh_sessions.ts";
import { loaderVariables, pause, programStream } from "./stream.ts";

/** What {@linkcode sshLink} needs. */
export interface SshOptions {
  /** `[USER@]HOST`, or an alias of the person's configuration. */
  login: string;
  /** The schedulers' programs, to be looked for. */
  programs: readonly string[];
  /**
   * Shows the person what ssh writes to stderr while it connects: banners, and why it can't. An error
   * doesn't repeat it then.
   */
  onComplaint?: (text: string) => void;
  /** Whether ssh may ask the person; `false` fails where it would have to. */
  ask: boolean;
  /** Is shown each command line. */
  onRun?: (line: string) => void;
  /** Ends the attempt. */
  signal?: AbortSignal;
}

/** Whether ssh can carry several sessions over one connection here. */
const multiplexes = Deno.build.os !== "windows";

/** Time limit of a script that names none. */
const scriptMs = 30_000;

/**
 * Connects to the login node.
 *
 * @param options The host, and who wants to know.
 * @returns The link.
 * @throws {RdgError} `connection` with ssh's own words, `timeout`, `not-found` without ssh.
 */
export async function sshLink(options: SshOptions): Promise<Link> {
  const folder = multiplexes ? await makeFolder() : null;
  try {
    return await connect(options, folder);
  } catch (error) {
    if (folder) await removeFolder(folder);
    throw error;
  }
}

async function connect(options: SshOptions, folder: string | null): Promise<Link> {
  const { login } = options;
  const env = await loaderVariables();
  const foreign = folder !== null && await hasMaster(login, env);
  const socket = foreign || folder === null ? [] : ["-S", `${folder}/ssh`];
  const common = [
    ...["-T", "-o", "ClearAllForwardings=yes", "-o", "RemoteCommand=none"],
    ...["-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3"],
  ];
  const master = [
    ...options.ask ? [] : ["-o", "BatchMode=yes"],
    ...socket.length > 0 ? [...socket, "-M", "-o", "ControlPersist=no"] : [],
  ];
  // A session that finds no master must not make a connection of its own.
  const shared = ["-o", "ControlMaster=no", "-o", "ProxyCommand=false"];
  const inner = [...socket, ...shared];
  const session = folder === null ? common : [...common, ...inner];

  const spawn = (args: readonly string[], onComplaint?: (text: string) => void) => {
    options.onRun?.(commandLine({ program: "ssh", args }));
    let child: Deno.ChildProcess;
    try {
      child = new Deno.Command("ssh", {
        args: [...args],
        env,
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
    } catch (error) {
      throw noSsh(error);
    }
    return programStream(child, onComplaint ? { onComplaint } : {});
  };

  let listener = (text: string) => options.onComplaint?.(text);
  const program = spawn(
    [...(foreign ? session : [...common, ...master]), login, bootstrap],
    (text) => listener(text),
  );
  const shell = new Shell(program, (hear) => {
    listener = (text) => {
      const own = withoutMarks(text);
      if (!settled && own) options.onComplaint?.(own);
      hear(text);
    };
  });
  let settled = false;
  const abort = () => void program.close();
  options.signal?.addEventListener("abort", abort, { once: true });
  let facts: Facts | null = null;
  try {
    // A person may have to find their second factor.
    const output = await shell.run(factsScript(options.programs), {
      timeoutMs: 180_000,
      keep: true,
    });
    facts = readFacts(output.stdout);
    if (!facts) {
      throw new RdgError(`Cannot use "${login}": its shell gave no sensible answer`, {
        code: "connection",
        exitCode: ExitCode.generic,
        hint: `see what "ssh ${login} sh" does; a POSIX shell is needed there`,
        cause: (output.stderr || output.stdout).trim() || undefined,
      });
    }
  } catch (error) {
    await program.close();
    throw await explain(error, { program, login, shown: options.onComplaint !== undefined });
  } finally {
    settled = true;
    options.signal?.removeEventListener("abort", abort);
  }
  const known = facts;
  const sessions = new SshSessions({
    login,
    spawn,
    own: common,
    shared: [...common, ...shared],
    first: socket,
    folder,
  });
  return {
    name: login,
    local: false,
    facts: known,
    broken: shell.ended.then((reason) => reason || "the connection was closed"),
    runner: (spec, { onLine } = {}) => {
      options.onRun?.(commandLine(spec));
      return shell.run(specScript(spec, known.variables), {
        timeoutMs: spec.timeoutMs ?? scriptMs,
        ...(onLine ? { onLine } : {}),
      });
    },
    script: (script, { timeoutMs = scriptMs } = {}) => shell.run(script, { timeoutMs }),
    connect: ({ host, port }) => {
      const target = `${host.includes(":") ? `[${host}]` : host}:${port}`;
      return Promise.resolve(spawn([...session, "-W", target, login]));
    },
    start(spec) {
      options.onRun?.(commandLine(spec));
      return sessions.start(specScript(spec, known.variables, { replace: true }));
    },
    startOn(node, words, { ask }) {
      const through = folder === null ? ["-J", login] : [
        "-o",
        `ProxyCommand=ssh ${[...inner, "-W", "[%h]:%p", login].map(quoteWord).join(" ")}`,
      ];
      const started = spawn([
        ...nodeOptions(ask),
        ...["-o", "ControlMaster=no", "-o", "ControlPath=none"],
        ...through,
        ...["-l", known.user, node, bootstrap],
      ]);
      feed(started, `exec ${words.map(quoteWord).join(" ")}`);
      return started;
    },
    async bury({ hostname, server }) {
      // Not where the person's own connection carries ours as well, nor on another login node.
      if (foreign || hostname !== known.hostname || !server.began) return;
      if (server.pid === known.server.pid) return;
      const began = `$(ps -o lstart= -p ${server.pid} 2>/dev/null | tr -s ' ')`;
      await shell.run(`[ "$(echo ${began})" = ${quoteWord(server.began)} ] && kill ${server.pid}`, {
        timeoutMs: scriptMs,
      });
    },
    async close() {
      await Promise.all([shell.close(), sessions.close()]);
      if (folder) await removeFolder(folder);
    },
  };
}

/** Whether a ControlMaster of the person's own runs for this host: nothing has to be asked then. */
async function hasMaster(login: string, env: Record<string, string>): Promise<boolean> {
  try {
    const child = new Deno.Command("ssh", {
      args: ["-O", "check", login],
      env,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const status = await Promise.race([child.status, pause(5000)]);
    if (status === false) child.kill("SIGTERM");
    return status !== false && status.success;
  } catch (error) {
    throw noSsh(error);
  }
}

/** Removes the folder; ssh itself may be taking the socket away at the same moment. */
async function removeFolder(folder: string): Promise<void> {
  for (let tries = 0; tries < 5; tries++) {
    try {
      return await Deno.remove(folder, { recursive: true });
    } catch {
      if (!await Deno.stat(folder).then(() => true, () => false)) return;
      await pause(50);
    }
  }
}

/** A folder that only its owner can enter, short enough for a socket's path (104 bytes on macOS). */
async function makeFolder(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "rdg-" });
  if (folder.length < 70) return folder;
  await Deno.remove(folder);
  return await Deno.makeTempDir({ dir: "/tmp", prefix: "rdg-" });
}

function noSsh(error: unknown): unknown {
  if (error instanceof Deno.errors.NotFound) {
    return new RdgError('Cannot run "ssh": it is not on PATH', {
      code: "not-found",
      exitCode: ExitCode.notFound,
      hint: "install OpenSSH's client",
    });
  }
  if (error instanceof Deno.errors.NotCapable) {
    return new RdgError('Cannot run "ssh": rdg may not start it', {
      code: "permission",
      exitCode: ExitCode.permission,
      hint: "run rdg with --allow-run=ssh",
      cause: error,
    });
  }
  return error;
}
