/**
 * `rdg plugin new`: a folder with a plugin that works, its case and its test, to begin with. Writes
 * that folder, and nothing over what is there.
 *
 * @module
 */

import { fileError } from "../_file_error.ts";
import type { Host } from "../_host.ts";
import { ExitCode, RdgError, usageError } from "../../plugins/error.ts";
import { FormError } from "../../plugins/drop_in/_check.ts";
import { pluginName } from "../../plugins/drop_in/forms.ts";
import contract from "../../plugins/contract.ts" with { type: "text" };
import { builtIn } from "./_places.ts";
import type { PluginOptions } from "./command.ts";
import editorPlugin from "./scaffold/editor/plugin.ts" with { type: "text" };
import editorTest from "./scaffold/editor/plugin_test.ts" with { type: "text" };
import editorCase from "./scaffold/editor/testdata/apply.json" with { type: "text" };
import editorFresh from "./scaffold/editor/testdata/fresh.json.txt" with { type: "text" };
import schedulerPlugin from "./scaffold/scheduler/plugin.ts" with { type: "text" };
import schedulerTest from "./scaffold/scheduler/plugin_test.ts" with { type: "text" };
import schedulerJobs from "./scaffold/scheduler/testdata/1.0-jobs.txt" with { type: "text" };
import schedulerCase from "./scaffold/scheduler/testdata/list.json" with { type: "text" };

const scaffolds = {
  scheduler: {
    "plugin.ts": schedulerPlugin,
    "plugin_test.ts": schedulerTest,
    "testdata/list.json": schedulerCase,
    "testdata/1.0-jobs.txt": schedulerJobs,
  },
  editor: {
    "plugin.ts": editorPlugin,
    "plugin_test.ts": editorTest,
    "testdata/apply.json": editorCase,
    "testdata/fresh.json.txt": editorFresh,
  },
} satisfies Record<"scheduler" | "editor", Readonly<Record<string, string>>>;

/**
 * Makes one.
 *
 * @param options The kind and the name.
 * @param host The world.
 * @returns 0.
 * @throws {RdgError} `usage` for a kind that there isn't, or a name that can't be had; `exists` where
 * there is such a folder.
 */
export async function make(options: PluginOptions, host: Host): Promise<number> {
  const [kind = "", name = ""] = options.words;
  if (kind !== "scheduler" && kind !== "editor") {
    throw usageError(
      `Cannot make a "${kind}": a plugin is a scheduler or an editor`,
      `rdg plugin new scheduler ${name}`,
    );
  }
  try {
    pluginName(name, "it");
  } catch (error) {
    if (!(error instanceof FormError)) throw error;
    throw usageError(
      `Cannot call a plugin "${name}": want lower-case letters, digits and -`,
      `rdg plugin new ${kind} NAME`,
    );
  }
  if (builtIn()[kind].includes(name)) {
    throw usageError(
      `Cannot call a plugin "${name}": a built-in ${kind} has that name`,
      `rdg plugin new ${kind} my-${name}`,
    );
  }
  const folder = `${host.cwd()}/${name}`;
  try {
    await Deno.mkdir(folder);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) {
      throw fileError("write", folder, { cause: error, hint: "go to a folder that you can write" });
    }
    throw new RdgError(`Cannot make "${folder}": it is there already`, {
      code: "exists",
      exitCode: ExitCode.generic,
      hint: "take another name, or another folder",
    });
  }
  try {
    await fill(folder, { kind, name });
  } catch (cause) {
    const hint = "take away what is there, then do it again in another folder";
    throw fileError("write", folder, { cause, hint });
  }
  host.terminal.say(`Made ${folder}`);
  host.terminal.say(
    `Next: edit ${name}/plugin.ts; rdg plugin test ./${name}; rdg plugin add ./${name}`,
  );
  return ExitCode.ok;
}

/** Writes the files of a new plugin. */
async function fill(
  folder: string,
  { kind, name }: { kind: keyof typeof scaffolds; name: string },
): Promise<void> {
  await Deno.mkdir(`${folder}/testdata`);
  const variable = name.toUpperCase().replaceAll("-", "_");
  for (const [path, text] of Object.entries({ ...scaffolds[kind], "contract.ts": contract })) {
    const own = text.replaceAll("../../../../plugins/contract.ts", "./contract.ts")
      .replaceAll("exampleq", name).replaceAll("EXAMPLEQ", variable);
    await Deno.writeTextFile(`${folder}/${path}`, own, { createNew: true });
  }
}
