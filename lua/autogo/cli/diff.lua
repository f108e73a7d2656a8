--- `autogo diff`: what differs between two models.
-- @module autogo.cli.diff

local ag = require "autogo"
local core = require "autogo.core"
local draw = require "autogo.report.draw"
local html = require "autogo.report.html"
local match = require "autogo.match"
local model = require "autogo.cli.model"
local report = require "autogo.report.table"
local terminal = require "autogo.cli.terminal"
local text = require "autogo.report.text"
local words = require "autogo.report.words"

local function load(path, values)
  local graph, why = ag.load(path,
    { input = values.input, skip = values.skip, start = values.start, stop = values.stop })
  return graph and graph:canonical(), why
end

local function line(sign, node)
  local name = text.node(node)
  return ("%s %4d  %s%s  %s"):format(sign, node.position, name, (" "):rep(20 - (utf8.len(name) or #name)),
    text.shape(node.h_out, node.w_out, node.c_out))
end

-- What a node was where it has another resolution now: that of its output, or else of its input.
local function former(old, node)
  local was, is = text.shape(old.h_out, old.w_out, old.c_out), text.shape(node.h_out, node.w_out, node.c_out)
  if was ~= is then
    return "was " .. was
  end
  return ("input %s, was %s"):format(text.shape(node.h_in, node.w_in, node.c_in),
    text.shape(old.h_in, old.w_in, old.c_in))
end

-- A line per node removed, added, or of another shape.
local function differences(a, b, origin)
  local before, after, lines = match.list(a), match.list(b), {}
  local left, right, counts = match.marks(before, after, origin)
  for i, node in ipairs(before) do
    lines[#lines + 1] = left[i] == "removed" and line("-", node) or nil
  end
  for j, node in ipairs(after) do
    lines[#lines + 1] = right[j] == "added" and line("+", node) or nil
  end
  for j, node in ipairs(after) do
    if right[j] == "reshaped" then
      lines[#lines + 1] = ("%s, %s"):format(line("~", node), former(before[origin[j]], node))
    end
  end
  return lines, counts
end

local function amount(name, before, after)
  local function short(value)
    return (report.short(value):gsub("%s+$", ""))
  end
  return ("%s: %s, %s"):format(name, short(before),
    before == after and "both" or ("then %s (%s)"):format(short(after), report.change(after, before)))
end

local COLOURS = { ["-"] = "\27[31m", ["+"] = "\27[32m", ["~"] = "\27[33m" }
local PLAIN = "\27[0m"

local function say(a, b, origin)
  local lines, counts = differences(a, b, origin)
  if terminal.coloured() then
    for i, one in ipairs(lines) do
      lines[i] = COLOURS[one:sub(1, 1)] .. one .. PLAIN
    end
  end
  table.insert(lines, 1, ("%s removed, %d added, %d of another shape, %d as before"):format(
    words.count(counts.removed, "node"), counts.added, counts.reshaped, counts.unchanged))
  table.insert(lines, 2, amount("FLOPs", a.flops, b.flops))
  table.insert(lines, 3, amount("parameters", a.params, b.params))
  io.stdout:write(table.concat(lines, "\n"), "\n")
end

-- How each kind of file is made: function(a, b, origin, values) -> content, or nil and a message.
local MAKE = {
  svg = function(a, b, origin, values)
    return draw.change(a, b, origin, { context = not values.whole and values.context or nil })
  end,
  html = function(a, b, origin, values)
    return html.comparison(a, b, origin, { values[1], values[2] })
  end,
}

local function maker_of(path)
  return MAKE[path:lower():match "%.(%w+)$"]
end

local function check(values)
  if values.out and not maker_of(values.out) then
    return ("--out: a name that ends in .svg or .html expected, got '%s'"):format(values.out)
  end
end

-- What to write and where: { path, make }, nothing where it is to be said in words.
local function wanted(values)
  local files = { values.svg and { values.svg, MAKE.svg } }
  if values.out then
    files[#files + 1] = { values.out, maker_of(values.out) }
  end
  return files
end

local function write(files, a, b, origin, values)
  for _, file in ipairs(files) do
    local content, why = file[2](a, b, origin, values)
    if not content then
      return nil, why
    end
    local good
    good, why = core.write_file(file[1], content)
    if not good then
      return nil, why
    end
  end
end

return {
  name = "diff",
  about = "Say or draw what differs between two models",
  usage = "A B [options]",
  arguments = { { name = "A", help = model.ARGUMENT.help }, { name = "B", help = "the other model" } },
  options = {
    { name = "out", type = "string", value = "FILE", help = "draw both side by side there: .svg or .html" },
    { name = "svg", type = "string", value = "FILE", help = "the same, SVG whatever it is called" },
    { name = "context", type = "integer", min = 0, default = 4, help = "rows drawn around a change in SVG" },
    { name = "whole", type = "flag", help = "draw everything in SVG" },
    model.INPUT,
    model.START,
    model.STOP,
    model.SKIP,
  },
  check = check,
  run = function(values)
    local files = wanted(values)
    local a, why = load(values[1], values)
    if not a then
      return nil, why
    end
    local b
    b, why = load(values[2], values)
    if not b then
      return nil, why
    end
    local origin = match.nodes(a, b)
    if #files == 0 then
      say(a, b, origin)
      return
    end
    return write(files, a, b, origin, values)
  end,
}
