/* Class WeisfeilerLeman: the rooted subgraphs of a corpus, the baseline of mining.
 *
 *   local wl = core.weisfeiler_leman { depth = 5, budget = 1 << 30 }
 *   for graph in graphs do assert(wl:add(graph)) end
 *   print(#wl, wl.bytes, wl:level(5).subgraphs)
 *
 * Rooted subgraphs count from 1. */
#include <limits.h>

#include "autogo/mining.h"
#include "engine/bind/bind.h"

#define AG_LUA_WL "autogo.WeisfeilerLeman"

static ag_wl *check_wl(lua_State *L, int arg) {
  return ag_lua_check(L, arg, AG_LUA_WL);
}

/* weisfeiler_leman{depth = 5, budget = bytes (default 2^30)} -> WeisfeilerLeman */
static int new_wl(lua_State *L) {
  static const char *const known[] = {"depth", "budget", NULL};
  ag_lua_options(L, 1, known);
  int depth = (int)ag_lua_option_integer(L, 1, "depth", 5, 0, AG_WL_MAX_DEPTH);
  lua_Integer budget = ag_lua_option_integer(L, 1, "budget", 1 << 30, 0, LLONG_MAX);
  void **box = ag_lua_box(L, AG_LUA_WL);
  *box = ag_wl_new(depth, (size_t)budget);
  return 1;
}

/* A list per node of the numbers of its rooted subgraphs, by depth from 0, as far as it has any. */
static void push_numbers(lua_State *L, const int32_t *numbers, int nodes, int levels) {
  lua_createtable(L, nodes, 0);
  for (int v = 0; v < nodes; v++) {
    lua_createtable(L, levels, 0);
    for (int d = 0; d < levels && numbers[v * levels + d] >= 0; d++) {
      lua_pushinteger(L, numbers[v * levels + d] + 1);
      lua_rawseti(L, -2, d + 1);
    }
    lua_rawseti(L, -2, v + 1);
  }
}

/* wl:add(graph [, list = false]) -> true, or with list = true for each node the numbers of its
 * rooted subgraphs, from depth 0 on; or nil and a message where the budget ends */
static int wl_add(lua_State *L) {
  ag_error err;
  ag_wl *wl = check_wl(L, 1);
  const ag_graph *graph = ag_lua_check_graph(L, 2);
  int levels = ag_wl_depth(wl) + 1;
  int32_t *numbers = NULL;
  if (lua_toboolean(L, 3))
    numbers = ag_lua_scratch(L, (size_t)graph->size * (size_t)levels, sizeof *numbers);
  ag_status status = ag_wl_add(wl, graph, numbers, &err);
  if (status || !numbers) return ag_lua_result(L, status, &err);
  push_numbers(L, numbers, graph->size, levels);
  return 1;
}

/* wl:level(depth) -> {subgraphs, occurrences, nodes} */
static int wl_level(lua_State *L) {
  const ag_wl *wl = check_wl(L, 1);
  ag_wl_level level = ag_wl_at(wl, (int)ag_lua_check_range(L, 2, 0, ag_wl_depth(wl)));
  lua_createtable(L, 0, 3);
  ag_lua_set_integer(L, "subgraphs", level.subgraphs);
  ag_lua_set_integer(L, "occurrences", level.occurrences);
  ag_lua_set_integer(L, "nodes", level.nodes);
  return 1;
}

/* wl:get(number) -> {op, kernel, depth, count, nodes, operands = {numbers}} */
static int wl_get(lua_State *L) {
  const ag_wl *wl = check_wl(L, 1);
  ag_rooted r = ag_wl_get(wl, ag_lua_check_range(L, 2, 1, ag_wl_size(wl)) - 1);
  lua_createtable(L, 0, 6);
  lua_pushstring(L, ag_op_get(r.op)->name);
  lua_setfield(L, -2, "op");
  ag_lua_push_pair(L, r.kernel);
  lua_setfield(L, -2, "kernel");
  ag_lua_set_integer(L, "depth", r.depth);
  ag_lua_set_integer(L, "count", r.count);
  ag_lua_set_integer(L, "nodes", r.nodes);
  lua_createtable(L, r.arity, 0);
  for (int k = 0; k < r.arity; k++) {
    lua_pushinteger(L, r.operands[k] + 1);
    lua_rawseti(L, -2, k + 1);
  }
  lua_setfield(L, -2, "operands");
  return 1;
}

static int field_size(lua_State *L) {
  lua_pushinteger(L, ag_wl_size(check_wl(L, 1)));
  return 1;
}

static int field_graphs(lua_State *L) {
  lua_pushinteger(L, ag_wl_graphs(check_wl(L, 1)));
  return 1;
}

static int field_bytes(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)ag_wl_bytes(check_wl(L, 1)));
  return 1;
}

static void release_wl(void *object) {
  ag_wl_free(object);
}

static void describe_wl(lua_State *L, void *object) {
  lua_pushfstring(L, "WeisfeilerLeman (%I rooted subgraphs in %I graphs)",
                  (LUAI_UACINT)ag_wl_size(object), (LUAI_UACINT)ag_wl_graphs(object));
}

static const luaL_Reg methods[] = {
    {"add", wl_add}, {"level", wl_level}, {"get", wl_get}, {NULL, NULL}};

static const luaL_Reg fields[] = {
    {"size", field_size}, {"graphs", field_graphs}, {"bytes", field_bytes}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {{"__len", field_size}, {NULL, NULL}};

static const ag_lua_class wl_class = {.name = AG_LUA_WL,
                                      .release = release_wl,
                                      .describe = describe_wl,
                                      .methods = methods,
                                      .fields = fields,
                                      .metamethods = metamethods};

void ag_lua_open_wl(lua_State *L) {
  ag_lua_register(L, &wl_class);
  lua_pushcfunction(L, new_wl);
  lua_setfield(L, -2, "weisfeiler_leman");
}
