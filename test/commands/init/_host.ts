/**
 * A host and a disk made of literals, for tests of `rdg init`. Touches nothing.
 *
 * @module
 */

import type { Host } from "../../../commands/_host.ts";
import type { InitParts } from "../../../commands/init/command.ts";
import { ChangedError, type Files, parentOf } from "../../../commands/init/files.ts";

/** A disk: a text is a file, `null` a folder, a link has a target. */
export type Disk = Record<string, string | null | { link: string } | { program: true }>;

const encoder = new TextEncoder();

/** Makes files out of a table; what is written goes into the table. */
export function memoryFiles(disk: Disk): Files {
  const names = () => [...Object.keys(disk), ...Object.keys(disk).flatMap(above)];
  const find = (path: string) => {
    const entry = disk[path];
    if (typeof entry === "object" && entry !== null && "link" in entry) return disk[entry.link];
    return entry;
  };
  const text = (path: string): string => {
    const entry = find(path);
    if (typeof entry !== "string") throw new Deno.errors.NotFound(path);
    return entry;
  };
  const expect = (path: string, before: Uint8Array) => {
    if (text(path) !== new TextDecoder("utf-8", { ignoreBOM: true }).decode(before)) {
      throw new ChangedError(path);
    }
  };
  return {
    kind(path) {
      const entry = disk[path];
      if (entry === undefined) return Promise.resolve(names().includes(path) ? "folder" : null);
      if (entry === null) return Promise.resolve("folder");
      return Promise.resolve(typeof entry === "object" && "link" in entry ? "link" : "file");
    },
    size: (path) => Promise.resolve(text(path).length),
    realPath(path) {
      const entry = disk[path];
      if (typeof entry === "object" && entry !== null && "link" in entry) {
        return disk[entry.link] === undefined
          ? Promise.reject(new Deno.errors.NotFound(path))
          : Promise.resolve(entry.link);
      }
      return Promise.resolve(path);
    },
    readLink(path) {
      const entry = disk[path];
      return typeof entry === "object" && entry !== null && "link" in entry
        ? Promise.resolve(entry.link)
        : Promise.reject(new Error("it is no link"));
    },
    names: () => Promise.resolve(1),
    list(folder) {
      const inside = names().filter((name) => parentOf(name) === folder && name !== "/");
      return Promise.resolve([...new Set(inside)].map((name) => name.slice(folder.length + 1)));
    },
    executable(path) {
      const entry = disk[path];
      return Promise.resolve(typeof entry === "object" && entry !== null && "program" in entry);
    },
    read: (path) => Promise.resolve(encoder.encode(text(path))),
    write(path, { bytes, before }) {
      if (before === null && find(path) !== undefined) {
        return Promise.reject(new ChangedError(path));
      }
      if (before !== null) expect(path, before);
      disk[path] = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
      return Promise.resolve();
    },
    remove(path, before) {
      expect(path, before);
      delete disk[path];
      return Promise.resolve();
    },
    setAside(path, bytes) {
      let name = `${path}.bak`;
      for (let count = 1; disk[name] !== undefined; count++) name = `${path}.bak.${count}`;
      disk[name] = new TextDecoder().decode(bytes);
      return Promise.resolve(name);
    },
    makeFolder: () => Promise.resolve([]),
    removeEmptyFolder(path) {
      delete disk[path];
      return Promise.resolve();
    },
  };
}

function above(path: string): string[] {
  const up = parentOf(path);
  return up === "/" ? ["/"] : [up, ...above(up)];
}

/** What a run wrote. */
export interface Written {
  /** stdout. */
  out: string;
  /** Lines of stderr. */
  said: string[];
}

/** Makes a host in a project folder, and keeps what is written. */
export function literalHost(
  env: Record<string, string>,
  options: { cwd?: string; interactive?: boolean; runner?: Host["runner"] } = {},
): { host: Host; written: Written } {
  const written: Written = { out: "", said: [] };
  const host: Host = {
    env: (name) => ({ HOME: "/home/ada", ...env })[name],
    terminal: {
      out: (text) => {
        written.out += text;
      },
      say: (line) => {
        written.said.push(line);
      },
      style: (_style, text) => text,
      interactive: options.interactive ?? false,
      live: false,
      columns: 80,
    },
    runner: options.runner ?? (() => Promise.reject(new Error("there is no such program"))),
    cwd: () => options.cwd ?? "/home/ada/proj",
    hostname: () => "desk",
    user: () => "ada",
    now: () => 0,
    verbose: false,
  };
  return { host, written };
}

/** Parts with a disk of literals; asking fails unless answers are given. */
export function literalParts(disk: Disk, ask?: InitParts["ask"]): InitParts {
  return {
    files: memoryFiles(disk),
    ask: ask ?? (() => Promise.reject(new Error("nothing is to be asked"))),
  };
}
