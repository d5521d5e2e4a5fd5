/**
 * Which of the README's blocks aren't run, and why. A block that stands neither here nor in
 * `blocks_test.ts` among those that are run fails the test. Pure.
 *
 * @module
 */

/** A block that isn't run. */
export interface NotRun {
  /** How its first line begins. */
  starts: string;
  /** Why it isn't run, and who runs the same. */
  reason: string;
  /** Its lines are messages of rdg's: their fixed words have to stand in the sources. */
  messages?: true;
}

/** The blocks that aren't run. */
export const notRun: readonly NotRun[] = [
  {
    starts: "npx -y deno@2.9.6 task demo",
    reason: "CI runs both lines, and the second is the run of all tests, this one included",
  },
  { starts: " laptop  ", reason: "a drawing" },
  {
    starts: "rdg debug --lite ch-run",
    reason: "it needs an image; test/commands/attach/slurm_container_test.ts makes one",
  },
  { starts: "rdg debug --lite podman", reason: "Podman wants more of a machine; run by hand" },
  {
    starts: "$ rdg connect login",
    reason: "it takes port 5678 of this machine; test/commands/connect runs it with --port=0",
  },
  {
    starts: "Not direct: ",
    reason: "it needs a firewall; test/commands/connect/slurm_test.ts has one",
    messages: true,
  },
  {
    starts: "pip install ./python",
    reason: "it needs a package index; test/python/api_test.ts runs it",
  },
  { starts: "pip download ", reason: "it needs a package index; test/commands/doctor runs it" },
  {
    starts: 'eval "$(rdg completion',
    reason: "lines for a shell's start file; test/commands/completion",
  },
  { starts: "rdg plugin new ", reason: "test/commands/plugin runs each of its lines" },
  { starts: "$ rdg plugin add", reason: "it asks on a terminal; test/commands/plugin" },
  { starts: "$ rdg doctor", reason: "what it says is about one machine; test/commands/doctor" },
];
