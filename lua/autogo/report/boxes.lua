--- Boxes of nodes, each drawn once in a page: drawings of a front show the same nodes again and again, so
-- they only say which box stands where (<use href="#b7" data-node=POSITION x= y=>), and the boxes follow
-- once for all. The script of the page puts the boxes themselves in their places when a part opens.
--
-- What a box says is a *kind*: { number, about, label, shape, room = what its lines need }.
-- @module autogo.report.boxes

local markup = require "autogo.report.markup"
local picture = require "autogo.report.picture"
local text = require "autogo.report.text"
local number = require("autogo.report.routes").number

local Boxes = {}
Boxes.__index = Boxes

local boxes = { HEIGHT = 29, CHIP = 15 }

local HEIGHT, CHIP = boxes.HEIGHT, boxes.CHIP

local SIGNS = { removed = "−", added = "+", reshaped = "~" }

--- The sign of what happened to a node.
boxes.SIGNS = SIGNS

--- Boxes of drawings to come. A box is forgotten when no drawing has it any more.
function boxes.new()
  return setmetatable({ kinds = {}, kind_count = 0, count = 0, known = setmetatable({}, { __mode = "v" }) },
    Boxes)
end

--- What a box of a node says, the same for all nodes of which the same is said.
-- @tparam table node as of `Graph:node`; its kind is kept in it
-- @treturn table
function Boxes:kind(node)
  if node.kind_of == self then
    return node.kind
  end
  local about = picture.about(node)
  local kind = self.kinds[about]
  if not kind then
    self.kind_count = self.kind_count + 1
    kind = { number = self.kind_count, about = about, shape = text.shape(node.h_out, node.w_out, node.c_out) }
    kind.label, kind.room = picture.measure(node, true)
    self.kinds[about] = kind
  end
  node.kind_of, node.kind = self, kind
  return kind
end

local function draw(id, kind, mark, width)
  local middle = number((width + (mark and CHIP or 0)) / 2)
  local chip = mark and ('<path class="k" d="M0 3q0-3 3-3H%dV%dH3q-3 0-3-3z"/><text class="k" x="%s" '
    .. 'y="18.5">%s</text>'):format(CHIP, HEIGHT, number(CHIP / 2), SIGNS[mark]) or ""
  return ('<g id="b%d" class="n%s"><title>%s%s</title><rect width="%s" height="%d" rx="3"/>%s'
    .. '<text class="l" x="%s" y="18.5">%s</text><text class="s" x="%s" y="24.5">%s</text></g>'):format(id,
    mark and " " .. mark or "", mark and mark .. "\n" or "", text.escape(kind.about), number(width), HEIGHT,
    chip, middle, text.escape(kind.label), middle, kind.shape)
end

--- The box of a kind.
-- @tparam table kind
-- @tparam[opt] string mark "removed", "added" or "reshaped"
-- @tparam number width
-- @treturn table { id, svg }
function Boxes:box(kind, mark, width)
  local key = ("%d %s %s"):format(kind.number, mark or "", width)
  local box = self.known[key]
  if not box then
    self.count = self.count + 1
    box = { id = self.count, svg = draw(self.count, kind, mark, width) }
    self.known[key] = box
  end
  return box
end

--- The boxes of drawings, as a part of a page that is not seen by itself.
-- @tparam table used set of boxes
-- @treturn markup
function boxes.page(used)
  local list = {}
  for box in pairs(used) do
    list[#list + 1] = box
  end
  table.sort(list, function(p, q)
    return p.id < q.id
  end)
  for k, box in ipairs(list) do
    list[k] = box.svg
  end
  return markup.raw(#list > 0 and ('<svg class="boxes" aria-hidden="true"><defs>%s</defs></svg>\n'):format(
    table.concat(list, "\n")) or "")
end

return boxes
