/**
 * `rdg plugin test`: loads a plugin as rdg would, and runs the contract's checks and its own cases on
 * it. Reads the plugin and what lies beside it; starts it without permissions, nothing else.
 *
 * @module
 */

import { dropInPlaces } from "../_drop_ins.ts";
import type { Host } from "../_host.ts";
import { ExitCode, RdgError } from "../../plugins/error.ts";
import { PluginFailure } from "../../plugins/drop_in/failure.ts";
import { pluginFileIn, whoElse } from "../../plugins/drop_in/folder.ts";
import { takenName } from "../../plugins/drop_in/load.ts";
import { learn, readSource } from "../../plugins/drop_in/manifests.ts";
import { Caller, type Manifest, type Source } from "../../plugins/drop_in/stand_in.ts";
import { allPlugins, builtIn, byName, placesOf } from "./_places.ts";
import type { PluginOptions } from "./command.ts";
import { editorChecks } from "./checks/editor.ts";
import { schedulerChecks } from "./checks/scheduler.ts";
import { caseChecks } from "./checks/cases.ts";

/** One thing to check; it throws what is wrong. */
export interface PluginCheck {
  /** What is checked. */
  title: string;
  /** Checks it, and gives what the plugin said, to be compared with what it says another time. */
  run(caller: Caller): unknown;
}

/**
 * Tests one.
 *
 * @param options Its name, or its path.
 * @param host The world.
 * @returns 0 where all is well, else 1.
 * @throws {RdgError} where there is none.
 */
export async function test(options: PluginOptions, host: Host): Promise<number> {
  const [typed = ""] = options.words;
  const path = findFile(typed, host);
  const { say } = host.terminal;
  const bad = (text: string) => say(host.terminal.style("red", text));
  const known = learn(path);
  if ("reason" in known) {
    bad(`Cannot use the plugin in ${path}: ${known.reason}`);
    return ExitCode.generic;
  }
  const { data } = known;
  say(`Plugin "${data.name}" (${data.kind}), contract ${data.contract}: ${path}`);
  const kinds = data.kind === "scheduler" ? schedulerChecks(known) : editorChecks(data);
  const checks = [...kinds, ...await caseChecks(path, known)];
  using pair = new Pair({ ...known, path, read: () => readSource(path) });
  let wrong = 0;
  for (const check of checks) {
    const reason = pair.run(check);
    if (reason === null) say(`  ok      ${check.title}`);
    else {
      wrong++;
      bad(`  not ok  ${check.title}\n          ${reason}`);
    }
  }
  for (const warning of warnings(path, { known, host })) {
    say(host.terminal.style("yellow", `  note    ${warning}`));
  }
  say(wrong === 0 ? `${checks.length} checks, all well` : `${wrong} of ${checks.length} not well`);
  return wrong === 0 ? ExitCode.ok : ExitCode.generic;
}

/**
 * Runs checks on two starts of the plugin: one that remembers, or is not pure, says two things. Both
 * starts go through all checks, and the first through each of them twice: it has always more to remember.
 */
class Pair implements Disposable {
  readonly #source: Source;
  #starts: readonly [Caller, Caller];

  /** @param source The plugin. */
  constructor(source: Source) {
    this.#source = source;
    this.#starts = this.#fresh();
  }

  /** Why a check fails, or null. */
  run(check: PluginCheck): string | null {
    const [first, second] = this.#starts;
    try {
      const one = JSON.stringify(check.run(first));
      for (const again of [first, second]) {
        if (JSON.stringify(check.run(again)) !== one) return "it says something else a second time";
      }
      return null;
    } catch (error) {
      if (!(error instanceof PluginFailure)) {
        return error instanceof Error ? error.message : `${error}`;
      }
      // Its process may have ended; the next check is none the worse for it.
      this[Symbol.dispose]();
      this.#starts = this.#fresh();
      return error.reason;
    }
  }

  /** Ends both. */
  [Symbol.dispose](): void {
    for (const start of this.#starts) start[Symbol.dispose]();
  }

  #fresh(): readonly [Caller, Caller] {
    return [new Caller(this.#source), new Caller(this.#source)];
  }
}

function findFile(typed: string, host: Host): string {
  if (!/[/.]/.test(typed)) {
    const here = pluginFileIn(`${host.cwd()}/${typed}`) ? `rdg plugin test ./${typed}` : undefined;
    return byName(typed, allPlugins(placesOf(host)), here).entry.path ?? "";
  }
  const path = typed.startsWith("/") ? typed : `${host.cwd()}/${typed.replace(/^(?:\.\/+)+/, "")}`;
  let info: Deno.FileInfo | undefined;
  try {
    info = Deno.statSync(path);
  } catch {
    // Said below.
  }
  const file = info?.isDirectory ? pluginFileIn(path.replace(/\/+$/, "")) : info && path;
  if (file) return file;
  throw new RdgError(
    `Cannot test "${typed}": ${info ? "it has no plugin.ts" : "it is not there"}`,
    {
      code: "not-found",
      exitCode: ExitCode.notFound,
      hint: "rdg plugin test NAME, or ./FOLDER",
    },
  );
}

/** What keeps it from being used where it is, or under its name. */
function warnings(path: string, { known, host }: { known: Manifest; host: Host }): string[] {
  const clash = takenName(known.data, builtIn());
  const places = dropInPlaces(host.env);
  const open = places && path.startsWith(`${places.folder}/`) ? whoElse(path, places) : null;
  return [
    ...clash === undefined ? [] : [`"${clash}" is the name of a built-in ${known.data.kind}`],
    ...open === null ? [] : [open],
  ];
}
