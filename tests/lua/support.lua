--- What the Lua specs share: where the module and the shared data are, comparing graphs.
-- Specs run from the root of the repository; BUILD and AUTOGO_SHARED say where to look.

local support = {}

support.build = os.getenv "BUILD" or "build"
support.shared = os.getenv "AUTOGO_SHARED" or "../shared"

package.path = "lua/?.lua;lua/?/init.lua;" .. package.path
package.cpath = support.build .. "/?.so;" .. package.cpath

local core = require "autogo.core"

--- A file of the shared data, or nothing (and the message for `pending`) where it is absent.
function support.read(path)
  local file = io.open(support.shared .. "/" .. path, "rb")
  if not file then
    return nil, "needs " .. path .. " of the shared data (AUTOGO_SHARED)"
  end
  local text = file:read "a"
  file:close()
  return text
end

function support.json(path)
  local text, why = support.read(path)
  if not text then
    return nil, why
  end
  return assert(core.json_decode(text))
end

--- The rows of a CSV file, each a list of its fields; the header is skipped.
function support.csv(path)
  local text, why = support.read(path)
  if not text then
    return nil, why
  end
  local rows, header = {}, true
  for line in text:gmatch "[^\r\n]+" do
    if not header then
      local row = {}
      for field in (line .. ","):gmatch "(.-)," do
        row[#row + 1] = field
      end
      rows[#rows + 1] = row
    end
    header = false
  end
  return rows
end

local function slurp(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

--- Write a temporary file; returns its path.
function support.temporary(text, suffix)
  local path = os.tmpname()
  os.remove(path)
  path = path .. (suffix or "")
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

--- Run the program with a shell-quoted argument line; exit code, standard output and error.
function support.autogo(line, input)
  local out, err, feed = os.tmpname(), os.tmpname(), os.tmpname()
  local file = assert(io.open(feed, "wb"))
  file:write(input or "")
  file:close()
  local program = os.getenv "AUTOGO" or support.build .. "/autogo"
  local _, _, code = os.execute(("%s %s <%s >%s 2>%s"):format(program, line, feed, out, err))
  local output, errors = slurp(out), slurp(err)
  for _, path in ipairs { out, err, feed } do
    os.remove(path)
  end
  return code, output, errors
end

-- End the running test as pending. It must be the core's function, which raises: `pending` as this
-- module sees it declares one more, empty test, and the one that runs would count as passed.
local function skip(why)
  require "busted.core"().pending(why)
end

--- A busted test on shared files: body(contents...) or pending.
function support.with(reader, ...)
  local paths = { ... }
  local body = table.remove(paths)
  return function()
    local contents = {}
    for i, path in ipairs(paths) do
      local content, why = reader(path)
      if not content then
        skip(why)
      end
      contents[i] = content
    end
    body(table.unpack(contents))
  end
end

local function list(values)
  return "[" .. table.concat(values, ",") .. "]"
end

-- One line that says all of a node of the shared files, in the words of those files.
local function published_line(node)
  local weighted = node.weighted and node.op ~= "matmul"
  return table.concat({
    node.op,
    list(node["in"]),
    list(node.out),
    node.kernel and list(node.kernel) or "-",
    node.strides and list(node.strides) or "-",
    node.padding or "-",
    weighted and tostring(node.bias) or "-",
  }, " ")
end

local function our_line(node)
  local windowed = node.kernel ~= nil
  local weighted = node.op == "conv" or node.op == "depthwise"
  return table.concat({
    node.op,
    list { node.h_in, node.w_in, node.c_in },
    list { node.h_out, node.w_out, node.c_out },
    windowed and list(node.kernel) or "-",
    windowed and list(node.stride) or "-",
    windowed and node.padding or "-",
    weighted and tostring(node.bias) or "-",
  }, " ")
end

--- A published graph as text: a line per node in the file's order, then its edges.
function support.published_text(file)
  local lines = {}
  for _, node in ipairs(file.nodes) do
    lines[#lines + 1] = published_line(node)
  end
  local edges = {}
  for _, edge in ipairs(file.edges) do
    edges[#edges + 1] = ("%d-%d"):format(edge[1], edge[2])
  end
  table.sort(edges)
  return table.concat(lines, "\n") .. "\n" .. table.concat(edges, " ")
end

--- One of our graphs in the same words.
function support.graph_text(graph)
  local lines, edges, seen = {}, {}, {}
  for i, node in graph:nodes() do
    lines[#lines + 1] = our_line(node)
    for _, operand in ipairs(node.operands) do
      local edge = ("%d-%d"):format(operand, i)
      if not seen[edge] then
        seen[edge] = true
        edges[#edges + 1] = edge
      end
    end
  end
  table.sort(edges)
  return table.concat(lines, "\n") .. "\n" .. table.concat(edges, " ")
end

return support
