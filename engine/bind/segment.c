/* Class Segment: a piece cut out of a graph or taken from a database, and splicing it into a graph.
 *
 *   seg.first, seg.last   the range [first, last) it was cut from; nil for a segment of a database
 *   seg:shapes()          {from = {...}, to = {...}}: shapes at its input and output ports, in the
 *                         form core.resolve takes */
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/bind/bind.h"

typedef struct piece {
  ag_segment *segment;
  int first; /* -1 = no place */
} piece;

static const piece *check_piece(lua_State *L, int arg) {
  return ag_lua_check(L, arg, AG_LUA_SEGMENT);
}

const ag_segment *ag_lua_check_segment(lua_State *L, int arg) {
  return check_piece(L, arg)->segment;
}

void *ag_lua_make_segment(ag_segment *segment, int first) {
  piece *p = AG_NEW(piece);
  *p = (piece){segment, first};
  return p;
}

static void free_segment(void *segment) {
  ag_segment_free(segment);
}

/* cut(graph, first, last) -> Segment; first and last as of a range [first, last) */
static int cut(lua_State *L) {
  int first, last;
  ag_error err;
  const ag_graph *g = ag_lua_check_graph(L, 1);
  ag_lua_check_cut(L, 2, g->size, &first, &last);
  void **box = ag_lua_box(L, AG_LUA_SEGMENT);
  ag_segment *segment;
  if (ag_segment_cut(g, first, last, &segment, NULL, NULL, &err)) return ag_lua_raise(L, &err);
  *box = ag_lua_make_segment(segment, first);
  return 1;
}

/* --- what it is --------------------------------------------------------------------------- */

static int field_size(lua_State *L) {
  lua_pushinteger(L, ag_lua_check_segment(L, 1)->size);
  return 1;
}

static int field_first(lua_State *L) {
  const piece *p = check_piece(L, 1);
  if (p->first < 0) return lua_pushnil(L), 1;
  lua_pushinteger(L, p->first);
  return 1;
}

static int field_last(lua_State *L) {
  const piece *p = check_piece(L, 1);
  if (p->first < 0) return lua_pushnil(L), 1;
  lua_pushinteger(L, p->first + p->segment->size);
  return 1;
}

static int field_inputs(lua_State *L) {
  lua_pushinteger(L, ag_lua_check_segment(L, 1)->inputs);
  return 1;
}

static int field_outputs(lua_State *L) {
  lua_pushinteger(L, ag_lua_check_segment(L, 1)->outputs);
  return 1;
}

static int field_flops(lua_State *L) {
  const ag_segment *s = ag_lua_check_segment(L, 1);
  int64_t flops = 0;
  for (int i = 0; i < s->size; i++)
    flops += ag_node_flops(&s->nodes[i], ag_segment_predecessors(s, i));
  lua_pushinteger(L, flops);
  return 1;
}

/* seg:node(i) -> table as of Graph:node; operands < 0 are input ports: -1 is the first */
static int segment_node(lua_State *L) {
  const ag_segment *s = ag_lua_check_segment(L, 1);
  int i = (int)ag_lua_check_range(L, 2, 0, s->size - 1);
  ag_lua_push_node(L, &s->nodes[i], ag_segment_predecessors(s, i));
  ag_lua_push_integers(L, s->operands + s->operand_start[i], ag_segment_arity(s, i));
  lua_setfield(L, -2, "operands");
  return 1;
}

static void add_node_name(ag_text *text, const ag_node *node) {
  ag_text_add(text, "%s", ag_op_get(node->op)->name);
  if (node->kernel[0] > 0) ag_text_add(text, " %dx%d", node->kernel[0], node->kernel[1]);
  if (node->stride[0] > 1 || node->stride[1] > 1) ag_text_add(text, " /%d", node->stride[0]);
}

static void free_text(void *text) {
  ag_text_free(text);
  free(text);
}

/* seg:label() -> "conv 3x3 /2, batchnorm, relu" */
static int segment_label(lua_State *L) {
  const ag_segment *s = ag_lua_check_segment(L, 1);
  void **owner = ag_lua_anchor(L, free_text);
  ag_text *text = *owner = AG_NEW(ag_text);
  for (int i = 0; i < s->size; i++) {
    if (i > 0) ag_text_add(text, ", ");
    add_node_name(text, &s->nodes[i]);
  }
  lua_pushlstring(L, text->data ? text->data : "", text->size);
  return 1;
}

static int segment_shapes(lua_State *L) {
  const ag_segment *s = ag_lua_check_segment(L, 1);
  lua_createtable(L, 0, 2);
  lua_createtable(L, s->inputs, 0);
  for (int p = 0; p < s->inputs; p++) {
    ag_lua_push_shape(L, s->input_shapes[p]);
    lua_rawseti(L, -2, p + 1);
  }
  lua_setfield(L, -2, "from");
  lua_createtable(L, s->outputs, 0);
  for (int q = 0; q < s->outputs; q++) {
    ag_lua_push_shape(L, s->nodes[s->output_nodes[q]].out);
    lua_rawseti(L, -2, q + 1);
  }
  lua_setfield(L, -2, "to");
  return 1;
}

