/**
 * `rdg init`: puts rdg's attach configurations into the files of the person's editors, and takes them
 * out again. Touches the files that the editors' plugins name, and nothing else in them; looks at
 * PATH, HOME, XDG_CONFIG_HOME, PWD and the variables by which editors show themselves.
 *
 * @module
 */

import type { CommandMeta } from "../_args.ts";
import { parseWords } from "../_args.ts";
import { hasDropIns, type Host } from "../_host.ts";
import type { AttachProfile, EditorPlugin } from "../../plugins/contract.ts";
import { editors } from "../../plugins/editors.ts";
import { ExitCode, RdgError, usageError } from "../../plugins/error.ts";
import { runSteps } from "../../plugins/host.ts";
import { editorsByName, findEditors } from "./detect.ts";
import { unifiedDiff } from "./diff.ts";
import { type Files, systemFiles } from "./files.ts";
import { planChanges, type Task } from "./plan.ts";
import { attachProfile } from "./profile.ts";
import { type Surroundings, surroundings } from "./places.ts";
import { printFresh, report } from "./report.ts";
import { makeChanges } from "./write.ts";

/** What the command says about itself. */
export const meta: CommandMeta = {
  name: "init",
  summary: "Make your editor ready to attach",
  usage: "[--editor=NAME,…] [--remove] [--print | --dry-run] [--force]",
  flags: {
    editor: {
      type: "string",
      short: "e",
      value: "NAME,…",
      multiple: true,
      help: `Editors to set up, instead of those found: ${editors.map((p) => p.name).join(", ")}`,
    },
    remove: { type: "boolean", help: "Take out what rdg init added, and nothing else" },
    print: { type: "boolean", help: "Print what to add by hand; touch no file" },
    "dry-run": { type: "boolean", help: "Show what would change, as a diff; touch no file" },
    force: {
      type: "boolean",
      help: "Replace (or take out) entries of rdg's names that were changed by hand; work in the " +
        "home folder; set aside a launch.json that isn't UTF-8",
    },
  },
  examples: [
    ["rdg init", "Set up the editors that this project or this terminal shows"],
    ["rdg init --editor=neovim,zed", "Set up these two"],
    ["rdg init --dry-run", "Show the diff first"],
    ["rdg init --remove", "Take everything out again"],
  ],
};

/** What was typed. */
export interface InitOptions {
  /** Names of editors; none: those that are found. */
  editors: string[];
  /** Take out instead of adding. */
  remove: boolean;
  /** Print what to add by hand. */
  print: boolean;
  /** Show a diff. */
  dryRun: boolean;
  /** Go over hand-made changes. */
  force: boolean;
}

/** What the command needs besides the host; a test hands in its own. */
export interface InitParts {
  /** The disk. */
  files: Files;
  /** Asks a person which editors to set up. */
  ask(
    plugins: readonly EditorPlugin[],
    installed: readonly EditorPlugin[],
  ): Promise<EditorPlugin[]>;
}

const systemParts: InitParts = {
  files: systemFiles,
  ask: async (plugins, installed) => (await import("./ask.ts")).askEditors(plugins, installed),
};

/**
 * Reads the command line.
 *
 * @param argv The words after `init`.
 * @returns The options.
 * @throws {RdgError} `usage` for flags that don't go together, and words that are no flags.
 */
export function parse(argv: readonly string[]): InitOptions {
  const { values, words } = parseWords(argv, meta);
  const [word] = words;
  if (word !== undefined) {
    throw usageError(`Cannot run "rdg init ${word}": it takes only flags`, `--editor=${word}`);
  }
  const given = [values.editor ?? []].flat().filter((value) => typeof value === "string");
  const names = given.flatMap((value) => value.split(",")).map((name) => name.trim())
    .filter((name) => name !== "");
  if (given.length > 0 && names.length === 0) {
    throw usageError(`Cannot use "--editor=${given.join(",")}": it names no editor`);
  }
  if (values.print && (values.remove || values["dry-run"])) {
    throw usageError(`Cannot use "--print" with "--${values.remove ? "remove" : "dry-run"}"`);
  }
  return {
    editors: names,
    remove: values.remove === true,
    print: values.print === true,
    dryRun: values["dry-run"] === true,
    force: values.force === true,
  };
}

/**
 * Does it.
 *
 * @param options What was typed.
 * @param host The world.
 * @param parts The disk, and how to ask.
 * @returns 0.
 * @throws {RdgError} for an unknown editor, the home folder, and files that can't be read or written.
 */
