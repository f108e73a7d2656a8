/* Class Builder: a graph under construction. Every op of the ops table is a method:
 *
 *   b:conv(x, {filters = 16, kernel = 3})     operands, then options
 *   b:add(x, y, ...)  or  b:add {x, y, ...}   any number of operands
 *
 * and returns the new node's id, an integer that counts from 0. A node that does not fit raises
 * at the call that adds it, and ends the builder. */
#include <limits.h>
#include <string.h>

#include "engine/bind/bind.h"

/* --- options of a node -------------------------------------------------------------------- */

typedef void (*option_reader)(lua_State *L, int index, const char *name, ag_node *node);

static int32_t to_size(lua_State *L, int index, const char *name, lua_Integer min) {
  int exact;
  lua_Integer value = lua_tointegerx(L, index, &exact);
  if (lua_type(L, index) != LUA_TNUMBER || !exact || value < min || value > INT32_MAX)
    ag_lua_option_error(L, index, name, min > 0 ? "positive integer" : "integer >= 0");
  return (int32_t)value;
}

/* The elements of a sequence of `count` sizes. */
static void read_sizes(lua_State *L, int index, const char *name, lua_Integer min, int32_t *sizes,
                       int count) {
  if (lua_rawlen(L, index) != (lua_Unsigned)count)
    luaL_error(L, "bad option '%s' (%d integers expected, got %d)", name, count,
               (int)lua_rawlen(L, index));
  for (int i = 0; i < count; i++) {
    lua_rawgeti(L, index, i + 1);
    sizes[i] = to_size(L, lua_gettop(L), name, min);
    lua_pop(L, 1);
  }
}

/* n or {height, width}. */
static void read_pair(lua_State *L, int index, const char *name, int32_t pair[2]) {
  if (lua_istable(L, index))
    read_sizes(L, index, name, 1, pair, 2);
  else
    pair[0] = pair[1] = to_size(L, index, name, 1);
}

static void read_kernel(lua_State *L, int index, const char *name, ag_node *node) {
  read_pair(L, index, name, node->kernel);
}

static void read_stride(lua_State *L, int index, const char *name, ag_node *node) {
  read_pair(L, index, name, node->stride);
}

static void read_dilation(lua_State *L, int index, const char *name, ag_node *node) {
  read_pair(L, index, name, node->dilation);
}

static void read_groups(lua_State *L, int index, const char *name, ag_node *node) {
  node->groups = to_size(L, index, name, 1);
}

static void read_filters(lua_State *L, int index, const char *name, ag_node *node) {
  node->out.c = to_size(L, index, name, 1);
}

static void read_channels(lua_State *L, int index, const char *name, ag_node *node) {
  node->in.c = to_size(L, index, name, 1);
  node->flags = (uint8_t)(node->flags | AG_FLAG_SLICE);
}

static void read_bias(lua_State *L, int index, const char *name, ag_node *node) {
  if (!lua_isboolean(L, index)) ag_lua_option_error(L, index, name, "boolean");
  node->bias = (uint8_t)lua_toboolean(L, index);
}

static void read_alpha(lua_State *L, int index, const char *name, ag_node *node) {
  if (lua_type(L, index) != LUA_TNUMBER) ag_lua_option_error(L, index, name, "number");
  node->alpha = (float)lua_tonumber(L, index);
}

static void read_shape(lua_State *L, int index, const char *name, ag_node *node) {
  node->out = ag_lua_to_shape(L, index, name);
}

static void read_padding(lua_State *L, int index, const char *name, ag_node *node) {
  if (lua_istable(L, index)) {
    read_sizes(L, index, name, 0, node->pads, 4);
    node->padding = AG_PAD_EXPLICIT;
    return;
  }
  const char *kind = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : "";
  if (strcmp(kind, "same") == 0)
    node->padding = AG_PAD_SAME;
  else if (strcmp(kind, "valid") == 0)
    node->padding = AG_PAD_VALID;
  else if (strcmp(kind, "same_lower") == 0)
    node->padding = AG_PAD_SAME_LOWER;
  else
    ag_lua_option_error(L, index, name,
                        "\"same\", \"valid\", \"same_lower\" or {top, left, bottom, right}");
}

static void read_flag(lua_State *L, int index, const char *name, ag_node *node, int flag) {
  if (!lua_isboolean(L, index)) ag_lua_option_error(L, index, name, "boolean");
  if (lua_toboolean(L, index)) node->flags = (uint8_t)(node->flags | flag);
}

static void read_ceil(lua_State *L, int index, const char *name, ag_node *node) {
  read_flag(L, index, name, node, AG_FLAG_CEIL);
}

static void read_count_pads(lua_State *L, int index, const char *name, ag_node *node) {
  read_flag(L, index, name, node, AG_FLAG_COUNT_PADS);
}

static void read_align(lua_State *L, int index, const char *name, ag_node *node) {
  read_flag(L, index, name, node, AG_FLAG_ALIGN);
}

