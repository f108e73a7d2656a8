--- What standard output is shown on.
-- @module autogo.cli.terminal

local core = require "autogo.core"

local terminal = {}

local STDOUT = 1

--- Whether colours are seen and wanted there (no-color.org).
function terminal.coloured()
  return core.isatty(STDOUT) and (os.getenv "NO_COLOR" or "") == ""
end

return terminal