export async function run(
  options: InitOptions,
  host: Host,
  parts: InitParts = systemParts,
): Promise<number> {
  const own = hasDropIns(host.env)
    ? (await import("../_drop_ins.ts")).openDropIns(host, { editors }).editors
    : [];
  let known = [...editors, ...own];
  while (true) {
    try {
      return await setUp(options, { host, parts, known });
    } catch (error) {
      const guilty = own.find(({ name }) => name === guiltyName(error));
      const wanted = editorsByName(options.editors, known);
      const others = wanted.filter((plugin) => plugin !== guilty);
      // Nothing is written before every new text is there, so all can be done again without it.
      if (!guilty || wanted.length > 0 && others.length === 0) throw error;
      host.terminal.say(
        host.terminal.style("yellow", `Passed over ${guilty.title}: ${(error as Error).message}`),
      );
      known = known.filter((plugin) => plugin !== guilty);
      options = { ...options, editors: others.map(({ name }) => name) };
    }
  }
}

/** The plugin of the person's own that is at fault, if one is. */
function guiltyName(error: unknown): unknown {
  return error instanceof RdgError && "plugin" in error ? error.plugin : undefined;
}

async function setUp(
  options: InitOptions,
  { host, parts, known }: { host: Host; parts: InitParts; known: readonly EditorPlugin[] },
): Promise<number> {
  const named = editorsByName(options.editors, known);
  const around = await surroundings(host, parts.files);
  if (!options.remove && !options.print && !options.force) await refuseHome(around);
  const realRoot = await parts.files.realPath(around.root);
  const profile = attachProfile({ localRoot: around.root, realRoot });
  const chosen = named.length > 0
    ? named
    : options.remove
    ? known
    : await chooseEditors({ around, profile }, { host, parts, known });
  const checked = !options.remove && !options.print && !options.force;
  const plugins = checked ? await withoutObstacles(chosen, host) : chosen;
  if (options.print) return printFresh(plugins, { profile, around, host });
  const action = options.remove ? "remove" : "apply";
  const task: Task = { plugins, profile, action, force: options.force };
  if (options.dryRun) {
    for (const { shown, before, after, notes } of await planChanges(task, around)) {
      host.terminal.out(unifiedDiff(shown, { before: before?.text ?? null, after }));
      for (const note of notes) host.terminal.say(note);
    }
    host.terminal.say("Nothing was written (--dry-run)");
    return ExitCode.ok;
  }
  report(await makeChanges(task, around), { task, around, host, named: named.length > 0 });
  return ExitCode.ok;
}

/** An editor's folder at home, or at the very top, would be taken for everything below it. */
async function refuseHome({ root, home, files }: Surroundings): Promise<void> {
  const real = await files.realPath(root);
  const homes = home === undefined ? [] : [home, await files.realPath(home).catch(() => home)];
  if (real !== "/" && !homes.includes(real)) return;
  throw usageError(
    `Cannot set up "${root}": it is ${
      real === "/" ? "the top folder" : "your home folder"
    }, not a project`,
    "cd to the project first; --force does it here all the same",
  );
}

/** Leaves out editors whose installed version can't take the file. */
async function withoutObstacles(
  plugins: readonly EditorPlugin[],
  host: Host,
): Promise<EditorPlugin[]> {
  const fine: EditorPlugin[] = [];
  for (const plugin of plugins) {
    const steps = plugin.obstacle?.();
    const why = steps ? await runSteps(steps, { plugin, runner: host.runner }) : null;
    if (why === null) {
      fine.push(plugin);
      continue;
    }
    if (plugins.length === 1) {
      throw new RdgError(`Cannot set up ${plugin.title}: ${why}`, {
        code: "too-old",
        exitCode: ExitCode.generic,
        hint: "install a newer version; --force writes the file all the same",
      });
    }
    host.terminal.say(`${plugin.title} is left out: ${why} (--force writes it all the same)`);
  }
  return fine;
}

/** Which editors to set up where none was named. */
async function chooseEditors(
  where: { around: Surroundings; profile: AttachProfile },
  { host, parts, known }: { host: Host; parts: InitParts; known: readonly EditorPlugin[] },
): Promise<readonly EditorPlugin[]> {
  const { sure, hints } = await findEditors(known, where);
  if (sure.length > 0) return sure;
  const [only] = hints;
  const files = new Set(hints.map((plugin) => JSON.stringify(plugin.files)));
  if (only && files.size === 1) return hints;
  const vscode = known.filter(({ name }) => name === "vscode");
  if (hints.length > 0 && host.terminal.interactive) return await parts.ask(known, hints);
  if (hints.length > 0) {
    const names = hints.map(({ name }) => name).join(",");
    host.terminal.say(
      `Several editors are installed; setting up VS Code. Others: --editor=${names}`,
    );
  }
  return vscode;
}
