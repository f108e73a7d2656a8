--- HTML and SVG from templates that cannot forget to escape.
--
--    markup.fill("<td title=\"%s\">%s</td>", name, markup.fill("<b>%s</b>", count))
--
-- Every argument is text and escaped, unless it is itself a piece of markup: names in model files are
-- written by strangers.
-- @module autogo.report.markup

local text = require "autogo.report.text"

local markup = {}

local Markup = { __name = "autogo.Markup" }
Markup.__index = Markup

function Markup:__tostring()
  return self.html
end

local function is_markup(value)
  return getmetatable(value) == Markup
end

--- Text that is markup already, made by us.
function markup.raw(html)
  return setmetatable({ html = html }, Markup)
end

--- A value as markup: text is escaped, nil is nothing.
function markup.escape(value)
  if value == nil then
    return ""
  elseif is_markup(value) then
    return value.html
  end
  local escaped = text.escape(tostring(value))
  return escaped:find("'", 1, true) and escaped:gsub("'", "&#39;") or escaped
end

-- By template: what stands between its %s.
local templates = setmetatable({}, { __mode = "v" })

local function split(template)
  local pieces = templates[template]
  if not pieces then
    pieces = {}
    for piece in (template .. "%s"):gmatch "(.-)%%s" do
      pieces[#pieces + 1] = piece
    end
    templates[template] = pieces
  end
  return pieces
end

--- A template with each %s replaced by an argument, escaped. Other % stand for themselves.
function markup.fill(template, ...)
  local pieces, arguments, parts = split(template), { ... }, {}
  for k = 1, #pieces - 1 do
    parts[2 * k - 1], parts[2 * k] = pieces[k], markup.escape(arguments[k])
  end
  parts[#parts + 1] = pieces[#pieces]
  return markup.raw(table.concat(parts))
end

--- Pieces one after the other.
-- @tparam table list of markup and text
-- @tparam[opt=""] string between
function markup.join(list, between)
  local parts = {}
  for i, piece in ipairs(list) do
    parts[i] = markup.escape(piece)
  end
  return markup.raw(table.concat(parts, between))
end

--- A relative address for a file name: bytes that mean something in addresses are encoded.
function markup.address(name)
  return (name:gsub("[^%w%._~/-]", function(byte)
    return ("%%%02X"):format(byte:byte())
  end))
end

return markup
