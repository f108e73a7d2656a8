--- Training scripts beside an exported PyTorch module, with the published settings.
--
--    autogo convert smaller.onnx smaller.py --train cifar10     also writes train_smaller.py
--    python3 train_smaller.py cifar-10-batches-py
--
-- The templates are Python files beside this one: cifar10, imagenet, sr (super-resolution), denoise.
-- Source: algorithm.md section 7.
-- @module autogo.starters

local core = require "autogo.core"

local _, here = ...
local FOLDER = (here or "lua/autogo/starters/init.lua"):gsub("init%.lua$", "")

local starters = { names = { "cifar10", "denoise", "imagenet", "sr" } }

--- The script's path for a module's.
function starters.path(module)
  local folder, name = module:match "^(.-)([^/]*)%.%w+$"
  return ("%strain_%s.py"):format(folder, name)
end

--- Write a starter beside a module.
-- @tparam string name
-- @tparam string module path of the module, whose name must be one that Python can import
-- @treturn string the script's path; or nil and a message
function starters.write(name, module)
  local stem = module:match "([^/]*)%.%w+$"
  if not stem:find "^[%a_][%w_]*$" then
    return nil, ("%s: Python cannot import a file of this name; use letters, digits and _"):format(module)
  end
  local text, why = core.read_file(FOLDER .. name .. ".py")
  if not text then return nil, why end
  local path = starters.path(module)
  text = text:gsub("@MODULE@", stem):gsub("@SCRIPT@", path:match "[^/]*$")
  local good
  good, why = core.write_file(path, text)
  return good and path, why
end

return starters
