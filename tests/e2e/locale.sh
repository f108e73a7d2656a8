# A host program may have set a locale with a decimal comma. The files are the same in every locale, and
# on every run: Lua's order of a table's names changes from process to process.
. tests/e2e/lib.sh

script() { # FOLDER [LOCALE]
  lua5.4 tests/e2e/locale.lua "$@"
}

# A locale of our own, since which ones are installed differs; other categories are left out.
make_comma() {
  printf 'LC_NUMERIC\ndecimal_point ","\nthousands_sep "."\ngrouping 3;3\nEND LC_NUMERIC\n' >"$WORK/comma"
  mkdir "$WORK/locales"
  localedef -c -i "$WORK/comma" "$WORK/locales/comma" >/dev/null 2>&1
  LOCPATH=$WORK/locales lua5.4 -e 'assert(os.setlocale "comma" and tostring(0.5) == "0,5")' 2>/dev/null
}

export LUA_PATH="${LUA_PATH:-lua/?.lua;lua/?/init.lua;;}" LUA_CPATH="${LUA_CPATH:-$BUILD/?.so;;}"
check "files without a locale" script "$WORK/plain"
check "and once more" script "$WORK/again"
check "are the same" diff -r "$WORK/plain" "$WORK/again"
if make_comma; then
  export LOCPATH="$WORK/locales"
  check "files of a host with a decimal comma" script "$WORK/host" comma
  check "are the same" diff -r "$WORK/plain" "$WORK/host"
else
  echo "skipped: localedef cannot make a locale with a decimal comma"
fi
