/* Class Batch: children as columns, plain Lua sequences of numbers, and as rows, numbered from 1.
 */
#include <limits.h>
#include <stdlib.h>

#include "autogo/search.h"
#include "engine/bind/bind.h"

static const ag_batch *check_batch(lua_State *L, int arg) {
  return ag_lua_check(L, arg, AG_LUA_BATCH);
}

static void release_batch(void *object) {
  ag_batch_free(object);
}

static void describe_batch(lua_State *L, void *object) {
  const ag_batch *b = object;
  lua_pushfstring(L, AG_LUA_BATCH " (%d children of %d parents)", b->size, b->parents);
}

static int batch_length(lua_State *L) {
  lua_pushinteger(L, check_batch(L, 1)->size);
  return 1;
}

static int batch_count(lua_State *L) {
  const ag_batch *b = check_batch(L, 1);
  const char *field = luaL_checkstring(L, 2);
  lua_pushinteger(L, *field == 't' ? b->tried : *field == 'f' ? b->feasible : b->scored);
  return 1;
}

static void push_column_value(lua_State *L, const ag_child *c, int column) {
  switch (column) {
  case 0:
    lua_pushnumber(L, c->predicted);
    return;
  case 1:
    lua_pushnumber(L, c->baseline);
    return;
  case 2:
    lua_pushnumber(L, c->predicted - c->baseline);
    return;
  case 3:
    lua_pushinteger(L, c->flops);
    return;
  case 4:
    lua_pushinteger(L, c->parent + 1);
    return;
  default:
    lua_pushinteger(L, c->entry + 1);
    return;
  }
}

static const char *const column_names[] = {"predicted", "baseline", "gain", "flops",
                                           "parent",    "entry",    NULL};

/* batch:column("predicted" | "baseline" | "gain" | "flops" | "parent" | "entry" [, rows]) ->
 * sequence */
static int batch_column(lua_State *L) {
  const ag_batch *b = check_batch(L, 1);
  int column = luaL_checkoption(L, 2, NULL, column_names), count;
  const int32_t *rows = ag_lua_check_rows(L, 3, b->size, &count);
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) {
    push_column_value(L, &b->children[rows ? rows[i] : i], column);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static double column_value(const ag_child *c, int column) {
  switch (column) {
  case 0:
    return c->predicted;
  case 1:
    return c->baseline;
  case 2:
    return c->predicted - c->baseline;
  case 3:
    return (double)c->flops;
  case 4:
    return c->parent + 1;
  default:
    return c->entry + 1;
  }
}

/* batch:floats(name [, rows]) -> Column: batch:column, as floats that C keeps */
static int batch_floats(lua_State *L) {
  const ag_batch *b = check_batch(L, 1);
  int column = luaL_checkoption(L, 2, NULL, column_names), count;
  const int32_t *rows = ag_lua_check_rows(L, 3, b->size, &count);
  ag_lua_column *floats = ag_lua_push_column(L, count, false);
  for (int i = 0; i < count; i++)
    floats->values[i] = column_value(&b->children[rows ? rows[i] : i], column);
  return 1;
}

/* batch.predicted and the like: batch:column "predicted", as Lua may have extended it */
static int batch_named_column(lua_State *L) {
  lua_getfield(L, 1, "column");
  lua_insert(L, 1);
  lua_call(L, 2, 1);
  return 1;
}

static const ag_child *check_child(lua_State *L, int *index) {
  const ag_batch *b = check_batch(L, 1);
  *index = (int)ag_lua_check_range(L, 2, 1, b->size) - 1;
  return &b->children[*index];
}

static void push_op_list(lua_State *L, const ag_node *nodes, int count) {
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) {
    lua_pushstring(L, ag_op_get(nodes[i].op)->name);
    lua_rawseti(L, -2, i + 1);
  }
}

static void push_ports(lua_State *L, const int32_t *ports, int count) {
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) {
    lua_pushinteger(L, ports[i] + 1);
    lua_rawseti(L, -2, i + 1);
  }
}

/* batch:child(i) -> table: parent (1-based), first, last, entry, variant, resolved, hash, flops,
 * predicted, baseline, gain, removed and added (op names in order), inputs and outputs (the maps
 * of graph:splice) */
static int batch_child(lua_State *L) {
  int index;
  const ag_child *c = check_child(L, &index);
  const ag_graph *parent = check_batch(L, 1)->parent[c->parent];
  lua_createtable(L, 0, 16);
  ag_lua_set_integer(L, "parent", c->parent + 1);
  ag_lua_set_integer(L, "first", c->first);
  ag_lua_set_integer(L, "last", c->last);
  ag_lua_set_integer(L, "entry", c->entry + 1);
  ag_lua_set_integer(L, "variant", c->variant + 1);
  ag_lua_set_integer(L, "flops", c->flops);
  ag_lua_set_number(L, "predicted", c->predicted);
  ag_lua_set_number(L, "baseline", c->baseline);
  ag_lua_set_number(L, "gain", c->predicted - c->baseline);
  lua_pushboolean(L, c->resolved);
  lua_setfield(L, -2, "resolved");
  ag_lua_push_hash(L, c->hash);
  lua_setfield(L, -2, "hash");
  push_op_list(L, parent->nodes + c->first, c->last - c->first);
  lua_setfield(L, -2, "removed");
  push_op_list(L, c->segment->nodes, c->segment->size);
  lua_setfield(L, -2, "added");
  push_ports(L, c->input_map, c->segment->inputs);
  lua_setfield(L, -2, "inputs");
  push_ports(L, c->output_map, c->segment->outputs);
  lua_setfield(L, -2, "outputs");
  return 1;
}

