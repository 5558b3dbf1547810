-- Run by editors_test.go: what a person seldom does, and what must not go wrong then.
local person = dofile(vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":h") .. "/person.lua")
local holds, heard, shows = person.holds, person.heard, person.shows
local rpc = require("aad.rpc")

-- aad runs, and speaks another protocol than the plugin.
rpc.protocol = 2
vim.cmd("AaWatch")
holds("that the versions do not go together is told", heard("this plugin and aad are of versions that do not go together: the client speaks protocol 2, this aad protocol 1 (bring plugin and aad to the same version"))
rpc.protocol = 1
vim.cmd("AaRun echo hello > artifacts/greeting.txt")
holds("with the same protocol a task is queued", heard("Run completed, passed"))

-- Ids are completed; commands that answer are offered the runs that wait.
vim.fn.system({ "aa", "submit", "date > artifacts/now.txt", "--mentor-mode", "expert_led" })
holds("another run waits", heard("waits for you"))
local function offered(line)
  return table.concat(vim.fn.getcompletion(line, "cmdline"), " ")
end
holds("runs are offered by their beginning, the newest first", function()
  return offered("AaDiff 2"):find("^%S+date%S+ %S+greeting%S+$") and offered("AaArtifacts no") == ""
end)
holds("those that wait are offered to who answers", function()
  return offered("AaAnswer "):find("^%S+date%S+$") and offered("AaCheckpoint 2"):find("^%S+date%S+$")
end)

-- :checkhealth finds all as it should be, and says what is not.
vim.cmd("checkhealth aad")
holds("aa and aad are well", function()
  return shows("/aa: aa ")() and shows("aad answers at")() and shows("protocol 1")() and not shows("WARN")() and not shows("ERROR")()
end)
vim.cmd("bwipeout!")
local older = vim.fn.tempname()
vim.fn.writefile({ "#!/bin/sh", "echo 'aa version 0.0.9 (3f2a91c)'" }, older)
vim.fn.setfperm(older, "rwx------")
vim.g.aad_command = older
vim.cmd("checkhealth aad")
holds("an aa of another version than aad is told", shows("aa is of version 0.0.9, aad of "))
vim.cmd("bwipeout!")
rpc.close()
vim.env.AA_HOME, vim.g.aad_command = "/nowhere", "no-such-program"
vim.cmd("checkhealth aad")
holds("a program that is missing and an aad that does not run are told", function()
  return shows("the program no-such-program is not found")() and shows("there is no socket /nowhere/aad.sock")()
end)

person.leave()
