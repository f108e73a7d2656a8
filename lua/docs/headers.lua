--- The C headers as a reference: each is written as a manual, so the page shows it as it stands,
-- with an index of what it declares.
--
-- A header is a sequence of blocks between empty lines. A block is documented if a comment is in it;
-- a declaration whose block has none is reported.
local headers = {}

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
function headers.read(text)
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
function headers.undocumented(text)
  local names = {}
  for _, block in ipairs(headers.read(text)) do
    for _, one in ipairs(block.documented and {} or block.declarations) do
      if one.kind == "function" then names[#names + 1] = one.name end
    end
  end
  return names
end

local STYLE = [[
:root { color-scheme: light dark; --paper: #fff; --ink: #1b232c; --muted: #52606d; }
:root { --line: #d8dee5; --panel: #f6f8fa; --accent: #00629b; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #12171c; --ink: #e6ebf0; --muted: #a5b1bd; }
  :root { --line: #303a44; --panel: #1a2027; --accent: #74bdf0; }
}
body { max-width: 58rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
body { background: var(--paper); color: var(--ink); font: 15px/1.55 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.7rem; }
h2 { margin: 3rem 0 .5rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line); font-size: 1.25rem; }
pre, code { font: 13px/1.55 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }
pre { overflow-x: auto; margin: .5rem 0; }
.code { padding: .6rem .8rem; background: var(--panel); border-radius: 6px; }
.code span { color: var(--muted); }
section { padding: .6rem 0; }
section:target .code { outline: 2px solid var(--accent); }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
nav { columns: 15rem; margin: .5rem 0 1rem; }
nav a { display: block; }
table { border-collapse: collapse; width: 100%; }
td { padding: .3rem 1rem .3rem 0; border-top: 1px solid var(--line); vertical-align: top; }
@media (max-width: 50rem) { pre { white-space: pre-wrap; } }
]]

local function escape(text)
  return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
end

-- A comment without its frame.
local function bare(comment)
  local text = comment:gsub("^/%*+%s?", ""):gsub("%s*%*/$", ""):gsub("\n %* ?", "\n")
  return (text:gsub("^autogo/[%w_]+%.h %- ", ""))
end

-- What only the compiler reads: include guards, includes, the other language.
local function is_frame(block)
  local code = block:gsub("/%*.-%*/", ""):gsub("#ifn?def [%w_]+", ""):gsub("#define [%w_]+_H\n?", "")
    :gsub("#include [^\n]+", ""):gsub("#endif", ""):gsub('extern "C" {', "")
  return not code:find "[^%s}]"
end

-- A block: the comment before it as text, then the code.
local function block_html(block)
  local comment, code = block.text:match "^(/%*.-%*/)\n?(.*)$"
  comment, code = comment or "", code or block.text
  if is_frame(code) then
    code = ""
  end
  if comment == "" and code == "" then
    return ""
  end
  local first = block.declarations[1]
  local id, anchors = first and (' id="%s"'):format(first.name) or "", {}
  for i = 2, #block.declarations do
    anchors[i - 1] = ('<a id="%s"></a>'):format(block.declarations[i].name)
  end
  return ("<section%s>%s%s%s</section>"):format(id, table.concat(anchors),
    comment ~= "" and ("<pre>%s</pre>"):format(escape(bare(comment))) or "",
    code ~= "" and ('<pre class="code">%s</pre>'):format((escape(code):gsub("/%*.-%*/", "<span>%0</span>")))
      or "")
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

-- What a header says of itself in its first sentence.
local function summary(text)
  local line = bare(text:match "^%s*(/%*.-%*/)" or ""):gsub("%s+", " ")
  return escape(line:match "^(.-%.) " or line)
end

--- The reference as one HTML page.
-- @tparam {table,...} files { name, text }
-- @treturn string
function headers.html(files)
  local parts, contents = {}, {}
  for i, header in ipairs(files) do
    contents[i] = ('<tr><td><a href="#%s"><code>autogo/%s</code></a></td><td>%s</td></tr>'):format(
      header.name, header.name, summary(header.text))
    parts[i] = header_html(header.name, headers.read(header.text))
  end
  return ([[<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>AutoGO: the C interface</title><style>%s</style>
<h1>AutoGO: the C interface</h1>
<p>Link <code>libautogo</code> (<code>pkg-config --cflags --libs autogo</code>) and include
<code>autogo/autogo.h</code>, or one header per module.</p>
<table>%s</table>
%s</html>
]]):format(STYLE, table.concat(contents, "\n"), table.concat(parts))
end

return headers
