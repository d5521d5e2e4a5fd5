/**
 * What `rdg init` wants in every editor: the one place where entries and prompts are defined. A new
 * prompt or a configuration for ranks is added here and shows up in all of them. Pure.
 *
 * @module
 */

import type { AttachProfile } from "../../plugins/contract.ts";

/**
 * Makes the profile of one project.
 *
 * - "rdg: Attach" asks nothing. `rdg connect` listens there and fills in token and folder; through a
 *   plain tunnel the remote folder is the one that the program was started in, which debugpy puts in
 *   for `"."`.
 * - The tunnel's configuration asks for port and folder.
 * - On the cluster itself the paths are equal, unless the project is reached through a symbolic link
 *   (`/home` against `/pfs/…`): there the job sees the resolved path.
 *
 * @param roots The project's folder as the person sees it, and with its symbolic links resolved.
 * @returns Entries and inputs.
 */
export function attachProfile(roots: { localRoot: string; realRoot: string }): AttachProfile {
  const token = { rdgToken: { input: "rdgToken" } };
  return {
    ...roots,
    entries: [
      { id: "attach", name: "rdg: Attach", host: "127.0.0.1", port: 5678, remoteRoot: "." },
      {
        id: "tunnel",
        name: "Python Debugger: Remote Attach (via SSH Tunnel)",
        host: "127.0.0.1",
        port: { input: "localTunnelPort" },
        remoteRoot: { input: "remoteWorkspaceFolder" },
        extra: token,
      },
      {
        id: "node",
        name: "Python Debugger: Attach to Compute Node",
        host: { input: "computeNodeHost" },
        port: { input: "computeNodePort" },
        remoteRoot: { resolved: true },
        extra: token,
      },
    ],
    inputs: [
      { id: "localTunnelPort", description: "Local port of the SSH tunnel", default: "5678" },
      {
        id: "remoteWorkspaceFolder",
        description: "Remote Path of the job's output (. is the folder it was started in)",
        default: ".",
      },
      { id: "computeNodeHost", description: "Node of the job's output" },
      { id: "computeNodePort", description: "Port of the job's output" },
      {
        id: "rdgToken",
        description: "Token of the job's output (empty where it shows none)",
        password: true,
      },
    ],
  };
}
