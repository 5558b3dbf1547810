-- Run by editors_test.go: what a person seldom does, and what must not go wrong then.
local person = dofile(vim.fn.fnamemodify(debug.getinfo(1, "S").source:sub(2), ":h") .. "/person.lua")
local holds, heard = person.holds, person.heard
local rpc = require("aad.rpc")

-- aad runs, and speaks another protocol than the plugin.
rpc.protocol = 2
vim.cmd("AaWatch")
holds("that the versions do not go together is told", heard("this plugin and aad are of versions that do not go together: the client speaks protocol 2, this aad protocol 1 (bring plugin and aad to the same version"))
rpc.protocol = 1
vim.cmd("AaRun echo hello > artifacts/greeting.txt")
holds("with the same protocol a task is queued", heard("Run completed, passed"))

person.leave()
