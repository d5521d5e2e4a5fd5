/**
 * The editors that rdg knows, by literal imports, so that they come along from a folder, a URL and a
 * compiled binary alike. Their order is the one in which a person is asked.
 *
 * @module
 */

import type { EditorPlugin } from "./contract.ts";
import { dapMode } from "./editors/dap_mode.ts";
import { dape } from "./editors/dape.ts";
import { helix } from "./editors/helix.ts";
import { kate } from "./editors/kate.ts";
import { neovim } from "./editors/neovim.ts";
import { pycharm } from "./editors/pycharm.ts";
import { sublime } from "./editors/sublime.ts";
import { vimspector } from "./editors/vimspector.ts";
import { visualStudio } from "./editors/visual_studio.ts";
import { cursor, theia, vscode, vscodium, windsurf } from "./editors/vscode.ts";
import { zed } from "./editors/zed.ts";

/** The built-in editors. */
export const editors: readonly EditorPlugin[] = [
  vscode,
  cursor,
  windsurf,
  vscodium,
  theia,
  neovim,
  vimspector,
  dape,
  dapMode,
  zed,
  helix,
  sublime,
  kate,
  pycharm,
  visualStudio,
];
