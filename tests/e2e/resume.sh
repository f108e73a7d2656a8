# A search that is ended at any instant goes on to the result of one that was not: killed, interrupted,
# out of disk. The input has weights, so that the ONNX files prove them to be restored too.
. tests/e2e/lib.sh

now() { date +%s%N | cut -c1-13; } # milliseconds

check "write the input" "$AUTOGO" convert hiaml:src1,src1,r30,src3 "$WORK/in.onnx"
# search DIR ITERATIONS [OPTIONS]: begin, or go on where there is a journal. A script, so that a signal
# to it reaches the program.
cat >"$WORK/search.sh" <<'SH'
folder=$1 iterations=$2
shift 2
if [ -e "$folder/journal.jsonl" ] && [ "$(wc -l <"$folder/journal.jsonl")" -gt 0 ]; then
  exec "$AUTOGO" evolve --resume "$folder" --iterations "$iterations" --quiet "$@"
fi
exec "$AUTOGO" evolve "$INPUT" --out "$folder" --iterations "$iterations" --seed 1 --sources 3 \
  --replacements 12 --parents 4 --quiet "$@"
SH
export AUTOGO INPUT="$WORK/in.onnx"
search() { sh "$WORK/search.sh" "$@"; }
equal() { # DIR DIR: the same results
  cmp "$1/front.json" "$2/front.json" || return 1
  for file in "$1"/rank_*; do cmp "$file" "$2/$(basename "$file")" || return 1; done
}

begin=$(now)
check "a search without interruption" search "$WORK/whole" 6
took=$(($(now) - begin))

# 50 kills at random moments of runs that go on from each other; whenever one gets to its end, its
# result is compared and another begins.
kills=0 ends=0 wrong=0
awk 'BEGIN { srand(1); while (n++ < 1000) print int(1000 * rand()) }' >"$WORK/moments"
exec 3<"$WORK/moments"
random_moment() { # a random part of the time that a search takes, into $moment
  read -r share <&3
  ms=$((took * share / 1000))
  moment=$((ms / 1000)).$(printf %03d $((ms % 1000)))
}
while [ $kills -lt 50 ] && [ $wrong -eq 0 ]; do
  random_moment
  sh "$WORK/search.sh" "$WORK/killed" 6 --threads 2 >"$WORK/.out" 2>&1 &
  run=$!
  sleep "$moment"
  kill -9 $run 2>/dev/null
  wait $run 2>/dev/null
  case $? in
  137) kills=$((kills + 1)) ;;
  0)
    ends=$((ends + 1)) took=$((took * 9 / 10)) # the machine has become faster, or less busy
    equal "$WORK/whole" "$WORK/killed" || wrong=$((wrong + 1))
    rm -rf "$WORK/killed"
    ;;
  *) wrong=$((wrong + 1)) ;;
  esac
done
echo "killed $kills times, ended $ends times"
check "no killed search went wrong" test $wrong -eq 0
check "the last killed search ends" search "$WORK/killed" 6
check "killed 50 times: the same results" equal "$WORK/whole" "$WORK/killed"

# Interrupted at random moments, also while results are written: those are whole or absent.
stops=0 wrong=0
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
  random_moment
  sh "$WORK/search.sh" "$WORK/torn" 6 >"$WORK/.out" 2>&1 &
  run=$!
  sleep "$moment"
  kill -INT $run 2>/dev/null
  wait $run
  case $? in
  0) equal "$WORK/whole" "$WORK/torn" || wrong=$((wrong + 1)) ;;
  130)
    stops=$((stops + 1))
    if [ -e "$WORK/torn/front.json" ]; then
      equal "$WORK/whole" "$WORK/torn" || wrong=$((wrong + 1))
    elif [ -e "$WORK/torn" ]; then # nothing but the journal and the page of the search so far
      [ "$(ls "$WORK/torn" | grep -v "^report.html\$" | tr "\n" " ")" = "journal.jsonl visited.bin " ] || {
        ls -l "$WORK/torn"
        wrong=$((wrong + 1))
      }
    fi
    ;;
  *) wrong=$((wrong + 1)) ;;
  esac
  rm -rf "$WORK/torn"
done
exec 3<&-
echo "interrupted $stops times of 12"
check "interrupted anywhere: results are whole or absent" test $wrong -eq 0

# Interrupted.
sh "$WORK/search.sh" "$WORK/stopped" 5000 2>"$WORK/.err" &
run=$!
while [ "$(cat "$WORK/stopped/journal.jsonl" 2>/dev/null | wc -l)" -lt 3 ]; do sleep 0.02; done
kill -INT $run
wait $run
check "interrupted: exit 130" test $? -eq 130
check "interrupted: one line says how to go on" sh -c "
  [ \$(wc -l <'$WORK/.err') -eq 1 ] && grep -q 'interrupted; autogo evolve --resume .*/stopped' '$WORK/.err'"
