--- The report of a search that is going on, written while it runs.
-- @module autogo.report.live

local core = require "autogo.core"
local data = require "autogo.report.data"
local html = require "autogo.report.html"

local live = {}

-- Writing a page takes milliseconds, but iterations of small networks hardly more.
local LEAST_SECONDS = 2

--- A function to be called after each iteration with a function that gives the front: it writes
-- report.html into the folder, the first time and then every few seconds. What was drawn once is not
-- drawn again. That a page cannot be written does not end the search: its results will say so.
-- @tparam string folder
-- @tparam[opt=core.clock] function clock seconds from some moment on
function live.new(folder, clock)
  clock = clock or core.clock
  local memory, written = setmetatable({}, { __mode = "k" }), nil
  return function(snapshot)
    if written and clock() - written < LEAST_SECONDS then
      return
    end
    written = clock()
    local page = html.page(data.of_front(snapshot()), { running = true, memory = memory })
    core.write_file(folder .. "/report.html", page)
  end
end

return live
