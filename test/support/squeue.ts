/**
 * Lines as squeue prints them in the format that the plugin asks for. Pure.
 *
 * @module
 */

/** One job's line. */
export function squeueLine(changes: {
  id?: string;
  display?: string;
  user?: string;
  state?: string;
  elapsed?: string;
  left?: string;
  nodes?: string;
  workDir?: string;
  name?: string;
}): string {
  const job = {
    id: "36",
    user: "ada",
    state: "RUNNING",
    elapsed: "12:30",
    left: "47:30",
    nodes: "n[1-2]",
    workDir: "/home/ada",
    name: "train",
    ...changes,
  };
  return [
    ...[job.id, changes.display ?? job.id, job.user, job.state, job.elapsed, job.left],
    ...[job.nodes, job.workDir, job.name],
  ].join("\x1f") + "\n";
}
