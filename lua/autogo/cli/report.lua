--- `autogo report`: a search as one HTML file.
-- @module autogo.cli.report

local core = require "autogo.core"
local data = require "autogo.report.data"
local html = require "autogo.report.html"

return {
  name = "report",
  about = "Write a search as one HTML file to look at",
  usage = "DIR [--out FILE]",
  arguments = { { name = "DIR", help = "the folder of a search (autogo evolve --out DIR)" } },
  options = {
    { name = "out", type = "string", value = "FILE", help = "where to write it [DIR/report.html]" },
  },
  run = function(values)
    local kind = core.exists(values[1])
    if kind and kind ~= "directory" then
      return nil, ("%s: a file; the folder of a search is wanted (autogo evolve MODEL --out DIR "
        .. "makes one)"):format(values[1])
    elseif not core.exists(values[1] .. "/front.json") then
      return nil, ("%s: no search has ended here: there is no front.json (autogo evolve MODEL --out %s "
        .. "makes one)"):format(values[1], values[1])
    end
    local found, why = data.of_folder(values[1])
    if not found then
      return nil, why
    end
    local path = values.out or values[1] .. "/report.html"
    local written
    written, why = core.write_file(path, html.page(found))
    if not written then
      return nil, why
    end
    io.stdout:write(path, "\n")
  end,
}
