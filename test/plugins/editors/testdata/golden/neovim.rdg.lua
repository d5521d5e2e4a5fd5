-- Written by "rdg init"; "rdg init --remove --editor=neovim" takes it away again.
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