/* batch:graph(i) -> Graph in the order P, replacement, C */
static int batch_graph(lua_State *L) {
  int index;
  check_child(L, &index);
  void **box = ag_lua_box(L, AG_LUA_GRAPH);
  const ag_graph *graph;
  ag_error err;
  if (ag_batch_graph(check_batch(L, 1), index, &graph, &err)) return ag_lua_fail(L, &err);
  *box = (void *)(uintptr_t)graph;
  return 1;
}

ag_pool *ag_lua_batch_pool(lua_State *L, int arg) {
  lua_getiuservalue(L, arg, 1);
  void **space = luaL_testudata(L, -1, AG_LUA_SPACE);
  lua_pop(L, 1);
  return space && *space ? ag_space_pool(*space) : NULL;
}

/* batch:estimate(predictor, family [, rows]) -> sequence of a GNN's predictions (for these rows) in
 * the unit of that family's labels | nil, message */
static int batch_estimate(lua_State *L) {
  const ag_batch *b = check_batch(L, 1);
  const ag_predictor *p = ag_lua_check(L, 2, AG_LUA_PREDICTOR);
  const char *family = luaL_checkstring(L, 3);
  int count;
  const int32_t *rows = ag_lua_check_rows(L, 4, b->size, &count);
  const bool *wanted = ag_lua_mark_rows(L, rows, count, b->size);
  double *values = ag_lua_scratch(L, (size_t)b->size, sizeof *values);
  ag_error err;
  if (ag_batch_estimate(b, p, ag_lua_batch_pool(L, 1), wanted, values, &err))
    return ag_lua_fail(L, &err);
  for (int i = 0; i < b->size; i++) values[i] = ag_predictor_label(p, family, values[i]);
  ag_lua_push_rows(L, values, rows, count);
  return 1;
}

/* batch:expected({score, ...}) -> sequence: of every child its parent's score and its gain */
static int batch_expected(lua_State *L) {
  const ag_batch *b = check_batch(L, 1);
  int count;
  const double *scores = ag_lua_check_numbers(L, 2, &count);
  if (count != b->parents) return luaL_argerror(L, 2, "one number per parent expected");
  lua_createtable(L, b->size, 0);
  for (int i = 0; i < b->size; i++) {
    const ag_child *c = &b->children[i];
    lua_pushnumber(L, scores[c->parent] + (c->predicted - c->baseline));
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* batch:hopeful({score, ...}, least, flops_min, flops_max) -> Columns: the rows that are expected
 * to score above `least`, in the band of FLOPs; what each is expected to */
static int batch_hopeful(lua_State *L) {
  const ag_batch *b = check_batch(L, 1);
  int count;
  double least = luaL_checknumber(L, 3);
  double flops_min = luaL_checknumber(L, 4), flops_max = luaL_checknumber(L, 5);
  const double *scores = ag_lua_check_numbers(L, 2, &count);
  if (count != b->parents) return luaL_argerror(L, 2, "one number per parent expected");
  ag_lua_column *rows = ag_lua_push_column(L, b->size, true);
  ag_lua_column *values = ag_lua_push_column(L, b->size, false);
  int found = 0;
  for (int i = 0; i < b->size; i++) {
    const ag_child *c = &b->children[i];
    double flops = (double)c->flops, value = scores[c->parent] + (c->predicted - c->baseline);
    if (!(value > least && flops >= flops_min && flops <= flops_max)) continue;
    rows->values[found] = i + 1;
    values->values[found++] = value;
  }
  rows->count = values->count = found;
  return 2;
}

static const luaL_Reg batch_methods[] = {{"column", batch_column},     {"expected", batch_expected},
                                         {"hopeful", batch_hopeful},   {"floats", batch_floats},
                                         {"child", batch_child},       {"graph", batch_graph},
                                         {"estimate", batch_estimate}, {NULL, NULL}};
static const luaL_Reg batch_fields[] = {{"size", batch_length},
                                        {"tried", batch_count},
                                        {"feasible", batch_count},
                                        {"scored", batch_count},
                                        {"predicted", batch_named_column},
                                        {"baseline", batch_named_column},
                                        {"gain", batch_named_column},
                                        {"flops", batch_named_column},
                                        {"parent", batch_named_column},
                                        {"entry", batch_named_column},
                                        {NULL, NULL}};
static const luaL_Reg batch_metamethods[] = {{"__len", batch_length}, {NULL, NULL}};

static const ag_lua_class batch_class = {AG_LUA_BATCH,  release_batch, describe_batch,
                                         batch_methods, batch_fields,  batch_metamethods};

void ag_lua_open_batch(lua_State *L) {
  ag_lua_register(L, &batch_class);
}
