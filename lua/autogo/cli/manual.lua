--- The man page and the shell completions, made from the verbs' option tables.
-- @module autogo.cli.manual

local core = require "autogo.core"
local options = require "autogo.cli.options"
local verbs = require "autogo.cli.verbs"

local manual = {}

--- Shells that `completion` knows.
manual.SHELLS = { "bash", "zsh", "fish" }

local function verb_of(name)
  return require("autogo.cli." .. name)
end

-- --- man page -----------------------------------------------------------------------------------

-- Text that roff takes as it is.
local function roff(text)
  text = text:gsub("\\", "\\e"):gsub("%-", "\\-")
  return text:find "^[.']" and "\\&" .. text or text
end

local HEAD = [[
.TH AUTOGO 1 "" "AutoGO %s" "User Commands"
.SH NAME
autogo \- evolve a convolutional network's computation graph for a device
.SH SYNOPSIS
.B autogo
.I VERB
[\fIarguments\fR]
.SH DESCRIPTION
AutoGO cuts segments out of a network's graph of operations, puts others in, solves their shapes,
estimates the gain with a predictor, and keeps a Pareto front of better networks.
.PP
\fIMODEL\fR is a file, a network of the zoo (resnet50) or a member of a family
(nb201:@cell.json).
.SH VERBS
]]

local TAIL = [[
.SH EXIT STATUS
0 done, 1 failed, 2 wrong usage. Every failure is one line on standard error.
.SH EXAMPLES
.nf
autogo evolve resnet50.onnx \-\-out evolved \-\-seed 1
autogo info evolved/rank_00.onnx
autogo diff resnet50.onnx evolved/rank_00.onnx
.fi
.SH ENVIRONMENT
.TP
.B AUTOGO_LUA
The directory that holds autogo/init.lua, where the program does not find it by itself.
.TP
.B NO_COLOR
Where it is set, nothing is coloured.
.SH SEE ALSO
.BR lua5.4 (1)
]]

local function verb_section(name)
  local verb = verb_of(name)
  local lines = { (".SS %s"):format(roff("autogo " .. name .. " " .. verb.usage)), roff(verb.about .. ".") }
  for _, row in ipairs(options.rows(verb)) do
    lines[#lines + 1] = (".TP\n.B %s\n%s"):format(roff(row[1]), roff(row[2]))
  end
  return table.concat(lines, "\n")
end

--- The man page, as roff.
-- @treturn string
function manual.page()
  local sections = {}
  for i, name in ipairs(verbs) do sections[i] = verb_section(name) end
  return HEAD:format(core.version) .. table.concat(sections, "\n") .. "\n" .. TAIL
end

-- --- completion ---------------------------------------------------------------------------------

local function option_names(name)
  local names = { "--help" }
  for i, option in ipairs(verb_of(name).options) do names[i + 1] = "--" .. option.name end
  return names
end

-- Text between single quotes, for every shell.
local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local WRITE = {}

function WRITE.bash()
  local cases = {}
  for i, name in ipairs(verbs) do
    cases[i] = ("    %s) words='%s' ;;"):format(name, table.concat(option_names(name), " "))
  end
  return ([[
# bash completion of autogo: verbs, then options and files.
_autogo() {
  local word=${COMP_WORDS[COMP_CWORD]} words=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W '%s' -- "$word")
    return
  fi
  case ${COMP_WORDS[1]} in
%s
  esac
  case $word in
    -*) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word") ;;
  esac
}
complete -o default -F _autogo autogo
]]):format(table.concat(verbs, " "), table.concat(cases, "\n"))
end

function WRITE.zsh()
  local described, cases = {}, {}
  for i, name in ipairs(verbs) do
    described[i] = "    " .. quoted(name .. ":" .. verb_of(name).about:gsub(":", "\\:"))
    local specs = {}
    for k, option in ipairs(verb_of(name).options) do
      local help = option.help:gsub("[%[%]:\\]", "\\%0")
      specs[k] = "      " .. quoted(("--%s[%s]%s"):format(option.name, help,
        option.type == "flag" and "" or ":value:_files"))
    end
    specs[#specs + 1] = "      '*:file:_files'"
    cases[i] = ("    %s) _arguments \\\n%s ;;"):format(name, table.concat(specs, " \\\n"))
  end
  return ([[
#compdef autogo
_autogo() {
  local -a verbs=(
%s
  )
  if (( CURRENT == 2 )); then
    _describe verb verbs
    return
  fi
  local verb=$words[2]
  shift words
  (( CURRENT-- ))
  case $verb in
%s
  esac
}
_autogo "$@"
]]):format(table.concat(described, "\n"), table.concat(cases, "\n"))
end

function WRITE.fish()
  local lines = { "# fish completion of autogo." }
  for _, name in ipairs(verbs) do
    lines[#lines + 1] = ("complete -c autogo -n __fish_use_subcommand -a %s -d %s"):format(name,
      quoted(verb_of(name).about))
    for _, option in ipairs(verb_of(name).options) do
      lines[#lines + 1] = ("complete -c autogo -n '__fish_seen_subcommand_from %s' -l %s%s -d %s"):format(
        name, option.name, option.type == "flag" and "" or " -r", quoted(option.help))
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

--- Completion of a shell.
-- @tparam string shell one of `SHELLS`
-- @treturn string a script to be sourced
function manual.completion(shell)
  return WRITE[shell]()
end

return manual
