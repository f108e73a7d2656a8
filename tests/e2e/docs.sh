# References, man page, completions, doctor, and what package managers are told.
. tests/e2e/lib.sh

check "make docs finds nothing undocumented" make -s docs BUILD="$BUILD"
check "the C reference has every header" grep -q 'id="hardware.h"\|id="search.h"' "$BUILD/docs/c.html"
if command -v ldoc >/dev/null; then
  check "every link within the Lua reference leads somewhere" sh -c '
    cd "$1" && grep -ho "href=\"\(\.\./modules/\|modules/\)[^\"]*\"" index.html modules/*.html | sort -u |
    sed "s/href=\"\(\.\.\/\)\{0,1\}//; s/\"\$//" >links && [ -s links ] &&
    while IFS="#" read -r file id; do
      grep -q "id=\"$id\"" "$file" 2>/dev/null || [ -z "$id" -a -e "$file" ] || { echo "$file#$id"; exit 1; }
    done <links' sh "$BUILD/docs/lua"
else
  echo "skipped: ldoc is not installed"
fi
check "the program is in order" "$AUTOGO" doctor
check "help VERB is VERB --help" sh -c '[ "$($1 help evolve)" = "$($1 evolve --help)" ]' sh "$AUTOGO"
refused "help for what is not there" 2 "unknown verb 'evolv', did you mean 'evolve'?" "$AUTOGO" help evolv
check "bash reads its completion" bash -n "$BUILD/docs/completion.bash"
check "bash completes verbs and options" bash -c '. "$1"; COMP_WORDS=(autogo evolve --obj); COMP_CWORD=2; _autogo
  [ "${COMPREPLY[*]}" = --objective ] && { COMP_WORDS=(autogo ev); COMP_CWORD=1; _autogo; [ "${COMPREPLY[*]}" = evolve ]; }' \
  bash "$BUILD/docs/completion.bash"
if command -v man >/dev/null; then
  check "man reads the page without warnings" sh -c '[ -z "$(man --warnings -l "$1" 2>&1 >/dev/null)" ]' sh "$BUILD/docs/autogo.1"
else
  echo "skipped: man is not here"
fi
version=$(sed -n 's/.*AG_VERSION "\(.*\)".*/\1/p' include/autogo/base.h)
check "the rockspec is of this version" grep -q "version = \"$version-1\"" "vendor/autogo-$version-1.rockspec"
check "the rockspec is Lua" lua5.4 -e 'assert(loadfile(arg[1]))()' "vendor/autogo-$version-1.rockspec"
check "recipes/README.md names every recipe" sh -c 'for f in recipes/*.lua; do grep -q "(${f#recipes/})" recipes/README.md || { echo "$f"; exit 1; }; done'
for link in $(sed -n 's/.*](\([^)#]*\)).*/\1/p' recipes/README.md | sort -u); do
  check "recipes/README.md: the link to $link" test -e "recipes/$link"
done
