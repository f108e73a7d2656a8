/* The module autogo.core: every class and function of the binding in one table.
 *
 * It is built once per Lua state and kept in the registry, because two names lead here:
 * require "autogo.core" and, without the Lua tree, require "autogo". */
#include "engine/bind/bind.h"

static void (*const parts[])(lua_State *L) = {
    ag_lua_open_system,    ag_lua_open_json,     ag_lua_open_graph,   ag_lua_open_identity,
    ag_lua_open_onnx,      ag_lua_open_builder,  ag_lua_open_segment, ag_lua_open_resolve,
    ag_lua_open_tokenizer, ag_lua_open_database, ag_lua_open_wl,      ag_lua_open_predictor,
    ag_lua_open_training,  ag_lua_open_space,    ag_lua_open_batch,   ag_lua_open_prices,
    ag_lua_open_fronts,    ag_lua_open_column,   ag_lua_open_columns, ag_lua_open_weights,
    ag_lua_open_hardware,  ag_lua_open_import,
};

int luaopen_autogo_core(lua_State *L) {
  static const char key[] = "autogo.core";
  if (lua_getfield(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE) return 1;
  luaL_checkversion(L);
  lua_newtable(L);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) parts[i](L);
  lua_pushvalue(L, -1);
  lua_setfield(L, LUA_REGISTRYINDEX, key);
  return 1;
}

int luaopen_autogo(lua_State *L) {
  return luaopen_autogo_core(L);
}