check "interrupted: no results yet" test ! -e "$WORK/stopped/front.json"
refused "an unfinished search is not overwritten" 1 "--resume $WORK/stopped" \
  "$AUTOGO" evolve "$WORK/in.onnx" --out "$WORK/stopped"
last=$(($(grep -c '"event":"iteration"' "$WORK/stopped/journal.jsonl") + 1))
check "interrupted: goes on" search "$WORK/stopped" $last
check "as long without interruption" search "$WORK/long" $last
check "interrupted: the same results" equal "$WORK/long" "$WORK/stopped"

# A program that waits for input hears the first signal; the writer's end only keeps it waiting.
mkfifo "$WORK/input"
sleep 60 >"$WORK/input" &
writer=$!
"$AUTOGO" repl <"$WORK/input" >"$WORK/said" 2>"$WORK/.err" &
run=$!
echo 1 >"$WORK/input"
while ! grep -q 1 "$WORK/said"; do sleep 0.02; done
kill -TERM $run
wait $run
check "waiting for input: exit 130" test $? -eq 130
check "waiting for input: not until that comes" kill $writer
check "waiting for input: one line" grep -qx 'autogo: interrupted' "$WORK/.err"

# Finished.
check "finished: says so" sh -c "'$AUTOGO' evolve --resume '$WORK/killed' | grep -q 'all 6 iterations were done'"
check "finished: the same results" equal "$WORK/whole" "$WORK/killed"
check "shorter" search "$WORK/short" 3
check "longer" search "$WORK/short" 6
check "longer: the same results" equal "$WORK/whole" "$WORK/short"

# A full disk: the hashes outgrow what a file may hold.
refused "a full disk" 1 "visited.bin: cannot write: .*--resume $WORK/full" sh -c "
  ulimit -f 500
  exec '$AUTOGO' evolve '$WORK/in.onnx' --out '$WORK/full' --iterations 4 --seed 1"
check "a full disk: what was written goes on" "$AUTOGO" evolve --resume "$WORK/full" --quiet
check "with room enough" "$AUTOGO" evolve "$WORK/in.onnx" --out "$WORK/room" --iterations 4 --seed 1 --quiet
check "a full disk: the same results" equal "$WORK/room" "$WORK/full"

# What a journal is not for.
refused "another seed" 1 "begun with seed 1, not 2" "$AUTOGO" evolve --resume "$WORK/short" --seed 2
refused "another input" 1 "another input" "$AUTOGO" evolve resnet18 --resume "$WORK/short"
refused "another predictor" 1 "another predictor" \
  "$AUTOGO" evolve --resume "$WORK/short" --weights lua/autogo/assets/predictor_gnn.safetensors
refused "fewer iterations" 1 "6 iterations are done" \
  "$AUTOGO" evolve --resume "$WORK/short" --iterations 2
refused "no journal" 1 "nowhere: no search was begun here: .*autogo evolve MODEL --out" "$AUTOGO" evolve --resume "$WORK/nowhere"
damaged() { # NAME PATTERN SED-SCRIPT FILE
  rm -rf "$WORK/damaged"
  cp -r "$WORK/short" "$WORK/damaged"
  sed -i "$3" "$WORK/damaged/$4"
  refused "$1" 1 "$2" "$AUTOGO" evolve --resume "$WORK/damaged"
}
damaged "another version" "begun by autogo 9, this is" '1s/"autogo":"[^"]*"/"autogo":"9"/' journal.jsonl
damaged "another format" "not a journal" '1s/autogo-journal/other/' journal.jsonl
damaged "a line that is no JSON" "line 3 is not JSON" '3s/^{/[/' journal.jsonl
damaged "a line missing" "line 2 cannot be restored" 2d journal.jsonl
damaged "no first line" "line 1 does not belong" 1d journal.jsonl
damaged "another splice" "line 2 cannot be restored" '2s/"first":[0-9]*/"first":3000/' journal.jsonl
damaged "hashes that are not those" "visited.bin are not those" 's/./x/g' visited.bin
damaged "an empty journal" "no search was begun" 1,\$d journal.jsonl

# Events for programs.
"$AUTOGO" evolve --resume "$WORK/short" --iterations 7 --json >"$WORK/events" 2>"$WORK/.err"
check "events are JSON lines, and nothing else is said" lua5.4 - "$WORK/events" "$WORK/.err" <<'LUA'
local core = require "autogo.core"
local events = {}
for line in io.lines(arg[1]) do events[#events + 1] = assert(core.json_decode(line)).event end
assert(table.concat(events, " ") == "start iteration finish", table.concat(events, " "))
assert(io.open(arg[2]):read "a" == "")
LUA
