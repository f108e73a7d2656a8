--- What a network repeats: runs of statements that are the same but for their numbers.
--
-- A *statement* is what a source writer makes of one node:
--
--    { position, operands = {position, ...}, key, c_in, c_out, ... }
--
-- `key` says all that must agree for two statements to be one line of a helper module. A *run* is a
-- contiguous piece of the list that reads one tensor from outside and leaves one. Two runs are equal
-- if their keys and their inner wiring are. *Bystanders* of a run are the tensors that lie ready before it
-- and are still to be read after it: a stage of a chain has none, the inside of a residual branch has the
-- shortcut, and so on inwards.
--
-- The search is greedy, from the outside in: among the runs without bystanders those of most uses times
-- length become a block, then the next; then those with one bystander, two, and so on, where even a
-- single use of a block that there is already counts. O(n * longest) runs are looked at each time, each
-- extended by a number that stands for everything before (so no key is ever longer than a statement's).
-- @module autogo.formats.repeats

local repeats = {}

local LONGEST = 160
-- A block must save so many statements to be worth its own class.
local LEAST_SAVED = 6
local MOST_BYSTANDERS = 64

--- When each position is read for the last time.
-- @tparam {statement,...} statements in order
-- @tparam {position,...} results positions that leave the list
-- @treturn {position=index,...} the last statement that reads it; infinite for results
function repeats.last_uses(statements, results)
  local last = {}
  for i, statement in ipairs(statements) do
    for _, operand in ipairs(statement.operands) do last[operand] = i end
  end
  for _, position in ipairs(results) do last[position] = math.huge end
  return last
end

-- How operands look from inside a run: offset from its start, or x for the tensor from outside.
local function wiring(statement, start, index)
  local text = {}
  for k, operand in ipairs(statement.operands) do
    local at = index[operand]
    text[k] = at and at >= start and at - start or "x"
  end
  return table.concat(text, ",")
end

-- All runs that begin at `start`: calls found(length, id).
local function each_run(context, start, found)
  local statements, index, last = context.statements, context.index, context.last
  local id, input, open, closing, bystanders = 0, nil, 0, {}, context.alive
  for i = start, math.min(#statements, start + LONGEST - 1) do
    local statement = statements[i]
    if context.covered[i] or statement.fixed then return end
    for _, operand in ipairs(statement.operands) do
      if (index[operand] or 0) < start then
        if input and input ~= operand then return end
        input = operand
      end
    end
    local key = id .. "\0" .. statement.key .. "\0" .. wiring(statement, start, index)
    id = context.ids[key]
    if not id then
      context.count = context.count + 1
      id = context.count
      context.ids[key] = id
    end
    open = open - (closing[i] or 0) + 1
    local death = last[statement.position] or math.huge
    closing[death] = (closing[death] or 0) + 1
    bystanders = bystanders - (context.deaths[i] or 0)
    if open == 1 and input and i > start then
      if bystanders <= context.level then
        found(i - start + 1, id)
      else
        context.next_level = math.min(context.next_level, bystanders)
      end
    end
  end
end

-- A tensor lies ready; context.deaths[i] of those that do are last read by statement i.
local function be_born(context, position)
  local death = context.last[position]
  if not death then return end
  context.alive = context.alive + 1
  context.deaths[death] = (context.deaths[death] or 0) + 1
end

-- Runs by id: { length, starts }, starts not overlapping.
local function collect(context)
  local runs = {}
  context.deaths, context.alive, context.next_level = {}, 0, math.huge
  for _, position in ipairs(context.entering) do be_born(context, position) end
  for start, statement in ipairs(context.statements) do
    each_run(context, start, function(length, id)
      local run = runs[id]
      if not run then
        run = {
          length = length, id = id, starts = {}, layer = statement.module ~= nil, known = context.known[id],
        }
        runs[id] = run
      end
      local previous = run.starts[#run.starts]
      if not previous or previous + length <= start then run.starts[#run.starts + 1] = start end
    end)
    context.alive = context.alive - (context.deaths[start] or 0)
    be_born(context, statement.position)
  end
  return runs
end

local function saved(run)
  return (#run.starts - 1) * run.length
end

-- Short blocks that come often rather than long ones that come rarely. A block that there is already costs
-- nothing but the line of its use.
local function worth(run)
  return run.known and #run.starts * (run.length - 1) or (#run.starts - 2) * run.length
end

-- Of runs that are as good, the one that begins with a layer.
local function better(a, b)
  if worth(a) ~= worth(b) then return worth(a) > worth(b) end
  if saved(a) ~= saved(b) then return saved(a) > saved(b) end
  if a.length ~= b.length then return a.length > b.length end
  if a.layer ~= b.layer then return a.layer end
  return a.starts[1] < b.starts[1]
end

local function best_of(runs)
  local best
  for _, run in pairs(runs) do
    local good = run.known or #run.starts > 1 and saved(run) >= LEAST_SAVED
    if good and (not best or better(run, best)) then best = run end
  end
  return best
end

-- A run becomes a block, or more uses of one that was found further outside.
local function take(context, blocks, run)
  for _, start in ipairs(run.starts) do
    for i = start, start + run.length - 1 do context.covered[i] = true end
  end
  for _, block in ipairs(blocks) do
    if block.id == run.id then
      table.move(run.starts, 1, #run.starts, #block.starts + 1, block.starts)
      return
    end
  end
  blocks[#blocks + 1] = run
  context.known[run.id] = true
end

--- Find the blocks of a list of statements.
-- @tparam {statement,...} statements in order
-- @tparam {position,...} results positions that leave the list
-- @treturn {block,...} in order of their first use: { length, starts = {index, ...} }
function repeats.find(statements, results)
  local context = {
    statements = statements, index = {}, last = repeats.last_uses(statements, results), covered = {},
    ids = {}, count = 0, level = 0, entering = {}, known = {},
  }
  for i, statement in ipairs(statements) do context.index[statement.position] = i end
  for position in pairs(context.last) do
    if not context.index[position] then table.insert(context.entering, position) end
  end
  local blocks = {}
  while context.level <= MOST_BYSTANDERS do
    local best = best_of(collect(context))
    if best then
      take(context, blocks, best)
    else
      context.level = context.next_level
    end
  end
  for _, block in ipairs(blocks) do table.sort(block.starts) end
  table.sort(blocks, function(a, b) return a.starts[1] < b.starts[1] end)
  return blocks
end

return repeats
