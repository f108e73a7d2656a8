-- The report: one HTML file that says all of a search, and only that.

local support = require "tests.lua.support"
local ag = require "autogo"
local core = require "autogo.core"
local data = require "autogo.report.data"
local html = require "autogo.report.html"
local markup = require "autogo.report.markup"
local words = require "autogo.report.words"

local NETWORK = "hiaml:src1,src1,r30,src3"

-- Elements without content, which are not closed in HTML.
local VOID = { meta = true, link = true, input = true }

-- Elements open and close in order; returns how often each occurs and all text outside of tags. Content
-- of <style> and <script> is passed over, as a browser does.
local function read_html(page)
  local body = page:gsub("^<!DOCTYPE html>\n", "")
  body = body:gsub("<style>.-</style>", ""):gsub("<script>.-</script>", "")
  local stack, count, texts = {}, {}, {}
  for before, tag in body:gmatch "([^<]*)<([^>]*)>" do
    texts[#texts + 1] = before
    local closing, name = tag:match "^(/?)([%w]+)"
    if not name or select(2, tag:gsub('"', "")) % 2 ~= 0 then
      error("not a tag: <" .. tag .. ">")
    end
    count[name] = (count[name] or 0) + (closing == "" and 1 or 0)
    if closing == "/" then
      local open = table.remove(stack)
      if open ~= name then
        error(("</%s> where <%s> is open"):format(name, tostring(open)))
      end
    elseif tag:sub(-1) ~= "/" and not VOID[name] then
      stack[#stack + 1] = name
    end
  end
  assert.same({}, stack)
  return count, table.concat(texts, "\n")
end

local function occurrences(page, plain)
  local number, at = 0, 1
  while true do
    local first, last = page:find(plain, at, true)
    if not first then
      return number
    end
    number, at = number + 1, last + 1
  end
end

local function folder_of_search(line)
  local folder = os.tmpname()
  os.remove(folder)
  local code, _, err = support.autogo(("evolve %s --seed 1 --quiet --out %s"):format(line, folder))
  assert.equal("", err)
  assert.equal(0, code)
  return folder
end

local function remove(folder)
  for name in io.popen(("ls %s"):format(folder)):lines() do
    os.remove(folder .. "/" .. name)
  end
  os.remove(folder)
end

local front
local function a_front()
  front = front or assert(ag.evolve(NETWORK, { iterations = 3, children = 3000, seed = 1 }))
  return front
end

describe("markup", function()
  it("escapes whatever is not markup", function()
    local hostile = [[<script>alert("1")</script>&'%s]]
    local escaped = tostring(markup.fill('<a title="%s">%s</a>%', hostile, hostile))
    assert.equal([[<a title="&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;%s">]]
      .. [[&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;%s</a>%]], escaped)
    assert.equal("<b>&lt;</b>1", tostring(markup.join { markup.fill("<b>%s</b>", "<"), 1 }))
  end)

  it("makes addresses that stay within the folder", function()
    assert.equal("./a%22%20b%23.onnx", markup.address './a" b#.onnx')
    assert.equal("./javascript%3Ax", markup.address "./javascript:x")
  end)
end)

describe("a report", function()
  it("is well-formed and holds every member once", function()
    local found = a_front()
    local page = html.page(data.of_front(found))
    local count = read_html(page)
    assert.equal(#found, occurrences(page, '<details class="member"'))
    assert.equal(2 * #found, occurrences(page, '<a class="point"')) -- broad and narrow
    assert.equal(#found, occurrences(page, "<tr data-rank="))
    assert.equal(1, count.h1)
    for rank = 0, #found - 1 do
      assert.equal(1, occurrences(page, ('id="rank-%d"'):format(rank)))
    end
  end)

  it("has each box once that its drawings show, and no other", function()
    local page, shown, boxes = html.page(data.of_front(a_front())), {}, {}
    for id in page:gmatch '<use href="#(b%d+)"' do
      shown[id] = true
    end
    for id in page:gmatch '<g id="(b%d+)"' do
      assert.is_nil(boxes[id])
      boxes[id] = true
    end
    assert.truthy(next(shown))
    assert.same(shown, boxes)
  end)

  it("asks for nothing from elsewhere", function()
    local page = html.page(data.of_front(a_front()))
    assert.is_nil(page:find("https?://"))
    assert.is_nil(page:find "@import")
    assert.is_nil(page:find "url%(")
    assert.is_nil(page:find " src=")
  end)

  it("says what each mutation was", function()
    local found = a_front()
    local _, all = read_html(html.page(data.of_front(found)))
    for _, one in ipairs(found) do
      for _, change in ipairs(one.changes) do
        local sentence = words.mutation(change)
        assert.matches(("^iteration %d: "):format(change.generation), sentence)
        assert.truthy(all:find(sentence, 1, true), sentence)
      end
    end
  end)

  it("pairs the measures of three and more objectives", function()
    local found = assert(ag.evolve(NETWORK, {
      iterations = 2, children = 1500, seed = 1,
      objectives = { (assert(ag.objective.load "flops")), (assert(ag.objective.load "params")) },
    }))
    local page = html.page(data.of_front(found))
    read_html(page)
    assert.equal(3 * #found, occurrences(page, '<a class="point"'))
  end)

  it("stays readable for a search of 10000 iterations", function()
    local report = data.of_front(a_front())
    local row = report.history[#report.history]
    report.history = {}
    for i = 1, 10000 do
      report.history[i] = setmetatable({ iteration = i }, { __index = row })
    end
    local page = html.page(report)
    read_html(page)
    assert.truthy(#page < 2e6)
    assert.truthy(page:find('<td class="num">10000</td>', 1, true))
    assert.truthy(page:find("Every 25th iteration", 1, true))
  end)

  it("survives names that are not meant well", function()
    local hostile = [["><script>alert(1)</script><img src=x onerror=alert(2)>'&amp;]] .. "\xff\0"
    local report = data.of_front(a_front())
    report.name, report.version = hostile, hostile
    report.settings.policy, report.command = hostile, { model = hostile, objective = { hostile } }
    for _, measure in ipairs(report.measures) do
      measure.name, measure.unit = hostile, hostile
    end
    for _, one in ipairs(report.members) do
      one.files = { [hostile] = hostile }
      one.changes = { { generation = 1, first = 0, last = 1, removed = { hostile }, added = { hostile } } }
    end
    local count = read_html(html.page(report))
    assert.is_nil(count.img)
    assert.is_nil(count.script)
  end)

  it("stays below 5 MB for a front of 50 networks of 300 nodes", function()
    local b = core.builder("net", "test")
    local x = b:conv(b:input { 32, 32, 3 }, { filters = 16, kernel = 3 })
    for _ = 1, 49 do
      local y = b:relu(b:batchnorm(b:conv(x, { filters = 16, kernel = 3 })))
      x = b:relu(b:add(b:batchnorm(b:conv(y, { filters = 16, kernel = 3 })), x))
    end
    b:output(b:matmul(b:mean(x), { units = 10, bias = true }))
    local input = b:build():canonical()
    assert.truthy(#input >= 300)
    local report = data.of_front(a_front())
    local random = ag.random.new(1, 1)
    report.input.graph, report.members = input, {}
    local children = {}
    for k = 1, 10 do
      local child = input
      for _ = 1, 6 do
        local first = random:range(0, #input - 60)
        child = child:splice(first, first + 1, core.cut(input, 4, 5)) or child
      end
      children[k] = child:canonical()
    end
    for rank = 0, 49 do
      local child = children[rank % #children + 1]
      report.members[rank + 1] = {
        rank = rank, values = { score = rank, flops = rank }, flops = child.flops, params = child.params,
        nodes = #child, generation = 1, files = {}, graph = child,
        changes = { { generation = 1, first = 1, last = 2, removed = { "conv" }, added = { "relu" } } },
      }
    end
    local page = html.page(report)
    assert.truthy(#page < 5e6)
    assert.is_nil(page:find("Not drawn here", 1, true))
  end)
end)

describe("a search that found nothing", function()
  it("says so, and what may help, where its front is told and shown", function()
    local none = assert(ag.evolve(NETWORK, { iterations = 1, children = 2, flops_max = 0.1, seed = 1 }))
    assert.equal(none.input, none[1])
    local said = tostring(none):gsub("%s+", " ")
    assert.truthy(said:find("no network that was scored beats the input; more iterations", 1, true))
    local _, shown = read_html(html.page(data.of_front(none)))
    assert.truthy(shown:find("No network that was scored beats the input; more iterations", 1, true))
    assert.is_nil(tostring(a_front()):find("beats the input", 1, true))
  end)
end)

describe("a front that changed beyond recognition", function()
  it("keeps to the size too, and says how to draw what is left out", function()
    local input, child = assert(ag.load "resnet50"):canonical(), assert(ag.load "densenet121"):canonical()
    local report, source = data.of_front(a_front()), {}
    report.input.graph, report.members = input, {}
    for rank = 0, 49 do
      report.members[rank + 1] = {
        rank = rank, values = { score = rank, flops = rank }, flops = child.flops, params = child.params,
        nodes = #child, generation = 1, files = { json = ("rank_%02d.json"):format(rank) }, graph = child,
        changes = { { generation = 1, first = 1, last = 2, removed = { "conv" }, added = { "relu" } } },
        source = source,
      }
    end
    local page = html.page(report)
    read_html(page)
    assert.truthy(#page < 5e6)
    assert.is_nil(page:find("autogo diff input.json rank_00.json", 1, true))
    assert.truthy(page:find("<code>autogo diff input.json rank_49.json --out rank_49.html</code>", 1, true))
  end)
end)

describe("the report of a search that runs", function()
  it("is written, says so, and is not written all the time", function()
    local folder = os.tmpname()
    os.remove(folder)
    assert(core.mkdir(folder))
    local asked, now = 0, 100
    local write = require("autogo.report.live").new(folder, function() return now end)
    local function snapshot()
      asked = asked + 1
      return a_front()
    end
    write(snapshot)
    local page = assert(core.read_file(folder .. "/report.html"))
    assert.truthy(page:find("more may follow", 1, true))
    assert.is_nil(html.page(data.of_front(a_front())):find("more may follow", 1, true))
    now = now + 0.5
    write(snapshot)
    assert.equal(1, asked)
    now = now + 60
    write(snapshot)
    assert.equal(2, asked)
    remove(folder)
  end)

  it("does not end the search where it cannot be written", function()
    require("autogo.report.live").new "/nonexistent/folder"(a_front)
  end)

  it("draws nothing twice, and the same page with what it remembers", function()
    local report, memory = data.of_front(a_front()), {}
    local first = html.page(report, { memory = memory })
    for _, one in ipairs(report.members) do
      assert.equal(#one.changes > 0, memory[one.source] ~= nil)
    end
    assert.equal(first, html.page(data.of_front(a_front()), { memory = memory }))
  end)
end)

describe("autogo report", function()
  local folder

  setup(function()
    folder = folder_of_search(NETWORK .. " --iterations 3 --children 3000")
  end)

  teardown(function()
    remove(folder)
  end)

  it("makes of a folder what the search itself wrote", function()
    local written = assert(core.read_file(folder .. "/report.html"))
    local code, out, err = support.autogo(("report %s --out %s/again.html"):format(folder, folder))
    assert.equal("", err)
    assert.equal(folder .. "/again.html\n", out)
    assert.equal(0, code)
    assert.equal(written, assert(core.read_file(folder .. "/again.html")))
  end)

  it("says how to repeat the search", function()
    local page = assert(core.read_file(folder .. "/report.html"))
    local line = ("autogo evolve %s --seed 1 --iterations 3 --children 3000"):format(NETWORK)
    local shown = page:match '<code id="command">(.-)</code>'
    assert.equal(line, (shown:gsub("<.->", "")))
  end)

  -- The table of a search, front.json, the report and `autogo diff` of the files mean the same.
  it("counts the nodes that changed as everything else does", function()
    local document = assert(core.json_decode(assert(core.read_file(folder .. "/front.json"))))
    local page, changed = assert(core.read_file(folder .. "/report.html")), 0
    local lines = {}
    for line in tostring(a_front()):gmatch "[^\n]+" do
      lines[#lines + 1] = line
    end
    for rank, member in ipairs(document.members) do
      local path = folder .. "/" .. member.files.json
      local _, out = support.autogo(("diff %s/input.json %s"):format(folder, path))
      local removed, added, reshaped, kept =
        out:match "^(%d+) nodes? removed, (%d+) added, (%d+) of another shape, (%d+) as before\n"
      assert.same({ tonumber(removed), tonumber(added), tonumber(reshaped) },
        { member.nodes_removed, member.nodes_added, member.nodes_reshaped })
      assert.equal(document.input.nodes, removed + reshaped + kept)
      assert.equal(member.nodes, added + reshaped + kept)
      if #member.changes > 0 then
        changed = changed + 1
        local part = page:match(('<details class="member" data%%-rank="%d">.-</details>\n'):format(rank - 1))
        assert.equal(removed, part:match "</span> removed %((%d+)%)" or "0")
        assert.equal(added, part:match "</span> added %((%d+)%)" or "0")
        assert.equal(reshaped, part:match "</span> other shape %((%d+)%)" or "0")
        assert.equal(kept, part:match "</span> unchanged %((%d+)%)")
        assert.truthy(lines[2 + changed]:find(("-%d +%d"):format(removed, added), 1, true))
      end
    end
    assert.truthy(changed > 1)
  end)

  it("does without the files that are not there", function()
    for _, name in ipairs { "input.json", "journal.jsonl" } do
      os.rename(folder .. "/" .. name, folder .. "/hidden")
      local code = support.autogo(("report %s --out %s/again.html"):format(folder, folder))
      os.rename(folder .. "/hidden", folder .. "/" .. name)
      assert.equal(0, code)
      read_html(assert(core.read_file(folder .. "/again.html")))
    end
  end)

  it("refuses what is no search, in one line", function()
    local dir = os.tmpname()
    os.remove(dir)
    assert(core.mkdir(dir))
    local function refused(content, words_expected)
      if content then
        assert(core.write_file(dir .. "/front.json", content))
      end
      local code, out, err = support.autogo("report " .. dir)
      assert.equal(1, code)
      assert.equal("", out)
      assert.matches("^autogo: [^\n]*\n$", err)
      assert.truthy(err:find(words_expected, 1, true), err)
    end
    refused(nil, "front.json")
    refused("{", "front.json")
    refused("[1]", "not a front")
    refused('{"format":"autogo-front","version":9,"settings":{},"input":{},"members":[]}', "version")
    refused('{"format":"autogo-front","version":1,"settings":{},"input":{},"members":[]}', "input lacks")
    local good = core.json_decode(assert(core.read_file(folder .. "/front.json")))
    for _, spoil in ipairs {
      function(d) d.members[1].rank = 1.5 end, function(d) d.members[1].score = 1e308 end,
      function(d) d.members[1].changes[1].removed = 3 end, function(d) d.members[1] = 7 end,
      function(d) d.settings.objectives[1].name = nil end,
    } do
      local document = core.json_decode(core.json_encode(good))
      spoil(document)
      refused(core.json_encode(document), "front.json: ")
    end
    os.remove(dir .. "/front.json")
    os.remove(dir)
  end)
end)
