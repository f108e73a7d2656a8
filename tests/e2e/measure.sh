# autogo measure and the objective measured:onnxruntime, with a stand-in for ONNX Runtime whose runs take
# a known time, then with the real one where it is installed.
. tests/e2e/lib.sh
command -v node >/dev/null || { echo "skipped: node is not installed"; exit 0; }

# A runtime by whose clock a run takes MS milliseconds (longer and longer with DRIFT), or for ever (HANG).
mkdir -p "$WORK/modules/onnxruntime-node"
cat >"$WORK/modules/onnxruntime-node/index.js" <<'JS'
const fs = require('fs');
let runs = 0;
// Time passes in runs alone, so that nothing depends on how busy the machine is.
let now = 0n;
process.hrtime.bigint = () => now;
const busy = (ms) => { now += BigInt(Math.round(ms * 1e6)); };
module.exports = {
  env: { versions: { node: 'stand-in' } },
  Tensor: class { constructor(type, data, dims) { Object.assign(this, { type, data, dims }); } },
  InferenceSession: { create: async (path, options) => {
    fs.appendFileSync(process.env.LOG, `${options.intraOpNumThreads} ${options.extra.session.intra_op.allow_spinning}\n`);
    if (process.env.BROKEN) throw new Error('this model is broken\nsecond line');
    return { inputMetadata: [{ name: 'x', type: 'float32', shape: [1, 1, 8, 8] }], release: async () => {},
      run: async (feeds) => {
        if (feeds.x.data.length !== 64) throw new Error('wrong input');
        while (process.env.HANG);
        runs++;
        busy(Number(process.env.MS || 1) + (process.env.DRIFT ? runs / 20 : 0));
      } };
  } },
};
JS
export LOG="$WORK/log" NODE_PATH="$WORK/modules"
short="--runs 7 --seconds 0.005 --most 1"

check "a measurement" "$AUTOGO" measure fsrcnn3 $short --threads 2 --cache "$WORK/cache.json"
check "its threads do not spin" grep -qx "2 0" "$LOG"
"$AUTOGO" measure fsrcnn3 $short --threads 2 --cache "$WORK/cache.json" --json >"$WORK/cached.json"
check "comes from the cache the second time" [ "$(value "$WORK/cached.json" 'tostring(d.cached)')" = true ]
check "the median is that of the runs" [ "$(value "$WORK/cached.json" \
  'd.median >= 1 and d.p10 <= d.median and d.median <= d.p90 and d.n')" = 7 ]
"$AUTOGO" measure fsrcnn3 $short --threads 1 --cache "$WORK/cache.json" --json >"$WORK/other.json"
check "other settings are other measurements" [ "$(value "$WORK/other.json" 'tostring(d.cached)')" = false ]
MS=2 "$AUTOGO" measure fsrcnn3 $short --cache "$WORK/cache.json" --fresh --json >"$WORK/fresh.json"
check "a fresh one is taken anew" [ "$(value "$WORK/fresh.json" 'd.median >= 2 and not d.cached')" = true ]
"$AUTOGO" measure fsrcnn3 --runs 3 --seconds 0.06 --most 1 --fresh --cache "$WORK/cache.json" --json >"$WORK/long.json"
check "runs go on until both bounds are met" [ "$(value "$WORK/long.json" 'd.n')" = 60 ]

refused "a runtime that hangs is ended" 1 "took longer than its limit of 1 s and was ended" \
  env HANG=1 "$AUTOGO" measure fsrcnn3 --limit 1 --fresh --cache "$WORK/x.json"
refused "a model the runtime refuses" 1 "fsrcnn3: this model is broken" \
  env BROKEN=1 "$AUTOGO" measure fsrcnn3 --cache "$WORK/x.json"
refused "no runtime" 1 "ONNX Runtime is missing .*npm install onnxruntime-node@[0-9.]+ in this folder" \
  sh -c "cd '$WORK' && NODE_PATH= '$(realpath "$AUTOGO")' measure fsrcnn3 --cache x.json"
