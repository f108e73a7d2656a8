--- A page of SVG in the making: shapes and text, legends, and its frame.
-- @module autogo.report.sheet

local palette = require "autogo.report.palette"
local text = require "autogo.report.text"
local number = require("autogo.report.routes").number

local Sheet = {}
Sheet.__index = Sheet

-- No text is smaller.
local SMALL, NORMAL, LARGE = 9, 11, 15

local sheet = { SMALL = SMALL, NORMAL = NORMAL, LARGE = LARGE, MARGIN = 24 }

--- An empty page.
function sheet.new()
  return setmetatable({ parts = {}, width = 0, height = 0 }, Sheet)
end

--- Add text of SVG.
function Sheet:add(format, ...)
  self.parts[#self.parts + 1] = format:format(...)
end

--- The page reaches at least this far.
function Sheet:cover(x, y)
  self.width, self.height = math.max(self.width, x), math.max(self.height, y)
end

--- A line of text, `x` its start (or middle, with anchor = "middle") and `y` its baseline.
-- @tparam number x
-- @tparam number y
-- @tparam string line
-- @tparam[opt] table style size, bold, fill, anchor
function Sheet:text(x, y, line, style)
  style = style or {}
  local size = style.size or NORMAL
  self:add('<text x="%s" y="%s"%s%s%s%s>%s</text>', number(x), number(y),
    size ~= NORMAL and (' font-size="%s"'):format(number(size)) or "",
    style.bold and ' font-weight="bold"' or "",
    style.fill and (' fill="%s"'):format(style.fill) or "",
    style.anchor and (' text-anchor="%s"'):format(style.anchor) or "", text.escape(line))
  local width = text.width(line, size, style.bold)
  self:cover(x + (style.anchor == "middle" and width / 2 or width), y + 3)
end

--- A filled box.
function Sheet:box(x, y, width, height, fill, stroke, more)
  self:add('<rect x="%s" y="%s" width="%s" height="%s" rx="3" fill="%s" stroke="%s"%s/>', number(x),
    number(y), number(width), number(height), fill, stroke or fill, more or "")
  self:cover(x + width, y + height)
end

--- Swatches with words beside them, in lines of at most `room` pixels.
-- @tparam number x
-- @tparam number y top
-- @tparam number room
-- @tparam {{fill=,stroke=,name=,more=},...} entries
-- @treturn number y below the last line
function Sheet:legend(x, y, room, entries)
  local at = x
  for _, entry in ipairs(entries) do
    local width = 18 + text.width(entry.name, NORMAL) + 16
    if at > x and at + width > x + room then
      at, y = x, y + 19
    end
    self:box(at, y, 12, 12, entry.fill, entry.stroke, entry.more)
    self:text(at + 18, y + 10, entry.name)
    at = at + width
  end
  return #entries > 0 and y + 19 or y
end

--- The file.
-- @tparam string title
-- @treturn string SVG
function Sheet:finish(title)
  local width = math.ceil(self.width + sheet.MARGIN)
  local height = math.ceil(self.height + sheet.MARGIN)
  local head = {
    ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" '
      .. 'font-family="Helvetica, Arial, \'Liberation Sans\', sans-serif" font-size="%d" fill="%s">'):format(
      width, height, width, height, NORMAL, palette.INK),
    ("<title>%s</title>"):format(text.escape(title)),
    ("<style>.net:hover{stroke:%s;stroke-width:2.6}</style>"):format(palette.VERMILLION),
    ('<defs><marker id="tip" viewBox="0 0 6 6" refX="5.5" refY="3" markerWidth="5.5" markerHeight="5.5" '
      .. 'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0.4L6 3L0 5.6z" fill="%s" stroke="none"/>'
      .. "</marker></defs>"):format(palette.GREY),
    ('<rect width="%d" height="%d" fill="%s"/>'):format(width, height, palette.PAPER),
  }
  return table.concat(head, "\n") .. "\n" .. table.concat(self.parts, "\n") .. "\n</svg>\n"
end

return sheet
