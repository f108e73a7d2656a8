# Networks as PyTorch source: the modules run in PyTorch with the output shapes and parameters of their
# computation graphs, and with the same weights compute what ONNX Runtime computes. FULL=1 takes every
# network of the zoo at its own size, and 50 evolved ones.
. tests/e2e/lib.sh

find_torch

# modules DIR MODEL...: written, run, compared.
modules() {
  dir=$1
  shift
  mkdir "$dir"
  check "write the networks of $(basename "$dir")" "$AUTOGO" run tests/formats/source_models.lua "$dir" .py "$@"
  if has_onnxruntime; then
    check "ONNX Runtime runs them" node tests/formats/onnx_values.js "$dir"/*.onnx
  fi
  "$python" tests/formats/run_torch.py "$dir" || echo "not ok PyTorch"
  rm -rf "$dir"
}

cg=$SHARED/data/cg
if [ -n "${FULL:-}" ]; then
  many_networks modules
else
  modules "$WORK/zoo" ops resnet18@64x64 mobilenet_v2@64x64 densenet121@64x64 unet_denoise@32x32 \
    fsrcnn3@24x16 evolved:resnet18@64x64:1
  if [ -d "$cg" ]; then
    modules "$WORK/best" "$cg/hiaml_best.json" "$cg/inception_best.json" \
      "$cg/nb101_best.json" "$cg/nb201_best.json" "$cg/two_path_best.json" \
      "evolved:$cg/inception_best.json:3" "evolved:$cg/nb101_best.json:2" \
      "$SHARED/models/onnx/ppocr_mobile_cls.onnx@48x192" "$SHARED/models/onnx/light_shufflenet.onnx"
  else
    echo "skipped: no computation graphs"
  fi
fi

# What is no CG op: the ONNX project's own results.
cases=/usr/share/libonnx-testdata/data/node
if [ -d "$cases" ] && "$python" -c 'import onnx' 2>/dev/null; then
  mkdir "$WORK/operators"
  check "write the operator models" \
    "$AUTOGO" run tests/formats/operators_torch.lua "$cases" "$WORK/operators"
  check "operator models compute alike" "$python" tests/formats/operators_torch.py "$WORK/operators"
else
  echo "skipped: libonnx-testdata or python3-onnx is not installed"
fi

# ResNet-50 with weights: in, out, and through an evolution.
if "$python" -c 'import torchvision, onnx' 2>/dev/null && [ -d "$NODE_PATH/onnxruntime-node" ]; then
  net=$WORK/resnet
  mkdir "$net"
  check "torchvision's ResNet-50" "$python" tests/formats/torchvision_resnet.py write "$net"
  check "in and out" "$AUTOGO" convert "$net/original.onnx" "$net/again.onnx"
  check "ONNX Runtime runs it" node tests/formats/onnx_values.js "$net/again.onnx"
  check "it computes what the original does" "$python" tests/formats/torchvision_resnet.py compare "$net"
  check "as PyTorch source" "$AUTOGO" convert "$net/original.onnx" "$net/again.py"
  echo "again 25557032 1x1000" >"$net/list"
  check "the source computes it too" "$python" tests/formats/run_torch.py "$net"
  check "evolve it" "$AUTOGO" evolve "$net/original.onnx" --iterations 1 --parents 1 --sources 2 \
    --replacements 20 --out "$net/front" --quiet
  check "what stayed is bit-identical" \
    "$python" tests/formats/torchvision_resnet.py kept "$net" "$net/front"
else
  echo "skipped: python3-torchvision, python3-onnx or onnxruntime-node is not installed"
fi
