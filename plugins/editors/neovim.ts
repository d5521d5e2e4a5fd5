/**
 * Neovim with nvim-dap. It reads `.vscode/launch.json` by itself since nvim-dap 0.9, prompts
 * included; a drop-in of rdg's own adds the adapter where nvim-dap-python doesn't, and loads
 * launch.json in older versions. The person's own Lua is never touched.
 *
 * @module
 */

import type { EditorPlugin, FileEdit } from "../contract.ts";
import { applyDropIn, removeDropIn } from "./_drop_in.ts";
import { applyShape } from "./_jsonc_edit.ts";
import { removeShape } from "./_jsonc_remove.ts";
import { launchFile, launchShape } from "./vscode.ts";

const luaFile = "~/.config/nvim/after/plugin/rdg.lua";

/** Waits for the first Python buffer, so that a lazily loaded nvim-dap stays so. */
const lua = `-- Written by "rdg init"; "rdg init --remove --editor=neovim" takes it away again.
-- Lets nvim-dap reach a Python program that listens on a TCP port. nvim-dap-python's adapter is
-- kept where it is installed.
local function setup()
  local found, dap = pcall(require, "dap")
  if not found then
    return
  end
  local function connect(callback, config)
    local address = config.connect or config
    callback({
      type = "server",
      host = address.host or "127.0.0.1",
      port = tonumber(address.port) or 5678,
    })
  end
  dap.adapters.debugpy = dap.adapters.debugpy or connect
  -- nvim-dap reads .vscode/launch.json by itself since 0.9 (the version that brought providers).
  if not dap.providers and vim.fn.filereadable(".vscode/launch.json") == 1 then
    pcall(function()
      require("dap.ext.vscode").load_launchjs(nil, { debugpy = { "python" } })
    end)
  end
end

vim.api.nvim_create_autocmd("FileType", { pattern = "python", once = true, callback = setup })
`;

/** A note on a file that is more than nvim-dap reads: JSON with comments on lines of their own. */
function hardToRead(text: string): string[] {
  try {
    JSON.parse(text.replace(/^\ufeff/, "").replace(/^\s*\/\/.*$/gm, ""));
    return [];
  } catch {
    return [
      `${launchFile} holds trailing commas, or comments that share a line with something else: ` +
      "nvim-dap reads neither (the comments it does with Neovim 0.12 or later).",
    ];
  }
}

/** Neovim. */
export const neovim: EditorPlugin = {
  contract: 1,
  kind: "editor",
  name: "neovim",
  title: "Neovim",
  aliases: ["nvim", "nvim-dap"],
  summary: `Neovim with nvim-dap: ${launchFile} and a drop-in`,
  programs: [],
  detect: {
    files: [".nvim.lua", ".exrc.lua"],
    env: { NVIM: "" },
    programs: ["nvim"],
    home: ["~/.config/nvim"],
  },
  files: [{ path: launchFile }, { path: luaFile }],
  malformed: "set-aside",
  apply({ file, oldText, profile, force }): FileEdit {
    if (file !== launchFile) return applyDropIn(oldText, lua, { force, file });
    const edit = applyShape(oldText, launchShape(profile), { force });
    return { ...edit, notes: [...edit.notes ?? [], ...hardToRead(edit.text ?? "")] };
  },
  remove({ file, oldText, profile, force }): FileEdit {
    return file === launchFile
      ? removeShape(oldText, launchShape(profile), { force })
      : removeDropIn(oldText, lua, { force, file });
  },
  press: ({ name }) => `:DapContinue, and choose "${name}"`,
  instructions(profile) {
    return [
      `In Neovim: open a Python file of the project, :lua require("dap").continue(), ` +
      `choose "${profile.entries[0]?.name}". It needs the plugin nvim-dap.`,
    ];
  },
};
