-- The random streams against the reference sequence of splitmix64 and simple statistics.

require "tests.lua.support"
local random = require "autogo.random"

describe("a stream", function()
  it("is splitmix64", function()
    local stream = random.new(1234567)
    -- The first values of the reference implementation, as unsigned decimals.
    for _, expected in ipairs {
      "6457827717110365317", "3203168211198807973", "9817491932198370423", "4593380528125082431",
      "16408922859458223821",
    } do
      local value = 0
      for digit in expected:gmatch "%d" do
        value = 10 * value + tonumber(digit) -- wraps around like the stream
      end
      assert.equal(value, stream:next())
    end
  end)

  it("depends on its seed and every key", function()
    local seen = {}
    local function check(...)
      local value = random.new(...):next()
      assert.is_nil(seen[value])
      seen[value] = true
    end
    for seed = -3, 8 do
      check(seed)
      for key = -3, 8 do
        check(seed, key)
        for last = 0, 2 do
          check(seed, key, last)
        end
      end
    end
  end)

  it("draws uniformly", function()
    local stream, counts, draws = random.new(9), {}, 60000
    for _ = 1, draws do
      local value = stream:below(6)
      counts[value] = (counts[value] or 0) + 1
    end
    for value = 0, 5 do -- 5 standard deviations of a binomial
      assert.is_true(math.abs(counts[value] - draws / 6) < 5 * math.sqrt(draws * 5 / 36))
    end
  end)

  it("shuffles and chooses without losing or repeating anything", function()
    local stream = random.new(4)
    local list = stream:permutation(50)
    table.sort(list)
    for i = 1, 50 do
      assert.equal(i, list[i])
    end
    local first = {}
    for _ = 1, 3000 do
      local subset = stream:subset(2, 0, 3)
      assert.equal(2, #subset)
      assert.is_true(subset[1] < subset[2] and subset[1] >= 0 and subset[2] <= 3)
      local key = subset[1] * 4 + subset[2]
      first[key] = (first[key] or 0) + 1
    end
    local kinds = 0
    for _, count in pairs(first) do -- six subsets, 500 each
      kinds = kinds + 1
      assert.is_true(math.abs(count - 500) < 5 * math.sqrt(3000 * 5 / 36))
    end
    assert.equal(6, kinds)
  end)

  it("names arguments that are wrong", function()
    assert.error_matches(function()
      random.new "x"
    end, "seed: an integer expected, got x")
    assert.error_matches(function()
      random.new(1):below(0)
    end, "n: a positive integer expected, got 0")
  end)
end)
