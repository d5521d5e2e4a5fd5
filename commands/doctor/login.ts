/**
 * The login node over ssh, asked once and without any question to the person. Starts ssh.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import { allSchedulers } from "../_scheduler.ts";
import { factsScript, readFacts } from "../connect/link.ts";
import { bootstrap, scriptLine } from "../connect/shell.ts";
import { note, ok, type Place, problem, type Row } from "./row.ts";

const place: Place = { group: "cluster", name: "login" };

/** Stands before what the script prints: a profile may print as well. */
const mark = "rdg-doctor-begin";

const options = [
  ...["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ClearAllForwardings=yes"],
  ...["-o", "RemoteCommand=none", "-o", "NumberOfPasswordPrompts=0"],
];

/** What ssh says when a person would have to be asked: that is no fault. */
const wouldAsk = /Permission denied \((?=[^)]*(?:password|keyboard-interactive))/;

const complaints: readonly { pattern: RegExp; text: string; todo: string }[] = [
  {
    pattern: /IDENTIFICATION HAS CHANGED/,
    text: "its host key has changed",
    todo: "ask the cluster's support whether that was them, before anything else",
  },
  {
    pattern: /Host key verification failed/,
    text: "its host key is not known here",
    todo: "connect once by hand (ssh HOST) and compare the fingerprint with the cluster's page",
  },
  {
    pattern: /Permission denied|Too many authentication failures/,
    text: "it refused your key",
    todo: 'make "ssh HOST" work by hand first: user name, key, agent (ssh-add -l)',
  },
  {
    pattern: /Could not resolve hostname|Name or service not known/,
    text: "there is no host of that name",
    todo: "give the name as to ssh: USER@HOST, or an alias of ~/.ssh/config",
  },
  {
    pattern: /Connection refused|timed out|No route to host|Network is unreachable/,
    text: "it does not answer",
    todo: "check the name, the network, and the VPN if the cluster wants one",
  },
];

/**
 * Asks the login node.
 *
 * @param login As it is given to ssh.
 * @param host The world.
 * @returns The row.
 */
export async function loginRow(login: string, host: Host): Promise<Row> {
  const schedulers = await allSchedulers(host);
  const programs = [...new Set(schedulers.flatMap(({ detect }) => detect))];
  const more = ["rdg", "deno", "python3"].map((name) =>
    `x=$(command -v ${name} 2>/dev/null) && echo "found ${name} $x"`
  );
  const script = [
    `echo; echo ${mark}`,
    factsScript(programs),
    ...more,
    'ls -d "${RDG_STATE_DIR:-${XDG_STATE_HOME:-$HOME/.local/state}/rdg}"/sessions/*/*/*.json ' +
    "2>/dev/null | wc -l | sed 's/^ */records /'",
  ].join("\n");
  const output = await host.runner({
    program: "ssh",
    args: [...options, login, bootstrap],
    stdin: scriptLine(script),
    timeoutMs: 30_000,
  });
  const facts = readFacts(output.stdout.slice(output.stdout.indexOf(`${mark}\n`)));
  if (!facts) return failure(login, output);
  const one = (key: string) => new RegExp(`^${key} (.*)$`, "m").exec(output.stdout)?.[1];
  const scheduler = schedulers.find(({ detect: [first] }) => first && facts.programs.has(first)) ??
    schedulers.find(({ detect }) => detect.some((name) => facts.programs.has(name)));
  const records = Number(one("records") ?? 0);
  const data = {
    login,
    hostname: facts.hostname,
    user: facts.user,
    scheduler: scheduler?.name ?? null,
    rdg: one("found rdg") ?? null,
    deno: one("found deno") ?? null,
    python: one("found python3") ?? null,
    records,
  };
  const there = [
    scheduler?.name ?? "no scheduler",
    data.python ? "Python" : "no python3",
    data.rdg ? "rdg" : "no rdg on PATH",
    `${records} session ${records === 1 ? "record" : "records"}`,
  ];
  const text = `"${login}" lets ${facts.user} in without a question; there: ${there.join(", ")}`;
  return scheduler ? ok(place, text, data) : note(place, text, {
    todo: "no scheduler's program is on PATH there: is it the login node?",
    data,
  });
}

function failure(login: string, output: { code: number; stdout: string; stderr: string }): Row {
  const words = output.stderr.trim();
  const data = { login, message: words };
  if (wouldAsk.test(words)) {
    return note(place, `"${login}" wants a password or a second factor`, {
      todo: "nothing: rdg connect asks you for it once",
      data,
    });
  }
  const known = complaints.find(({ pattern }) => pattern.test(words));
  if (known) {
    return problem(place, `"${login}": ${known.text}`, {
      todo: known.todo.replace("HOST", login),
      data,
    });
  }
  const last = words.split("\n").at(-1) || `"ssh" exited with code ${output.code}`;
  return problem(place, `"${login}" cannot be used: ${last}`, {
    todo: `see what "ssh ${login} sh" does; a POSIX shell is needed there`,
    data,
  });
}
