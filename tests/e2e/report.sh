# The report in a browser: Debian's Chromium, driven by playwright-core.
. tests/e2e/lib.sh

browser=$(command -v chromium) || browser=
if [ -z "$browser" ]; then
  echo "skipped: chromium is not installed"
  exit 0
elif [ ! -d "$NODE_PATH/playwright-core" ]; then
  echo "skipped: playwright-core is not installed"
  exit 0
fi

check "a search" "$AUTOGO" evolve resnet18 --iterations 4 --seed 1 --quiet --out "$WORK/one"
check "a search with three objectives" "$AUTOGO" evolve resnet18 --iterations 2 --seed 1 --quiet \
  --objective flops --objective params --objective peak_memory --out "$WORK/many"

# A folder whose every text is written by a stranger.
cp -r "$WORK/one" "$WORK/names"
lua5.4 - "$WORK/names/front.json" <<'LUA'
local core = require "autogo.core"
local hostile = [["><script>window.pwned = 1</script><img src=x onerror="window.pwned = 2">'&lt;]]
local front = assert(core.json_decode(assert(core.read_file(arg[1]))))
local objective = front.settings.objectives[1]
front.input.name, front.settings.policy, front.autogo, objective.unit = hostile, hostile, hostile, hostile
for _, one in ipairs { front.input, table.unpack(front.members) } do
  one.objectives[hostile] = one.objectives[objective.name]
  one.outside = { hostile }
  if one.files then one.files[hostile] = hostile end
  for _, change in ipairs(one.changes or {}) do change.removed, change.added = { hostile }, { hostile } end
end
objective.name = hostile
assert(core.write_file(arg[1], core.json_encode(front)))
LUA
check "a report of hostile names" "$AUTOGO" report "$WORK/names"

node tests/report/report.js "$browser" "$WORK/one/report.html" "$WORK/many/report.html" \
  "$WORK/names/report.html"
