# Networks as Keras 3 source. Keras itself is not in Debian: a stand-in that infers shapes and counts
# parameters by Keras's documentation builds them. FULL=1 takes every network of the zoo, and 50 evolved
# ones.
. tests/e2e/lib.sh

# sources DIR MODEL...: written, built, compared.
sources() {
  dir=$1
  shift
  mkdir "$dir"
  check "write the networks of $(basename "$dir")" \
    "$AUTOGO" run tests/formats/source_models.lua "$dir" .keras.py "$@"
  python3 tests/formats/run_keras.py "$dir" || echo "not ok Keras"
  rm -rf "$dir"
}

cg=$SHARED/data/cg
if [ -n "${FULL:-}" ]; then
  many_networks sources
else
  sources "$WORK/zoo" ops resnet18@64x64 mobilenet_v2@64x64 densenet121@64x64 unet_denoise@32x32 \
    fsrcnn3@24x16
  if [ -d "$cg" ]; then
    sources "$WORK/best" "$cg/hiaml_best.json" "$cg/inception_best.json" "$cg/nb101_best.json" \
      "$cg/nb201_best.json" "$cg/two_path_best.json" "evolved:$cg/inception_best.json:2"
  else
    echo "skipped: no computation graphs"
  fi
fi
# 6 + 12 + 24 + 16 layers (Huang et al. 2017, table 1), however many tensors lie ready beside them.
check "DenseNet's 58 layers are calls of one function" sh -c "'$AUTOGO' convert densenet121 '$WORK/d.keras.py' &&
  [ \$(grep -c '= block(' '$WORK/d.keras.py') -eq 58 ]"
check "--to keras is the same" sh -c "'$AUTOGO' convert resnet18 '$WORK/a.py' --to keras &&
  '$AUTOGO' convert resnet18 '$WORK/a.keras.py' && cmp '$WORK/a.py' '$WORK/a.keras.py'"
