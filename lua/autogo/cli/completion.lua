--- `autogo completion`: shell completion, to be sourced.
-- @module autogo.cli.completion

local manual = require "autogo.cli.manual"

local verb = {
  name = "completion",
  about = "Print the completion of a shell; source it, or put it where the shell looks",
  usage = "bash|zsh|fish",
  arguments = { { name = "SHELL", help = table.concat(manual.SHELLS, ", ") } },
  options = {},
}

function verb.run(values)
  for _, shell in ipairs(manual.SHELLS) do
    if shell == values[1] then
      io.stdout:write(manual.completion(shell))
      return 0
    end
  end
  return 2, ("completion: unknown shell '%s'; known are %s"):format(values[1],
    table.concat(manual.SHELLS, ", "))
end

return verb
