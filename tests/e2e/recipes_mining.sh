# The recipes about families and mining, in their quick form: they end well, and their files hold
# what they should.
. tests/e2e/lib.sh

# columns FILE N: every line of the CSV file has N fields, and there are some.
columns() {
  awk -F, -v n="$2" 'NF != n { bad = 1 } END { exit bad || NR < 2 }' "$1"
}

# sums_agree FILE: the six histograms of Fig. 5 are there, the first five over the same segments.
sums_agree() {
  awk -F, 'NR > 1 { sum[$1] += $3 } END {
    for (h in sum) count++
    n = sum["inputs"]
    exit !(count == 6 && n > 0 && sum["outputs"] == n && sum["nodes"] == n && sum["edges"] == n &&
      sum["topologies"] == n) }' "$1"
}

# well_formed FILE: an SVG that a parser accepts, where there is one to ask.
well_formed() {
  head -c 4 "$1" | grep -q '<svg' || return 1
  if command -v rsvg-convert >/dev/null; then rsvg-convert "$1" -o "$WORK/picture.png"; fi
}

for recipe in table7_datasets fig5_segments a3_mining_cost; do
  check "$recipe --quick" "$AUTOGO" run "recipes/$recipe.lua" --quick --out "$WORK/$recipe"
  refused "$recipe: unknown options" 2 "unknown option '--quik'" "$AUTOGO" run "recipes/$recipe.lua" --quik
done
check "table7: five families" columns "$WORK/table7_datasets/table7.csv" 10
check "table7: folds and samples are counted" awk -F, \
  'NR > 1 && !($2 > 0 && $4 > $2 && $6 > 0) { bad = 1 } END { exit bad || NR != 6 }' "$WORK/table7_datasets/table7.csv"
check "fig5: histograms over the same segments" sums_agree "$WORK/fig5_segments/fig5.csv"
check "fig5: a picture" well_formed "$WORK/fig5_segments/fig5.svg"
check "a3: both methods, twice as many graphs" awk -F, \
  'NR > 1 { n[$1]++; g[$1, n[$1]] = $2; if ($7 < 1) bad = 1 }
   END { exit bad || !(n["bpe"] == 2 && n["wl"] == 2 && g["bpe", 1] == g["wl", 1] && g["wl", 2] > g["wl", 1]) }' \
  "$WORK/a3_mining_cost/a3.csv"
check "a3: a picture" well_formed "$WORK/a3_mining_cost/a3.svg"
check "a3: a budget that ends early" sh -c "
  '$AUTOGO' run recipes/a3_mining_cost.lua --measure wl --part 100 --budget 1 --out '$WORK/a3' 2>&1 |
    grep -q 'the budget of 1048576 bytes ends after [1-9]'"
refused "an --out that cannot be" 1 "cannot make directory" \
  "$AUTOGO" run recipes/fig5_segments.lua --quick --out /dev/null/x
