-- Run by editors_test.go in an editor of its own that has queued nothing: a run waits,
-- and a file is saved that aad cannot use.
local person = dofile(vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":h") .. "/person.lua")
local holds, heard = person.holds, person.heard

vim.fn.system({ "aa", "submit", "date > artifacts/now.txt", "--mentor-mode", "expert_led" })
holds("the run waits", function()
  return vim.fn.system({ "aa", "checkpoints" }):find("task_intake") ~= nil
end)
vim.cmd("AaCheckpoint")
holds("the question is open", function()
  return vim.api.nvim_get_current_line():find('"decision": "pending"', 1, true) ~= nil
end)
holds("its answers are followed", function()
  return require("aad").seq ~= nil
end)
vim.cmd("s/pending/accepted/")
vim.cmd("silent write")
holds("the refusal is told with its reason", heard('cannot be "accepted"'))
person.said = {}
vim.cmd("AaCheckpoint")
holds("so it is when the file is opened again", heard("what stands in the file cannot be used"))
-- As in a new editor: what comes of a choice is told too.
require("aad").leaving = true
require("aad.rpc").close()
for _, name in ipairs({ "aad", "aad.rpc", "aad.window" }) do
  package.loaded[name] = nil
end
person.said, person.chosen = {}, { "confirmed" }
person.keys("")
vim.cmd("AaAnswer")
holds("the next question is told to who has only answered", heard("waits for you: rubric"))

person.leave()
