/**
 * What `--inject` needs beside the helper: rdg's Python files where the node sees them, and what the
 * process is told. Touches the cache folder, as `rdg debug` does.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import { ExitCode, RdgError } from "../../plugins/error.ts";
import { cacheFolder, installAgent } from "../../python/launch.ts";
import type { Injection } from "../../python/wake.ts";

/**
 * Makes ready to prepare running processes.
 *
 * @param host The world.
 * @param options The state folder, whether the processes run on this very host (no job), and the limit in
 * seconds.
 * @returns What the helper takes.
 * @throws {RdgError} `permission` when rdg's files can't be put where a node sees them.
 */
export async function prepareInjection(
  host: Host,
  options: { state: string | null; local: boolean; limitS: number },
): Promise<Injection> {
  const { state, local, limitS } = options;
  const cache = cacheFolder(host.env);
  const site = await installAgent({
    cache,
    temporary: host.env("TMPDIR") || "/tmp",
    uid: Deno.uid(),
  });
  if (!local && (cache === null || !site.startsWith(`${cache}/`))) {
    throw new RdgError(`Cannot inject: "${cache ?? "~/.cache"}" can't be written`, {
      code: "permission",
      exitCode: ExitCode.permission,
      hint: "set XDG_CACHE_HOME to a folder that you can write and that the compute nodes see",
    });
  }
  return {
    folder: site.split("/").slice(0, -2).join("/"),
    config: { modes: ["lite"], state },
    limitS,
  };
}
