/* ONNX models in and out, for class Graph. */
#include <limits.h>

#include "autogo/onnx.h"
#include "engine/bind/bind.h"

/* load_onnx(path [, {H, W, C}]) -> Graph, {kept=, merged=, folded=, opaque=} | nil, message
 * The shape binds what the file leaves open of its input. */
static int load_onnx(lua_State *L) {
  ag_error err;
  ag_shape bind = {0, 0, 0};
  const char *path = luaL_checkstring(L, 1);
  if (!lua_isnoneornil(L, 2)) bind = ag_lua_to_shape(L, 2, "input shape");
  ag_import_report *report = ag_lua_report(L);
  void **box = ag_lua_box(L, AG_LUA_GRAPH);
  const ag_graph *g;
  if (ag_onnx_load(path, bind, &g, report, &err)) return ag_lua_fail(L, &err);
  *box = (void *)g;
  ag_lua_push_report(L, report);
  return 2;
}

/* graph:save_onnx(path, {seed=, weights=, opset=}) -> true | nil, message */
static int graph_save_onnx(lua_State *L) {
  static const char *const known[] = {"seed", "weights", "opset", NULL};
  ag_error err;
  const ag_graph *g = ag_lua_check_graph(L, 1);
  const char *path = luaL_checkstring(L, 2);
  lua_settop(L, 3);
  ag_lua_options(L, 3, known);
  ag_onnx_options options = {
      .seed = (uint64_t)ag_lua_option_integer(L, 3, "seed", 1, LLONG_MIN, LLONG_MAX),
      .weights = ag_lua_option_boolean(L, 3, "weights", true)};
  if (ag_lua_option(L, 3, "opset") != LUA_TNIL)
    options.opset =
        (int)ag_lua_option_integer(L, 3, "opset", 0, AG_ONNX_OPSET_MIN, AG_ONNX_OPSET_MAX);
  return ag_lua_result(L, ag_onnx_save(g, path, &options, &err), &err);
}

static const luaL_Reg methods[] = {{"save_onnx", graph_save_onnx}, {NULL, NULL}};
static const luaL_Reg functions[] = {{"load_onnx", load_onnx}, {NULL, NULL}};

void ag_lua_open_onnx(lua_State *L) {
  ag_lua_extend(L, AG_LUA_GRAPH, methods);
  luaL_setfuncs(L, functions, 0);
}
