--- The journal of a search: whatever instant a search is ended at, it goes on from its last whole
-- iteration and ends as if nothing had happened.
--
--     local journal = require "autogo.journal"
--     ag.evolve(model, { seed = 1, journal = journal.new "evolved" })
--     ag.evolve(model, { seed = 1, journal = assert(journal.resume "evolved") })
--
-- All random draws of a search are keyed by (seed, generation, parent, ...), so its state is the
-- archive, the set of graphs seen and the memory of its policy. Two files hold them, and both only
-- grow:
--
--     journal.jsonl   {"event":"start", ...}      what was asked for: input, settings, files
--                     {"event":"extend", ...}     more iterations than that
--                     {"event":"iteration", ...}  members that came in, as splices; the history; the
--                                                 policy's memory
--                     {"event":"finish", ...}
--     visited.bin     hashes of the graphs seen, 16 bytes each, in the order of seeing
--
-- A line is the commit of an iteration: it says how many hashes belong to it, and is written once
-- they are on disk. What stands behind the last whole line, or behind the hashes it counts, was
-- never committed and is overwritten.
-- @module autogo.journal

local constraints = require "autogo.constraints"
local core = require "autogo.core"
local family = require "autogo.families.family"
local member = require "autogo.member"
local settings = require "autogo.settings"
local shown = require("autogo.spelling").shown

local FORMAT, VERSION = "autogo-journal", 1
local HASH_BYTES = 16
local PART = "/fingerprint.part"

local Journal = {}
Journal.__index = Journal

local journal = {}

--- A journal to be begun in a folder, over whatever journal is there.
-- @tparam string folder must exist
-- @tparam[opt] table command what a program needs to repeat its own preparations; comes back from
-- `resume` as `journal.head.command`
function journal.new(folder, command)
  return setmetatable({
    folder = folder, path = folder .. "/journal.jsonl", hashes = folder .. "/visited.bin",
    command = command, size = 0, visited = 0, members = 1, iterations = {},
  }, Journal)
end

-- --- writing --------------------------------------------------------------------------------------

--- Write one event, as a line.
-- @treturn boolean true; or nil and a message
function Journal:append(event)
  local line = core.json_encode(event) .. "\n"
  local good, why = core.append_file(self.path, self.size, line)
  if not good then return nil, why end
  self.size = self.size + #line
  return true
end

-- A hash of what an object holds, wherever it came from.
local function fingerprint(object, folder)
  local path = folder .. PART
  local good, why = object:save(path)
  local bytes = good and core.read_file(path)
  os.remove(path)
  return bytes and core.hash(bytes), why
end

-- That of a predictor: of all its members, which need not be alike and so may share no file.
local function predictor_fingerprint(predictor, folder)
  local parts = {}
  for i = 1, predictor.members do
    local why
    parts[i], why = fingerprint(predictor:member(i), folder)
    if not parts[i] then return nil, why end
  end
  return #parts == 1 and parts[1] or core.hash(table.concat(parts))
end

local function head_of(self, search)
  local head = {
    event = "start", format = FORMAT, version = VERSION, autogo = core.version,
    input = { name = search.input.graph.name, hash = search.input.graph:hash() },
    settings = settings.record(search.settings), files = {}, command = self.command,
  }
  head.settings.solver = search.parts.solver or "exact"
  head.settings.constraints = search.settings.constraints
  for i, objective in ipairs(search.settings.objectives) do
    head.settings.objectives[i].script = objective.script
  end
  for _, name in ipairs { "database", "tokenizer", "predictor" } do
    local of = name == "predictor" and predictor_fingerprint or fingerprint
    local mark, why = of(search.parts[name], self.folder)
    if not mark then return nil, why end
    head.files[name] = mark
  end
  return head
end

local function record_of(one, numbers, search)
  local splice, objectives = one.splice, {}
  for _, objective in ipairs(search.settings.objectives) do
    objectives[objective.name] = one[objective.name]
  end
  return {
    hash = splice.hash, parent = numbers[one.parent], generation = one.generation,
    first = splice.first, last = splice.last, entry = splice.entry, variant = splice.variant,
    resolved = splice.resolved, inputs = splice.inputs, outputs = splice.outputs,
    predicted = one.predicted, score = one.score, flops = one.flops, objectives = objectives,
  }
end

