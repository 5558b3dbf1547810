-- The person at the editor in the tests: what is typed, chosen and heard, and what must
-- come of it. A step that does not hold ends the editor with its number.
local M = { said = {}, chosen = {}, typed = {} }

vim.notify = function(text)
  table.insert(M.said, text)
  io.stdout:write("notify: " .. text .. "\n")
end

vim.ui.select = function(items, opts, done)
  local want = table.remove(M.chosen, 1)
  for _, item in ipairs(items) do
    if item == want or (opts.format_item and opts.format_item(item) == want) then
      return done(item)
    end
  end
  error("no " .. tostring(want) .. " among " .. vim.inspect(items))
end
vim.ui.input = function(_, done)
  done(table.remove(M.typed, 1))
end

-- keys are typed at a prompt of Neovim's own, or at the one above.
function M.keys(text)
  if vim.fn.has("nvim-0.9") == 1 then
    M.typed = { text }
  else
    vim.api.nvim_feedkeys(text .. "\r", "t", false)
  end
end

local step = 0
function M.holds(what, test)
  step = step + 1
  local ok = vim.wait(60000, test, 20)
  io.stdout:write((ok and "held: " or "FAIL: ") .. what .. "\n")
  if not ok then
    io.stdout:write(vim.inspect(vim.api.nvim_buf_get_lines(0, 0, -1, false)) .. "\n" .. vim.inspect(M.said) .. "\n")
    vim.cmd("cquit " .. step)
  end
end

function M.heard(text)
  return function()
    for _, s in ipairs(M.said) do
      if s:find(text, 1, true) then
        return true
      end
    end
  end
end

function M.shows(text)
  return function()
    return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n"):find(text, 1, true) ~= nil
  end
end

-- kept reports whether there is a line like this under that path in a run's folder.
function M.kept(where, pattern)
  return vim.fn.system("grep -rs -e " .. vim.fn.shellescape(pattern) .. " $AA_HOME/runs/*/" .. where) ~= ""
end

-- leave ends a script whose steps have all held.
function M.leave()
  io.stdout:write("held: all of it\n")
  vim.cmd("qall!")
end

return M
