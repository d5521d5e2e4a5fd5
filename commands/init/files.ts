/**
 * The few things that `rdg init` does with files, so that a test can hand in a disk made of literals.
 * {@linkcode systemFiles} is the real one: it replaces files atomically, keeps their mode, group and
 * hard links, and never writes over what it hasn't seen.
 *
 * @module
 */

/** What is found at a path; links are not followed. */
export type Kind = "file" | "folder" | "link" | "other";

/** Says that a file is not as it was when it was read. */
export class ChangedError extends Error {
  /**
   * Makes the error.
   *
   * @param path The file.
   */
  constructor(path: string) {
    super(`"${path}" changed in the meantime`);
    this.name = "ChangedError";
  }
}

/** A disk. */
export interface Files {
  /** What is there; `null` for nothing. */
  kind(path: string): Promise<Kind | null>;
  /** Size in bytes; links are followed. */
  size(path: string): Promise<number>;
  /** The path with all links resolved. @throws {Deno.errors.NotFound} for a link to nowhere. */
  realPath(path: string): Promise<string>;
  /** What a symbolic link says that it leads to. */
  readLink(path: string): Promise<string>;
  /** How many names (hard links) a file has. */
  names(path: string): Promise<number>;
  /** Names in a folder; none where there is no such folder. */
  list(folder: string): Promise<string[]>;
  /** Whether it is a file that may be run. */
  executable(path: string): Promise<boolean>;
  /** A file's bytes. */
  read(path: string): Promise<Uint8Array>;
  /**
   * Writes a file at once or not at all, keeping the mode of one that is there. One with several names
   * is written into, so that all of them stay names of it.
   *
   * @throws {ChangedError} when it doesn't hold `before` any more (`null`: isn't there).
   */
  write(path: string, options: { bytes: Uint8Array; before: Uint8Array | null }): Promise<void>;
  /** Removes a file. @throws {ChangedError} when it doesn't hold `before` any more. */
  remove(path: string, before: Uint8Array): Promise<void>;
  /** Copies a file to the first free name of `path.bak`, `path.bak.1`, …; returns that name. */
  setAside(path: string, bytes: Uint8Array): Promise<string>;
  /** Makes a folder and those above it; returns the ones that weren't there, outermost first. */
  makeFolder(path: string): Promise<string[]>;
  /** Removes a folder if it is empty. */
  removeEmptyFolder(path: string): Promise<void>;
}

/** The real disk. */
export const systemFiles: Files = {
  async kind(path) {
    try {
      const info = await Deno.lstat(path);
      return info.isSymlink ? "link" : info.isDirectory ? "folder" : info.isFile ? "file" : "other";
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
        return null;
      }
      throw error;
    }
  },
  size: async (path) => (await Deno.stat(path)).size,
  realPath: (path) => Deno.realPath(path),
  readLink: (path) => Deno.readLink(path),
  names: async (path) => (await Deno.stat(path)).nlink ?? 1,
  async list(folder) {
    try {
      return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
    } catch (error) {
      if (
        error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory ||
        error instanceof Deno.errors.PermissionDenied
      ) return [];
      throw error;
    }
  },
  async executable(path) {
    try {
      const { isFile, mode } = await Deno.stat(path);
      return isFile && ((mode ?? 0o111) & 0o111) !== 0;
    } catch {
      return false;
    }
  },
  read: (path) => Deno.readFile(path),
  write,
  async remove(path, before) {
    await expectBytes(path, before);
    await Deno.remove(path);
  },
  async setAside(path, bytes) {
    const { mode } = await Deno.stat(path);
    for (let count = 0;; count++) {
      const name = `${path}.bak${count ? `.${count}` : ""}`;
      try {
        await writeNew(name, { bytes, mode: mode === null ? null : mode & 0o7777 });
        return name;
      } catch (error) {
        if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      }
    }
  },
  async makeFolder(path) {
    const made: string[] = [];
    for (let at = path; await this.kind(at) === null; at = parentOf(at)) made.unshift(at);
    await Deno.mkdir(path, { recursive: true });
    return made;
  },
  async removeEmptyFolder(path) {
    try {
      await Deno.remove(path);
    } catch (error) {
      // The system says "not empty" in its own words; an empty folder that stays does no harm.
      if (!(error instanceof Error)) throw error;
    }
  },
};

/** The folder above. */
export function parentOf(path: string): string {
  return path.replace(/\/+[^/]*\/*$/, "") || "/";
}

async function write(
  path: string,
  options: { bytes: Uint8Array; before: Uint8Array | null },
): Promise<void> {
  const { bytes, before } = options;
  if (before !== null) await expectBytes(path, before);
  const old = before === null ? null : await Deno.stat(path);
  // A file that may not be written stays, though its folder would let it be replaced.
  if (old) (await Deno.open(path, { write: true })).close();
  if (before !== null && (old?.nlink ?? 1) > 1) return await writeInto(path, { bytes, before });
  const name = path.slice(path.lastIndexOf("/") + 1);
  const temporary = `${parentOf(path)}/.${name}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  try {
    const mode = old?.mode ?? null;
    await writeNew(temporary, { bytes, mode: mode === null ? null : mode & 0o7777 });
    if (old && old.gid !== null) await keepGroup(temporary, old.gid);
    if (before !== null) {
      await expectBytes(path, before);
      await Deno.rename(temporary, path);
    } else {
      await moveToNew(temporary, path);
    }
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

/** Writes into a file that is there; where that fails (a full disk) it holds what it did. */
async function writeInto(
  path: string,
  { bytes, before }: { bytes: Uint8Array; before: Uint8Array },
): Promise<void> {
  using file = await Deno.open(path, { write: true });
  try {
    await fill(file, bytes);
  } catch (error) {
    await fill(file, before);
    throw error;
  }
}

/** Makes these bytes all that a file holds, down to the disk. */
async function fill(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  await file.seek(0, Deno.SeekMode.Start);
  let rest = bytes;
  while (rest.length > 0) rest = rest.subarray(await file.write(rest));
  await file.truncate(bytes.length);
  await file.sync();
}

/** Writes a file that must not be there yet, down to the disk. */
async function writeNew(
  path: string,
  options: { bytes: Uint8Array; mode: number | null },
): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true });
  await fill(file, options.bytes);
  if (options.mode !== null) await Deno.chmod(path, options.mode);
}

/** A file in a folder that a group shares stays the group's; where that isn't allowed, it doesn't. */
async function keepGroup(path: string, gid: number): Promise<void> {
  try {
    if ((await Deno.stat(path)).gid !== gid) await Deno.chown(path, null, gid);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
}

/** Gives a file its name unless the name has been taken since; a rename would go over it. */
async function moveToNew(from: string, to: string): Promise<void> {
  try {
    await Deno.link(from, to);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) throw new ChangedError(to);
    // Some file systems know no hard links.
    if (await systemFiles.kind(to) !== null) throw new ChangedError(to);
    await Deno.rename(from, to);
    return;
  }
  await Deno.remove(from);
}

async function expectBytes(path: string, before: Uint8Array): Promise<void> {
  let now: Uint8Array;
  try {
    now = await Deno.readFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new ChangedError(path);
    throw error;
  }
  if (now.length !== before.length || now.some((byte, index) => byte !== before[index])) {
    throw new ChangedError(path);
  }
}