-- The members that came in since the last iteration, each with the number of its parent.
local function new_members(self, search)
  local numbers, records = {}, setmetatable({}, core.array)
  for i, one in ipairs(search.archive.members) do
    numbers[one] = i
    if i > self.members then records[#records + 1] = record_of(one, numbers, search) end
  end
  return records
end

--- Commit an iteration: everything that the search took in since the one before.
-- @tparam table search archive, space, settings
-- @tparam table row of the history
-- @treturn[1] true
-- @treturn[2] nil
-- @treturn[2] string why; what was committed before still stands
function Journal:iteration(search, row)
  local seen = search.space:visited(self.visited + 1)
  local good, why = core.append_file(self.hashes, self.visited * HASH_BYTES, seen)
  if not good then return nil, why end
  good, why = self:append {
    event = "iteration", row = row, members = new_members(self, search),
    visited = #seen // HASH_BYTES, digest = core.hash(seen),
    memory = next(search.memory) and search.memory,
  }
  if not good then return nil, why end
  self.visited = self.visited + #seen // HASH_BYTES
  self.members = #search.archive.members
  self.last = row.iteration
  return true
end

--- Say that the search has done all its iterations, and let the folder go.
function Journal:finish()
  local good, why = true, nil
  if self.finished ~= self.last then
    good, why = self:append { event = "finish", iterations = self.last }
  end
  self.lock = nil
  return good, why
end

--- Clear up after a search that failed: remove the files of a journal that was begun here and has no
-- iteration, for there is nothing to go on from. Any other stays.
function Journal:discard()
  os.remove(self.folder .. PART)
  if self.last or not self.begun then return end
  os.remove(self.path)
  os.remove(self.hashes)
end

-- --- reading --------------------------------------------------------------------------------------

local function decode(self, text)
  local line, first = 0, 1
  while true do
    local last = text:find("\n", first, true)
    local event = last and core.json_decode(text:sub(first, last - 1))
    if not event then
      -- Only the end may be torn.
      if last and text:find("\n", last + 1, true) then
        return nil, ("%s: line %d is not JSON"):format(self.path, line + 1)
      end
      return true
    end
    line, first = line + 1, last + 1
    local kind = type(event) == "table" and event.event
    if (kind == "start") ~= (line == 1) then
      return nil, ("%s: line %d does not belong there"):format(self.path, line)
    elseif kind == "start" then
      self.head = event
    elseif kind == "iteration" then
      self.iterations[#self.iterations + 1], event.line = event, line
      self.finished = nil
    elseif kind == "finish" then
      self.finished = event.iterations
    elseif kind == "extend" then
      self.asked = math.tointeger(event.iterations)
    else
      return nil, ("%s: line %d is no event"):format(self.path, line)
    end
    self.size = last
  end
end

local function check_head(self)
  local head = self.head
  if not head then
    return nil, ("%s: no search was begun here"):format(self.path)
  elseif head.format ~= FORMAT or head.version ~= VERSION then
    return nil, ("%s: not a journal of version %d"):format(self.path, VERSION)
  elseif head.autogo ~= core.version then
    return nil, ("%s: the search was begun by autogo %s, this is %s"):format(self.path,
      shown(head.autogo), core.version)
  elseif type(head.settings) ~= "table" or type(head.files) ~= "table"
    or type(head.input) ~= "table" then
    return nil, ("%s: line 1 is incomplete"):format(self.path)
  end
  self.asked = self.asked or math.tointeger(head.settings.iterations) or 1
  return self
end

--- The journal in a folder, to be gone on with.
-- @tparam string folder
-- @treturn[1] Journal with `head`, the event that began it, `asked`, the iterations last asked for,
-- and `finished`, their number if all were done
-- @treturn[2] nil
-- @treturn[2] string why
function journal.resume(folder)
  local self = journal.new(folder)
  local text, why = core.read_file(self.path)
  if not text then return nil, why end
  local good
  good, why = decode(self, text)
  if not good then return nil, why end
  return check_head(self)
end

--- The unfinished journal in a folder, if there is one with work in it.
function journal.unfinished(folder)
  local found = core.exists(folder .. "/journal.jsonl") and journal.resume(folder)
  local last = found and #found.iterations > 0 and not found.finished
  return last and found
end

-- --- going on -------------------------------------------------------------------------------------

local function text_of(value)
  if value == nil then return "nothing" end
  return type(value) == "string" and value or core.json_encode(value)
end

-- A name under which the two tables differ, and how.
local function difference(before, now, except)
  for _, names in ipairs { before, now } do
    for _, name in ipairs(family.keys(names)) do
      local a, b = text_of(before[name]), text_of(now[name])
      if a ~= b and name ~= except then return name, a, b end
    end
  end
end

local function same_search(self, head)
  local before = self.head
  if before.input.hash ~= head.input.hash then
    return nil, ("%s: the search was begun on another input, %s"):format(self.path,
      shown(before.input.name))
  end
  -- Iterations only say how long to go on, unless they divide a budget of children.
  local name, was, is = difference(before.settings, head.settings,
    not before.settings.children and "iterations")
  if name then
    return nil, ("%s: the search was begun with %s %s, not %s"):format(self.path, name, was, is)
  end
  name = difference(before.files, head.files)
  if name then return nil, ("%s: the search was begun with another %s"):format(self.path, name) end
  return true
end

-- Raises where the record makes no sense.
local function restore_member(search, record)
  local function number(value)
    return math.type(value) and value or error "a number is missing"
  end
  local parent = assert(search.archive.members[record.parent], "its parent does not exist")
  assert(math.type(record.generation) == "integer", "a generation is missing")
  local one = member.regrow(parent, record, record.generation, search.parts)
  assert(one.graph:hash() == record.hash, "it comes out as another network")
  one.predicted, one.score = number(record.predicted), number(record.score)
  one.flops = number(record.flops)
  for _, evaluator in ipairs(search.costs) do
    one[evaluator.name] = number(record.objectives[evaluator.name])
  end
  one.violation = constraints.violation(search.settings.constraints, one)
  search.archive:insert(one)
end

local ROW = { "children", "valid", "scored", "accepted", "front", "hypervolume", "seconds" }

local function restore_iteration(self, search, event, hashes)
  for _, name in ipairs(ROW) do assert(math.type(event.row[name]), "a row of the history is incomplete") end
  local count = assert(math.tointeger(event.visited), "visited is no number")
  local seen = hashes:sub(self.visited * HASH_BYTES + 1, (self.visited + count) * HASH_BYTES)
  assert(#seen == count * HASH_BYTES and core.hash(seen) == event.digest,
    "the hashes in visited.bin are not those it counts")
  search.space:restore(seen)
  for _, record in ipairs(event.members) do restore_member(search, record) end
  self.visited = self.visited + count
  self.last = #search.history + 1
  assert(event.row.iteration == self.last, "an iteration is missing before it")
  search.history[self.last] = event.row
  search.scored = search.scored + event.row.scored
  search.memory = event.memory or {}
end

local function restore(self, search)
  if #self.iterations == 0 then return true end
  local hashes, why = core.read_file(self.hashes)
  if not hashes then return nil, why end
  for _, event in ipairs(self.iterations) do
    local good, reason = pcall(restore_iteration, self, search, event, hashes)
    if not good then
      if core.interrupted() then error(reason, 0) end
      return nil, ("%s: line %d cannot be restored: %s"):format(self.path, event.line,
        (tostring(reason):gsub("^[^ ]+:%d+: ", "")))
    end
  end
  self.iterations = {}
  self.members = #search.archive.members
  return true
end

-- What lets a folder go holds it still until it is collected.
local function lock(folder)
  local held = core.lock(folder)
  if held then return held end
  collectgarbage()
  return core.lock(folder)
end

--- Begin the journal, or bring a search to where it stood.
-- @tparam table search at its input: input, archive, space, settings, parts, costs, history, memory
-- @treturn[1] integer number of iterations done
-- @treturn[2] nil
-- @treturn[2] string why
function Journal:start(search)
  local head, why
  self.lock, why = lock(self.folder)
  if not self.lock then return nil, why end
  head, why = head_of(self, search)
  if not head then return nil, why end
  local good
  if self.head then
    good, why = same_search(self, head)
    if good then good, why = restore(self, search) end
  else
    self.begun = true
    good, why = self:append(head)
  end
  if not good then return nil, why end
  local done, asked = self.last or 0, search.settings.iterations
  if asked < done and not search.settings.children then
    return nil, ("%s: %d iterations are done already, more than the %d asked for"):format(self.path,
      done, asked)
  elseif self.asked and asked ~= self.asked then
    good, why = self:append { event = "extend", iterations = asked }
    if not good then return nil, why end
  end
  self.started = true
  return done
end

return journal
