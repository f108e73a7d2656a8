/* Class Graph, continued: what makes two graphs the same, and graphs as JSON.
 */
#include <stdlib.h>

#include "engine/bind/bind.h"

/* --- identity
 * -----------------------------------------------------------------------------
 */

static int graph_hash(lua_State *L) {
  ag_lua_push_hash(L, ag_graph_hash(ag_lua_check_graph(L, 1)));
  return 1;
}

static int graph_equal(lua_State *L) {
  void **a = luaL_testudata(L, 1, AG_LUA_GRAPH), **b = luaL_testudata(L, 2, AG_LUA_GRAPH);
  lua_pushboolean(L, a && b && *a && *b && ag_hash_equal(ag_graph_hash(*a), ag_graph_hash(*b)));
  return 1;
}

static int graph_canonical(lua_State *L) {
  const ag_graph *g = ag_lua_check_graph(L, 1);
  void **box = ag_lua_box(L, AG_LUA_GRAPH);
  *box = (void *)ag_graph_canonical(g, NULL);
  return 1;
}

static int graph_isomorphic(lua_State *L) {
  static const char *const equalities[] = {"kind", "shapes", NULL};
  const ag_graph *a = ag_lua_check_graph(L, 1), *b = ag_lua_check_graph(L, 2);
  ag_equality equality = (ag_equality)luaL_checkoption(L, 3, "shapes", equalities);
  lua_pushboolean(L, ag_graph_isomorphic(a, b, equality, NULL));
  return 1;
}

/* --- class
 * --------------------------------------------------------------------------------
 */

static const luaL_Reg methods[] = {{"hash", graph_hash},
                                   {"canonical", graph_canonical},
                                   {"isomorphic", graph_isomorphic},
                                   {NULL, NULL}};

void ag_lua_open_identity(lua_State *L) {
  ag_lua_extend(L, AG_LUA_GRAPH, methods);
  luaL_getmetatable(L, AG_LUA_GRAPH);
  lua_pushcfunction(L, graph_equal);
  lua_setfield(L, -2, "__eq");
  lua_pop(L, 1);
}
