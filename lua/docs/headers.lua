--- The C headers as a reference: each is written as a manual, so the page shows it as it stands,
-- with an index of what it declares.
--
-- A header is a sequence of blocks between empty lines. A block is documented if a comment is in it;
-- a declaration whose block has none is reported.
local M = {}

local KINDS = {
  { "^typedef .-([%w_]+);$", "type" }, { "^typedef %a+ ([%w_]+) {", "type" },
  { "^#define ([A-Z][%w_]+)", "macro" }, { "^[%a][%w_ %*]-([%w_]+)%(", "function" },
}

-- What the code of one declaration declares: name and kind, or nothing.
local function declared(code)
  for _, kind in ipairs(KINDS) do
    local name = code:match(kind[1])
    if name then return name, kind[2] end
  end
end

-- The block without comments, one declaration per element: those at the outermost level.
local function declarations(block)
  local code = block:gsub("/%*.-%*/", ""):gsub("%b{}", "{}")
  local list = {}
  for statement in code:gsub("\n[ \t]+", " "):gmatch "[^\n]+" do
    statement = statement:gsub("^%s+", ""):gsub("%s+$", "")
    local name, kind = declared(statement)
    local guard = kind == "macro" and name:find "_H$"
    if name and not guard then list[#list + 1] = { name = name, kind = kind } end
  end
  return list
end

-- Blocks end at empty lines that are not within braces or a comment.
local function blocks_of(text)
  local list, lines, depth, comment = {}, {}, 0, false
  for line in (text .. "\n"):gmatch "(.-)\n" do
    if line == "" and depth == 0 and not comment then
      if #lines > 0 then list[#list + 1] = table.concat(lines, "\n") end
      lines = {}
    else
      lines[#lines + 1] = line
      local code = line:gsub("/%*.-%*/", "")
      if code:find("/*", 1, true) then comment = true end
      if code:find("*/", 1, true) then comment = false end
      if not comment then
        depth = depth + select(2, code:gsub("{", "")) - select(2, code:gsub("}", ""))
      end
    end
  end
  if #lines > 0 then list[#list + 1] = table.concat(lines, "\n") end
  return list
end

--- Read a header.
-- @tparam string text
-- @treturn {table,...} blocks { text, declarations = {{name, kind}, ...}, documented }
function M.read(text)
  local blocks = {}
  for i, block in ipairs(blocks_of(text)) do
    blocks[i] = {
      text = block, declarations = declarations(block),
      documented = block:find("/*", 1, true) ~= nil or block:find("//", 1, true) ~= nil,
    }
  end
  return blocks
end

--- Functions and types of a header that no comment stands with.
-- @tparam string text
-- @treturn {string,...} names
function M.undocumented(text)
  local names = {}
  for _, block in ipairs(M.read(text)) do
    for _, one in ipairs(block.documented and {} or block.declarations) do
      if one.kind == "function" then names[#names + 1] = one.name end
    end
  end
  return names
end

local STYLE = [[
:root { color-scheme: light dark; }
:root { --soft: light-dark(#57606a, #9aa4ae); --line: light-dark(#d8dee4, #30363d); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
pre { font: 13px/1.5 ui-monospace, monospace; overflow-x: auto; }
pre { border-left: 2px solid var(--line); padding: .2rem 0 .2rem 1rem; }
.comment { color: var(--soft); }
nav code { margin-right: .8rem; }
h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); }
a { color: inherit; text-decoration-color: var(--soft); }
]]

local function escape(text)
  return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
end

local function block_html(block)
  local anchors = {}
  for i, one in ipairs(block.declarations) do anchors[i] = ('<a id="%s"></a>'):format(one.name) end
  local code = escape(block.text):gsub("/%*.-%*/", '<span class="comment">%0</span>')
  return table.concat(anchors) .. "<pre>" .. code .. "</pre>"
end

local function header_html(name, blocks)
  local index, body = {}, {}
  for i, block in ipairs(blocks) do
    for _, one in ipairs(block.declarations) do
      if one.kind == "function" then
        index[#index + 1] = ('<a href="#%s"><code>%s</code></a>'):format(one.name, one.name)
      end
    end
    body[i] = block_html(block)
  end
  return ('<h2 id="%s">autogo/%s</h2>\n<nav>%s</nav>\n%s\n'):format(name, name,
    table.concat(index, " "), table.concat(body, "\n"))
end

--- The reference as one HTML page.
-- @tparam {table,...} headers { name, text }
-- @treturn string
function M.html(headers)
  local parts, contents = {}, {}
  for i, header in ipairs(headers) do
    contents[i] = ('<li><a href="#%s">autogo/%s</a></li>'):format(header.name, header.name)
    parts[i] = header_html(header.name, M.read(header.text))
  end
  return ([[<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>AutoGO: the C interface</title><style>%s</style>
<h1>AutoGO: the C interface</h1>
<p>Link <code>libautogo</code> and include <code>autogo/autogo.h</code>, or one header per module.</p>
<ul>%s</ul>
%s</html>
]]):format(STYLE, table.concat(contents), table.concat(parts))
end

return M
