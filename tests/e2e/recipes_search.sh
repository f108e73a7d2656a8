# The recipes about the search, in their quick form: they end well, and their files hold what they
# should.
. tests/e2e/lib.sh

# csv FILE FIELDS ROWS: so many rows below the header, so many fields in each.
csv() {
  awk -F, -v n="$2" -v rows="$3" 'NF != n { bad = 1 } END { exit bad || NR != rows + 1 }' "$1"
}

# fronts DIR N: so many fronts were kept, without ONNX files.
fronts() {
  [ "$(find "$1" -name front.json | wc -l)" -eq "$2" ] && [ -z "$(find "$1" -name '*.onnx')" ]
}

for recipe in table8_rank_sum table2_cifar table9_flops_ablation policies; do
  check "$recipe --quick" "$AUTOGO" run "recipes/$recipe.lua" --quick --out "$WORK/$recipe"
  refused "$recipe: unknown options" 2 "unknown option '--quik'" "$AUTOGO" run "recipes/$recipe.lua" --quik
done
check "table8: six networks" csv "$WORK/table8_rank_sum/table8.csv" 6 6
check "table8: sums and choices as published" awk -F, \
  'NR > 1 && ($3 != $4 || $5 != $6) { bad = 1 } END { exit bad }' "$WORK/table8_rank_sum/table8.csv"
check "table2: three methods for each network" csv "$WORK/table2_cifar/table2.csv" 13 6
check "table2: both bands of each are kept" fronts "$WORK/table2_cifar" 12
check "table2: no result is scored below its input" awk -F, \
  'NR > 1 && $10 < $9 { bad = 1 } END { exit bad }' "$WORK/table2_cifar/table2.csv"
check "table2: accuracies after training are left open" awk -F, \
  'NR > 1 && ($3 == "" || $4 != "") { bad = 1 } END { exit bad }' "$WORK/table2_cifar/table2.csv"
check "table9: both bands for each network and method" csv "$WORK/table9_flops_ablation/table9.csv" 12 12
check "table9: the band holds" awk -F, \
  'NR > 1 && $3 ~ /20/ && $8 < -20 { bad = 1 } NR > 1 && $7 > 10 { bad = 1 } END { exit bad }' \
  "$WORK/table9_flops_ablation/table9.csv"
check "table9: the fronts are kept" fronts "$WORK/table9_flops_ablation" 12
check "policies: six at equal candidates, six at equal time" csv "$WORK/policies/policies.csv" 8 12
check "policies: equal candidates are equal" awk -F, \
  'NR > 1 && $1 == "children" && $7 != 200 { bad = 1 } END { exit bad }' "$WORK/policies/policies.csv"
check "evolve with a policy, a band, ops and a budget" "$AUTOGO" evolve fsrcnn3 --policy greedy \
  --band 0.8:1.1 --ops conv,relu,prelu --children 50 --seed 1 --out "$WORK/policy" --quiet
check "front.json says so" [ "$(value "$WORK/policy/front.json" \
  'd.settings.policy .. " " .. d.settings.children .. " " .. d.settings.flops_min .. " " .. #d.settings.ops')" = "greedy 50 0.8 3" ]
check "a preset" "$AUTOGO" evolve fsrcnn3 --preset published-sr --band free --children 50 --out "$WORK/sr" --quiet
refused "an empty band" 2 "band: LOW:HIGH with LOW < HIGH" "$AUTOGO" evolve fsrcnn3 --band 1:1 --out "$WORK/x"
refused "a band that is none" 2 "band: LOW:HIGH" "$AUTOGO" evolve fsrcnn3 --band wide --out "$WORK/x"
refused "an unknown policy" 2 "policy: one of ageing, bandit, greedy, greedy_bandit, published, random" \
  "$AUTOGO" evolve fsrcnn3 --policy lucky --out "$WORK/x"
refused "an unknown op" 1 "ops" "$AUTOGO" evolve fsrcnn3 --ops convolution --out "$WORK/x"
refused "bounds that exclude each other" 1 "flops_min" "$AUTOGO" evolve fsrcnn3 --flops-min 2 --out "$WORK/x"
