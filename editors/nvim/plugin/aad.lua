-- The commands; what they do is loaded when one is used.
if vim.g.loaded_aad then
  return
end
vim.g.loaded_aad = true

local function command(name, body, opts)
  vim.api.nvim_create_user_command(name, body, opts)
end

command("AaRun", function(opts)
  require("aad").run_command(opts)
end, { nargs = "*", range = true, bang = true, desc = "queue the prompt, the selection, or both as a task; ! hands over the file" })

command("AaRuns", function()
  require("aad.window").open()
end, { desc = "runs and live events" })

for name, what in pairs({
  AaArtifacts = { "artifacts", "open what a run delivered" },
  AaDiff = { "diff", "what changed between a run's last two attempts" },
  AaCheckpoint = { "checkpoint", "open the question that a run puts to you" },
  AaAnswer = { "answer", "answer it with one of its decisions" },
}) do
  command(name, function(opts)
    require("aad")[what[1]](opts.args)
  end, { nargs = "?", complete = function(lead)
    return require("aad").complete(lead, name)
  end, desc = what[2] .. "; without a run, of the latest or the one that waits longest" })
end

command("AaWatch", function()
  require("aad").watch()
end, { desc = "tell when a run waits for you or has ended" })

vim.api.nvim_create_autocmd("VimLeavePre", {
  callback = function()
    local aad = package.loaded["aad"]
    if aad then
      aad.leaving = true
      require("aad.rpc").close()
    end
  end,
})
