--- Graphviz text of a graph.
--
--    autogo convert resnet18 r.dot && dot -Tsvg r.dot > r.svg
-- @module autogo.formats.dot

-- Fill colours by kind of op, told apart by colour-blind readers too (after Okabe and Ito).
local COLOURS = {
  conv = "#56b4e9",
  depthwise = "#0072b2",
  transposedconv = "#0072b2",
  matmul = "#0072b2",
  add = "#e69f00",
  mul = "#e69f00",
  concat = "#d55e00",
  maxpool = "#009e73",
  avgpool = "#009e73",
  mean = "#009e73",
  input = "#f0e442",
  output = "#f0e442",
  opaque = "#cc79a7",
}

local function quoted(text)
  return '"' .. text:gsub('[\\"]', "\\%0"):gsub("\n", "\\n") .. '"'
end

local function label(node)
  local title = node.source_op or node.op
  if node.kernel then
    title = ("%s %dx%d"):format(title, node.kernel[1], node.kernel[2])
    if node.stride[1] > 1 or node.stride[2] > 1 then
      title = ("%s /%d"):format(title, math.max(node.stride[1], node.stride[2]))
    end
  end
  return ("%s\n%dx%dx%d"):format(title, node.h_out, node.w_out, node.c_out)
end

--- The graph as a text in the dot language.
-- @tparam Graph graph
-- @treturn string
return function(graph)
  local lines = {
    "digraph " .. quoted(graph.name) .. " {",
    '  node [shape=box, style="filled,rounded", fillcolor=white, fontname=Helvetica, fontsize=10];',
  }
  for i, node in graph:nodes() do
    local colour = COLOURS[node.op]
    local fill = colour and (', fillcolor="%s"'):format(colour) or ""
    lines[#lines + 1] = ("  n%d [label=%s%s];"):format(i, quoted(label(node)), fill)
    for _, operand in ipairs(node.operands) do
      lines[#lines + 1] = ("  n%d -> n%d;"):format(operand, i)
    end
  end
  lines[#lines + 1] = "}\n"
  return table.concat(lines, "\n")
end
