-- What the plugin's commands do: queue a task, jump to what it delivered, answer what
-- it asks. Read M.run first; the window with runs is in aad.window.
local M = {}

local rpc = require("aad.rpc")

-- tell shows a message; one of a failed call with what to do about it.
local function tell(text, level)
  vim.notify("aad: " .. text, level or vim.log.levels.INFO)
end
M.tell = tell

-- brief is a message of no great weight: in one line, since a longer one holds up who
-- types until it is confirmed.
local function brief(text, level)
  local room = vim.v.echospace - 5
  if vim.fn.strdisplaywidth(text) > room then
    text = vim.fn.strcharpart(text, 0, math.max(room - 1, 1)) .. "…"
  end
  tell(text, level)
end

local function fault(err)
  local hint = err.data and err.data.hint
  tell(err.message .. (hint and (" (" .. hint .. ")") or ""), vim.log.levels.ERROR)
end
M.fault = fault

-- call is rpc.call whose failures are told.
local function call(method, params, done)
  rpc.call(method, params, function(err, result)
    if err then
      return fault(err)
    end
    done(result)
  end)
end
M.call = call

local function ref(run)
  return (run and run ~= "") and run or "@last"
end

-- complete lists the runs whose ids begin so; for a command that answers, those that
-- wait. Where aad does not run there are none.
function M.complete(lead, command)
  local answers = command == "AaCheckpoint" or command == "AaAnswer"
  local _, found = rpc.wait(answers and "checkpoint/list" or "run/list", { limit = 200 })
  local ids = {}
  for _, run in ipairs(found and (found.runs or found.checkpoints) or {}) do
    if vim.startswith(run.run_id, lead) then
      table.insert(ids, run.run_id)
    end
  end
  return ids
end

-- run queues a task. assets are absolute paths.
function M.run(instruction, assets)
  if not instruction or vim.trim(instruction) == "" then
    return
  end
  call("run/submit", { instruction = instruction, assets = assets, path = os.getenv("PATH") }, function(queued)
    M.last = queued.run.run_id
    brief("queued " .. queued.run.run_id)
    M.watch()
  end)
end

-- marked reports whether a range is that of the last characterwise selection. Neovim
-- hands over lines only; a range that was typed in numbers is no selection.
local function marked(opts)
  local typed = vim.fn.histget("cmd", -1):find("^[%d%.,$%%+-]+AaRun") ~= nil
  local first, last = vim.fn.line("'<"), vim.fn.line("'>")
  return opts.range == 2 and not typed and vim.fn.visualmode() == "v" and first == opts.line1 and last == opts.line2
end

