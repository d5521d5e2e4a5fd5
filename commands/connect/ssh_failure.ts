/**
 * Why ssh could not connect, for a person: its own words, what they mean, and what to do. Pure, apart
 * from waiting for ssh's end.
 *
 * @module
 */

import { ExitCode, RdgError } from "../../plugins/error.ts";
import { withoutMarks } from "./shell.ts";
import type { ProgramStream } from "./stream.ts";

/**
 * Says in ssh's own words what went wrong.
 *
 * @param error What the attempt ended with.
 * @param options ssh, the host, and whether its words have been shown already.
 * @returns An error for the person.
 */
export async function explain(
  error: unknown,
  { program, login, shown }: { program: ProgramStream; login: string; shown: boolean },
): Promise<unknown> {
  if (error instanceof RdgError && error.code !== "connection") return error;
  if (error instanceof RdgError && !error.message.startsWith("Cannot ask")) return error;
  const code = await program.ended;
  const words = withoutMarks(program.reason()).trim();
  const known = complaints.find(({ pattern }) => pattern.test(words));
  return new RdgError(
    `Cannot connect to "${login}": ${known?.message ?? `"ssh" exited with code ${code}`}`,
    {
      code: known?.code ?? "connection",
      exitCode: known?.exitCode ?? ExitCode.generic,
      hint: known?.hint ?? `see what "ssh ${login}" says by itself`,
      cause: shown ? undefined : words || undefined,
    },
  );
}

/** The code of an error that a person at a terminal may be able to mend by answering ssh. */
export const refused = "refused";

const complaints: readonly {
  pattern: RegExp;
  code?: string;
  message: string;
  hint: string;
  exitCode: ExitCode;
}[] = [
  {
    pattern: /IDENTIFICATION HAS CHANGED/,
    message: "its host key has changed",
    hint: "ask the cluster's support whether that was them, before anything else; " +
      "ssh's words above say how to remove the old key (ssh-keygen -f … -R …)",
    exitCode: ExitCode.permission,
  },
  {
    pattern: /Host key verification failed/,
    code: refused,
    message: "its host key is not known here",
    hint: "connect once by hand with ssh, and compare the fingerprint with the cluster's page",
    exitCode: ExitCode.permission,
  },
  {
    pattern: /Permission denied \([^)]*(?:keyboard-interactive|password)/,
    code: refused,
    message: "it let you in neither by a key nor by what was typed",
    hint:
      "make the same ssh command work by hand first; a password or a code can be asked for only " +
      "in a terminal",
    exitCode: ExitCode.permission,
  },
  {
    pattern: /Permission denied|Too many authentication failures/,
    code: refused,
    message: "it refused your key or password",
    hint: "make the same ssh command work by hand first: user name, key, agent (ssh-add -l)",
    exitCode: ExitCode.permission,
  },
  {
    pattern: /Could not resolve hostname|Name or service not known/,
    message: "there is no host of that name",
    hint: "give the name as you would to ssh: USER@HOST, or an alias of ~/.ssh/config",
    exitCode: ExitCode.notFound,
  },
  {
    pattern: /Connection refused|timed out|No route to host|Network is unreachable/,
    message: "it does not answer",
    hint: "check the name, the network, and the VPN if the cluster wants one",
    exitCode: ExitCode.generic,
  },
];
