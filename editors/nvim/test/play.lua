-- Run by editors_test.go in a headless Neovim against a real aad: every command is
-- used as a person would, and what must come of it is waited for.
local person = dofile(vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":h") .. "/person.lua")
local keys, holds, heard, shows, kept = person.keys, person.holds, person.heard, person.shows, person.kept

-- A selection is queued; aad is started for it.
vim.api.nvim_buf_set_lines(0, 0, -1, false, { "not this", "echo hello > artifacts/greeting.txt", "nor this" })
vim.cmd("2AaRun")
holds("the selection is queued", heard("queued "))
holds("its end is told", heard("Run completed, passed"))

-- The window lists it and shows events as they come.
vim.cmd("AaRuns")
holds("the window lists the run", shows("completed  passed"))
local first = require("aad.window").run_here()
holds("the cursor is on it", function()
  return first and first:find("greeting") ~= nil
end)
vim.cmd("AaRun echo second > artifacts/second.txt")
holds("events come live", shows("echo second"))
holds("the second run ends in the window", shows("Run completed, passed with score 1.00"))
holds("the cursor stays on its run, which stands lower now", function()
  return vim.api.nvim_win_get_cursor(0)[1] == 4 and require("aad.window").run_here() == first
end)
vim.api.nvim_win_set_cursor(0, { 1, 0 })
vim.api.nvim_feedkeys("x", "x", false)
holds("a key where no run is says so", heard("no run in this line"))

holds("the newest event is in sight", function()
  return vim.api.nvim_buf_get_lines(0, 1, 2, false)[1]:find("Run completed", 1, true) ~= nil
end)

-- Its artifact is opened.
vim.cmd("wincmd p")
vim.cmd("set hidden")
vim.cmd("AaArtifacts " .. first)
holds("the artifact is open", shows("hello"))
vim.cmd("AaDiff " .. first)
holds("one attempt has nothing to compare, and that is said", function()
  return heard("attempt")() or vim.bo.filetype == "diff"
end)

-- A run waits for a person: notified, opened, answered by the file and by choice.
local set = false
require("aad").call("settings/set", { key = "mentor_mode", value = "expert_led" }, function()
  set = true
end)
holds("the next run asks a person", function()
  return set
end)
person.said = {}
person.typed = { "date > artifacts/now.txt" }
vim.cmd("AaRun")
holds("that a run waits is told", heard("waits for you"))
vim.cmd("AaCheckpoint")
holds("the question is open, at its decision", function()
  return vim.api.nvim_get_current_line():find('"decision": "pending"', 1, true) ~= nil
end)
vim.cmd([[s/pending/confirmed/]])
vim.cmd("silent write")
person.said = {}
holds("the saved answer is taken, and the next question comes", heard("waits for you"))
person.chosen = { "confirmed" }
keys("") -- no notes
vim.cmd("AaAnswer")
holds("an answer without notes is taken", heard("rubric is confirmed"))
holds("the attempt is put before a person", heard("waits for you: evaluation"))
person.chosen = { "failed" }
keys("not like this")
vim.cmd("AaAnswer")
holds("the chosen answer is taken", heard("evaluation is failed"))
holds("what was typed is the feedback", function()
  return kept("mentor_checkpoints/evaluation_checkpoint.json", '"feedback": "not like this"')
end)
holds("it is asked whether to revise", heard("waits for you: revision"))
person.chosen = { "revise" }
keys("with a zone")
person.said = {}
vim.cmd("AaAnswer")
holds("the revision waits for its evaluation", heard("waits for you: evaluation"))
holds("notes on another decision are notes", function()
  return kept("mentor_checkpoints", '"notes": "with a zone"')
end)
holds("the next attempt was told the feedback", function()
  return kept("packages/*/attempts/revised/input/feedback.md", "not like this")
end)
require("aad").call("run/cancel", { run_id = "@last" }, function() end)
holds("the run ends", heard("Run cancelled"))

