--- What the specs of the binding share: how calls fail, and a network to work on.

local assert = require "luassert"
local support = require "tests.lua.support"
local core = require "autogo.core"

local expect = {}

local function says(words, message)
  for word in words:gmatch "%S+" do
    assert.truthy(message:find(word, 1, true), ("'%s' lacks '%s'"):format(message, word))
  end
end

--- The call raises, and says all of the given words.
function expect.raises(words, f, ...)
  local ok, message = pcall(f, ...)
  assert.is_false(ok)
  says(words, message)
end

--- The results are nil and a message that says all of the given words.
function expect.fails(words, result, message)
  assert.is_nil(result)
  says(words, message)
end

--- The program ends with this code after one line on standard error and nothing on standard output;
-- returns that line.
function expect.refused(code, line, input)
  local status, out, err = support.autogo(line, input)
  assert.equal(code, status, err)
  assert.equal("", out)
  assert.equal(1, select(2, err:gsub("\n", "")), err)
  assert.equal("autogo: ", err:sub(1, 8))
  return (err:sub(9, -2))
end

--- The path of a file that goes when the test ends; `finally` is the spec's own.
function expect.temporary(finally)
  local path = os.tmpname()
  finally(function() os.remove(path) end)
  return path
end

--- A residual network with two branches per block; `turned` adds them in the other order.
function expect.network(blocks, channels, turned)
  local b = core.builder("net", "test")
  local x = b:conv(b:input { 32, 32, 3 }, { filters = channels, kernel = 3 })
  local function conv(from, kernel)
    return b:batchnorm(b:conv(from, { filters = channels, kernel = kernel }))
  end
  for _ = 1, blocks do
    local long, short
    if turned then
      short = conv(x, 1)
      long = conv(b:relu(conv(x, 3)), 3)
    else
      long = conv(b:relu(conv(x, 3)), 3)
      short = conv(x, 1)
    end
    x = b:relu(b:add(long, short))
  end
  b:output(b:matmul(b:mean(x), { units = 10, bias = true }))
  return b:build()
end

return expect