-- selected is the text of the command's range: of a characterwise selection exactly
-- what is selected, else whole lines.
local function selected(opts)
  local lines = vim.api.nvim_buf_get_lines(0, opts.line1 - 1, opts.line2, false)
  if marked(opts) then
    local last, upto = lines[#lines], vim.fn.col("'>")
    if vim.o.selection == "exclusive" then
      upto = upto - 1
    else
      upto = upto - 1 + #vim.fn.matchstr(last, [[\%]] .. upto .. "c.")
    end
    lines[#lines] = last:sub(1, upto)
    lines[1] = lines[1]:sub(vim.fn.col("'<"))
  end
  return table.concat(lines, "\n")
end

-- run_command is :[range]AaRun[!] [prompt]: the prompt, the selection, or both. With
-- ! the file in the buffer goes along as an asset.
function M.run_command(opts)
  local parts = {}
  if opts.args ~= "" then
    table.insert(parts, opts.args)
  end
  if opts.range > 0 then
    table.insert(parts, selected(opts))
  end
  local assets
  if opts.bang then
    local path = vim.api.nvim_buf_get_name(0)
    if path == "" or vim.bo.modified then
      return tell("save the buffer first: the file goes along", vim.log.levels.ERROR)
    end
    assets = { path }
  end
  if #parts > 0 then
    return M.run(table.concat(parts, "\n\n"), assets)
  end
  vim.ui.input({ prompt = "Task: " }, function(text)
    M.run(text, assets)
  end)
end

-- edit opens a file. A buffer that has changes and may not be hidden keeps its window.
-- It reports whether that went well, and tells where it did not.
local function edit(path)
  if vim.api.nvim_buf_get_name(0) == path and vim.bo.modified then
    return true -- it is open, and what was typed there stays
  end
  local split = vim.bo.modified and not vim.o.hidden
  local ok, err = pcall(vim.cmd, (split and "split " or "edit ") .. vim.fn.fnameescape(path))
  if not ok then
    tell(err:gsub("^.-(E%d+:)", "%1"), vim.log.levels.ERROR)
  end
  return ok
end

-- scratch shows lines in a buffer of its own.
local function scratch(name, lines, filetype)
  vim.cmd("botright new")
  local buf = vim.api.nvim_get_current_buf()
  vim.bo[buf].buftype, vim.bo[buf].bufhidden, vim.bo[buf].swapfile = "nofile", "wipe", false
  pcall(vim.api.nvim_buf_set_name, buf, name)
  vim.api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].modifiable = false
  vim.bo[buf].filetype = filetype
end

-- diff shows what changed between a run's last two attempts.
function M.diff(run)
  call("run/diff", { run_id = ref(run) }, function(diff)
    local lines = {}
    for _, file in ipairs(diff.files or {}) do
      table.insert(lines, file.change .. " " .. file.path)
      vim.list_extend(lines, vim.split(file.diff or "", "\n", { trimempty = true }))
    end
    scratch("aad://" .. diff.to .. "/diff", lines, "diff")
  end)
end

-- artifacts opens what a run delivered: the only file at once, else one to choose.
function M.artifacts(run, inside)
  local path = inside or "artifacts"
  call("run/file", { run_id = ref(run), path = path }, function(file)
    if not file.dir then
      return edit(file.absolute)
    end
    local entries = file.entries or {}
    local function open(entry)
      if entry then
        M.artifacts(run, path .. "/" .. entry.name)
      end
    end
    if #entries == 0 then
      return tell("nothing is there yet")
    elseif #entries == 1 then
      return open(entries[1])
    end
    vim.ui.select(entries, {
      prompt = "Artifact:",
      format_item = function(e)
        return e.name .. (e.dir and "/" or "")
      end,
    }, open)
  end)
end

-- with_question gives done the open question of a run, or of the run that has waited
-- longest. From then on it is told what comes of the answer.
local function with_question(run, answer)
  local function done(q)
    M.watch()
    answer(q)
  end
  if run and run ~= "" then
    return call("checkpoint/get", { run_id = run }, function(q)
      done(q.info)
    end)
  end
  call("checkpoint/list", { limit = 1 }, function(list)
    local first = (list.checkpoints or {})[1]
    if not first then
      return tell("no run waits for you")
    end
    done(first)
  end)
end

-- checkpoint opens the question's file: change "decision" and save. The file is written
-- after the question is told, so it is waited for, for up to ten seconds.
function M.checkpoint(run)
  with_question(run, function(q)
    local tries = 0
    local function open()
      tries = tries + 1
      if vim.fn.filereadable(q.path) == 0 and tries < 200 then
        return vim.defer_fn(open, 50)
      end
      if not edit(q.path) then
        return
      end
      vim.bo.autoread = true
      vim.fn.search('"decision"')
      if q.refused then
        return tell("what stands in the file cannot be used: " .. q.refused, vim.log.levels.ERROR)
      end
      brief(q.how_to) -- the file begins with it
    end
    open()
  end)
end

-- ask gives done what was typed, which may be empty; it does not call it when that was
-- broken off. Before 0.9 vim.ui.input may not tell the one from the other.
local function ask(prompt, done)
  if vim.fn.has("nvim-0.9") == 1 then
    return vim.ui.input({ prompt = prompt }, function(text)
      if text then
        done(text)
      end
    end)
  end
  local broken_off = "\27"
  local ok, text = pcall(vim.fn.input, { prompt = prompt, cancelreturn = broken_off })
  if ok and text ~= broken_off then
    done(text)
  end
end

-- field is where a person's remark on a decision belongs: the next attempt is told the
-- feedback on one that failed; all else is kept as notes.
local function field(q, decision)
  return q.stage == "evaluation" and decision == "failed" and "feedback" or "notes"
end

-- answer asks for one of the decisions that the question offers, and a remark on it.
function M.answer(run)
  with_question(run, function(q)
    vim.ui.select(q.decisions, { prompt = q.stage .. " of " .. q.title .. ":" }, function(decision)
      if not decision then
        return
      end
      local prompt = field(q, decision) == "feedback" and "Feedback for the apprentice" or "Notes"
      ask(prompt .. " (may be empty): ", function(remark)
        M.resolve(q, decision, remark)
      end)
    end)
  end)
end

-- resolve gives the answer to the question that was seen.
function M.resolve(q, decision, remark)
  local values = { decision = decision }
  if remark ~= "" then
    values[field(q, decision)] = remark
  end
  call("checkpoint/resolve", { run_id = q.run_id, stage = q.stage, revision = q.revision, values = values }, function(done)
    tell(done.stage .. " is " .. done.decision)
    vim.cmd("checktime") -- its file may be open
  end)
end

local follow
local due = false -- the watch is to go on, and a timer runs until then

-- resume has the watch go on after a while; one timer does, however often it is called.
local function resume()
  if due or not M.watching or M.leaving then
    return
  end
  due = true
  vim.defer_fn(function()
    due = false
    follow(true)
  end, 1000)
end

-- follow subscribes to what comes after the last event that is known, so that nothing
-- is missed while aad is away. again is true when it did so before: then an aad that
-- was stopped is waited for, not started.
function follow(again)
  local function failed(err)
    if again then
      return resume()
    end
    M.watching = false
    fault(err)
  end
  if M.seq then
    return rpc.call("run/watch", { after = M.seq }, function(err)
      return err and failed(err)
    end, again)
  end
  rpc.call("daemon/status", {}, function(err, status)
    if err then
      return failed(err)
    end
    M.seq = status.last_seq
    follow(again)
  end, again)
end

-- watch follows all runs, once: it tells when one waits for a person or has ended,
-- and hands each event to the window.
function M.watch()
  if not M.watching then
    M.watching = true
    follow(false)
  end
end

rpc.on_close = resume

local ended = { run_completed = true, run_cancelled = true, followup_completed = true }

rpc.on_notify = function(method, params)
  if method ~= "run/event" then
    return
  end
  M.seq = params.seq
  local e = params.event
  if e.event_type == "checkpoint_rejected" and (e.metadata_json or {}).way == "file" then -- another way has told it
    tell(e.message .. " (" .. e.run_id .. ")", vim.log.levels.ERROR)
  elseif e.event_type == "checkpoint_opened" then
    brief(e.message:gsub("^Waits for a person", "waits for you") .. " (:AaAnswer) in " .. e.run_id, vim.log.levels.WARN)
  elseif ended[e.event_type] then
    brief(e.message .. ": " .. e.run_id)
  end
  require("aad.window").event(params)
end

return M
