/**
 * The checks that need no interpreter: which there are, how long each may take, and what to do when one
 * gives no answer.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import denoConfig from "../../deno.json" with { type: "json" };
import { readSessions, type Session, stateFolder } from "../../python/sessions.ts";
import { portsRow, schedulerRow } from "./cluster.ts";
import type { DoctorOptions, DoctorParts } from "./command.ts";
import { editorRows } from "./editors.ts";
import { diskFacts, diskRows, folderFacts, folderRow } from "./home.ts";
import { loginRow } from "./login.ts";
import { pluginRows } from "./plugins.ts";
import { type Role, roleRow } from "./role.ts";
import { problem, type Row, within } from "./row.ts";
import { programRows, ptraceRow, signalRow, systemFacts } from "./system.ts";

/**
 * Looks for all rows but the interpreters', at the same time, each with a limit.
 *
 * @param about What was typed, what this machine is, the login node if there is one, and the world.
 * @returns The rows, in no order.
 */
export async function look(
  { options, role, login, host, parts }: {
    options: DoctorOptions;
    role: Role;
    login: string | undefined;
    host: Host;
    parts: DoctorParts;
  },
): Promise<Row[]> {
  const state = stateFolder(host.env);
  const slow = "the file system does not answer: ask the cluster's support";
  const records =
    (async (): Promise<Session[]> =>
      state === null ? [] : (await readSessions(state, { uid: parts.uid })).sessions)();
  // Told by the checks that wait for it; here it must not end the whole.
  records.catch(() => {});
  const rows = await Promise.all([
    [roleRow(role, host.hostname())],
    within({ group: "here", name: "system" }, async () => {
      const versions = { rdg: denoConfig.version, deno: parts.deno };
      if (!parts.unix) return programRows(versions, null);
      const facts = await systemFacts(host);
      return [...programRows(versions, facts), signalRow(facts), ptraceRow(facts)];
    }, { limitMs: 15_000, todo: "sh -c true: does a shell start here?" }),
    within({ group: "rdg", name: "plugins" }, () => pluginRows(host), {
      limitMs: 10_000,
      todo: slow,
    }),
    ...!parts.unix ? [] : state === null ? [noHome()] : [
      within({ group: "home", name: "state-folder" }, async () => {
        return [folderRow(await folderFacts(state), parts.uid)];
      }, { limitMs: 10_000, todo: slow }),
      within({ group: "home", name: "shared" }, async () => {
        const [disk, sessions] = await Promise.all([diskFacts(state, host), records]);
        return diskRows(disk, { role, hostname: host.hostname(), sessions });
      }, { limitMs: 15_000, todo: slow }),
    ],
    within({ group: "cluster", name: "scheduler" }, async () => [await schedulerRow(role, host)], {
      limitMs: 90_000,
      todo: "wait until the scheduler answers again, or name another: --scheduler NAME",
    }),
    ...login === undefined ? [] : [
      within({ group: "cluster", name: "login" }, async () => [await loginRow(login, host)], {
        limitMs: 40_000,
        todo: `see what "ssh ${login}" does by itself`,
      }),
    ],
    within({ group: "cluster", name: "ports" }, async () => {
      return [await portsRow(role, { sessions: await records, ...parts, job: options.job })];
    }, { limitMs: 20_000, todo: slow }),
    within({ group: "editor", name: "editor" }, () => editorRows(role, host), {
      limitMs: 10_000,
      todo: "cd to the project first; rdg init --dry-run shows more",
    }),
  ]);
  return rows.flat();
}

function noHome(): Row[] {
  return [
    problem(
      { group: "home", name: "state-folder" },
      "HOME is not set: there is no place for records",
      {
        todo: "set HOME, or RDG_STATE_DIR to a folder that login and compute nodes share",
      },
    ),
  ];
}
