# Shared by the end-to-end scripts: each check prints "ok NAME" or "not ok NAME".
set -u
AUTOGO=${AUTOGO:-build/autogo}
BUILD=${BUILD:-build}
SHARED=${AUTOGO_SHARED:-../shared}
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
# Where npm put the packages of vendor/node-packages.txt.
export NODE_PATH="${NODE_PATH:-$BUILD/node/node_modules}"

# check NAME COMMAND...: the command succeeds.
check() {
  name=$1
  shift
  if "$@" >"$WORK/.out" 2>&1; then echo "ok $name"; else
    echo "not ok $name: $*"
    sed 's/^/    /' "$WORK/.out" | tail -20
  fi
}

# refused NAME STATUS PATTERN COMMAND...: exits with STATUS after one line that matches PATTERN.
refused() {
  name=$1 expected=$2 pattern=$3
  shift 3
  "$@" >"$WORK/.out" 2>"$WORK/.err" </dev/null
  status=$?
  if [ $status -eq "$expected" ] && [ "$(wc -l <"$WORK/.err")" -eq 1 ] &&
    grep -qE -- "$pattern" "$WORK/.err"; then
    echo "ok $name"
  else
    echo "not ok $name: status $status (expected $expected), pattern '$pattern', said:"
    sed 's/^/    /' "$WORK/.err" | tail -20
  fi
}

# has_onnxruntime: ONNX Runtime for Node.js is here; else that is said.
has_onnxruntime() {
  [ -d "$NODE_PATH/onnxruntime-node" ] && return
  echo "skipped: onnxruntime-node is not installed"
  return 1
}

# find_torch: sets python to an interpreter that has PyTorch, or ends the script.
find_torch() {
  for python in python3 /usr/bin/python3; do
    "$python" -c 'import torch' 2>/dev/null && return
  done
  echo "skipped: python3-torch is not installed"
  exit 0
}

# many_networks COMMAND: COMMAND DIR MODEL... for every network of the zoo and 50 evolved ones, as
# tests/formats/source_models.lua names them.
many_networks() {
  echo 'print(table.concat(require("autogo.zoo").names, " "))' >"$WORK/names.lua"
  for network in $("$AUTOGO" run "$WORK/names.lua"); do "$1" "$WORK/zoo" "$network"; done
  for best in hiaml inception nb101 nb201 two_path; do
    best=$SHARED/data/cg/${best}_best.json
    "$1" "$WORK/evolved" "$best" "evolved:$best:7"
  done
  "$1" "$WORK/evolved" evolved:mobilenet_v2@64x64:5 evolved:resnet18@64x64:5 evolved:edsr@24x24:5
}

# value FILE LUA-EXPRESSION over d, the decoded JSON.
value() {
  lua5.4 - "$1" "$2" <<'LUA'
local core = require "autogo.core"
local d = assert(core.json_decode(assert(core.read_file(arg[1]))))
print(assert(load("local d = ... return " .. arg[2]))(d))
LUA
}
