/**
 * The contract's checks on any scheduler: what it asks for, and what it makes of failures. Pure but for
 * asking the plugin.
 *
 * @module
 */

import type { RunOutput } from "../../../plugins/contract.ts";
import { PluginFailure } from "../../../plugins/drop_in/failure.ts";
import { schedulerResults } from "../../../plugins/drop_in/results.ts";
import type { Caller, Manifest } from "../../../plugins/drop_in/stand_in.ts";
import type { PluginCheck } from "../test.ts";

const target = { job: "123", nodes: ["n1", "n2"], jobNodes: ["n1", "n2"] };
const command = ["python3", "-c", "print('a b')", "--x=1"];
const failed: RunOutput = { code: 1, stdout: "", stderr: "cannot reach the server\n" };
const rubbish: RunOutput = { code: 0, stdout: "\u0000<html>\ufffd | ,,\t\n{[", stderr: "" };

/** Functions that give steps, with what they are given. */
const withSteps = {
  list: [{ user: "ada" }],
  lookup: ["123"],
  clusterName: [],
  output: ["123"],
} as const;

/** Functions that give something to run, or nothing, with what they are given. */
const withSpec = {
  helper: [target, command],
  relay: [{ ...target, nodes: ["n1"] }, command],
  broadcast: [{ job: "123", signal: 40 }],
} as const;

/**
 * Makes the checks for the functions that a scheduler has.
 *
 * @param manifest The scheduler.
 * @returns The checks.
 */
export function schedulerChecks({ functions }: Manifest): PluginCheck[] {
  const checks: PluginCheck[] = [];
  for (const [name, args] of Object.entries(withSteps)) {
    if (!functions.includes(name)) continue;
    checks.push({
      title: `${name}() asks for declared programs`,
      run: (caller) => stepsOf(caller, { name, args, output: rubbish }),
    }, {
      title: name === "list"
        ? "list() says so when a program fails"
        : `${name}() survives a program that fails`,
      run(caller) {
        const end = stepsOf(caller, { name, args, output: failed });
        if (name === "list" && "value" in end && end.asked.length > 0) {
          throw new Error("a program that fails with code 1 passes for a list of jobs");
        }
        return end;
      },
    });
  }
  for (const [name, args] of Object.entries(withSpec)) {
    if (!functions.includes(name)) continue;
    checks.push({
      title: `${name}() gives a declared program, and all of the command`,
      run(caller) {
        const result = schedulerResults[name as keyof typeof withSpec];
        const spec = caller.call(name, args, result);
        const said = [...spec?.args ?? [], spec?.stdin ?? ""].join("\n");
        if (spec && name !== "broadcast" && !carries(said)) {
          throw new Error(`the words of the command are not in it: ${command.join(" ")}`);
        }
        return spec;
      },
    });
  }
  if (functions.includes("helperFailure")) {
    const spec = { program: "x", args: [] };
    checks.push({
      title: "helperFailure() survives any failure",
      run: (caller) =>
        [failed, { ...rubbish, code: 255 }].map((output) =>
          caller.call("helperFailure", [output, spec], schedulerResults.helperFailure)
        ),
    });
  }
  if (functions.includes("canonicalId")) {
    checks.push({
      title: "canonicalId() of its own result is the same",
      run(caller) {
        const of = (id: string) => caller.call("canonicalId", [id], schedulerResults.canonicalId);
        if (of(of("123")) !== of("123")) throw new Error("it changes its own result");
        return of("123");
      },
    });
  }
  return checks;
}

/** Whether the command is in there, as words or quoted for a shell or encoded as a whole. */
function carries(said: string): boolean {
  return said.includes("python3") || /[A-Za-z0-9+/=]{40,}/.test(said);
}

/** Runs steps to their end, each program with the same outcome. */
function stepsOf(
  caller: Caller,
  { name, args, output }: { name: string; args: readonly unknown[]; output: RunOutput },
): { asked: unknown[]; value: unknown } | { asked: unknown[]; threw: string } {
  const asked: unknown[] = [];
  const result = schedulerResults[name as keyof typeof withSteps];
  try {
    const steps = caller.steps<unknown>(name, args, result);
    let next = steps.next();
    while (!next.done) {
      if (asked.length >= 50) throw new Error("it asks for one program after the other, for ever");
      asked.push(next.value);
      next = steps.next(output);
    }
    return { asked, value: next.value };
  } catch (error) {
    if (error instanceof PluginFailure || asked.length >= 50) throw error;
    return { asked, threw: error instanceof Error ? error.message : String(error) };
  }
}
