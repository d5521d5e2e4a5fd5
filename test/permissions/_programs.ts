/**
 * Stand-ins for every program that rdg may start, in a folder that is all of PATH: each notes that it
 * was started, and by whom, then answers like the real one, or is the real one. Writes scripts.
 *
 * @module
 */

import { squeueLine } from "../support/squeue.ts";
import { editors } from "../../plugins/editors.ts";
import { schedulers } from "../../plugins/schedulers.ts";

const samples = new URL("../plugins/testdata/", import.meta.url).pathname;

/** What runs on "the node" runs here; the helper then says that there is no such process. */
const onNode = (skip: number) => `shift ${skip}; exec sh -c "$*"`;

/** Connects its stdin and stdout with a port, as `ssh -W` does. */
const pump = `import socket, sys, threading, os
host, _, port = sys.argv[1].rpartition(":")
s = socket.create_connection((host.strip("[]"), int(port)))
def up():
    while True:
        d = os.read(0, 65536)
        if not d: s.shutdown(socket.SHUT_WR); return
        s.sendall(d)
threading.Thread(target=up, daemon=True).start()
while True:
    d = s.recv(65536)
    if not d: break
    os.write(1, d)`;

/** The programs' answers, as lines of shell. */
const answers: Readonly<Record<string, string>> = {
  squeue: `printf '%s' '${squeueLine({ nodes: "n1", user: "ada" })}'`,
  scontrol: "echo 'ClusterName             = c1'",
  srun: 'while [ "$1" != sh ]; do shift; done; SLURMD_NODENAME=n1 exec "$@"',
  scancel: ":",
  qselect: "echo 1008.qot-calc0",
  qstat: `case "$*" in
*-xml*) exec cat ${samples}sge/8.1.9-qstat.xml ;;
*json*) exec cat ${samples}pbs/20.0.1-qstat.json ;;
*) exec cat ${samples}torque/6.1-qstat.xml ;;
esac`,
  qsig: ":",
  qrsh: onNode(2),
  bjobs: `exec cat ${samples}lsf/composed-bjobs.json`,
  bkill: ":",
  lsid: "echo 'My cluster name is c1'",
  flux: `case "$1" in
exec) shift 6; exec "$@" ;;
job) ;;
*) exec cat ${samples}flux/composed-jobs.txt ;;
esac`,
  "condor_q": `exec cat ${samples}htcondor/composed-condor_q.json`,
  "condor_ssh_to_job": onNode(1),
  ssh: `case "$*" in
*"-O check"*) exit 255 ;;
esac
for word; do
  [ "$before" = -W ] && exec python3 -c '${pump}' "$word"
  before=$word
done
exec sh -c "$before"`,
  hx: "echo 'helix 25.07.1 (a05c151b)'",
};

/**
 * Makes the folder.
 *
 * @param folder Where; it must not exist.
 * @returns PATH's value, and a function that tells which programs a process has started.
 */
export async function fakePrograms(
  folder: string,
): Promise<{ path: string; startedBy: (pid: number) => Promise<Set<string>> }> {
  await Deno.mkdir(folder);
  const log = `${folder}/.started`;
  await Deno.writeTextFile(log, "");
  const declared = [...schedulers, ...editors].flatMap(({ programs }) => programs);
  const names = new Set([
    ...declared,
    ...Object.keys(answers),
    ...["cat", "kill", "readlink", "sh", "date", "printenv"],
  ]);
  for (const name of names) {
    const lines = [
      "#!/bin/sh",
      `echo "$PPID ${name}" >> '${log}'`,
      "PATH=/usr/local/bin:/usr/bin:/bin",
      answers[name] ?? `exec ${name} "$@"`,
    ];
    await Deno.writeTextFile(`${folder}/${name}`, `${lines.join("\n")}\n`, { mode: 0o755 });
  }
  return {
    path: folder,
    async startedBy(pid) {
      const lines = (await Deno.readTextFile(log)).split("\n").map((line) => line.split(" "));
      return new Set(lines.flatMap(([who, name = ""]) => Number(who) === pid ? [name] : []));
    },
  };
}
