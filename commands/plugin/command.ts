/**
 * `rdg plugin`: the person's own plugins: adds, lists, updates and removes them, makes new ones and
 * tests them. Touches `${XDG_CONFIG_HOME:-~/.config}/rdg/plugins`, runs `git` for repositories, and
 * Deno without permissions for the plugins.
 *
 * @module
 */

import { type CommandMeta, parseWords } from "../_args.ts";
import { closest } from "../_args.ts";
import type { Host } from "../_host.ts";
import { usageError } from "../../plugins/error.ts";

/** What the command says about itself. */
export const meta: CommandMeta = {
  name: "plugin",
  summary: "Add, list, update, remove, make and test plugins of your own",
  usage: "add|list|update|remove|new|test [flags] …",
  flags: {
    yes: { type: "boolean", short: "y", help: "add, update: don't ask" },
    force: {
      type: "boolean",
      help:
        "add: replace one of the same name; update, remove: also what was put or changed there " +
        "by hand",
    },
    json: { type: "boolean", help: "list: print one JSON object" },
  },
  examples: [
    ["rdg plugin add ./tinyq", "a folder with plugin.ts, or such a file"],
    ["rdg plugin add ada/rdg-tinyq@v2", "a repository on GitHub, at a tag, branch or commit"],
    ["rdg plugin add https://example.com/tinyq.git", "any repository, by https or ssh"],
    ["rdg plugin list", "what is there, and what is wrong with it"],
    ["rdg plugin new scheduler tinyq", "a folder to begin with"],
    ["rdg plugin test ./tinyq", "load it as rdg would, and run its cases"],
  ],
};

const actions = ["add", "list", "update", "remove", "new", "test", "sandbox"] as const;

/** What was typed. */
export interface PluginOptions {
  /** What to do. */
  action: typeof actions[number];
  /** The words after it. */
  words: string[];
  /** Don't ask. */
  yes: boolean;
  /** Go over what is there. */
  force: boolean;
  /** One JSON object instead of a table. */
  json: boolean;
}

/** How many words each takes. */
const wanted: Readonly<Record<typeof actions[number], readonly [number, number, string]>> = {
  add: [1, 1, "rdg plugin add PATH|GIT-URL|OWNER/REPO"],
  list: [0, 0, "rdg plugin list"],
  update: [0, Infinity, "rdg plugin update [NAME…]"],
  remove: [1, Infinity, "rdg plugin remove NAME…"],
  new: [2, 2, "rdg plugin new scheduler|editor NAME"],
  test: [1, 1, "rdg plugin test NAME|PATH"],
  sandbox: [0, 0, "rdg plugin list"],
};

/**
 * Reads the command line.
 *
 * @param argv The words after `plugin`.
 * @returns The options.
 * @throws {RdgError} `usage` when it makes no sense.
 */
export function parse(argv: readonly string[]): PluginOptions {
  const { values, words: [first, ...words] } = parseWords(argv, meta);
  if (first === undefined) {
    throw usageError('Cannot run "rdg plugin": it does not say what to do', "rdg plugin --help");
  }
  const action = actions.find((name) => name === first);
  if (action === undefined) {
    const guess = closest(first, actions.slice(0, -1));
    throw usageError(
      `Cannot run "rdg plugin ${first}": there is no such word`,
      guess ? `rdg plugin ${guess}` : "rdg plugin --help",
    );
  }
  const [least, most, hint] = wanted[action];
  if (words.length < least || words.length > most || words.includes("")) {
    throw usageError(
      `Cannot run "rdg plugin ${action}" with ${words.length} words after it`,
      hint,
    );
  }
  return {
    action,
    words,
    yes: values.yes === true,
    force: values.force === true,
    json: values.json === true,
  };
}

/**
 * Does it.
 *
 * @param options What was typed.
 * @param host The world.
 * @returns 0; 1 where `test` found something.
 */
export async function run(options: PluginOptions, host: Host): Promise<number> {
  switch (options.action) {
    case "add":
      return await (await import("./add.ts")).add(options, host);
    case "list":
      return await (await import("./list.ts")).list(options, host);
    case "update":
      return await (await import("./update.ts")).update(options, host);
    case "remove":
      return await (await import("./remove.ts")).remove(options, host);
    case "new":
      return await (await import("./new.ts")).make(options, host);
    case "test":
      return await (await import("./test.ts")).test(options, host);
    case "sandbox":
      return await beSandbox();
  }
}

/**
 * Becomes the process in which a plugin runs: how a compiled rdg, which brings no `deno`, does it
 * (`plugins/drop_in/_process.ts`). Gives every permission back first.
 */
async function beSandbox(): Promise<number> {
  const { watch } = await import("../../plugins/drop_in/_watch.ts");
  const { insideUrl } = await import("../../plugins/drop_in/_process.ts");
  const kinds = ["run", "ffi", "net", "env", "sys", "write", "read", "import"] as const;
  for (const name of kinds) {
    Deno.permissions.revokeSync({ name } as Deno.PermissionDescriptor);
  }
  await watch(insideUrl);
  return 0;
}
