# Shared by the end-to-end scripts: each check prints "ok NAME" or "not ok NAME".
set -u
AUTOGO=${AUTOGO:-build/autogo}
BUILD=${BUILD:-build}
SHARED=${AUTOGO_SHARED:-../shared}
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

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

# value FILE LUA-EXPRESSION over d, the decoded JSON.
value() {
  lua5.4 - "$1" "$2" <<'LUA'
local core = require "autogo.core"
local d = assert(core.json_decode(assert(core.read_file(arg[1]))))
print(assert(load("local d = ... return " .. arg[2]))(d))
LUA
}
