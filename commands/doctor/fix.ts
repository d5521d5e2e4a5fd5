/**
 * `--fix`: fills rdg's cache of debugpy, and closes the state folder to others. Starts interpreters,
 * which start pip or uv; writes the cache; changes the mode of rdg's own folders, nothing else.
 *
 * @module
 */

import type { Host } from "../_host.ts";
import { quoteWord } from "../../plugins/host.ts";
import { fillSpec, type Interpreter, readFilled, wantsOldDebugpy } from "../../python/examine.ts";
import { installAgent } from "../../python/launch.ts";
import type { FolderFacts } from "./home.ts";

/** What was tried to mend. */
export interface Fix {
  /** What, as in "debugpy for /usr/bin/python3". */
  what: string;
  /** Whether it is mended now. */
  done: boolean;
  /** What happened, one line. */
  text: string;
  /** What to do where it is not mended. */
  todo?: string;
  /** The last lines of what failed. */
  cause?: string[];
}

/**
 * Fills the cache for one interpreter. The copy appears whole or not at all.
 *
 * @param answer The interpreter.
 * @param options rdg's cache ("" for the one of the system's home), a folder of wheels, whether rdg runs in a job without having been told
 * which interpreter, and the world.
 * @returns What came of it.
 */
export async function fillCache(
  answer: Interpreter,
  options: { cache: string; wheels: string | undefined; refuse: boolean; host: Host },
): Promise<Fix> {
  const { cache, wheels, refuse, host } = options;
  const what = `debugpy for ${answer.executable}`;
  if (answer.own) return { what, done: true, text: "its own environment has one: nothing to do" };
  if (answer.cached) return { what, done: true, text: `already in ${answer.cached.folder}` };
  const python = quoteWord(answer.executable);
  if (refuse) {
    return {
      what,
      done: false,
      text: "left alone: inside a job rdg fetches nothing unless you name the interpreter",
      todo: `rdg doctor --fix ${python}, best on the login node`,
    };
  }
  const failed = (cause: string[]): Fix => ({
    what,
    done: false,
    text: reason(cause, wheels),
    todo: advice(answer, { wheels, cause }),
    cause,
  });
  try {
    const site = await installAgent({
      cache: cache || null,
      temporary: host.env("TMPDIR") || "/tmp",
      uid: Deno.uid(),
    });
    const agent = site.replace(/\/remote_debug\/_site$/, "");
    const output = await host.runner(fillSpec(answer.executable, { agent, cache, wheels }));
    const failure = readFilled(output);
    return failure ? failed(failure) : { what, done: true, text: `now in ${answer.copy}` };
  } catch (error) {
    return failed([error instanceof Error ? error.message : String(error)]);
  }
}

function reason(cause: readonly string[], wheels: string | undefined): string {
  const text = cause.join("\n");
  if (/No space left|quota/i.test(text)) return "there is no room for it";
  if (/Permission denied|Read-only/i.test(text)) return "rdg's cache cannot be written";
  if (hasNoPip(cause)) {
    return "this interpreter has no pip, and uv is not on PATH";
  }
  if (wheels !== undefined) return `no wheel that fits this Python was found in ${wheels}`;
  if (/No matching distribution|connection|resolve|network|timed out|index/i.test(text)) {
    return "pip could not fetch it: is there internet here?";
  }
  return "it could not be fetched";
}

function hasNoPip(cause: readonly string[]): boolean {
  return cause.every((line) => /No module named '?pip\b/.test(line));
}

/** How to go on without pip, and without internet. */
function advice(
  answer: Interpreter,
  { wheels, cause }: { wheels: string | undefined; cause: readonly string[] },
): string {
  const python = quoteWord(answer.executable);
  if (/No space left|quota|Permission denied|Read-only/i.test(cause.join("\n"))) {
    return "set XDG_CACHE_HOME to a folder with room that you can write and that the compute " +
      "nodes see";
  }
  if (hasNoPip(cause)) {
    return `${python} -m ensurepip, or put uv on PATH`;
  }
  const [major, minor] = answer.version;
  const old = wantsOldDebugpy(answer);
  const platform = `${old ? "manylinux2014" : "manylinux_2_34"}_${answer.machine}`;
  const download =
    `pip download --no-deps --only-binary :all: --python-version ${major}.${minor} ` +
    `--platform ${platform} -d wheels ${old ? "'debugpy<1.8.17'" : "debugpy"}`;
  return wheels === undefined
    ? `where there is internet: ${download}; copy the folder here; rdg doctor --fix --wheels ` +
      `wheels ${python}`
    : `fill it where there is internet: ${download}`;
}

/**
 * Closes rdg's state folder to others.
 *
 * @param facts The folder as it was.
 * @param uid The person's number; null where there is none.
 * @returns What came of it; null where nothing had to be done.
 */
export async function closeFolder(facts: FolderFacts, uid: number | null): Promise<Fix | null> {
  const { path, mode } = facts;
  if (!facts.exists || mode === null || (mode & 0o077) === 0) return null;
  const what = `mode of ${path}`;
  const info = await Deno.lstat(path);
  if (info.isSymlink || (uid !== null && info.uid !== uid)) {
    return {
      what,
      done: false,
      text: info.isSymlink ? "left alone: it is a link" : `left alone: it belongs to ${info.uid}`,
      todo: "set RDG_STATE_DIR to a folder of your own",
    };
  }
  await Deno.chmod(path, 0o700);
  return { what, done: true, text: `0700 now, ${mode.toString(8).padStart(4, "0")} before` };
}
