# The main job: networks evolve, the front is below the input's FLOPs, the files are valid, the
# result is the same for any number of threads.
. tests/e2e/lib.sh

# members_below DIR N: at least N members of the front cost less than the input.
members_below() {
  n=$(value "$1/front.json" '(function() local n = 0
    for _, m in ipairs(d.members) do if m.flops < d.input.flops then n = n + 1 end end
    return n end)()')
  echo "$n members below the input"
  [ "$n" -ge "$2" ]
}

# better_predicted DIR: every member but the input scores above it.
better_predicted() {
  [ "$(value "$1/front.json" '(function()
    for _, m in ipairs(d.members) do
      if m.generation > 0 and m.score <= d.input.predicted then return "no" end
    end
    return "yes" end)()')" = yes ]
}

network=hiaml:src1,src1,r30,src3
check "evolve $network" \
  "$AUTOGO" evolve $network --iterations 4 --seed 1 --threads 1 --out "$WORK/a" --quiet
check "a front below the input" members_below "$WORK/a" 3
check "members are predicted better than the input" better_predicted "$WORK/a"
check "the same with 2 threads" \
  "$AUTOGO" evolve $network --iterations 4 --seed 1 --threads 2 --out "$WORK/b" --quiet
check "front.json is byte-identical" cmp "$WORK/a/front.json" "$WORK/b/front.json"
for file in "$WORK"/a/rank_*.onnx; do
  check "$(basename "$file") is identical" cmp "$file" "$WORK/b/$(basename "$file")"
done
# The files of the members are those asked for, and what an earlier search wrote of others goes.
cp -r "$WORK/a" "$WORK/kinds"
check "other formats" "$AUTOGO" evolve $network --iterations 4 --seed 1 --threads 1 \
  --out "$WORK/kinds" --quiet --write keras,svg
check "no file of the formats that were not" \
  sh -c "! ls '$WORK'/kinds/rank_*.onnx '$WORK'/kinds/rank_*.safetensors 2>/dev/null"
for file in "$WORK"/a/rank_*.json; do
  rank=$(basename "$file" .json)
  check "$rank is the same network" cmp "$file" "$WORK/kinds/$rank.json"
  check "$rank as Keras source" "$AUTOGO" convert "$file" "$WORK/same.keras.py"
  check "$rank is what convert writes" cmp "$WORK/same.keras.py" "$WORK/kinds/$rank.keras.py"
  check "$rank as a drawing" grep -q "^<svg" "$WORK/kinds/$rank.svg"
done
for file in "$WORK"/kinds/rank_*.py; do
  case $file in *.keras.py) ;; *) echo "not ok $file was not asked for" ;; esac
done
check "what it was begun with is written when it goes on" sh -c "
  '$AUTOGO' evolve --resume '$WORK/kinds' --iterations 5 --quiet &&
  [ -f '$WORK/kinds/rank_00.keras.py' ] && [ ! -f '$WORK/kinds/rank_00.onnx' ]"
refused "a format that is none" 2 "--write: a list of json, onnx, .* got 'onnx,protobuf'" \
  "$AUTOGO" evolve $network --out "$WORK/none" --write onnx,protobuf

if [ -e /usr/lib/python3/dist-packages/onnx ]; then
  check "the ONNX checker accepts the front" /usr/bin/python3 tests/formats/check_onnx.py "$WORK"/a/rank_*.onnx
else
  echo "skipped: python3-onnx is not installed"
fi
check "a member reads back with its FLOPs" sh -c "
  '$AUTOGO' info '$WORK/a/rank_00.json' --json >'$WORK/json.info' &&
  '$AUTOGO' info '$WORK/a/rank_00.onnx' --json >'$WORK/onnx.info'"
check "JSON and ONNX agree with front.json" sh -c "
  . tests/e2e/lib.sh
  f=\$(value '$WORK/a/front.json' 'd.members[1].flops')
  [ \"\$f\" = \"\$(value '$WORK/json.info' d.flops)\" ] && [ \"\$f\" = \"\$(value '$WORK/onnx.info' d.flops)\" ]"

if [ -d "$SHARED/models/onnx" ]; then
  for model in torchvision_resnet18_noweights torchvision_squeezenet1_1 ppocr_mobile_cls; do
    size=
    [ $model = ppocr_mobile_cls ] && size="--input 48x192x3" # its height and width are open
    # shellcheck disable=SC2086
    check "evolve $model" "$AUTOGO" evolve "$SHARED/models/onnx/$model.onnx" $size --seed 1 \
      --iterations 3 --out "$WORK/$model" --quiet
    check "$model: 3 members below the input" members_below "$WORK/$model" 3
    if [ -e /usr/lib/python3/dist-packages/onnx ]; then
      check "$model: the ONNX checker accepts the front" \
        /usr/bin/python3 tests/formats/check_onnx.py "$WORK/$model"/rank_*.onnx
    fi
    if has_onnxruntime; then
      check "$model: ONNX Runtime runs the front" node tests/formats/run_onnx.js \
        --like "$SHARED/models/onnx/$model.onnx" "$WORK/$model"/rank_*.onnx
    fi
  done
else
  echo "skipped: no models in $SHARED"
fi
