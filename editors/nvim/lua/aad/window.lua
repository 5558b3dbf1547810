-- The window of :AaRuns: the newest event in its second line, the runs that wait for a
-- person, the newest others, and below them what happens in all of them.
-- Read M.open first.
local M = { page = 30 } -- runs listed at first, and by + in addition

local aad = require("aad")

local kept = 200 -- events shown

local state = { buf = nil, limit = 0, runs = {}, more = false, shown = {}, events = {} }

local function alive()
  return state.buf and vim.api.nvim_buf_is_valid(state.buf)
end

-- line shows a run; what agents wrote has no control characters in it.
local function line(run)
  local score = run.final_score and string.format("%.2f", run.final_score) or "-"
  return string.format("%-10s %-10s %5s  %s", run.queue_state, run.verdict or "-", score, (run.title:gsub("%c", " ")))
end

local help = "runs   <CR> artifacts  d diff  c checkpoint  a answer  x cancel  r refresh  q close"

local function draw()
  if not alive() then
    return
  end
  local lines = { help .. (state.more and "  + more" or ""), state.events[#state.events] or "" }
  for _, run in ipairs(state.runs) do
    table.insert(lines, line(run))
  end
  local win = vim.fn.bufwinid(state.buf)
  local chosen = win ~= -1 and state.shown[vim.api.nvim_win_get_cursor(win)[1] - 2]
  state.shown = state.runs
  vim.list_extend(lines, { "", "events" })
  for i = #state.events, 1, -1 do
    table.insert(lines, state.events[i])
  end
  vim.bo[state.buf].modifiable = true
  vim.api.nvim_buf_set_lines(state.buf, 0, -1, false, lines)
  vim.bo[state.buf].modifiable = false
  if win ~= -1 then
    M.move(win, chosen)
  end
end

-- move puts the cursor on the run it was on, wherever that stands now, so that no key
-- means another one; at first on the uppermost.
function M.move(win, chosen)
  for i, run in ipairs(state.shown) do
    if (chosen and run.run_id == chosen.run_id) or not (chosen or state.placed) then
      state.placed = true
      vim.api.nvim_win_set_cursor(win, { i + 2, 0 })
      return
    end
  end
end

-- pages reads up to limit runs beside those given, and hands them to done with whether
-- there are more.
local function pages(call, params, limit, runs, done)
  params.limit = math.min(limit - #runs, 200)
  call("run/list", params, function(page)
    vim.list_extend(runs, page.runs or {})
    if not page.next or #runs >= limit then
      return done(runs, page.next ~= nil)
    end
    params.cursor = page.next
    pages(call, params, limit, runs, done)
  end)
end

-- list reads the runs anew and shows them: those that wait first, however old.
local function list(call)
  pages(call, { states = { "waiting" } }, state.limit, {}, function(runs, rest)
    local first = {}
    for _, run in ipairs(runs) do
      first[run.run_id] = true
    end
    pages(call, {}, state.limit, {}, function(newest, more)
      for _, run in ipairs(newest) do
        if not first[run.run_id] then
          table.insert(runs, run)
        end
      end
      state.runs, state.more = runs, more or rest
      draw()
    end)
  end)
end

-- refresh reads the runs anew.
function M.refresh()
  list(aad.call)
end

-- quietly calls an aad that runs, and tells of no failure.
local function quietly(method, params, done)
  require("aad.rpc").call(method, params, function(err, result)
    if not err and alive() then
      done(result)
    end
  end, true)
end

-- event takes one in, and reads the runs anew once for all that come together.
function M.event(params)
  local e = params.event
  table.insert(state.events, string.format("%s  %-40s %s", (e.created_at or ""):sub(12, 19), (e.run_id or ""):sub(1, 40), (e.message or ""):gsub("%c", " ")))
  if #state.events > kept then
    table.remove(state.events, 1)
  end
  if not alive() or state.due then
    return
  end
  state.due = true
  vim.defer_fn(function()
    state.due = false
    list(quietly)
  end, 100)
end

-- run_here is the run in the cursor's line: its id and title.
function M.run_here()
  local run = state.shown[vim.api.nvim_win_get_cursor(0)[1] - 2]
  return run and run.run_id, run and run.title
end

-- cancel ends a run if the person means it.
local function cancel(run, title)
  vim.ui.select({ "leave it", "cancel it" }, { prompt = "Cancel " .. title:gsub("%c", " ") .. "?" }, function(choice)
    if choice == "cancel it" then
      aad.call("run/cancel", { run_id = run }, M.refresh)
    end
  end)
end

-- leave goes to where a file may be opened, beside the window with runs.
local function leave()
  vim.cmd("wincmd p")
  if vim.api.nvim_get_current_buf() == state.buf then
    vim.cmd("aboveleft new")
  end
end

local function map(key, action)
  vim.keymap.set("n", key, function()
    local run, title = M.run_here()
    if run then
      action(run, title)
    else
      vim.notify("aad: there is no run in this line", vim.log.levels.WARN)
    end
  end, { buffer = state.buf, nowait = true })
end

-- open shows the window, one for the editor.
function M.open()
  if alive() then
    local win = vim.fn.bufwinid(state.buf)
    if win ~= -1 then
      vim.api.nvim_set_current_win(win)
      return M.refresh()
    end
  end
  vim.cmd("botright 15new")
  state.buf, state.limit, state.shown, state.placed = vim.api.nvim_get_current_buf(), M.page, {}, false
  vim.bo[state.buf].buftype, vim.bo[state.buf].bufhidden, vim.bo[state.buf].swapfile = "nofile", "wipe", false
  vim.bo[state.buf].filetype = "aad"
  vim.wo.wrap = false
  pcall(vim.api.nvim_buf_set_name, state.buf, "aad://runs")
  map("<CR>", function(run)
    leave()
    aad.artifacts(run)
  end)
  map("d", aad.diff)
  map("c", function(run)
    leave()
    aad.checkpoint(run)
  end)
  map("a", aad.answer)
  map("x", cancel)
  vim.keymap.set("n", "+", function()
    state.limit = state.limit + M.page
    M.refresh()
  end, { buffer = state.buf, nowait = true })
  vim.keymap.set("n", "r", M.refresh, { buffer = state.buf, nowait = true })
  vim.keymap.set("n", "q", "<cmd>close<cr>", { buffer = state.buf, nowait = true })
  aad.watch()
  M.refresh()
end

return M
