# What make install leaves works on its own: the program, the Lua module in a stock lua5.4, the
# C library with its headers.
. tests/e2e/lib.sh

check "make install" make -s install PREFIX="$WORK/usr" BUILD="$BUILD"
unset LUA_PATH LUA_CPATH AUTOGO_LUA
cd "$WORK" || exit 1
check "the program knows its Lua files" usr/bin/autogo convert resnet50 x.onnx
check "a stock lua5.4 loads the module" env \
  LUA_PATH="$WORK/usr/share/lua/5.4/?.lua;$WORK/usr/share/lua/5.4/?/init.lua;;" \
  LUA_CPATH="$WORK/usr/lib/lua/5.4/?.so;;" \
  lua5.4 -e 'local ag = require "autogo"; local g = assert(ag.load("x.onnx")); print(g); assert(#g > 100)'
cat >main.c <<'C'
#include <stdio.h>
#include <autogo/autogo.h>
int main(int argc, char **argv) {
  const ag_graph *g;
  ag_error err;
  char text[1024];
  (void)argc;
  if (ag_onnx_load(argv[1], (ag_shape){0, 0, 0}, &g, NULL, &err)) {
    puts(ag_error_text(&err, text, sizeof text));
    return 1;
  }
  printf("%lld\n", (long long)ag_graph_flops(g));
  ag_graph_release(g);
  return 0;
}
C
check "a C program links the shared library" gcc -std=c11 -Iusr/include main.c -o main -Lusr/lib -lautogo
check "and runs" env LD_LIBRARY_PATH=usr/lib ./main x.onnx
check "and with what pkg-config says" sh -c 'gcc -std=c11 main.c -o main2 $(PKG_CONFIG_SYSROOT_DIR= PKG_CONFIG_PATH=usr/lib/pkgconfig pkg-config --define-variable=prefix="$PWD/usr" --cflags --libs autogo)'
check "and with the archive and what that needs" sh -c 'gcc -std=c11 -Iusr/include main.c -o main3 -l:libautogo.a $(PKG_CONFIG_PATH=usr/lib/pkgconfig pkg-config --define-variable=prefix="$PWD/usr" --static --libs autogo) && ! ldd main3 | grep -q autogo && ./main3 x.onnx'
check "the shared library gives what the headers declare, and nothing else" sh -c '
  grep -oh "\bag_[a-z0-9_]*(" usr/include/autogo/*.h | tr -d "(" | sort -u >declared
  sed -n "s/^static inline .*\b\(ag_[a-z0-9_]*\)(.*/\1/p" usr/include/autogo/*.h | sort -u >inline
  nm -D --defined-only usr/lib/libautogo.so | awk "{ print \$3 }" | sort >given
  comm -23 declared inline | diff - given'
check "the module gives Lua its door, and nothing else" sh -c '[ "$(nm -D --defined-only usr/lib/lua/5.4/autogo.so | grep -cv " luaopen_autogo")" = 0 ]'
check "the man page, completions" test -s usr/share/man/man1/autogo.1 -a -s usr/share/bash-completion/completions/autogo
if command -v g++ >/dev/null; then
  check "a C++ program too" g++ -x c++ -Iusr/include main.c -o main++ -Lusr/lib -lautogo
else
  echo "skipped: g++ is not here"
fi
