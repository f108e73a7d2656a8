/* Class Graph: an immutable computation graph. Nodes are named by their position, from 0, as in
 * the library and its files; ranges [first, last) are half open. */
#include <string.h>

#include "engine/bind/bind.h"
#include "engine/graph/names.h"

/* --- nodes as tables ---------------------------------------------------------------------- */

static void set_shape(lua_State *L, ag_shape shape, const char *h, const char *w, const char *c) {
  ag_lua_set_integer(L, h, shape.h);
  ag_lua_set_integer(L, w, shape.w);
  ag_lua_set_integer(L, c, shape.c);
}

static void set_pair(lua_State *L, const char *key, const int32_t *pair) {
  ag_lua_push_pair(L, pair);
  lua_setfield(L, -2, key);
}

static void set_window(lua_State *L, const ag_node *node) {
  if (node->kernel[0] > 0) set_pair(L, "kernel", node->kernel);
  set_pair(L, "stride", node->stride);
  set_pair(L, "dilation", node->dilation);
  ag_lua_set_integer(L, "groups", node->groups);
  lua_pushstring(L, ag_padding_names[node->padding]);
  lua_setfield(L, -2, "padding");
  ag_lua_push_integers(L, node->pads, 4);
  lua_setfield(L, -2, "pads");
}

static void set_flags(lua_State *L, const ag_node *node) {
  for (int i = 0; i < AG_FLAG_NAMES; i++) {
    if (!(node->flags & (1 << i))) continue;
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, ag_flag_names[i]);
  }
}

void ag_lua_push_node(lua_State *L, const ag_node *node, int predecessors) {
  lua_createtable(L, 0, 28);
  lua_pushstring(L, ag_op_get(node->op)->name);
  lua_setfield(L, -2, "op");
  set_window(L, node);
  set_flags(L, node);
  lua_pushboolean(L, node->bias);
  lua_setfield(L, -2, "bias");
  set_shape(L, node->in, "h_in", "w_in", "c_in");
  set_shape(L, node->out, "h_out", "w_out", "c_out");
  ag_lua_set_integer(L, "macs", ag_node_macs(node));
  ag_lua_set_integer(L, "flops", ag_node_flops(node, predecessors));
  ag_lua_set_integer(L, "params", ag_node_params(node));
  ag_lua_set_integer(L, "bytes", ag_node_bytes(node, predecessors));
  ag_lua_set_integer(L, "inputs", predecessors);
  lua_pushnumber(L, (double)node->alpha);
  lua_setfield(L, -2, "alpha");
}

/* The node with what only its graph knows: neighbours, names. */
static void push_graph_node(lua_State *L, const ag_graph *g, int i) {
  ag_lua_push_node(L, &g->nodes[i], ag_graph_predecessors(g, i));
  ag_lua_set_integer(L, "position", i);
  ag_lua_push_integers(L, ag_graph_operands(g, i), ag_graph_arity(g, i));
  lua_setfield(L, -2, "operands");
  ag_lua_push_integers(L, g->users + g->user_start[i], g->user_start[i + 1] - g->user_start[i]);
  lua_setfield(L, -2, "users");
  if (g->names && g->names[i]) {
    lua_pushstring(L, g->names[i]);
    lua_setfield(L, -2, "name");
  }
  if (g->nodes[i].op == AG_OP_OPAQUE && g->nodes[i].record >= 0) {
    lua_pushstring(L, ag_store_get(g->store, g->nodes[i].record)->source_op);
    lua_setfield(L, -2, "source_op");
  }
}

static int graph_node(lua_State *L) {
  const ag_graph *g = ag_lua_check_graph(L, 1);
  push_graph_node(L, g, (int)ag_lua_check_range(L, 2, 0, g->size - 1));
  return 1;
}

static int next_node(lua_State *L) {
  const ag_graph *g = ag_lua_check_graph(L, 1);
  lua_Integer before = luaL_checkinteger(L, 2);
  if (before < -1 || before >= g->size - 1) return 0;
  lua_pushinteger(L, before + 1);
  push_graph_node(L, g, (int)before + 1);
  return 2;
}

static int graph_nodes(lua_State *L) {
  ag_lua_check_graph(L, 1);
  lua_pushcfunction(L, next_node);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, -1);
  return 3;
}

/* --- summaries ---------------------------------------------------------------------------- */

static int graph_ops(lua_State *L) {
  const ag_graph *g = ag_lua_check_graph(L, 1);
  int64_t counts[AG_OP_COUNT] = {0};
  for (int i = 0; i < g->size; i++) counts[g->nodes[i].op]++;
  lua_newtable(L);
  for (int op = 0; op < AG_OP_COUNT; op++)
    if (counts[op] > 0) ag_lua_set_integer(L, ag_op_get((ag_op)op)->name, counts[op]);
  return 1;
}

/* Whether what an opaque node multiplies is a window's. */
static bool is_opaque_conv(const ag_graph *g, int i) {
  const ag_record *record = ag_store_get(g->store, g->nodes[i].record);
  return g->nodes[i].op == AG_OP_OPAQUE && record && record->source_op &&
         strstr(record->source_op, "Conv");
}

