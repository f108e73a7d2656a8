/* Columns as C keeps them: what a search looks at for every child at once, and Lua for hardly any.
 * They are indexed as sequences are, and cannot be written to. */
#include "engine/bind/bind.h"

#define COLUMN "autogo.Column"

ag_lua_column *ag_lua_push_column(lua_State *L, int count, bool integers) {
  ag_lua_column *c = ag_lua_scratch(L, sizeof *c + (size_t)count * sizeof *c->values, 1);
  c->count = count;
  c->integers = integers;
  luaL_setmetatable(L, COLUMN);
  return c;
}

const ag_lua_column *ag_lua_to_column(lua_State *L, int index) {
  return lua_type(L, index) == LUA_TUSERDATA ? luaL_testudata(L, index, COLUMN) : NULL;
}

void ag_lua_push_value(lua_State *L, const ag_lua_column *column, int k) {
  if (column->integers)
    lua_pushinteger(L, (lua_Integer)column->values[k]);
  else
    lua_pushnumber(L, column->values[k]);
}

static int column_index(lua_State *L) {
  const ag_lua_column *c = luaL_checkudata(L, 1, COLUMN);
  int is_integer;
  lua_Integer k = lua_tointegerx(L, 2, &is_integer);
  if (is_integer && k >= 1 && k <= c->count)
    ag_lua_push_value(L, c, (int)k - 1);
  else
    lua_pushnil(L);
  return 1;
}

static int column_length(lua_State *L) {
  const ag_lua_column *c = luaL_checkudata(L, 1, COLUMN);
  lua_pushinteger(L, c->count);
  return 1;
}

void ag_lua_open_column(lua_State *L) {
  static const luaL_Reg metamethods[] = {
      {"__index", column_index}, {"__len", column_length}, {NULL, NULL}};
  luaL_newmetatable(L, COLUMN);
  luaL_setfuncs(L, metamethods, 0);
  lua_pushliteral(L, COLUMN);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}
