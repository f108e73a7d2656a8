--- What `autogo evolve` shows while it works.
--
-- On a terminal one line on standard error, rewritten in place; with --verbose a line per iteration;
-- with --json an event per line on standard output, for programs; else nothing.
-- @module autogo.cli.progress

local core = require "autogo.core"

local progress = {}

local STDERR = 2
local CLEAR = "\r\27[K"

local function duration(seconds)
  if seconds >= 3600 then return ("%.1f h"):format(seconds / 3600) end
  if seconds >= 60 then return ("%d min"):format(seconds // 60) end
  return ("%d s"):format(math.ceil(seconds))
end

local function event(name, fields)
  local line = { event = name }
  for key, value in pairs(fields) do line[key] = value end
  io.stdout:write(core.json_encode(line), "\n")
  io.stdout:flush()
end

local function verbose(row)
  io.stderr:write(
    ("iteration %d: %d children, %d valid, %d accepted, front %d, hypervolume %.6g, %.1f s\n"):format(
      row.iteration, row.children, row.valid, row.accepted, row.front, row.hypervolume, row.seconds))
end

-- Later iterations cost about what the last one did: the first has a single parent.
local function terminal(row, iterations)
  io.stderr:write(CLEAR, ("iteration %d/%d  %.0f children/s  front %d  hypervolume %.4g  %s left"):format(
    row.iteration, iterations, row.scored / math.max(row.seconds, 1e-6), row.front, row.hypervolume,
    duration(math.max(0, iterations - row.iteration) * row.seconds)))
end

-- How far a slow objective is.
local function measuring(name, done, total, seconds)
  io.stderr:write(CLEAR, ("%s: %d of %d networks measured  %s left"):format(name, done, total,
    duration((total - done) * seconds / done)))
end

--- A display: `begin(fields)`, `row(row)` for each row of the history, `measuring(name, done, total,
-- seconds)` while an objective takes its time, `finish(fields)`, and `clear()` before anything else is
-- printed.
-- @tparam table values of the command line: quiet, json, verbose
-- @tparam integer iterations
function progress.new(values, iterations)
  local function nothing() end
  local display = {
    begin = nothing, row = nothing, measuring = nothing, finish = nothing, clear = nothing,
  }
  if values.json then
    display.begin = function(fields) event("start", fields) end
    display.row = function(row) event("iteration", row) end
    display.finish = function(fields) event("finish", fields) end
  elseif values.verbose then
    display.row = verbose
  elseif not values.quiet and core.isatty(STDERR) then
    local shown = false
    display.row = function(row)
      shown = true
      terminal(row, iterations)
    end
    display.measuring = function(...)
      shown = true
      measuring(...)
    end
    display.clear = function()
      if shown then io.stderr:write(CLEAR) end
    end
  end
  return display
end

return progress
