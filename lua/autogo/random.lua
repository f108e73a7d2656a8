--- Deterministic random streams: splitmix64 on Lua's 64-bit integers.
--
-- A stream is a pure function of its seed and keys, equal on every machine, so that what is
-- drawn for one family or sample never depends on what was drawn before it elsewhere.
--
--    local stream = random.new(1, 42)     -- seed 1, key 42
--    stream:below(6)                      -- 0 .. 5
--
-- Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
-- @module autogo.random

local random = {}

local Stream = {}
Stream.__index = Stream

local GAMMA = 0x9e3779b97f4a7c15

local function mix(z)
  z = (z ~ (z >> 30)) * 0xbf58476d1ce4e5b9
  z = (z ~ (z >> 27)) * 0x94d049bb133111eb
  return z ~ (z >> 31)
end

--- A stream.
-- @tparam integer seed
-- @tparam integer ... keys that tell streams of one seed apart
-- @treturn Stream
function random.new(seed, ...)
  if math.type(seed) ~= "integer" then
    error("seed: an integer expected, got " .. tostring(seed), 2)
  end
  local state = seed
  for _, key in ipairs { ... } do
    state = mix(mix(state + GAMMA) ~ key) -- order and repetition of keys count
  end
  return setmetatable({ state = state }, Stream)
end

--- The next 64 random bits.
-- @treturn integer
function Stream:next()
  self.state = self.state + GAMMA
  return mix(self.state)
end

--- A uniform integer in 0 .. n-1.
-- @tparam integer n at least 1
-- @treturn integer
function Stream:below(n)
  if math.type(n) ~= "integer" or n < 1 then
    error("n: a positive integer expected, got " .. tostring(n), 2)
  end
  -- Of the 2^63 values, the last 2^63 mod n would favour small results: draw again.
  local excess = (math.maxinteger % n + 1) % n
  local value
  repeat
    value = self:next() >> 1
  until value <= math.maxinteger - excess
  return value % n
end

--- A uniform integer in first .. last.
function Stream:range(first, last)
  return first + self:below(last - first + 1)
end

--- True with probability numerator / denominator.
function Stream:chance(numerator, denominator)
  return self:below(denominator) < numerator
end

--- A uniform element of a list.
function Stream:choice(list)
  return list[1 + self:below(#list)]
end

--- Shuffle a list in place (Fisher-Yates); returns it.
function Stream:shuffle(list)
  for i = #list, 2, -1 do
    local j = 1 + self:below(i)
    list[i], list[j] = list[j], list[i]
  end
  return list
end

--- The integers 1 .. n in random order.
function Stream:permutation(n)
  local list = {}
  for i = 1, n do
    list[i] = i
  end
  return self:shuffle(list)
end

--- k distinct integers of first .. last, ascending.
function Stream:subset(k, first, last)
  local chosen = {}
  for value = first, last do -- selection sampling: each subset equally likely
    if self:chance(k - #chosen, last - value + 1) then
      chosen[#chosen + 1] = value
    end
  end
  return chosen
end

return random
