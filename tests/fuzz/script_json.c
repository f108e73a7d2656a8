/* JSON as scripts read it: journals, settings, fronts. What is decoded is encoded so that it
 * decodes to the same again; once what JSON cannot say, bytes that are not UTF-8 and keys that
 * stand twice, is gone. */
#include <lua.h>
#include <lualib.h>

#include "engine/bind/bind.h"
#include "tests/fuzz/fuzz.h"

int luaopen_autogo_core(lua_State *L);

static const char chunk[] =
    "local core, text = ...\n"
    "local value, why = core.json_decode(text)\n"
    "if value == nil then return why == nil or type(why) == 'string' end\n"
    "local written, once = pcall(core.json_encode, value)\n"
    "if not written then return true end\n" /* a number beyond what JSON has */
    "local twice = core.json_encode(core.json_decode(once))\n"
    "return core.json_encode(core.json_decode(twice)) == twice\n";

static lua_State *open_state(void) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  FUZZ_EXPECT(luaL_loadstring(L, chunk) == LUA_OK);
  luaL_requiref(L, "autogo.core", luaopen_autogo_core, 0);
  return L;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static lua_State *L;
  if (!L) L = open_state();
  lua_settop(L, 2);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  lua_pushlstring(L, (const char *)data, size);
  int failed = lua_pcall(L, 2, 1, 0);
  if (failed) fprintf(stderr, "%s\n", lua_tostring(L, -1));
  FUZZ_EXPECT(!failed && lua_toboolean(L, -1));
  lua_settop(L, 2);
  lua_gc(L, LUA_GCCOLLECT);
  return 0;
}