static int graph_macs(lua_State *L) {
  const ag_graph *g = ag_lua_check_graph(L, 1);
  int64_t conv = 0, depthwise = 0, matmul = 0;
  for (int i = 0; i < g->size; i++) {
    int64_t macs = ag_node_macs(&g->nodes[i]);
    if (g->nodes[i].op == AG_OP_DEPTHWISE)
      depthwise += macs;
    else if (ag_op_weighted(g->nodes[i].op) ? g->nodes[i].op != AG_OP_MATMUL : is_opaque_conv(g, i))
      conv += macs;
    else
      matmul += macs;
  }
  lua_createtable(L, 0, 3);
  ag_lua_set_integer(L, "conv", conv);
  ag_lua_set_integer(L, "depthwise", depthwise);
  ag_lua_set_integer(L, "matmul", matmul);
  return 1;
}

/* The shape of the first node of `op`, or nil. */
static int first_of_op(lua_State *L, ag_op op) {
  const ag_graph *g = ag_lua_check_graph(L, 1);
  for (int i = 0; i < g->size; i++) {
    if (g->nodes[i].op != op) continue;
    ag_lua_push_shape(L, g->nodes[i].out);
    return 1;
  }
  lua_pushnil(L);
  return 1;
}

static int graph_input(lua_State *L) {
  return first_of_op(L, AG_OP_INPUT);
}

static int graph_output(lua_State *L) {
  return first_of_op(L, AG_OP_OUTPUT);
}

static int graph_check(lua_State *L) {
  ag_error err;
  return ag_lua_result(L, ag_graph_check(ag_lua_check_graph(L, 1), &err), &err);
}

/* --- fields --------------------------------------------------------------------------------- */

static int field_size(lua_State *L) {
  lua_pushinteger(L, ag_lua_check_graph(L, 1)->size);
  return 1;
}

static int field_name(lua_State *L) {
  lua_pushstring(L, ag_lua_check_graph(L, 1)->name);
  return 1;
}

static int field_family(lua_State *L) {
  lua_pushstring(L, ag_lua_check_graph(L, 1)->family);
  return 1;
}

static int field_edges(lua_State *L) {
  lua_pushinteger(L, ag_graph_edges(ag_lua_check_graph(L, 1)));
  return 1;
}

static int field_flops(lua_State *L) {
  lua_pushinteger(L, ag_graph_flops(ag_lua_check_graph(L, 1)));
  return 1;
}

static int field_params(lua_State *L) {
  lua_pushinteger(L, ag_graph_params(ag_lua_check_graph(L, 1)));
  return 1;
}

static int field_peak_memory(lua_State *L) {
  lua_pushinteger(L, ag_graph_peak_memory(ag_lua_check_graph(L, 1)));
  return 1;
}

static int field_dynamic_batch(lua_State *L) {
  lua_pushboolean(L, ag_lua_check_graph(L, 1)->dynamic_batch);
  return 1;
}

static int field_normalisers(lua_State *L) {
  const ag_graph *g = ag_lua_check_graph(L, 1);
  if (g->normalisers.h > 0)
    ag_lua_push_shape(L, g->normalisers);
  else
    lua_pushnil(L);
  return 1;
}

/* --- class ---------------------------------------------------------------------------------- */

static void release_graph(void *object) {
  ag_graph_release(object);
}

static void describe_graph(lua_State *L, void *object) {
  const ag_graph *g = object;
  lua_pushfstring(L, "Graph %s (%d nodes, %I FLOPs)", g->name[0] ? g->name : "without name",
                  g->size, (LUAI_UACINT)ag_graph_flops(g));
}

static const luaL_Reg methods[] = {
    {"node", graph_node},   {"nodes", graph_nodes},   {"ops", graph_ops},     {"macs", graph_macs},
    {"input", graph_input}, {"output", graph_output}, {"check", graph_check}, {NULL, NULL}};

static const luaL_Reg fields[] = {{"size", field_size},
                                  {"name", field_name},
                                  {"family", field_family},
                                  {"edges", field_edges},
                                  {"flops", field_flops},
                                  {"params", field_params},
                                  {"peak_memory", field_peak_memory},
                                  {"dynamic_batch", field_dynamic_batch},
                                  {"normalisers", field_normalisers},
                                  {NULL, NULL}};

static const luaL_Reg metamethods[] = {{"__len", field_size}, {NULL, NULL}};

static const ag_lua_class graph_class = {.name = AG_LUA_GRAPH,
                                         .release = release_graph,
                                         .describe = describe_graph,
                                         .methods = methods,
                                         .fields = fields,
                                         .metamethods = metamethods};

/* core.ops = {name = true, ...} */
static void set_op_names(lua_State *L) {
  lua_createtable(L, 0, AG_OP_COUNT);
  for (int op = 0; op < AG_OP_COUNT; op++) {
    lua_pushboolean(L, true);
    lua_setfield(L, -2, ag_op_get((ag_op)op)->name);
  }
  lua_setfield(L, -2, "ops");
}

void ag_lua_open_graph(lua_State *L) {
  ag_lua_register(L, &graph_class);
  set_op_names(L);
}
