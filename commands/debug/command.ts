/**
 * `rdg debug`.
 *
 * @module
 */
import type { CommandMeta } from "../_args.ts";
import type { Host } from "../_host.ts";
/** What the command says about itself. */
export const meta: CommandMeta = {
  name: "debug",
  summary: "Start a Python command so that an editor can debug it",
  usage: "[flags] COMMAND…",
  flags: {},
  examples: [],
  passThrough: true,
};
/** Reads the command line. */
export function parse(_argv: readonly string[]): Record<string, never> {
  return {};
}
/** Runs it. */
export function run(_options: Record<string, never>, _host: Host): Promise<number> {
  return Promise.resolve(0);
}
