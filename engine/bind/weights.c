/* What writers of source code ask of class Graph: the weights behind its nodes, and what the source
 * format said of them. */
#include <limits.h>
#include <string.h>

#include "engine/bind/bind.h"
#include "engine/formats/onnx_export.h"
#include "engine/formats/weights.h"

/* --- where nodes come from ------------------------------------------------------------ */

enum { MAX_VALUES = 64 }; /* constants of up to so many elements are given as lists */

static void push_integers(lua_State *L, const int64_t *values, size_t count) {
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_pushinteger(L, values[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static void set_integers(lua_State *L, const char *key, const int64_t *values, size_t count) {
  push_integers(L, values, count);
  lua_setfield(L, -2, key);
}

static bool push_attribute(lua_State *L, const ag_onnx_attribute *a) {
  if (a->n_ints)
    push_integers(L, a->ints, a->n_ints);
  else if (a->n_floats) {
    lua_createtable(L, (int)a->n_floats, 0);
    for (size_t i = 0; i < a->n_floats; i++) {
      lua_pushnumber(L, (double)a->floats[i]);
      lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
  } else if (a->has_i)
    lua_pushinteger(L, a->i);
  else if (a->has_f)
    lua_pushnumber(L, (double)a->f);
  else if (a->has_s)
    lua_pushlstring(L, (const char *)a->s.data, a->s.len);
  else
    return false;
  return true;
}

static void set_node(lua_State *L, const ag_onnx_node *node) {
  lua_pushstring(L, node->op_type);
  lua_setfield(L, -2, "type");
  lua_pushstring(L, node->domain ? node->domain : "");
  lua_setfield(L, -2, "domain");
  lua_newtable(L);
  for (size_t i = 0; i < node->n_attribute; i++)
    if (node->attribute[i]->name && push_attribute(L, node->attribute[i]))
      lua_setfield(L, -2, node->attribute[i]->name);
  lua_setfield(L, -2, "attributes");
  lua_createtable(L, (int)node->n_input, 0);
  for (size_t i = 0; i < node->n_input; i++) {
    lua_pushboolean(L, node->input[i][0] != '\0');
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "inputs");
}

/* operand_shapes = {{...}, ...}: of each operand that is no constant. */
static void set_operand_shapes(lua_State *L, const ag_onnx_origin *origin) {
  size_t at = 0;
  lua_newtable(L);
  for (lua_Integer k = 1; at < origin->n_operand_shape; k++) {
    size_t rank = (size_t)origin->operand_shape[at++];
    if (rank > origin->n_operand_shape - at) break;
    push_integers(L, origin->operand_shape + at, rank);
    lua_rawseti(L, -2, k);
    at += rank;
  }
  lua_setfield(L, -2, "operand_shapes");
}

static void push_constant(lua_State *L, const ag_tensor *t) {
  int64_t count = ag_onnx_elements(t);
  lua_newtable(L);
  lua_pushinteger(L, t->dtype);
  lua_setfield(L, -2, "dtype");
  set_integers(L, "dims", t->dims, (size_t)t->rank);
  if (!t->data || count > MAX_VALUES) return;
  lua_createtable(L, (int)count, 0);
  for (int64_t i = 0; i < count; i++) {
    if (ag_onnx_is_integer((int)t->dtype))
      lua_pushinteger(L, ag_onnx_get_int(t, i));
    else
      lua_pushnumber(L, ag_onnx_get_number(t, i));
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "values");
}

static void set_constants(lua_State *L, const ag_record *record) {
  lua_newtable(L);
  for (int i = 0; i < record->constants; i++) {
    push_constant(L, &record->constant[i]);
    lua_pushinteger(L, i);
    lua_setfield(L, -2, "index");
    lua_rawseti(L, -2, record->constant_position[i] + 1);
  }
  lua_setfield(L, -2, "constants");
}

static void free_origin(void *origin) {
  ag_onnx_free_origin(origin);
}

/* graph:source(position) -> { shape =, dtype =, opset = } of an input, output or opaque node that
 * came from ONNX, an open batch being -1; of an opaque one also type, domain, attributes, inputs =
 * which of its inputs are given, constants = { [input] = { index, dtype, dims, values } },
 * operand_shapes and output (from 1); or nil. */
static int graph_source(lua_State *L) {
  const ag_graph *g = ag_lua_check_graph(L, 1);
  int i = (int)ag_lua_check_range(L, 2, 0, g->size - 1);
  void **owner = ag_lua_anchor(L, free_origin);
  ag_onnx_origin *origin = *owner = ag_onnx_read_origin(g, i);
  if (!origin) return 0;
  const ag_record *record = ag_store_get(g->store, g->nodes[i].record);
  lua_newtable(L);
  set_integers(L, "shape", origin->shape, origin->n_shape);
  lua_pushinteger(L, origin->elem_type);
  lua_setfield(L, -2, "dtype");
  lua_pushinteger(L, origin->opset);
  lua_setfield(L, -2, "opset");
  if (!origin->node || !origin->node->op_type) return 1;
  set_node(L, origin->node);
  set_operand_shapes(L, origin);
  set_constants(L, record);
  lua_pushinteger(L, record->output_index + 1);
  lua_setfield(L, -2, "output");
  return 1;
}

/* --- weights -------------------------------------------------------------------------- */

/* graph:kept() -> parameters whose values the graph has, parameters it would need new */
static int graph_kept(lua_State *L) {
  const ag_graph *g = ag_lua_check_graph(L, 1);
  int64_t kept = ag_weights_kept(g);
  lua_pushinteger(L, kept);
  lua_pushinteger(L, ag_graph_params(g) - kept);
  return 2;
}

/* {[position] = name} into an array; the strings stay in the table. */
static const char **read_names(lua_State *L, int arg, int size) {
  const char **names = ag_lua_scratch(L, (size_t)size, sizeof *names);
  for (int i = 0; i < size; i++) {
    if (lua_rawgeti(L, arg, i) == LUA_TSTRING) names[i] = lua_tostring(L, -1);
    lua_pop(L, 1);
  }
  return names;
}

static lua_Integer field(lua_State *L, int at, const char *key, lua_Integer most) {
  int exact, type = ag_lua_option(L, at, key);
  lua_Integer value = lua_tointegerx(L, -1, &exact);
  lua_pop(L, 1);
  if (type != LUA_TNUMBER || !exact || value < 0 || value > most)
    luaL_error(L, "constants: '%s' must be an integer from 0 to %I", key, (LUAI_UACINT)most);
  return value;
}

/* A list of { node, index, name }; the names stay in its tables. */
static const ag_weights_constant *read_constants(lua_State *L, int arg, int size, int *count) {
  lua_Unsigned length = lua_rawlen(L, arg);
  if (length > INT_MAX) luaL_argerror(L, arg, "too many constants");
  *count = (int)length;
  ag_weights_constant *list = ag_lua_scratch(L, (size_t)*count, sizeof *list);
  for (int i = 0; i < *count; i++) {
    lua_rawgeti(L, arg, i + 1);
    int at = lua_gettop(L);
    if (!lua_istable(L, at)) luaL_error(L, "constants: a list of tables expected");
    list[i].node = (int)field(L, at, "node", size - 1);
    list[i].index = (int)field(L, at, "index", INT_MAX);
    if (ag_lua_option(L, at, "name") != LUA_TSTRING)
      luaL_error(L, "constants: 'name' must be a string");
    list[i].name = lua_tostring(L, -1);
    lua_settop(L, at - 1);
  }
  return list;
}

/* graph:save_weights(path, names, constants, seed) -> true | nil, message
 * names = { [position] = module }, constants = list of { node, index, name }. */
static int graph_save_weights(lua_State *L) {
  ag_error err;
  const ag_graph *g = ag_lua_check_graph(L, 1);
  const char *path = luaL_checkstring(L, 2);
  luaL_checktype(L, 3, LUA_TTABLE);
  luaL_checktype(L, 4, LUA_TTABLE);
  ag_weights_options options = {.seed = (uint64_t)luaL_checkinteger(L, 5)};
  options.names = read_names(L, 3, g->size);
  options.constants = read_constants(L, 4, g->size, &options.constant_count);
  return ag_lua_result(L, ag_weights_save(g, path, &options, &err), &err);
}

static const luaL_Reg methods[] = {{"source", graph_source},
                                   {"kept", graph_kept},
                                   {"save_weights", graph_save_weights},
                                   {NULL, NULL}};

void ag_lua_open_weights(lua_State *L) {
  ag_lua_extend(L, AG_LUA_GRAPH, methods);
}