static int segment_hash(lua_State *L) {
  static const char *const equalities[] = {"kind", "shapes", NULL};
  ag_equality equality = (ag_equality)luaL_checkoption(L, 2, "shapes", equalities);
  ag_lua_push_hash(L, ag_segment_hash(ag_lua_check_segment(L, 1), equality));
  return 1;
}

static int segment_isomorphic(lua_State *L) {
  static const char *const equalities[] = {"kind", "shapes", NULL};
  const ag_segment *a = ag_lua_check_segment(L, 1), *b = ag_lua_check_segment(L, 2);
  ag_equality equality = (ag_equality)luaL_checkoption(L, 3, "shapes", equalities);
  lua_pushboolean(L, ag_segment_isomorphic(a, b, equality));
  return 1;
}

/* --- splicing ----------------------------------------------------------------------------- */

/* A list of `count` port numbers from 1 at `arg`, or the identity; in memory Lua owns. */
static const int32_t *check_ports(lua_State *L, int arg, int count, int bound) {
  bool given = !lua_isnoneornil(L, arg);
  int32_t *ports = ag_lua_scratch(L, (size_t)count, sizeof *ports);
  if (given) luaL_checktype(L, arg, LUA_TTABLE);
  if (given && lua_rawlen(L, arg) != (lua_Unsigned)count)
    luaL_argerror(L, arg, lua_pushfstring(L, "%d port numbers expected", count));
  for (int i = 0; i < count; i++) {
    int exact = 1;
    lua_Integer port = i + 1;
    if (given) {
      lua_rawgeti(L, arg, i + 1);
      port = lua_tointegerx(L, -1, &exact);
      lua_pop(L, 1);
    }
    if (!exact || port < 1 || port > bound)
      luaL_argerror(L, arg, lua_pushfstring(L, "port numbers from 1 to %d expected", bound));
    ports[i] = (int32_t)(port - 1);
  }
  return ports;
}

/* graph:splice(first, last, segment [, inputs [, outputs]]) -> Graph | nil, message
 * inputs[p]: which input port of the cut feeds the segment's port p; outputs[q]: which output
 * port of the segment stands for the cut's port q; both 1, 2, ... if absent. */
static int graph_splice(lua_State *L) {
  int first, last;
  ag_error err;
  lua_settop(L, 6);
  const ag_graph *g = ag_lua_check_graph(L, 1), *child;
  ag_lua_check_cut(L, 2, g->size, &first, &last);
  const ag_segment *replacement = ag_lua_check_segment(L, 4);
  void **old = ag_lua_anchor(L, free_segment);
  ag_segment *removed;
  if (ag_segment_cut(g, first, last, &removed, NULL, NULL, &err)) return ag_lua_raise(L, &err);
  *old = removed;
  const int32_t *inputs = check_ports(L, 5, replacement->inputs, removed->inputs);
  const int32_t *outputs = check_ports(L, 6, removed->outputs, replacement->outputs);
  void **box = ag_lua_box(L, AG_LUA_GRAPH);
  if (ag_graph_splice(g, first, last, replacement, inputs, outputs, &child, &err))
    return ag_lua_fail(L, &err);
  *box = (void *)child;
  return 1;
}

/* --- class -------------------------------------------------------------------------------- */

static void release_piece(void *object) {
  piece *p = object;
  ag_segment_free(p->segment);
  free(p);
}

static void describe_piece(lua_State *L, void *object) {
  const ag_segment *s = ((const piece *)object)->segment;
  lua_pushfstring(L, "Segment (%d nodes, %d inputs, %d outputs)", s->size, s->inputs, s->outputs);
}

static const luaL_Reg methods[] = {
    {"node", segment_node}, {"label", segment_label},           {"shapes", segment_shapes},
    {"hash", segment_hash}, {"isomorphic", segment_isomorphic}, {NULL, NULL}};

static const luaL_Reg fields[] = {{"size", field_size},
                                  {"first", field_first},
                                  {"last", field_last},
                                  {"inputs", field_inputs},
                                  {"outputs", field_outputs},
                                  {"flops", field_flops},
                                  {NULL, NULL}};

static const luaL_Reg metamethods[] = {{"__len", field_size}, {NULL, NULL}};

static const ag_lua_class segment_class = {.name = AG_LUA_SEGMENT,
                                           .release = release_piece,
                                           .describe = describe_piece,
                                           .methods = methods,
                                           .fields = fields,
                                           .metamethods = metamethods};

static const luaL_Reg graph_methods[] = {{"splice", graph_splice}, {NULL, NULL}};

void ag_lua_open_segment(lua_State *L) {
  ag_lua_register(L, &segment_class);
  ag_lua_extend(L, AG_LUA_GRAPH, graph_methods);
  lua_pushcfunction(L, cut);
  lua_setfield(L, -2, "cut");
}
