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
