-- What :checkhealth aad tells: the program aa, the socket, and the aad that listens there.
local M = {}

local rpc = require("aad.rpc")

-- Before Neovim 0.10 the names were longer, before 0.8 the module stood elsewhere.
local told = vim.health or require("health")
local health = {}
for _, name in ipairs({ "start", "ok", "warn", "error" }) do
  health[name] = told[name] or told["report_" .. name]
end

-- program tells of aa, and returns its version.
local function program()
  local name = vim.g.aad_command or "aa"
  local path = vim.fn.exepath(name)
  if path == "" then
    health.error("the program " .. name .. " is not found", { "install aad, or name the program in g:aad_command" })
    return nil
  end
  local said = vim.fn.system({ path, "--version" })
  if vim.v.shell_error ~= 0 then
    health.error(path .. " --version fails: " .. vim.trim(said))
    return nil
  end
  health.ok(path .. ": " .. vim.trim(said))
  return said:match("version (%S+)")
end

-- daemon tells whether an aad answers that goes together with the plugin and with aa.
local function daemon(aa)
  local path = rpc.socket_path()
  if not vim.loop.fs_stat(path) then
    return health.warn("aad does not run: there is no socket " .. path, { "a command that needs it starts it; or: aa daemon start" })
  end
  local err, aad = rpc.wait("initialize", { client = "checkhealth", protocol = rpc.protocol })
  if err then
    local hint = err.data and err.data.hint
    return health.error("aad does not answer at " .. path .. ": " .. err.message, hint and { hint })
  end
  health.ok(string.format("aad answers at %s: version %s, protocol %d, home %s", path, aad.version, aad.protocol, aad.home))
  if aa and aa ~= aad.version then
    health.warn("aa is of version " .. aa .. ", aad of " .. aad.version, { "aa daemon restart starts the installed aad" })
  end
end

function M.check()
  health.start("aad")
  daemon(program())
end

return M
