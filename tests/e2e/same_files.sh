# The same files everywhere: whatever locale the host program has set (a decimal comma), wherever in the
# world, on processors that know fewer instructions, and on every run, as Lua's order of a table's names
# changes from process to process.
. tests/e2e/lib.sh

export LUA_PATH="${LUA_PATH:-lua/?.lua;lua/?/init.lua;;}" LUA_CPATH="${LUA_CPATH:-$BUILD/?.so;;}"

files() { # FOLDER [LOCALE]
  lua5.4 tests/e2e/same_files.lua "$WORK/$@"
}

# same NAME FOLDER [LOCALE]: files come, and are those of the first run.
same() {
  name=$1
  shift
  check "files $name" files "$@"
  check "are the same" diff -r "$WORK/first" "$WORK/$1"
}

# A locale of our own, since which ones are installed differs; other categories are left out.
make_comma() {
  printf 'LC_NUMERIC\ndecimal_point ","\nthousands_sep "."\ngrouping 3;3\nEND LC_NUMERIC\n' >"$WORK/comma"
  mkdir "$WORK/locales"
  localedef -c -i "$WORK/comma" "$WORK/locales/comma" >/dev/null 2>&1
  LOCPATH=$WORK/locales lua5.4 -e 'assert(os.setlocale "comma" and tostring(0.5) == "0,5")' 2>/dev/null
}

check "files" files first
TZ=Asia/Kathmandu
export TZ
same "once more, in another time zone" again
unset TZ
if make_comma; then
  LOCPATH=$WORK/locales
  export LOCPATH
  same "of a host with a decimal comma" host comma
  unset LOCPATH
else
  echo "skipped: localedef cannot make a locale with a decimal comma"
fi
# OpenBLAS and the C library choose their routines by the processor; these make them think less of it.
if grep -qw fma /proc/cpuinfo 2>/dev/null; then
  OPENBLAS_CORETYPE=Nehalem GLIBC_TUNABLES=glibc.cpu.hwcaps=-FMA,-AVX2,-AVX2_Usable,-FMA_Usable
  export OPENBLAS_CORETYPE GLIBC_TUNABLES
  same "of an older processor" older
else
  echo "skipped: this processor has nothing to hide"
fi
