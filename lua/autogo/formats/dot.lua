--- Graphviz text of a graph.
--
--    autogo convert resnet18 r.dot && dot -Tsvg r.dot > r.svg
-- @module autogo.formats.dot

local palette = require "autogo.report.palette"
local text = require "autogo.report.text"

local function quoted(line)
  return '"' .. line:gsub('[\\"]', "\\%0"):gsub("\n", "\\n") .. '"'
end

local function label(node)
  return ("%s\n%s"):format(text.node(node), text.shape(node.h_out, node.w_out, node.c_out))
end

-- Colours as in `autogo.report.draw`.
local function colours(node)
  local colour = palette.KINDS[palette.kind_of(node.op)].colour
  return colour and (', color="%s", fillcolor="%s"'):format(colour, palette.tint(colour, 0.35)) or ""
end

--- The graph as a text in the dot language.
-- @tparam Graph graph
-- @treturn string
return function(graph)
  local lines = {
    "digraph " .. quoted(text.clean(graph.name)) .. " {",
    '  node [shape=box, style="filled,rounded", color="#9aa5b1", fillcolor="#f5f7fa", fontname=Helvetica, '
      .. 'fontsize=10, height=0.4];',
    '  edge [color="#7b8794", arrowsize=0.7];',
  }
  for i, node in graph:nodes() do
    lines[#lines + 1] = ("  n%d [label=%s%s];"):format(i, quoted(label(node)), colours(node))
    for _, operand in ipairs(node.operands) do
      lines[#lines + 1] = ("  n%d -> n%d;"):format(operand, i)
    end
  end
  lines[#lines + 1] = "}\n"
  return table.concat(lines, "\n")
end
