# Every command of the README, run in an empty folder beside the build; its Lua example too.
. tests/e2e/lib.sh
top=$PWD
case $BUILD in /*) build=$BUILD ;; *) build=$top/$BUILD ;; esac
unset LUA_PATH LUA_CPATH
cd "$WORK" || exit 1
ln -s "$build" build
ln -s "$top/recipes" recipes
case $SHARED in /*) labels=$SHARED/data/labels ;; *) labels=$top/$SHARED/data/labels ;; esac
[ -d "$labels" ] && ln -s "$labels"/*.csv .

# The Lua example, then the shell commands with continuation lines joined. `make demo` and `make check` are
# what this very test is run by.
awk '/^```lua/ { on = 1; next } /^```/ { on = 0 } on' "$top/README.md" >chip.lua
awk '/^```sh/ { on = 1; next } /^```/ { on = 0 } on' "$top/README.md" | sed -e ':a' -e '/\\$/N; s/\\\n//; ta' >commands
[ "$(grep -c . commands)" -ge 10 ] || echo "not ok the README has its commands"
while read -r command; do
  case $command in
  "make "*) continue ;;
  *nb201.csv*)
    if [ ! -e nb201.csv ]; then
      echo "skipped: no labels in $SHARED"
      continue
    fi
    command=$(echo "$command" | sed 's/--epochs [0-9]*/--epochs 1/') # 2.5 minutes in full
    ;;
  esac
  check "$command" sh -c "$command"
done <commands
for file in smaller.onnx evolved/front.json evolved/rank_00.onnx resnet50.svg segments.svg mined/segments.agdb; do
  check "$file was written" [ -s "$file" ]
done
