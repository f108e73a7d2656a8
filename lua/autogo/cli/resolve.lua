--- `autogo resolve`: solve the resolution problems of a file.
-- @module autogo.cli.resolve

local core = require "autogo.core"

return {
  name = "resolve",
  about = "Solve resolution problems: one line of JSON for each",
  usage = "FILE [--solver NAME] [--formulation NAME]",
  arguments = { { name = "FILE", help = "problems as JSON: nodes, edges, targets" } },
  options = {
    { name = "solver", type = "choice", default = "exact", choices = { "exact", "milp", "exhaustive" },
      help = "exact, milp or exhaustive" },
    { name = "formulation", type = "choice", default = "ours", choices = { "ours", "published" },
      help = "ours or published" },
  },
  run = function(values)
    local answers, why = core.resolve_file(values[1],
      { solver = values.solver, formulation = values.formulation })
    if not answers then
      return nil, why
    end
    for i, answer in ipairs(answers) do
      answer.index = i - 1
      if answer.feasible == nil then
        answer.feasible = core.null -- a limit was met before the answer was known
      end
      io.stdout:write(core.json_encode(answer), "\n")
    end
  end,
}
