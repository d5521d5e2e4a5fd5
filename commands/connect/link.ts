/**
 * The login node, as `rdg connect` uses it: questions, programs and connections from there. Either this
 * very machine, or another one over ssh (ssh_link.ts). Starts sh, and what it is asked to.
 *
 * @module
 */

import type { RunOutput, RunSpec } from "../../plugins/contract.ts";
import { quoteWord, type Runner } from "../../plugins/host.ts";
import { bootstrap, scriptLine, specScript } from "./shell.ts";
import {
  loaderVariables,
  type ProgramStream,
  programStream,
  type Stream,
  tcpStream,
} from "./stream.ts";

/** What is known of the login node and of the person there. */
export interface Facts {
  /** The person's name there. */
  user: string;
  /** The person's number there. */
  uid: number;
  /** The machine's own name. */
  hostname: string;
  /** The folder of rdg's state there. */
  state: string;
  /** Those of the schedulers' programs that are on PATH there. */
  programs: ReadonlySet<string>;
  /** Names of the variables that are set there. */
  variables: readonly string[];
  /** The process that serves this connection there, and when it began; empty where unknown. */
  server: { pid: string; began: string };
}

/** A way to the login node. */
export interface Link {
  /** How people call it: the host as typed, or "this host". */
  readonly name: string;
  /** Whether it is this very machine. */
  readonly local: boolean;
  /** What is known of it. */
  readonly facts: Facts;
  /** Runs programs there. */
  readonly runner: Runner;
  /** Settles when it has broken: why. Never for this very machine. */
  readonly broken: Promise<string>;
  /** Runs a POSIX script there, with nothing on stdin. */
  script(script: string, options?: { timeoutMs?: number }): Promise<RunOutput>;
  /** Connects from there. Rejects with the reason, or ends at once with one. */
  connect(address: { host: string; port: number }): Promise<Stream>;
  /** Starts a program there that is talked to through stdin and stdout. Rejects with the reason. */
  start(spec: RunSpec): Promise<ProgramStream>;
  /** Starts a program on a node, by ssh through there. `ask` lets ssh ask the person. */
  startOn(node: string, words: readonly string[], options: { ask: boolean }): ProgramStream;
  /**
   * Has the far end of an earlier connection of ours, which may not have noticed that it is dead, let
   * go of what it holds.
   */
  bury(earlier: Facts): Promise<void>;
  /** Ends it and everything that goes through it. */
  close(): Promise<void>;
}

/**
 * The script that asks what {@linkcode readFacts} reads. It runs in the shell that stays: where none of
 * the programs is on PATH, it takes the variables of a login shell over (sites that keep their
 * scheduler outside of /usr/bin say so in a profile).
 *
 * @param programs Names to look for.
 * @returns Lines of POSIX shell.
 */
export function factsScript(programs: readonly string[]): string {
  return [
    "rdg_look() { for p in " + programs.join(" ") +
    '; do command -v "$p" >/dev/null 2>&1 && echo "program $p"; done; }',
    'if [ -z "$(rdg_look)" ] && [ -r /etc/profile ]; then',
    "  x=$( . /etc/profile >/dev/null 2>&1; export -p )",
    '  eval "$x" 2>/dev/null',
    "fi",
    'echo "user $(id -un)"',
    'echo "uid $(id -u)"',
    'echo "host $(uname -n)"',
    'echo "server $PPID $(ps -o lstart= -p $PPID 2>/dev/null)"',
    'echo "state ${RDG_STATE_DIR:-${XDG_STATE_HOME:-$HOME/.local/state}/rdg}"',
    "rdg_look",
    "env | sed -n 's/^\\([A-Za-z_][A-Za-z0-9_]*\\)=.*/variable \\1/p'",
    ":",
  ].join("\n");
}

/**
 * Reads the answer to {@linkcode factsScript}.
 *
 * @param stdout What it printed.
 * @returns The facts; null where the answer isn't whole.
 */
export function readFacts(stdout: string): Facts | null {
  const values = new Map<string, string[]>();
  for (const line of stdout.split("\n")) {
    const [key = "", ...rest] = line.split(" ");
    values.set(key, [...values.get(key) ?? [], rest.join(" ")]);
  }
  const one = (key: string) => values.get(key)?.[0] ?? "";
  const [pid = "", ...began] = one("server").trim().split(/\s+/);
  if (!/^\d+$/.test(one("uid")) || !one("user") || !one("state").startsWith("/")) return null;
  return {
    user: one("user"),
    uid: Number(one("uid")),
    hostname: one("host"),
    state: one("state"),
    programs: new Set(values.get("program") ?? []),
    variables: values.get("variable") ?? [],
    server: { pid, began: began.join(" ") },
  };
}

/**
 * This very machine as the login node.
 *
 * @param options The runner, and the schedulers' programs.
 * @returns The link.
 */
export async function localLink(
  options: { runner: Runner; programs: readonly string[] },
): Promise<Link> {
  const { runner } = options;
  const script: Link["script"] = (text, { timeoutMs } = {}) =>
    runner({
      program: "sh",
      args: ["-c", text],
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
  const facts = readFacts((await script(factsScript(options.programs))).stdout);
  if (!facts) throw new Error("this machine's shell gave no sensible answer");
  const env = await loaderVariables();
  const spawn = (program: string, args: readonly string[]) =>
    programStream(
      new Deno.Command(program, {
        args: [...args],
        env,
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
  return {
    name: "this host",
    local: true,
    facts,
    runner,
    broken: new Promise(() => {}),
    script,
    connect: async ({ host, port }) => tcpStream(await Deno.connect({ hostname: host, port })),
    start: (spec) =>
      Promise.resolve(
        spawn("sh", ["-c", specScript(spec, facts.variables, { replace: true })]),
      ),
    startOn(node, words, { ask }) {
      const started = spawn("ssh", [...nodeOptions(ask), node, bootstrap]);
      feed(started, `exec ${words.map(quoteWord).join(" ")}`);
      return started;
    },
    bury: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/** What is asked of ssh towards a compute node. */
export function nodeOptions(ask: boolean): string[] {
  return [
    ...["-T", "-o", "ClearAllForwardings=yes", "-o", "RemoteCommand=none"],
    ...["-o", "ConnectTimeout=10", "-o", `BatchMode=${ask ? "no" : "yes"}`],
  ];
}

/**
 * Gives a program that runs {@linkcode bootstrap} its first script.
 *
 * @param program The program.
 * @param script Lines of POSIX shell.
 */
export function feed(program: ProgramStream, script: string): void {
  // A program that has ended says why on its stderr.
  program.write(new TextEncoder().encode(scriptLine(script))).catch(() => {});
}
