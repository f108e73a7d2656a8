/* Class Graph, continued: what makes two graphs the same, and graphs as JSON. */
#include <stdlib.h>

#include "engine/bind/bind.h"

/* --- identity ------------------------------------------------------------------------------ */

static int graph_hash(lua_State *L) {
  ag_lua_push_hash(L, ag_graph_hash(ag_lua_check_graph(L, 1)));
  return 1;
}

static int graph_equal(lua_State *L) {
  void **a = luaL_testudata(L, 1, AG_LUA_GRAPH), **b = luaL_testudata(L, 2, AG_LUA_GRAPH);
  lua_pushboolean(L, a && b && *a && *b && ag_hash_equal(ag_graph_hash(*a), ag_graph_hash(*b)));
  return 1;
}

/* g:canonical() -> Graph, and for each of its nodes the position it had in g */
static int graph_canonical(lua_State *L) {
  const ag_graph *g = ag_lua_check_graph(L, 1);
  int32_t *order = ag_lua_scratch(L, (size_t)g->size, sizeof *order);
  void **box = ag_lua_box(L, AG_LUA_GRAPH);
  *box = (void *)(uintptr_t)ag_graph_canonical(g, order);
  ag_lua_push_integers(L, order, g->size);
  return 2;
}

static int graph_isomorphic(lua_State *L) {
  static const char *const equalities[] = {"kind", "shapes", NULL};
  const ag_graph *a = ag_lua_check_graph(L, 1), *b = ag_lua_check_graph(L, 2);
  ag_equality equality = (ag_equality)luaL_checkoption(L, 3, "shapes", equalities);
  lua_pushboolean(L, ag_graph_isomorphic(a, b, equality, NULL));
  return 1;
}

/* a:match(b) -> for each node of b which of a it is, -1 for new ones; and how many of the others
 * have another shape */
static int graph_match(lua_State *L) {
  const ag_graph *a = ag_lua_check_graph(L, 1), *b = ag_lua_check_graph(L, 2);
  int32_t *origin = ag_lua_scratch(L, (size_t)b->size, sizeof *origin);
  int reshaped = 0;
  ag_graph_match(a, b, origin);
  for (int j = 0; j < b->size; j++) {
    if (origin[j] < 0) continue;
    const ag_node *before = &a->nodes[origin[j]], *after = &b->nodes[j];
    reshaped += !ag_shape_equal(before->in, after->in) || !ag_shape_equal(before->out, after->out);
  }
  ag_lua_push_integers(L, origin, b->size);
  lua_pushinteger(L, reshaped);
  return 2;
}

/* --- JSON ---------------------------------------------------------------------------------- */

/* g:json() -> string */
static int graph_json(lua_State *L) {
  const ag_graph *g = ag_lua_check_graph(L, 1);
  void **text = ag_lua_anchor(L, free);
  *text = ag_graph_to_json(g);
  lua_pushstring(L, *text);
  return 1;
}

/* g:save_json(path) -> true, or nil and why not */
static int graph_save_json(lua_State *L) {
  const ag_graph *g = ag_lua_check_graph(L, 1);
  ag_error err;
  return ag_lua_result(L, ag_graph_save_json(g, luaL_checkstring(L, 2), &err), &err);
}

/* core.parse_graph(text) -> Graph, or nil and why not */
static int parse_graph(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  void **box = ag_lua_box(L, AG_LUA_GRAPH);
  const ag_graph *graph;
  ag_error err;
  if (ag_graph_parse_json(text, length, &graph, &err)) return ag_lua_fail(L, &err);
  *box = (void *)(uintptr_t)graph;
  return 1;
}

/* core.load_graph(path) -> Graph, or nil and why not */
static int load_graph(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  void **box = ag_lua_box(L, AG_LUA_GRAPH);
  const ag_graph *graph;
  ag_error err;
  if (ag_graph_load_json(path, &graph, &err)) return ag_lua_fail(L, &err);
  *box = (void *)(uintptr_t)graph;
  return 1;
}

/* --- class --------------------------------------------------------------------------------- */

static const luaL_Reg methods[] = {{"hash", graph_hash},
                                   {"canonical", graph_canonical},
                                   {"isomorphic", graph_isomorphic},
                                   {"match", graph_match},
                                   {"json", graph_json},
                                   {"save_json", graph_save_json},
                                   {NULL, NULL}};

static const luaL_Reg functions[] = {
    {"parse_graph", parse_graph}, {"load_graph", load_graph}, {NULL, NULL}};

void ag_lua_open_identity(lua_State *L) {
  luaL_setfuncs(L, functions, 0);
  ag_lua_extend(L, AG_LUA_GRAPH, methods);
  luaL_getmetatable(L, AG_LUA_GRAPH);
  lua_pushcfunction(L, graph_equal);
  lua_setfield(L, -2, "__eq");
  lua_pop(L, 1);
}
