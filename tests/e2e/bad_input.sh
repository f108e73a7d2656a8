# Bad input: one line that names file, node and reason; exit 1 (2 for wrong usage); nothing left.
. tests/e2e/lib.sh

random_bytes() { # FILE COUNT, the same on every run
  lua5.4 - "$1" "$2" <<'LUA'
math.randomseed(1)
local bytes = {}
for i = 1, tonumber(arg[2]) do bytes[i] = string.char(math.random(0, 255)) end
local file = assert(io.open(arg[1], "wb"))
file:write(table.concat(bytes))
file:close()
LUA
}
nothing_at() { [ ! -e "$1" ] && echo "nothing" || { ls -l "$1"; false; }; }

random_bytes "$WORK/random.onnx" 5000
random_bytes "$WORK/random.json" 5000
random_bytes "$WORK/random.safetensors" 5000
check "write a model" "$AUTOGO" convert resnet18 "$WORK/r.onnx"
head -c 3000 "$WORK/r.onnx" >"$WORK/cut.onnx"
check "write its JSON" "$AUTOGO" convert resnet18 "$WORK/r.json"
head -c 3000 "$WORK/r.json" >"$WORK/cut.json"
head -c 900 lua/autogo/assets/predictor.safetensors >"$WORK/cut.safetensors"
: >"$WORK/empty.onnx"

for verb in info evolve; do
  out=
  [ $verb = evolve ] && out="--out $WORK/out"
  for file in random.onnx random.json cut.onnx cut.json empty.onnx; do
    # shellcheck disable=SC2086
    refused "$verb $file" 1 "^autogo: $WORK/$file: " "$AUTOGO" $verb "$WORK/$file" $out
  done
  # shellcheck disable=SC2086
  refused "$verb missing.onnx" 1 "missing.onnx: .*No such file" "$AUTOGO" $verb "$WORK/missing.onnx" $out
done
mkfifo "$WORK/fifo"
refused "a FIFO without a writer" 1 "fifo: .*not a regular file" timeout 20 "$AUTOGO" info "$WORK/fifo"
refused "a name that is nothing" 1 "resnet51" "$AUTOGO" info resnet51
for file in random.safetensors cut.safetensors missing.safetensors; do
  refused "weights $file" 1 "$file" \
    "$AUTOGO" evolve resnet18 --weights "$WORK/$file" --out "$WORK/out"
done

refused "unwritable output" 1 "/proc/nothing" "$AUTOGO" evolve resnet18 --iterations 1 --out /proc/nothing
refused "unwritable conversion" 1 "/proc/nothing.onnx" "$AUTOGO" convert resnet18 /proc/nothing.onnx
refused "unknown format" 1 "x.xyz" "$AUTOGO" convert resnet18 "$WORK/x.xyz"

cat >"$WORK/raise.lua" <<'LUA'
return { name = "raise", unit = "x", sense = "min", eval = function() error "no device" end }
LUA
cat >"$WORK/string.lua" <<'LUA'
return { name = "text", unit = "x", sense = "min", eval = function(n) return n.op end }
LUA
cat >"$WORK/nothing.lua" <<'LUA'
return { name = "nothing", unit = "x", sense = "min", eval = function() return nil end }
LUA
cat >"$WORK/syntax.lua" <<'LUA'
return { name =
LUA
refused "an objective that raises" 1 "objective 'raise'.*no device" \
  "$AUTOGO" evolve resnet18 --objective "$WORK/raise.lua" --out "$WORK/out"
refused "an objective that returns a string" 1 "objective 'text'.*string" \
  "$AUTOGO" evolve resnet18 --objective "$WORK/string.lua" --out "$WORK/out"
refused "an objective that measures nothing" 1 "objective 'nothing'" \
  "$AUTOGO" evolve resnet18 --objective "$WORK/nothing.lua" --out "$WORK/out"
refused "an objective with a syntax error" 1 "syntax.lua:" \
  "$AUTOGO" evolve resnet18 --objective "$WORK/syntax.lua" --out "$WORK/out"

cat >"$WORK/bare.json" <<'JSON'
{"name":"bare","nodes":[{"id":0,"op":"input","in":[4,4,2],"out":[4,4,2]},
{"id":1,"op":"mean","in":[4,4,2],"out":[1,1,2]},{"id":2,"op":"output","in":[1,1,2],"out":[1,1,2]}],
"edges":[[0,1],[1,2]]}
JSON
refused "a graph with nothing to mutate" 1 "bare.*no segment" \
  "$AUTOGO" evolve "$WORK/bare.json" --out "$WORK/out"
check "no partial output" nothing_at "$WORK/out"

refused "an unknown option" 2 "--iteration" "$AUTOGO" evolve resnet18 --iteration 3
refused "a number that is none" 2 "--seed" "$AUTOGO" evolve resnet18 --seed many
refused "a missing model" 2 "MODEL" "$AUTOGO" evolve
