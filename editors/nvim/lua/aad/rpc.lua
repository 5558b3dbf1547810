-- Speaks JSON-RPC with aad over its socket, one object a line. Read M.connect first.
-- It shows nothing and never blocks the editor but in M.wait.
local M = { protocol = 1 } -- docs/protocol.md: another one is refused

local uv = vim.loop

-- The connection; there is one for the editor. state is "closed", "opening" or "open".
local conn = { state = "closed", pipe = nil, next_id = 0, calls = {}, waiting = {}, rest = "" }

-- on_notify is called with method and params of what aad sends unasked; on_close
-- when a connection that was open is gone. Whoever uses this module sets them.
M.on_notify = function() end
M.on_close = function() end

-- socket_path is where aad listens: $AA_SOCKET, else aad.sock in the home.
function M.socket_path()
  local named = os.getenv("AA_SOCKET")
  if named and named ~= "" then
    return named
  end
  local home = os.getenv("AA_HOME")
  if not home or home == "" then
    home = uv.os_homedir() .. "/.aad"
  end
  return home .. "/aad.sock"
end

-- closed gives the connection up. reason is told to all that wait: a sentence, or the
-- error of a call.
local function closed(reason)
  if conn.pipe and not conn.pipe:is_closing() then
    conn.pipe:close()
  end
  local lost, calls, waiting = conn.state == "open", conn.calls, conn.waiting
  conn = { state = "closed", pipe = nil, next_id = conn.next_id, calls = {}, waiting = {}, rest = "" }
  local err = type(reason) == "table" and reason or { message = reason, data = { kind = "unavailable" } }
  for _, done in pairs(calls) do
    done(err)
  end
  for _, done in ipairs(waiting) do
    done(err)
  end
  if lost then
    M.on_close()
  end
end

local function take(line)
  local ok, message = pcall(vim.json.decode, line, { luanil = { object = true, array = true } })
  if not ok then
    return closed("aad sent something that is no JSON")
  end
  if message.method then
    return M.on_notify(message.method, message.params or {})
  end
  local done = conn.calls[message.id]
  if done then
    conn.calls[message.id] = nil
    done(message.error, message.result)
  end
end

-- read takes in what came on a pipe; what a pipe that was given up still says is dropped.
local function read(pipe, err, data)
  if pipe ~= conn.pipe then
    return
  elseif err or not data then
    return closed(err or "aad has hung up")
  end
  conn.rest = conn.rest .. data
  while true do
    local at = conn.rest:find("\n", 1, true)
    if not at then
      return
    end
    local line = conn.rest:sub(1, at - 1)
    conn.rest = conn.rest:sub(at + 1)
    take(line)
  end
end

local function send(method, params, done)
  conn.next_id = conn.next_id + 1
  conn.calls[conn.next_id] = done
  local request = { jsonrpc = "2.0", id = conn.next_id, method = method, params = next(params or {}) and params or vim.empty_dict() }
  conn.pipe:write(vim.json.encode(request) .. "\n")
end

-- opened greets aad, and lets the calls go that wait if both speak the same protocol.
local function opened()
  local pipe = conn.pipe
  pipe:read_start(vim.schedule_wrap(function(err, data)
    read(pipe, err, data)
  end))
  local v = vim.version()
  local client = string.format("aad for Neovim %d.%d.%d", v.major, v.minor, v.patch)
  send("initialize", { client = client, protocol = M.protocol }, function(err)
    if pipe ~= conn.pipe then
      return -- given up meanwhile, and that was told
    elseif err then
      if err.data and err.data.field == "protocol" then
        err.message = "this plugin and aad are of versions that do not go together: " .. err.message
        err.data.hint = "bring plugin and aad to the same version; aa daemon restart starts the installed aad"
      end
      return closed(err)
    end
    conn.state = "open"
    local waiting = conn.waiting
    conn.waiting = {}
    for _, done in ipairs(waiting) do
      done()
    end
  end)
end

local function dial(done)
  local pipe = uv.new_pipe(false)
  pipe:connect(M.socket_path(), function(err)
    vim.schedule(function()
      if err then
        pipe:close()
        return done(err)
      end
      conn.pipe = pipe
      done()
    end)
  end)
end

-- start has aa start aad, or the installed service, and calls done when that ended.
local function start(done)
  local told = {}
  local ok, job = pcall(vim.fn.jobstart, { vim.g.aad_command or "aa", "daemon", "start" }, {
    stderr_buffered = true,
    on_stderr = function(_, lines)
      told = lines
    end,
    on_exit = function(_, code)
      if code == 0 then
        return done()
      end
      local why = vim.trim(table.concat(told, " "))
      done(why ~= "" and why or "aa daemon start has ended with " .. code)
    end,
  })
  if not ok or job <= 0 then
    done("aad does not run, and the program aa is not found (g:aad_command)")
  end
end

-- connect calls done without an error once there is a connection. Where nobody
-- listens, aad is started, unless only one that runs already will do.
function M.connect(done, running)
  if conn.state == "open" then
    return done()
  end
  table.insert(conn.waiting, done)
  conn.wanted = conn.wanted or not running
  if conn.state == "opening" then
    return
  end
  conn.state = "opening"
  dial(function(err)
    if not err then
      return opened()
    end
    if not conn.wanted then
      return closed("aad does not run")
    end
    start(function(failed)
      if failed then
        return closed(failed)
      end
      dial(function(again)
        if again then
          return closed("aad cannot be reached: " .. again)
        end
        opened()
      end)
    end)
  end)
end

-- call calls a method; done gets the error, which has message and data.hint, or the
-- result. With running, an aad that does not run is not started for it.
function M.call(method, params, done, running)
  M.connect(function(err)
    if err then
      return done(err)
    end
    send(method, params, done)
  end, running)
end

-- wait calls a method of an aad that runs and returns the error, or nil and the result.
-- It holds the editor up for half a second at most.
function M.wait(method, params)
  local ended, failed, got
  M.call(method, params, function(err, result)
    ended, failed, got = true, err, result
  end, true)
  vim.wait(500, function()
    return ended
  end, 5)
  if not ended then
    failed = { message = "aad does not answer" }
  end
  return failed, got
end

-- close ends the connection.
function M.close()
  if conn.state ~= "closed" then
    closed("the connection was closed")
  end
end

return M
