# The tutorial, followed to the letter: each chapter in an empty folder, its Lua blocks saved under the
# name in their first line, its commands run in order.
. tests/e2e/lib.sh
top=$PWD
case $AUTOGO in /*) program=$AUTOGO ;; *) program=$top/$AUTOGO ;; esac
unset LUA_PATH LUA_CPATH
mkdir "$WORK/bin"
ln -s "$program" "$WORK/bin/autogo"
PATH=$WORK/bin:$PATH
export PATH AUTOGO_LUA="$top/lua"

for chapter in "$top"/recipes/tutorial/*.md; do
  folder=$WORK/$(basename "$chapter" .md)
  mkdir "$folder"
  cd "$folder" || exit 1
  awk '/^```lua/ { lua = 1; next } /^```sh/ { sh = 1; next } /^```/ { lua = sh = 0; file = "" }
    lua && !file { file = $2 } lua { print >file } sh { print >"commands" }' "$chapter"
  [ -s commands ] || echo "not ok $(basename "$chapter") has commands"
  while read -r command; do check "$command" sh -c "$command"; done <commands
  for file in *.lua; do
    [ "$file" = "*.lua" ] || check "$file is used" grep -q "$file" commands
  done
done
check "chapter 1: the front is there" test -s "$WORK/1_evolve_your_model/first/front.json"
LUA_PATH="$top/lua/?.lua;$top/lua/?/init.lua;;" LUA_CPATH="$(dirname "$program")/?.so;;"
export LUA_PATH LUA_CPATH
check "chapter 1: the band holds" [ "$(value "$WORK/1_evolve_your_model/second/front.json" \
  '(function() local n = 0 for _, m in ipairs(d.members) do local share = m.flops / d.input.flops
  assert(share >= 0.6 and share <= 0.9) n = n + 1 end return n > 0 end)()')" = true ]
check "chapter 3: a network came out" test -s "$WORK/3_write_your_policy/best.onnx"
for link in $(sed -n 's/.*](\([^)#]*\)).*/\1/p' "$top"/recipes/tutorial/*.md); do
  check "the link to $link" test -e "$top/recipes/tutorial/$link"
done
