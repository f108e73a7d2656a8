# Objectives of the user's own that go wrong: each is refused by one line that says what to do next, one
# that hangs is ended, and Ctrl-C is heard while one waits for another program.
. tests/e2e/lib.sh

# wrong NAME MESSAGE SCRIPT: the script is refused as an objective.
wrong() {
  printf 'local ag = require "autogo"\n%s\n' "$3" >"$WORK/own.lua"
  refused "$1" 1 "$2" "$AUTOGO" evolve fsrcnn3 --objective "$WORK/own.lua" --iterations 1 --out "$WORK/out"
}

node='return ag.objective.per_node { name = "own", limit = 1, eval = function(node)'
graph='return ag.objective.per_graph { name = "own", limit = 1, eval = function(graph)'
batch='return ag.objective.batch { name = "own", eval = function(graphs)'
wrong "returns text" "a string for a node 'input'; a number is expected, or nil for" "$node return 'x' end }"
wrong "returns nothing for any node" "returned nil, or no finite number, for node 0, of op input" "$node end }"
wrong "returns nothing for the input" "a search needs a number for the network that it starts from" "$graph end }"
wrong "returns infinity" "no finite number" "$graph return 1 / 0 end }"
wrong "returns a number for a batch" "a list of numbers is expected, one for each of the 1 graphs" \
  "$batch return 1 end }"
wrong "raises" "it raised: $WORK/own.lua:2: attempt to index a nil value" "$node return node.no.such end }"
wrong "raises a table" "it raised: a table instead of a message" "$node error {} end }"
wrong "hangs" "a call took longer than its limit of 1 s; give the objective a larger" \
  "$node while true do end end }"
wrong "hangs and catches errors" "a call took longer than its limit of 1 s" \
  "$graph while true do pcall(function() while true do end end) end end }"
wrong "is not returned" "the script returned nothing; it must end with" "local none = ag.objective.flops"
wrong "is no table" "must return an objective, not a number" "return 5"
wrong "is of no kind" "unknown kind of objective 'node'; known are per_node, per_graph, batch and combined" \
  "return { kind = 'node', name = 'own', eval = print }"
wrong "has no good name" "own.lua: name: a word of letters, digits and underscores expected, got my own" \
  "return { name = 'my own', eval = print }"
wrong "has no function" "own.lua: eval: a function expected, got nil" "return { name = 'own' }"

# The program called is quick, so a signal that is not heard while it runs is hardly heard at all.
cat >"$WORK/slow.lua" <<'END'
local ag = require "autogo"
return ag.objective.per_graph { name = "slow", eval = function() os.execute "sleep 0.2" return 1 end }
END
"$AUTOGO" evolve fsrcnn3 --objective "$WORK/slow.lua" --iterations 1 --out "$WORK/slow" >"$WORK/log" 2>&1 &
run=$!
until [ -e "$WORK/slow/journal.jsonl" ] || ! kill -0 $run 2>/dev/null; do sleep 0.1; done
kill -INT $run
wait $run
status=$?
check "Ctrl-C is heard while an objective runs a program" [ $status = 130 ]

# Learnt costs know what they were learnt from.
guess="autogo: warning: latency_pixel3 is a guess for this network: it was not learnt from "
"$AUTOGO" evolve resnet18 --objective latency:pixel3 --iterations 1 --quiet --out "$WORK/stranger" 2>"$WORK/err"
check "a latency learnt from other networks is called a guess" grep -q "^${guess}op maxpool, .* and [0-9]* more$" "$WORK/err"
cell='nb201:|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|'
check "of a cell it is none" sh -c \
  "$AUTOGO evolve '$cell' --objective latency:pixel3 --iterations 1 --quiet --out '$WORK/cell' 2>'$WORK/err' && [ ! -s '$WORK/err' ]"
