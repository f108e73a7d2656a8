# Training scripts beside exported modules run, on random data and on small folders of real files.
. tests/e2e/lib.sh

find_torch

cell='nb201:|nor_conv_3x3~0|+|skip_connect~0|avg_pool_3x3~1|+|nor_conv_1x1~0|nor_conv_1x1~1|none~2|'

# smoke STARTER NETWORK [options]: convert, train two steps.
smoke() {
  starter=$1 network=$2
  shift 2
  check "$starter starter for $network" \
    "$AUTOGO" convert "$network" "$WORK/${starter}_net.py" --train "$starter" --no-weights "$@"
  check "it is under 100 lines" sh -c "[ \$(wc -l <'$WORK/train_${starter}_net.py') -lt 100 ]"
  check "it trains two steps" "$python" "$WORK/train_${starter}_net.py" --smoke --device cpu
}
smoke cifar10 "$cell"
smoke imagenet resnet18 --input 64x64x3
smoke sr fsrcnn3
smoke sr edsr
smoke denoise unet_denoise

# CIFAR-10 as it is distributed, with twelve images a file: the loss falls when weights are the start.
cat >"$WORK/cifar.py" <<'PY'
import pickle, random, sys
random.seed(1)
for name in [f"data_batch_{k}" for k in range(1, 6)] + ["test_batch"]:
    labels = [k % 2 for k in range(12)]
    data = [[random.randrange(128) + 127 * label for _ in range(3072)] for label in labels]
    import numpy
    with open(f"{sys.argv[1]}/{name}", "wb") as file:
        pickle.dump({b"data": numpy.array(data, dtype="uint8"), b"labels": labels}, file)
PY
mkdir "$WORK/cifar"
check "files like CIFAR-10" "$python" "$WORK/cifar.py" "$WORK/cifar"
check "weights beside the module" "$AUTOGO" convert "$cell" "$WORK/cell.py" --train cifar10
check "train on them" sh -c "cd '$WORK' && '$python' train_cell.py cifar --epochs 2 --batch 12 --device cpu >log &&
  grep -q 'epoch 2: loss .*, test accuracy' log && test -s cell.trained.pt"
check "the trained weights load" sh -c "cd '$WORK' && '$python' -c '
import torch, cell
cell.Model().load_state_dict(torch.load(\"cell.trained.pt\"))'"

check "no data is said" sh -c "cd '$WORK' && '$python' train_cell.py 2>&1 | grep -q 'DATA is missing'"
refused "a starter of another format" 2 "NAME.py" "$AUTOGO" convert resnet18 "$WORK/a.onnx" --train cifar10
refused "a name that Python cannot import" 1 "cannot import" \
  "$AUTOGO" convert resnet18 "$WORK/a-b.py" --train cifar10 --no-weights
