/**
 * Where a plugin is to come from, by what was typed. Pure.
 *
 * @module
 */

import { usageError } from "../../plugins/error.ts";

/** A folder or file of this machine, or a repository. */
export type PluginSource =
  | { kind: "path"; path: string }
  | { kind: "git"; url: string; ref?: string };

/** A branch, a tag or a commit: nothing that `git` could take for a flag or a range. */
const goodRef = /^(?!.*(?:\.\.|@\{|\/\/|\.lock$))[\w][\w./+-]{0,199}$/;

/**
 * Reads what was typed.
 *
 * @param typed A path, a repository's address with `#REF`, or `OWNER/REPO[@REF]`.
 * @param isThere Says whether a path is there, seen from the current folder.
 * @returns The source.
 * @throws {RdgError} `usage` where it is none.
 */
export function parseSource(typed: string, isThere: (path: string) => boolean): PluginSource {
  if (typed.startsWith("-")) throw bad(typed, "it begins with a dash", `./${typed}`);
  const at = /^[\w.-]+@[\w.-]+:(?!\/\/)[^#]+(?:#(.*))?$/.exec(typed);
  if (/^[a-z][\w+.-]*:\/\//i.test(typed) || at || typed.includes("::")) return repository(typed);
  if (/^(?:\.{1,2}(?:\/|$)|\/|~\/)/.test(typed) || !typed.includes("/")) {
    return { kind: "path", path: typed };
  }
  const github = /^([\w][\w.-]*\/[\w][\w.-]*?)(?:\.git)?(?:@(.*))?$/.exec(typed);
  if (!github || /\.(?:ts|js|mjs)$/.test(typed)) return { kind: "path", path: typed };
  if (isThere(typed)) {
    throw bad(
      typed,
      "it may be this folder or a repository on GitHub",
      `./${typed}, or https://github.com/${typed}`,
    );
  }
  return withRef(`https://github.com/${github[1]}.git`, github[2], typed);
}

function repository(typed: string): PluginSource {
  const [url = "", ...rest] = typed.split("#");
  const ref = rest.length > 0 ? rest.join("#") : undefined;
  // deno-lint-ignore no-control-regex -- nothing of the kind belongs into an address
  if (/[\s\x00-\x1f]/.test(url)) throw bad(typed, "there is a blank in it");
  const scheme = /^([a-z][\w+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  const host = scheme === undefined
    ? url.slice(url.indexOf("@") + 1)
    : url.slice(scheme.length + 3).replace(/^[^/@]*@/, "");
  const known = scheme === undefined
    ? !url.includes("::")
    : ["https", "ssh", "file"].includes(scheme);
  if (!known) throw bad(typed, "plugins come by https or ssh", "https://…, or git@HOST:PATH");
  // git reads %2d as a dash.
  if (/^(?:-|%2d)/i.test(host)) throw bad(typed, "its host begins with a dash");
  return withRef(url, ref, typed);
}

function withRef(url: string, ref: string | undefined, typed: string): PluginSource {
  if (ref === undefined) return { kind: "git", url };
  if (!goodRef.test(ref)) throw bad(typed, `"${ref}" is no branch, tag or commit`);
  return { kind: "git", url, ref };
}

function bad(typed: string, why: string, hint?: string): Error {
  return usageError(
    `Cannot add "${typed}": ${why}`,
    hint ?? "rdg plugin add PATH | GIT-URL[#REF] | OWNER/REPO[@REF]",
  );
}
