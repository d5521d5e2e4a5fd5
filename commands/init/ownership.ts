/**
 * Tells rdg's own entries and files from the person's, when it looks for editors. Reads files through
 * what it is given.
 *
 * @module
 */

import type { AttachProfile, EditorPlugin } from "../../plugins/contract.ts";
import { absolute, expand, type Surroundings } from "./places.ts";

/** Tells rdg's own traces from the person's. */
export class Ownership {
  readonly #plugins: readonly EditorPlugin[];
  readonly #around: Surroundings;
  readonly #profile: AttachProfile;

  /**
   * Gets ready to look; reads nothing yet.
   *
   * @param plugins The editors that may have left traces.
   * @param options Where to look, and the profile, by which rdg's own entries are known.
   */
  constructor(
    plugins: readonly EditorPlugin[],
    options: { around: Surroundings; profile: AttachProfile },
  ) {
    this.#plugins = plugins;
    this.#around = options.around;
    this.#profile = options.profile;
  }

  /** Whether each of a plugin's files holds what the plugin puts there. */
  async isSetUp(plugin: EditorPlugin): Promise<boolean> {
    const needed = plugin.files.filter(({ path, fresh }) => fresh ?? !path.includes("*"));
    for (const { path } of needed) {
      let some = false;
      for (const file of await expand(path, this.#around)) {
        const text = await this.#read(await this.#behind(file));
        some ||= text !== null && this.#without(plugin, path, text) !== text;
      }
      if (!some) return false;
    }
    return needed.length > 0;
  }

  /** Whether a folder holds only files that rdg has made. */
  async isOwn(folder: string): Promise<boolean> {
    const { files } = this.#around;
    if (await files.kind(folder) !== "folder") return false;
    const names = await files.list(folder);
    for (const name of names) {
      let text = await this.#read(`${folder}/${name}`);
      for (const plugin of this.#plugins) {
        for (const { path } of plugin.files) {
          if (absolute(path, this.#around) !== `${folder}/${name}` || text === null) continue;
          text = this.#without(plugin, path, text);
          if (text === null) break;
        }
      }
      if (text !== null) return false;
    }
    return names.length > 0;
  }

  /** Where a file's bytes are; a link to nowhere stays what it is. */
  async #behind(path: string): Promise<string> {
    const { files } = this.#around;
    return await files.kind(path) === "link" ? await files.realPath(path).catch(() => path) : path;
  }

  /** A file's text; `""` for what can't be rdg's. */
  async #read(path: string): Promise<string | null> {
    const { files } = this.#around;
    try {
      const small = await files.kind(path) === "file" && await files.size(path) < 1024 * 1024;
      return small ? new TextDecoder().decode(await files.read(path)) : "";
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return "";
    }
  }

  #without(plugin: EditorPlugin, file: string, oldText: string): string | null {
    try {
      return plugin.remove({ file, oldText, profile: this.#profile }).text;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return oldText;
    }
  }
}
