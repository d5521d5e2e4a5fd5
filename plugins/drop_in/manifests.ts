/**
 * What is known of drop-in plugins without starting them: what each says of itself, kept in
 * `${XDG_CACHE_HOME:-~/.cache}/rdg/plugins.json` for as long as its file stays the same.
 *
 * @module
 */

import denoConfig from "../../deno.json" with { type: "json" };
import { FormError } from "./_check.ts";
import { oneLine } from "./_plain.ts";
import { PluginFailure } from "./failure.ts";
import { maxBytes } from "./folder.ts";
import { checkPlugin } from "./forms.ts";
import { Sandbox } from "./sandbox.ts";
import type { Manifest } from "./stand_in.ts";

/** What is known of one file: a manifest, or why there is none. */
export type Known = Manifest | { reason: string; lasting: boolean };

interface Kept {
  /** Time of change, size and number of the file. */
  stamp: string;
  data?: Record<string, unknown>;
  functions?: string[];
  reason?: string;
}

interface KeptFile {
  version: string;
  plugins: Record<string, Kept>;
}

/** The manifests that are known, and a way to learn others. */
export class Manifests {
  readonly #file: string | null;
  readonly #version = denoConfig.version;
  #plugins: Record<string, Kept> = {};
  #changed = false;

  /** @param file Where they are kept; null for nowhere. */
  constructor(file: string | null) {
    this.#file = file;
    if (file === null) return;
    try {
      const kept: Partial<KeptFile> = JSON.parse(Deno.readTextFileSync(file));
      if (kept.version === this.#version && kept.plugins) this.#plugins = kept.plugins;
    } catch {
      // None yet, cut short, or not to be read: everything is learned anew.
    }
  }

  /**
   * What a plugin says of itself; it is started only where that isn't known yet.
   *
   * @param path Its file.
   * @param options `anew` starts it in any case.
   * @returns The manifest, or why it can't be used.
   */
  of(path: string, options: { anew?: boolean } = {}): Known {
    const stamp = stampOf(path);
    const kept = Object.hasOwn(this.#plugins, path) ? this.#plugins[path] : undefined;
    if (kept?.stamp === stamp && !options.anew) {
      if (typeof kept.reason === "string") return { reason: kept.reason, lasting: true };
      try {
        const { data = {}, functions = [] } = kept;
        return { data: checkPlugin({ data, functions }), functions };
      } catch {
        // Somebody changed the file of what is kept.
      }
    }
    const known = learn(path);
    if ("reason" in known) {
      if (!known.lasting) return known;
      this.#plugins[path] = { stamp, reason: known.reason };
    } else {
      this.#plugins[path] = { stamp, data: { ...known.data }, functions: [...known.functions] };
    }
    this.#changed = true;
    return known;
  }

  /** Keeps what was learned, where that file can be written; forgets what is there no more. */
  save(): void {
    if (!this.#changed || this.#file === null) return;
    const { state } = Deno.permissions.querySync({ name: "write", path: this.#file });
    if (state !== "granted") return;
    const there = Object.entries(this.#plugins).filter(([path]) => {
      try {
        return Deno.statSync(path).isFile;
      } catch {
        return false;
      }
    });
    const text = JSON.stringify({ version: this.#version, plugins: Object.fromEntries(there) });
    const temporary = `${this.#file}.${crypto.randomUUID()}.tmp`;
    try {
      Deno.mkdirSync(this.#file.slice(0, this.#file.lastIndexOf("/")), {
        recursive: true,
        mode: 0o700,
      });
      Deno.writeTextFileSync(temporary, text, { mode: 0o600 });
      Deno.renameSync(temporary, this.#file);
    } catch {
      // A full or read-only disk: learned again next time.
    }
  }
}

/**
 * Reads a plugin's source.
 *
 * @param path Its file.
 * @returns The text.
 * @throws {PluginFailure} when it is too large.
 */
export function readSource(path: string): string {
  if (Deno.statSync(path).size > maxBytes) {
    throw new PluginFailure({ path }, "it has more than 1 MB, which no plugin needs");
  }
  return Deno.readTextFileSync(path);
}

/**
 * Starts a plugin and takes down what it says of itself.
 *
 * @param path Its file.
 * @returns The manifest, or why it can't be used.
 */
export function learn(path: string): Known {
  try {
    using sandbox = new Sandbox({ path, text: readSource(path) });
    const { loaded } = sandbox;
    return { data: checkPlugin(loaded), functions: loaded.functions };
  } catch (error) {
    if (error instanceof PluginFailure) return { reason: error.reason, lasting: error.lasting };
    if (error instanceof FormError) return { reason: oneLine(error.message), lasting: true };
    if (error instanceof Deno.errors.NotFound) return { reason: "it is gone", lasting: false };
    if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
      return { reason: "it cannot be read", lasting: false };
    }
    throw error;
  }
}

function stampOf(path: string): string {
  const { mtime, size, ino } = Deno.statSync(path);
  return `${mtime?.getTime()} ${size} ${ino}`;
}