-- aad is stopped: it is waited for, not started, and what happens later is told.
local aa = vim.g.aad_command or "aa"
vim.fn.system({ aa, "daemon", "stop" })
local refused
local function without_start(err)
  refused = err and err.message or "no error"
end
holds("a stopped aad stays so", function()
  require("aad.rpc").connect(without_start, true)
  return refused == "aad does not run"
end)
person.said = {}
vim.g.aad_command = "false"
for _ = 1, 5 do
  vim.cmd("AaDiff")
end
holds("five commands fail", function()
  return #person.said == 5
end)
vim.wait(2500) -- the watch is tried anew meanwhile
holds("that it is tried anew is not told", function()
  return #person.said == 5
end)
vim.g.aad_command = aa
vim.fn.system({ aa, "daemon", "start" })
local function watchers()
  local n
  require("aad.rpc").call("daemon/status", {}, function(_, status)
    n = status and status.watchers
  end, true)
  vim.wait(5000, function()
    return n
  end, 10)
  return n
end
holds("what follows events is back", function()
  return watchers() == 1
end)
vim.wait(1500) -- longer than until a further one would come
holds("and is there once", function()
  return watchers() == 1
end)
person.said = {}
vim.fn.system({ aa, "submit", "echo third > artifacts/third.txt", "--mentor-mode", "checks" })
holds("what happens after aad came back is told", heard("Run completed, passed"))

-- A question that is opened from the window does not take the window's place.
vim.cmd("AaRuns")
vim.cmd("AaRun date > artifacts/then.txt")
holds("the newest run waits", function()
  vim.api.nvim_win_set_cursor(0, { 3, 0 })
  return vim.api.nvim_get_current_line():find("^waiting .*then.txt") ~= nil
end)
vim.api.nvim_feedkeys("c", "x", false)
holds("its question is open beside the window", function()
  return vim.api.nvim_get_current_line():find('"decision": "pending"', 1, true) ~= nil and vim.fn.bufwinid("aad://runs") ~= -1
end)

vim.cmd("bwipeout!")
vim.cmd("AaRuns")
vim.cmd("only")
vim.api.nvim_feedkeys("c", "x", false)
holds("also where that was the only one", function()
  return vim.api.nvim_get_current_line():find('"decision": "pending"', 1, true) ~= nil and vim.fn.bufwinid("aad://runs") ~= -1
end)

-- Runs that wait stand first, however old; + lists more.
vim.cmd("AaRuns")
vim.cmd("close")
local window = require("aad.window")
window.page = 2
vim.fn.system({ aa, "run", "true", "--mentor-mode", "checks" })
vim.fn.system({ aa, "run", "true", "--mentor-mode", "checks" })
vim.cmd("AaRuns")
local function states()
  local found = {}
  for _, text in ipairs(vim.api.nvim_buf_get_lines(0, 2, -1, false)) do
    if text == "" then
      break
    end
    table.insert(found, text:match("^%w+"))
  end
  return table.concat(found, " ")
end
holds("the run that waits is above the two newest", function()
  return states() == "waiting failed failed" and shows("+ more")()
end)
vim.api.nvim_feedkeys("+", "x", false)
holds("two more are listed", function()
  return states() == "waiting failed failed completed"
end)
vim.api.nvim_feedkeys("++", "x", false)
holds("in the end all are, and nothing offers more", function()
  return #vim.split(states(), " ") == 7 and not shows("+ more")()
end)

-- A run is cancelled once that is meant.
local function state_here()
  return vim.api.nvim_get_current_line():match("^%w+")
end
holds("the cursor is on the run that waits", function()
  return state_here() == "waiting"
end)
person.said, person.chosen = {}, { "leave it" }
vim.api.nvim_feedkeys("x", "x", false)
vim.wait(300)
holds("it is asked before, and the run is left", function()
  return #person.chosen == 0 and #person.said == 0 and state_here() == "waiting"
end)
person.chosen = { "cancel it" }
vim.api.nvim_feedkeys("x", "x", false)
holds("it is cancelled", function()
  return heard("Run cancelled")() and state_here() == "cancelled"
end)

person.leave()
