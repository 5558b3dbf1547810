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

-- A selection is taken as it is, a range in whole lines.
local instruction
require("aad").run = function(text)
  instruction = text
end
vim.api.nvim_buf_set_lines(0, 0, -1, false, { "see: drüben", "und über", "no" })
local function becomes(text)
  return function()
    return instruction == text
  end
end
local function types(keys)
  vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes(keys, true, false, true), "xt", false)
end
types("gg0fdvjFü:AaRun<CR>")
holds("a selection over two lines ends with its last character", becomes("drüben\nund ü"))
types("gg0fdve:AaRun and then<CR>")
holds("one within a line is that, after the prompt", becomes("and then\n\ndrüben"))
types("gg0v$:AaRun<CR>")
holds("one to the line's end is the line", becomes("see: drüben"))
types(":1,1AaRun<CR>")
types(":1,2AaRun<CR>")
holds("lines that are named are whole", becomes("see: drüben\nund über"))
types("gg0fdV:AaRun<CR>")
holds("selected lines are whole", becomes("see: drüben"))
types("gg0fdvl<Esc>:%AaRun<CR>")
holds("so is the whole buffer", becomes("see: drüben\nund über\nno"))
vim.o.selection = "exclusive"
types("gg0fdvjFü:AaRun<CR>")
holds("an exclusive selection ends before its last character", becomes("drüben\nund "))
vim.o.selection = "inclusive"

-- A buffer with changes that may not be hidden keeps its window.
vim.o.hidden = false
vim.cmd("AaArtifacts")
holds("the artifact is open in another window", function()
  return shows("hello")() and #vim.api.nvim_list_wins() == 2
end)
vim.api.nvim_buf_set_lines(0, 0, -1, false, { "changed" })
vim.cmd("AaArtifacts")
vim.wait(300)
holds("changes of the artifact itself are left", function()
  return shows("changed")() and #vim.api.nvim_list_wins() == 2 and not heard("E37")()
end)
vim.cmd("edit! | close")
vim.o.hidden = true

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

-- Why aad cannot be started is told as aa has it.
local broken = vim.fn.tempname()
vim.fn.writefile({ "#!/bin/sh", "echo 'aa: the disk is full' >&2", "exit 1" }, broken)
vim.fn.setfperm(broken, "rwx------")
vim.g.aad_command = broken
vim.cmd("AaDiff")
holds("that the disk is full is told", heard("aad: aa: the disk is full"))

person.leave()