static void read_linear(lua_State *L, int index, const char *name, ag_node *node) {
  read_flag(L, index, name, node, AG_FLAG_LINEAR);
}

static const struct option {
  const char *name;
  option_reader read;
} options[] = {{"kernel", read_kernel},
               {"stride", read_stride},
               {"dilation", read_dilation},
               {"groups", read_groups},
               {"filters", read_filters}, /* output channels */
               {"units", read_filters},
               {"bias", read_bias},
               {"padding", read_padding},
               {"channels", read_channels}, /* read only the first of the operand's */
               {"ratio", read_stride},      /* of fold, unfold, upsampling */
               {"shape", read_shape},       /* input, opaque: {H, W, C} */
               {"alpha", read_alpha},       /* slope of leakyrelu, epsilon of batchnorm */
               {"ceil", read_ceil},
               {"count_pads", read_count_pads},
               {"align", read_align},
               {"linear", read_linear},
               {"name", NULL}};

static const char *read_options(lua_State *L, int arg, ag_node *node) {
  enum { COUNT = sizeof options / sizeof *options };
  const char *known[COUNT + 1] = {NULL};
  for (int i = 0; i < COUNT; i++) known[i] = options[i].name;
  ag_lua_options(L, arg, known);
  for (int i = 0; i < COUNT; i++) {
    if (!options[i].read) continue;
    if (ag_lua_option(L, arg, options[i].name) != LUA_TNIL)
      options[i].read(L, lua_gettop(L), options[i].name, node);
    lua_pop(L, 1);
  }
  int type = ag_lua_option(L, arg, "name"); /* stays on the stack: the caller uses the string */
  if (type != LUA_TNIL && type != LUA_TSTRING) ag_lua_option_error(L, -1, "name", "string");
  return lua_tostring(L, -1);
}

/* --- adding nodes ------------------------------------------------------------------------- */

static void **check_box(lua_State *L) {
  ag_lua_check(L, 1, AG_LUA_BUILDER);
  return lua_touserdata(L, 1);
}

/* Add, or end the builder and raise its error. */
static int add_node(lua_State *L, ag_node node, const int *operands, int count, const char *name) {
  void **box = check_box(L);
  int id = ag_builder_add(*box, node, operands, count, name);
  if (id < 0) {
    ag_error err = {.code = AG_INVALID, .offset = -1, .message = "the node does not fit"};
    const ag_graph *graph = NULL;
    ag_builder *builder = *box;
    *box = NULL;
    if (ag_builder_finish(builder, &graph, &err) == AG_OK) ag_graph_release(graph);
    return ag_lua_raise(L, &err);
  }
  lua_pushinteger(L, id);
  return 1;
}

static int to_operand(lua_State *L, int index, int arg) {
  int exact;
  lua_Integer id = lua_tointegerx(L, index, &exact);
  if (lua_type(L, index) != LUA_TNUMBER || !exact || id < 0 || id > INT_MAX ||
      !ag_builder_node(ag_lua_check(L, 1, AG_LUA_BUILDER), (int)id))
    luaL_argerror(
        L, arg,
        lua_pushfstring(L, "id of a node expected, got %s", luaL_tolstring(L, index, NULL)));
  return (int)id;
}

/* The operand ids in the sequence at `arg`, in memory that Lua owns. */
static int *operand_list(lua_State *L, int arg, int *count) {
  lua_Unsigned length = lua_rawlen(L, arg);
  if (length > INT_MAX) luaL_argerror(L, arg, "too many operands");
  int *operands = ag_lua_scratch(L, length, sizeof *operands);
  for (lua_Unsigned i = 0; i < length; i++) {
    lua_rawgeti(L, arg, (lua_Integer)i + 1);
    operands[i] = to_operand(L, lua_gettop(L), arg);
    lua_pop(L, 1);
  }
  *count = (int)length;
  return operands;
}

/* b:node(op, {operands}, options) -> id */
static int builder_node(lua_State *L) {
  check_box(L);
  int op = ag_op_find(luaL_checkstring(L, 2)), count;
  if (op < 0) return luaL_argerror(L, 2, lua_pushfstring(L, "no op '%s'", lua_tostring(L, 2)));
  luaL_checktype(L, 3, LUA_TTABLE);
  ag_node node = ag_node_make((ag_op)op);
  const char *name = read_options(L, 4, &node);
  const int *operands = operand_list(L, 3, &count);
  return add_node(L, node, operands, count, name);
}

/* The operand ids that are the arguments 2 .. last - 1 themselves. */
static int *operand_arguments(lua_State *L, int last, int *count) {
  int *operands = ag_lua_scratch(L, (size_t)last, sizeof *operands);
  for (int arg = 2; arg < last; arg++) operands[arg - 2] = to_operand(L, arg, arg);
  *count = last - 2;
  return operands;
}

