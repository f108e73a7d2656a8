# The recipes about predictors in their quick form: they end well, and their files hold what they should.
. tests/e2e/lib.sh

if [ ! -f "$SHARED/data/labels/nb201.csv" ]; then
  echo "skipped: needs data/labels of the shared data (AUTOGO_SHARED)"
  exit 0
fi
OUT=$WORK/table1
check "table1 --quick" "$AUTOGO" run recipes/table1_predictors.lua --quick --labels "$SHARED/data/labels" \
  --jobs 2 --out "$OUT"
check "table1: three models of three families" awk -F, \
  'NR > 1 { n[$2]++; if (NF != 7 || $4 < -1 || $4 > 1 || $5 < 0) bad = 1 }
   END { exit bad || n["GNN"] != 3 || n["PSC 1:1"] != 3 || n["PSC"] != 3 }' "$OUT/table1.csv"
check "table1: published figures beside" grep -q '^nb201,PSC,.*,0.983$' "$OUT/table1.csv"
check "table1: own, joint and cross-family" awk -F, \
  'NR > 1 && (NF != 5 || $2 < 2) { bad = 1 } END { exit bad || NR != 4 }' "$OUT/families.csv"
check "table1: a point per test network" sh -c \
  "[ \$(grep -c '<circle' '$OUT/predicted.svg') -eq \$((\$(wc -l <'$OUT/predicted.csv') - 1)) ]"
mkdir "$WORK/one" && cp "$SHARED/data/labels/nb101.csv" "$WORK/one"
check "table1 --quick, ensembles that see all ways, of one family" "$AUTOGO" run \
  recipes/table1_predictors.lua --quick --labels "$WORK/one" --members 4 --sums both --messages both \
  --jobs 2 --out "$WORK/both"
check "table1: three models of it" [ "$(grep -c '^nb101,' "$WORK/both/table1.csv")" -eq 3 ]
check "table1 --quick --models GNN" "$AUTOGO" run recipes/table1_predictors.lua --quick \
  --labels "$SHARED/data/labels" --models GNN --jobs 2 --out "$WORK/gnn"
check "table1: one model of three families, no points" sh -c \
  "[ \$(grep -c ',GNN,' '$WORK/gnn/table1.csv') -eq 3 ] && [ ! -f '$WORK/gnn/predicted.csv' ]"
refused "table1: both ways need an ensemble" 1 "sums: both ways take at least two members" "$AUTOGO" run \
  recipes/table1_predictors.lua --quick --labels "$WORK/one" --sums both --jobs 1 --out "$WORK/both"
refused "table1: no labels" 1 "no tables of labels" "$AUTOGO" run recipes/table1_predictors.lua \
  --labels "$WORK" --out "$OUT"

TRAIN="$AUTOGO train --labels $WORK/one/nb101.csv --family nb101 --epochs 2 --threads 1"
check "train --members 2 --sums both" sh -c "$TRAIN --members 2 --sums both --messages backward --out $WORK/two.safetensors \
  2>'$WORK/log' && grep -q '^member 2 of 2, epoch 2 of 2' '$WORK/log'"
check "train: the ensemble predicts" "$AUTOGO" predict resnet18 --weights "$WORK/two.safetensors"
refused "train: both ways need an ensemble" 1 "sums: both ways take at least two members" $TRAIN \
  --sums both --out "$WORK/two.safetensors"
refused "train: no more than eight members" 2 "--members" $TRAIN --members 9

TABLE=$SHARED/data/latency/nb201_devices_ms.csv
if [ ! -f "$TABLE" ]; then
  echo "skipped: needs data/latency of the shared data (AUTOGO_SHARED)"
  exit 0
fi
check "latency_devices --quick" "$AUTOGO" run recipes/latency_devices.lua --quick --table "$TABLE" \
  --devices raspi4,eyeriss --out "$WORK/latency"
check "latency_devices: both devices" awk -F, \
  'NR > 1 { n[$1] = 1; if (NF != 9 || $3 < -1 || $3 > 1 || $5 <= 0 || $6 <= 0 || $8 <= 0) bad = 1 }
   END { exit bad || !n["raspi4"] || !n["eyeriss"] || NR != 3 }' "$WORK/latency/latency_devices.csv"
check "latency_devices --quick, cells without none" "$AUTOGO" run recipes/latency_devices.lua --quick \
  --table "$TABLE" --devices raspi4 --cells published --out "$WORK/published"
check "latency_devices: other cells, other figures" sh -c \
  "! grep -qxF \"\$(grep '^raspi4' '$WORK/latency/latency_devices.csv')\" '$WORK/published/latency_devices.csv'"
refused "latency_devices: no such device" 1 "abacus" "$AUTOGO" run recipes/latency_devices.lua \
  --table "$TABLE" --devices abacus --out "$WORK/latency"