refused "no node" 1 "needs Node.js .*npm install" env PATH="$WORK" "$(realpath "$AUTOGO")" measure fsrcnn3
refused "another runtime" 2 "with: one of onnxruntime expected" "$AUTOGO" measure fsrcnn3 --with tflite
echo '{}' >"$WORK/bad.json"
refused "a cache that is none" 1 "bad.json: this is no cache of measurements" \
  "$AUTOGO" measure fsrcnn3 --cache "$WORK/bad.json"

"$AUTOGO" kernels fsrcnn3 --own --csv >"$WORK/kernels.csv"
check "a table of kernels" "$AUTOGO" measure "$WORK/kernels.csv" $short --cache "$WORK/cache.json" --out "$WORK/table.csv"
check "is filled in" awk -F, 'NR > 1 && !($11 >= 1 && $13 == 7) { bad = 1 } END { exit bad || NR != 9 }' "$WORK/table.csv"
check "and an objective" "$AUTOGO" evolve fsrcnn3 --objective "table:$WORK/table.csv" --iterations 1 --children 20 \
  --seed 1 --out "$WORK/by_table" --quiet
refused "a table that lacks a kernel of the input" 1 "no kernel conv,320,180,64,64,3,3,1,1,fp32" \
  "$AUTOGO" evolve edsr --objective "table:$WORK/table.csv" --out "$WORK/y"

for i in 1 2 3 4 5 6 7 8 9; do echo "hiaml:src1,src1,r30,src3"; done >"$WORK/list.txt"
refused "too few networks to fit to" 1 "list.txt: a fit needs at least 10 networks, a line each; there are 9" \
  "$AUTOGO" measure "$WORK/list.txt" --fit roofline:raspi4
printf '# more\nfsrcnn3\nfsrcnn4 # and a remark\n' >>"$WORK/list.txt"
refused "what cannot be fitted" 1 "'flops' cannot be fitted" "$AUTOGO" measure "$WORK/list.txt" --fit flops
check "a fit" "$AUTOGO" measure "$WORK/list.txt" --fit roofline:raspi4 $short --cache "$WORK/fit.json" \
  --out "$WORK/fitted.json"
check "is of eleven networks" [ "$(value "$WORK/fitted.json" 'd.networks')" = 11 ]
check "and an objective" "$AUTOGO" evolve fsrcnn3 --objective "fitted:$WORK/fitted.json" --iterations 1 \
  --children 20 --seed 1 --out "$WORK/by_fit" --quiet

check "as an objective" "$AUTOGO" evolve fsrcnn3 --iterations 1 --children 6 --sources 2 --seed 1 --quiet \
  --objective "measured:onnxruntime:runs=3,seconds=0.005,most=0.1,drift=9,cache=$WORK/objective.json" --out "$WORK/front"
check "milliseconds are in front.json" [ "$(value "$WORK/front/front.json" \
  'd.input.objectives.measured_onnxruntime > 0')" = true ]
DRIFT=1 "$AUTOGO" evolve fsrcnn3 --iterations 1 --children 6 --sources 2 --seed 1 --quiet --out "$WORK/drift" \
  --objective "measured:onnxruntime:runs=30,seconds=0.005,most=0.1,cache=$WORK/drift.json" >"$WORK/drift.out" 2>&1
check "a machine that does not hold still measures nothing" grep -q "speed changed by more than 5 %" "$WORK/drift.out"
if command -v timeout >/dev/null; then
  HANG=1 timeout --preserve-status -s INT 1 "$AUTOGO" measure fsrcnn3 --fresh --cache "$WORK/x.json" >"$WORK/int" 2>&1
  check "Ctrl-C ends it" [ "$(cat "$WORK/int")" = "autogo: interrupted" ]
fi

modules="$BUILD/node/node_modules"
if [ -d "$modules/onnxruntime-node" ]; then
  export NODE_PATH="$modules"
  "$AUTOGO" measure fsrcnn3 --input 32x32x1 $short --cache "$WORK/real.json" --json >"$WORK/real"
  check "ONNX Runtime itself" [ "$(value "$WORK/real" 'd.median > 0 and d.n >= 7')" = true ]
else
  echo "skipped: onnxruntime-node is not installed"
fi
