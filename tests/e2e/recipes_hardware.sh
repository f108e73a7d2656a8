# The recipes about devices, in their quick form: they end well, and their results are what they claim.
. tests/e2e/lib.sh

for recipe in table3_resnet_vgg table4_edsr; do
  check "$recipe --quick" "$AUTOGO" run "recipes/$recipe.lua" --quick --out "$WORK/$recipe"
  refused "$recipe: unknown options" 2 "unknown option '--quik'" "$AUTOGO" run "recipes/$recipe.lua" --quik
done
check "table3: fewer FLOPs and a better score than the original, each time" awk -F, \
  'NR > 1 && $8 == 0 { flops = $5; score = $11; next }
   NR > 1 { n++; if (!($5 < flops && $11 > score)) bad = 1 } END { exit bad || n != 5 }' \
  "$WORK/table3_resnet_vgg/table3.csv"
check "table4: no more FLOPs than published, and a better score than the original" awk -F, \
  'NR == 2 { score = $10 } NR > 2 { n++; if (!($5 <= $4 && $10 > score)) bad = 1 }
   END { exit bad || n != 3 }' "$WORK/table4_edsr/table4.csv"
for recipe in table5_fsrcnn_power table6_unet_latency; do
  check "$recipe --quick" "$AUTOGO" run "recipes/$recipe.lua" --quick --out "$WORK/$recipe"
done
check "table5: less power and a better score, without a rise in latency or energy" awk -F, \
  'NR % 2 == 0 { power = $3; score = $12; next }
   NR > 1 { n++; if (!($3 < power && $12 > score && $8 <= 0 && $9 <= 0)) bad = 1 } END { exit bad || n != 2 }' \
  "$WORK/table5_fsrcnn_power/table5.csv"
check "table6: less latency and a better score, without a rise in power" awk -F, \
  'NR == 2 { score = $14 } NR == 3 { if (!($5 < 0 && $10 <= 0 && $14 > score)) bad = 1 } END { exit bad || NR != 3 }' \
  "$WORK/table6_unet_latency/table6.csv"
check "three_objectives --quick" "$AUTOGO" run recipes/three_objectives.lua --quick --out "$WORK/three"
check "three_objectives: the bound on memory holds, and no row beats another in all three" awk -F, '
  NR == 2 { peak = $5 } NR > 2 { n++; s[n] = $2; l[n] = $3; e[n] = $4; if ($5 > peak) bad = 1 }
  END { for (i = 1; i <= n; i++) for (j = 1; j <= n; j++)
      if (s[i] > s[j] && l[i] < l[j] && e[i] < e[j]) bad = 1
    exit bad || n < 1 }' "$WORK/three/front.csv"
check "three_objectives: three panels are drawn" [ "$(grep -c 'rotate(-90)' "$WORK/three/pairs.svg")" = 3 ]
if command -v node >/dev/null && [ -d "$BUILD/node/node_modules/onnxruntime-node" ]; then
  check "measured_latency --quick" env NODE_PATH="$BUILD/node/node_modules" "$AUTOGO" run \
    recipes/measured_latency.lua --quick --out "$WORK/measured"
  check "measured_latency: every network is measured, and estimated in three ways" awk -F, \
    'NR > 1 && !($3 > 0 && $6 > 0 && $7 > 0 && $8 > 0) { bad = 1 } END { exit bad || NR != 11 }' \
    "$WORK/measured/measured.csv"
  check "measured_latency: both estimates are correlated, as they are and fitted" awk -F, \
    'NR > 1 && !($2 >= -1 && $2 <= 1 && $4 > 0) { bad = 1 } END { exit bad || NR != 5 }' \
    "$WORK/measured/correlations.csv"
else
  echo "skipped: onnxruntime-node is not installed"
fi
