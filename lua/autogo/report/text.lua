--- Text in drawings: room it needs, escaping, names of ops.
-- @module autogo.report.text

local text = {}

-- Width of characters in em, not less than in any of the usual sans-serif fonts (DejaVu Sans is the
-- broadest of them); what is not listed has that of a lower-case letter.
local PLAIN, OTHER, BOLDER = 0.65, 1.0, 1.13
local GROUPS = {
  { 0.34, "ijlIJ .,:;'|/\\" },
  { 0.47, "frt()[]-\"!" },
  { 0.84, "ABCDEGHKNOPQRSTUVXYZw+=<>&#~^" },
  { 1.0, "mMW@%" },
}
local WIDTHS = {}
for _, group in ipairs(GROUPS) do
  for character in group[2]:gmatch "." do
    WIDTHS[character] = group[1]
  end
end

--- Room that a text takes at most, in pixels.
-- @tparam string line UTF-8
-- @tparam number size of the font
-- @tparam[opt] boolean bold
function text.width(line, size, bold)
  local em = 0
  for character in line:gmatch "[\0-\x7F\xC2-\xFD][\x80-\xBF]*" do
    em = em + (WIDTHS[character] or #character > 1 and OTHER or PLAIN)
  end
  return em * size * (bold and BOLDER or 1)
end

--- Names come from files of others: bytes that are not UTF-8 become question marks.
function text.clean(line)
  return utf8.len(line) and line or (line:gsub("[\x80-\xFF]", "?"))
end

--- The text, or as much of its beginning as fits, with an ellipsis.
function text.fit(line, size, room)
  line = text.clean(line)
  if text.width(line, size) <= room then
    return line
  end
  local best = "…"
  for position in utf8.codes(line) do
    local shorter = line:sub(1, position - 1) .. "…"
    if text.width(shorter, size) > room then
      break
    end
    best = shorter
  end
  return best
end

--- Lines of at most `room` pixels, broken at spaces.
function text.wrap(line, size, room)
  local lines, current = {}, nil
  for word in line:gmatch "%S+" do
    local longer = current and current .. " " .. word or word
    if current and text.width(longer, size) > room then
      lines[#lines + 1] = current
      longer = word
    end
    current = longer
  end
  lines[#lines + 1] = current
  return lines
end

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

--- For XML; control characters but line ends become question marks too.
function text.escape(line)
  line = text.clean(line)
  if not line:find '[\0-\9\11-\31\x7F&<>"]' then
    return line
  end
  return (line:gsub("[\0-\9\11-\31\x7F]", "?"):gsub('[&<>"]', ENTITIES))
end

--- What a node is, in a few characters: "conv 3×3 /2".
function text.node(node)
  local title = node.source_op or node.op
  if node.kernel then
    title = ("%s %d×%d"):format(title, node.kernel[1], node.kernel[2])
  end
  if node.stride and (node.stride[1] > 1 or node.stride[2] > 1) then
    title = ("%s /%d"):format(title, math.max(node.stride[1], node.stride[2]))
  end
  return title
end

--- A resolution: "56×56×64".
function text.shape(h, w, c)
  return ("%d×%d×%d"):format(h, w, c)
end

return text