/* b:OP(x, y, ..., options) or b:OP({x, y, ...}, options) -> id; upvalue: the op */
static int builder_op(lua_State *L) {
  check_box(L);
  int count, at = 2; /* of the options */
  bool listed = lua_istable(L, 2) && lua_rawlen(L, 2) > 0;
  if (listed) at = 3;
  while (!listed && lua_type(L, at) == LUA_TNUMBER) at++;
  if (lua_gettop(L) > at) luaL_argerror(L, at, "id of a node expected");
  ag_node node = ag_node_make((ag_op)lua_tointeger(L, lua_upvalueindex(1)));
  const char *name = read_options(L, at, &node);
  const int *operands = listed ? operand_list(L, 2, &count) : operand_arguments(L, at, &count);
  return add_node(L, node, operands, count, name);
}

/* b:input{H, W, C} -> id */
static int builder_input(lua_State *L) {
  check_box(L);
  ag_node node = ag_node_make(AG_OP_INPUT);
  const char *name = read_options(L, 3, &node);
  node.out = ag_lua_to_shape(L, 2, "shape");
  return add_node(L, node, NULL, 0, name);
}

/* --- the rest ----------------------------------------------------------------------------- */

static int builder_shape(lua_State *L) {
  const ag_builder *b = ag_lua_check(L, 1, AG_LUA_BUILDER);
  ag_lua_push_shape(L, ag_builder_shape(b, to_operand(L, 2, 2)));
  return 1;
}

/* b:normalisers{H, W, C}: the maxima that predictors divide sizes by */
static int builder_normalisers(lua_State *L) {
  ag_builder *b = ag_lua_check(L, 1, AG_LUA_BUILDER);
  ag_builder_set_normalisers(b, ag_lua_to_shape(L, 2, "normalisers"));
  return 0;
}

static int builder_dynamic_batch(lua_State *L) {
  ag_builder *b = ag_lua_check(L, 1, AG_LUA_BUILDER);
  luaL_checktype(L, 2, LUA_TBOOLEAN);
  ag_builder_set_dynamic_batch(b, lua_toboolean(L, 2));
  return 0;
}

/* b:build() -> Graph; the builder is closed whatever comes of it */
static int builder_build(lua_State *L) {
  ag_error err;
  void **box = check_box(L), **result = ag_lua_box(L, AG_LUA_GRAPH);
  ag_builder *b = *box;
  const ag_graph *graph;
  *box = NULL;
  if (ag_builder_finish(b, &graph, &err) != AG_OK) return ag_lua_raise(L, &err);
  *result = (void *)graph;
  return 1;
}

/* builder(name [, family]) -> Builder */
static int new_builder(lua_State *L) {
  const char *name = luaL_checkstring(L, 1), *family = luaL_optstring(L, 2, "");
  void **box = ag_lua_box(L, AG_LUA_BUILDER);
  ag_builder *b = ag_builder_new(name);
  ag_builder_set_family(b, family);
  *box = b;
  return 1;
}

/* --- class -------------------------------------------------------------------------------- */

static void release_builder(void *object) {
  ag_builder_free(object);
}

static void describe_builder(lua_State *L, void *object) {
  int count = 0;
  while (ag_builder_node(object, count)) count++;
  lua_pushfstring(L, "Builder (%d nodes)", count);
}

static const luaL_Reg methods[] = {{"node", builder_node},
                                   {"shape", builder_shape},
                                   {"normalisers", builder_normalisers},
                                   {"dynamic_batch", builder_dynamic_batch},
                                   {"build", builder_build},
                                   {NULL, NULL}};

static const ag_lua_class builder_class = {.name = AG_LUA_BUILDER,
                                           .release = release_builder,
                                           .describe = describe_builder,
                                           .methods = methods};

/* Names that read better than those of the ops table. */
static const struct {
  const char *name;
  ag_op op;
} aliases[] = {{"pad", AG_OP_PADDINGS},
               {"space_to_depth", AG_OP_SPACE_TO_DEPTH},
               {"depth_to_space", AG_OP_DEPTH_TO_SPACE},
               {"transposed_conv", AG_OP_TRANSPOSED_CONV},
               {"channel_shuffle", AG_OP_CHANNEL_SHUFFLE}};

static void set_op_method(lua_State *L, const char *name, int op) {
  lua_pushinteger(L, op);
  lua_pushcclosure(L, builder_op, 1);
  lua_setfield(L, -2, name);
}

void ag_lua_open_builder(lua_State *L) {
  ag_lua_register(L, &builder_class);
  luaL_getmetatable(L, AG_LUA_BUILDER);
  lua_getfield(L, -1, "methods");
  for (int op = 0; op < AG_OP_COUNT; op++) set_op_method(L, ag_op_get((ag_op)op)->name, op);
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
    set_op_method(L, aliases[i].name, (int)aliases[i].op);
  lua_pushcfunction(L, builder_input);
  lua_setfield(L, -2, "input");
  lua_pop(L, 2);
  lua_pushcfunction(L, new_builder);
  lua_setfield(L, -2, "builder");
}
