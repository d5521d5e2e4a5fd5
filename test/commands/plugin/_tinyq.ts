/**
 * The example of a scheduler as a person has it: the real `tq` on PATH, its plugin added by the real
 * command, jobs that are processes of this machine. Starts them, and ends them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { python } from "../../support/python.ts";
import { type Child, rdg as rdgWords, start } from "../../support/rdg.ts";
import { examples, type PluginHome, pluginHome } from "./_home.ts";

/** What came of a program. */
type Result = Awaited<ReturnType<PluginHome["rdg"]>>;

/** A person with a TinyQ of their own. */
export interface TinyQ extends AsyncDisposable {
  /** Where they work. */
  readonly home: PluginHome;
  /** Ids of the jobs to come: no other test's, for rdg stack looks at all processes of a job's id. */
  readonly ids: readonly [string, string];
  /** What rdg and tq are started with beyond the sandbox's own. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs rdg to its end; TinyQ is the scheduler. */
  rdg(...words: string[]): Promise<Result>;
  /** Runs tq to its end. */
  tq(...words: string[]): Promise<Result>;
  /**
   * Hands in a job of `loop.py` under `rdg debug --lite`, or an array.
   *
   * @param options For `tq submit`.
   * @param indices The array's.
   * @returns What prints on stdout what the job, or its elements, print.
   */
  submit(options: readonly string[], indices?: readonly number[]): Promise<Child>;
}

/** What the jobs run: line 3 comes by again and again. */
const script = `import time
def step(number):
    total = number * 2
    time.sleep(0.05)
    return total
for number in range(10**6):
    step(number)
`;

/**
 * Makes one. All jobs are cancelled when it is disposed of.
 *
 * @param options Variables for rdg and tq; whether debugpy is there; `added: false` leaves the plugin
 * to the test.
 * @returns The person's surroundings.
 */
export async function tinyQ(
  options: { env?: Record<string, string>; debugpy?: null; added?: false } = {},
): Promise<TinyQ> {
  const home = await pluginHome("debugpy" in options ? { debugpy: null } : {});
  const { sandbox } = home;
  // A PATH of its own folder alone is enough.
  await home.program("tq", `exec "${python.path}" "${examples}/tinyq/tq" "$@"`);
  await sandbox.write("loop.py", script);
  const before = Deno.pid * 10;
  await Deno.mkdir(`${sandbox.env.HOME}/.tinyq/${before}`, { recursive: true, mode: 0o700 });
  const ids = [String(before + 1), String(before + 2)] as const;
  // Slurm's programs may be on this machine's PATH. Who has no name in the environment has one.
  const env = { RDG_SCHEDULER: "tinyq", USER: "", LOGNAME: "", ...options.env };
  const tails: Child[] = [];
  const tq = async (...words: string[]): Promise<Result> => {
    await using child = start(["tq", ...words], { sandbox, env });
    const { code } = await child.status();
    return { code, stdout: child.stdout, stderr: child.stderr };
  };
  const self: TinyQ = {
    home,
    ids,
    env,
    tq,
    rdg: (...words) => home.rdg(words, { env }),
    async submit(how, indices) {
      const debug = [...rdgWords, "debug", "--lite", python.path, "loop.py"];
      const range = indices ? ["--array", `${indices[0]}-${indices.at(-1)}`] : [];
      const { code, stdout, stderr } = await tq("submit", ...range, ...how, "--", ...debug);
      assert.equal(code, 0, stderr);
      const [id] = /\d+/.exec(stdout) ?? [];
      const outputs = indices?.map((index) => `tq-${id}[${index}].out`) ?? [`tq-${id}.out`];
      const tail = start(["tail", "-n", "+1", "-F", ...outputs], { sandbox, env });
      tails.push(tail);
      return tail;
    },
    async [Symbol.asyncDispose]() {
      const { stdout } = await tq("jobs");
      for (const [, id = ""] of stdout.matchAll(/^job (\d+(?:\[\d+\])?)$/gm)) {
        await tq("cancel", id);
      }
      for (const tail of tails) await tail[Symbol.asyncDispose]();
      await home[Symbol.asyncDispose]();
    },
  };
  if (options.added !== false) {
    const { code, stderr } = await self.rdg("plugin", "add", "--yes", `${examples}/tinyq`);
    assert.equal(code, 0, stderr);
  }
  return self;
}
