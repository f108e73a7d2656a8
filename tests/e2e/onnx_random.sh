# Random networks of all attributes of all common layers, in operator sets 7 to 22: the same function after
# import and export, and as a PyTorch module. FULL=1 takes many more.
. tests/e2e/lib.sh

has_onnxruntime || exit 0
mkdir "$WORK/nets"
count=80
[ -z "${FULL:-}" ] || count=3000
node tests/formats/onnx_random.js "$AUTOGO" "$WORK/nets" 1 $count >"$WORK/result"
grep "^not ok" "$WORK/result"
check "$(tail -1 "$WORK/result")" sh -c "! grep -q '^not ok' '$WORK/result'"
find_torch
check "PyTorch computes the same" "$python" tests/formats/run_torch.py "$WORK/nets"
