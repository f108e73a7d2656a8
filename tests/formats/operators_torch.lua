-- The ONNX project's operator models as PyTorch modules, for operators_torch.py to run.
--
--   autogo run tests/formats/operators_torch.lua CASES OUT
--
-- OUT/list gets a line "CASE MODULE" for each that can be written without weights.
local ag = require "autogo"
local core = require "autogo.core"

local cases, out = arg[1], arg[2]
local lines = {}
for case in assert(io.popen(("ls -d '%s'/test_*"):format(cases))):lines() do
  local graph = ag.load(case .. "/model.onnx")
  local module = ("%s/%s.py"):format(out, case:match "[^/]+$")
  if graph and graph:save(module, { weights = false }) then
    lines[#lines + 1] = case .. " " .. module
  end
end
assert(core.write_file(out .. "/list", table.concat(lines, "\n") .. "\n"))
