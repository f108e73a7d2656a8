/* Classes Space, Batch and Prices, and the functions over Pareto fronts.
 *
 * A Space keeps its tokenizer, database and predictor alive through its user value. Columns of
 * a batch are plain Lua sequences of numbers; rows are numbered from 1. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "autogo/search.h"
#include "engine/bind/bind.h"

/* --- Space -------------------------------------------------------------------------------- */

static void release_space(void *object) {
  ag_space_free(object);
}

static void describe_space(lua_State *L, void *object) {
  (void)object;
  lua_pushliteral(L, AG_LUA_SPACE);
}

static ag_space *check_space(lua_State *L) {
  return ag_lua_check(L, 1, AG_LUA_SPACE);
}

/* The object of option `name` in the table at 1, kept for the space: pinned, and appended to the
 * table at 2. Raises unless it is of `class`. */
static void *keep_option(lua_State *L, const char *name, const char *class) {
  ag_lua_option(L, 1, name);
  void **box = luaL_testudata(L, -1, class);
  if (!box || !*box) ag_lua_option_error(L, -1, name, class);
  void *object = ag_lua_pin(L, lua_gettop(L), class);
  lua_rawseti(L, 2, (lua_Integer)lua_rawlen(L, 2) + 1);
  return object;
}

/* ops = {name = true, ...}, or nil for all. */
static void read_permitted(lua_State *L, bool *permitted) {
  if (ag_lua_option(L, 1, "ops") == LUA_TNIL) {
    for (int op = 0; op < AG_OP_COUNT; op++) permitted[op] = true;
    lua_pop(L, 1);
    return;
  }
  if (!lua_istable(L, -1)) ag_lua_option_error(L, -1, "ops", "set of op names");
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    int op = lua_type(L, -2) == LUA_TSTRING ? ag_op_find(lua_tostring(L, -2)) : -1;
    if (op < 0) ag_lua_option_error(L, -2, "ops", "names of ops as keys");
    permitted[op] = lua_toboolean(L, -1);
  }
  lua_pop(L, 1);
}

static bool stop_when_interrupted(void *unused) {
  (void)unused;
  return ag_lua_interrupted();
}

/* core.space{database=, tokenizer=, predictor=, ops=, solver=, threads=, seed=} */
static int space_new(lua_State *L) {
  static const char *const known[] = {"database", "tokenizer", "predictor", "ops",
                                      "solver",   "threads",   "seed",      NULL};
  static const char *const solvers[] = {"exact", "milp", "exhaustive", NULL};
  lua_settop(L, 1);
  ag_lua_options(L, 1, known);
  lua_newtable(L);
  ag_space_options options = {
      .tokenizer = keep_option(L, "tokenizer", AG_LUA_TOKENIZER),
      .database = keep_option(L, "database", AG_LUA_DATABASE),
      .predictor = keep_option(L, "predictor", AG_LUA_PREDICTOR),
      .solver = (ag_method)ag_lua_option_choice(L, 1, "solver", AG_RESOLVE_EXACT, solvers),
      .threads = (int)ag_lua_option_integer(L, 1, "threads", 1, 1, 256),
      .seed = (uint64_t)ag_lua_option_integer(L, 1, "seed", 1, LLONG_MIN, LLONG_MAX),
  };
  options.stop = stop_when_interrupted;
  read_permitted(L, options.permitted);
  void **box = ag_lua_box(L, AG_LUA_SPACE);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, 1);
  *box = ag_space_new(&options);
  return 1;
}

/* space:visit(graph) -> true if it had not been seen */
static int space_visit(lua_State *L) {
  lua_pushboolean(L, ag_space_visit(check_space(L), ag_lua_check_graph(L, 2)));
  return 1;
}

enum { HASH_BYTES = 16 };

static void put_word(unsigned char *bytes, uint64_t word) {
  for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(word >> (56 - 8 * i));
}

static uint64_t get_word(const unsigned char *bytes) {
  uint64_t word = 0;
  for (int i = 0; i < 8; i++) word = word << 8 | bytes[i];
  return word;
}

/* space:visited([first]) -> the hashes seen, number `first` (from 1) and later, as a string of 16
 * bytes each; see ag_space_visited_since */
static int space_visited(lua_State *L) {
  const ag_space *space = check_space(L);
  int64_t total = ag_space_visited(space);
  int64_t first = lua_isnoneornil(L, 2) ? 0 : ag_lua_check_range(L, 2, 1, total + 1) - 1;
  size_t count = (size_t)(total - first);
  ag_hash *hashes = ag_lua_scratch(L, count, sizeof *hashes);
  ag_space_visited_since(space, first, hashes);
  luaL_Buffer buffer;
  unsigned char *bytes = (unsigned char *)luaL_buffinitsize(L, &buffer, count * HASH_BYTES);
  for (size_t i = 0; i < count; i++) {
    put_word(bytes + i * HASH_BYTES, hashes[i].hi);
    put_word(bytes + i * HASH_BYTES + 8, hashes[i].lo);
  }
  luaL_pushresultsize(&buffer, count * HASH_BYTES);
  return 1;
}

/* space:restore(bytes): mark the hashes of a string that space:visited gave as seen */
static int space_restore(lua_State *L) {
  ag_space *space = check_space(L);
  size_t size;
  const unsigned char *bytes = (const unsigned char *)luaL_checklstring(L, 2, &size);
  luaL_argcheck(L, size % HASH_BYTES == 0, 2, "16 bytes per hash expected");
  for (size_t i = 0; i < size; i += HASH_BYTES) {
    ag_hash hash = {get_word(bytes + i), get_word(bytes + i + 8)};
    ag_space_visit_hashes(space, &hash, 1);
  }
  return 0;
}

/* The number of graphs seen. */
static int space_seen(lua_State *L) {
  lua_pushinteger(L, ag_space_visited(check_space(L)));
  return 1;
}

/* space:score(graph) -> number */
static int space_score(lua_State *L) {
  ag_space *space = check_space(L);
  ag_error err;
  double score;
  if (ag_space_score(space, ag_lua_check_graph(L, 2), &score, &err)) return ag_lua_fail(L, &err);
  lua_pushnumber(L, score);
  return 1;
}

/* Number of entries of the database. */
static int space_entries(lua_State *L) {
  lua_pushinteger(L, ag_space_entries(check_space(L)));
  return 1;
}

/* The row numbers at 3, in memory that Lua owns. */
static int32_t *check_rows(lua_State *L, const ag_batch *batch, int *count) {
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_Unsigned length = lua_rawlen(L, 3);
  if (length > (lua_Unsigned)batch->size) luaL_argerror(L, 3, "more rows than the batch has");
  int32_t *rows = ag_lua_scratch(L, length, sizeof *rows);
  *count = (int)length;
  for (int i = 0; i < *count; i++) {
    int is_integer;
    lua_rawgeti(L, 3, i + 1);
    lua_Integer row = lua_tointegerx(L, -1, &is_integer);
    if (!is_integer || row < 1 || row > batch->size)
      luaL_argerror(L, 3, "numbers of rows of the batch expected");
    rows[i] = (int32_t)row - 1;
    lua_pop(L, 1);
  }
  return rows;
}

/* space:make(batch, {rows}) -> sequence of {graph =, order =, score =}: the children as graphs in
 * canonical order, scored; order as of g:canonical() */
static int space_make(lua_State *L) {
  const ag_space *space = check_space(L);
  const ag_batch *batch = ag_lua_check(L, 2, AG_LUA_BATCH);
  int count;
  lua_settop(L, 3);
  int32_t *rows = check_rows(L, batch, &count);
  ag_made *made = ag_lua_scratch(L, (size_t)count, sizeof *made);
  void ***boxes = ag_lua_scratch(L, (size_t)count, sizeof *boxes);
  lua_createtable(L, count, 0);
  for (int i = 0; i < count; i++) { /* all that may raise comes before the graphs */
    lua_createtable(L, 0, 3);
    made[i].order = ag_lua_scratch(L, (size_t)ag_batch_graph_size(batch, rows[i]), sizeof(int32_t));
    lua_setfield(L, -2, "order");
    boxes[i] = ag_lua_box(L, AG_LUA_GRAPH);
    lua_setfield(L, -2, "graph");
    lua_rawseti(L, -2, i + 1);
  }
  ag_error err;
  if (ag_space_make(space, batch, rows, count, made, &err)) return ag_lua_fail(L, &err);
  for (int i = 0; i < count; i++) *boxes[i] = (void *)(uintptr_t)made[i].graph;
  for (int i = 0; i < count; i++) {
    lua_rawgeti(L, -1, i + 1);
    ag_lua_push_integers(L, made[i].order, made[i].graph->size);
    lua_setfield(L, -2, "order");
    lua_pushnumber(L, made[i].score);
    lua_setfield(L, -2, "score");
    lua_pop(L, 1);
  }
  return 1;
}

static void release_batch(void *object) {
  ag_batch_free(object);
}

/* weights = {number, ...}, one per entry of the space's database, or nil. The values lie in
 * memory that Lua frees. */
static const double *read_weights(lua_State *L, const ag_space *space) {
  if (ag_lua_option(L, 3, "weights") == LUA_TNIL) return NULL;
  int count = ag_space_entries(space);
  if (!lua_istable(L, -1) || lua_rawlen(L, -1) != (size_t)count)
    ag_lua_option_error(L, -1, "weights", "one number per entry of the database");
  int list = lua_gettop(L);
  double *weights = ag_lua_scratch(L, (size_t)count, sizeof *weights);
  for (int i = 0; i < count; i++) {
    lua_rawgeti(L, list, i + 1);
    weights[i] = lua_tonumber(L, -1);
    if (!(weights[i] >= 0) || lua_type(L, -1) != LUA_TNUMBER)
      ag_lua_option_error(L, -1, "weights", "numbers of at least 0");
    lua_pop(L, 1);
  }
  return weights;
}

/* space:mutate({graphs}, {sources=, replacements=, segments=, keep=, operations=, children=,
 * weights=, generation=}) -> Batch, or nil and why nothing can be mutated */
static int space_mutate(lua_State *L) {
  static const char *const known[] = {"sources", "replacements", "segments",
                                      "keep",    "operations",   "children",
                                      "weights", "generation",   NULL};
  ag_space *space = check_space(L);
  lua_settop(L, 3);
  ag_lua_options(L, 3, known);
  ag_mutation_options o = ag_mutation_defaults();
  o.sources = (int)ag_lua_option_integer(L, 3, "sources", o.sources, 1, 1000000);
  o.replacements = (int)ag_lua_option_integer(L, 3, "replacements", o.replacements, 1, 1000000);
  o.segments = (int)ag_lua_option_integer(L, 3, "segments", o.segments, 1, 1000);
  o.keep = ag_lua_option_number(L, 3, "keep", o.keep, 0, 1);
  o.operations = ag_lua_option_boolean(L, 3, "operations", o.operations);
  o.children = ag_lua_option_integer(L, 3, "children", 0, 0, LLONG_MAX);
  o.weights = read_weights(L, space);
  o.generation = (uint64_t)ag_lua_option_integer(L, 3, "generation", 0, 0, LLONG_MAX);
  int count;
  const ag_graph **parents = ag_lua_check_graphs(L, 2, &count);
  void **box = ag_lua_box(L, AG_LUA_BATCH);
  lua_pushvalue(L, 1); /* the space keeps the database, which the batch refers to */
  lua_setiuservalue(L, -2, 1);
  ag_batch *batch;
  ag_error err;
  if (ag_space_mutate(space, parents, count, &o, &batch, &err)) return ag_lua_fail(L, &err);
  *box = batch;
  return 1;
}

static const luaL_Reg space_methods[] = {{"visit", space_visit},
                                         {"visited", space_visited},
                                         {"restore", space_restore},
                                         {"score", space_score},
                                         {"mutate", space_mutate},
                                         {"make", space_make},
                                         {NULL, NULL}};

static const luaL_Reg space_fields[] = {
    {"entries", space_entries}, {"seen", space_seen}, {NULL, NULL}};

static const ag_lua_class space_class = {AG_LUA_SPACE,  release_space, describe_space,
                                         space_methods, space_fields,  NULL};

/* --- Batch --------------------------------------------------------------------------------- */

static const ag_batch *check_batch(lua_State *L, int arg) {
  return ag_lua_check(L, arg, AG_LUA_BATCH);
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

/* batch:column("predicted" | "baseline" | "gain" | "flops" | "parent" | "entry") -> sequence */
static int batch_column(lua_State *L) {
  static const char *const names[] = {"predicted", "baseline", "gain", "flops",
                                      "parent",    "entry",    NULL};
  const ag_batch *b = check_batch(L, 1);
  int column = luaL_checkoption(L, 2, NULL, names);
  lua_createtable(L, b->size, 0);
  for (int i = 0; i < b->size; i++) {
    push_column_value(L, &b->children[i], column);
    lua_rawseti(L, -2, i + 1);
  }
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

static void set_integer(lua_State *L, const char *key, int64_t value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, key);
}

static void set_number(lua_State *L, const char *key, double value) {
  lua_pushnumber(L, value);
  lua_setfield(L, -2, key);
}

/* batch:child(i) -> table: parent (1-based), first, last, entry, variant, resolved, hash, flops,
 * predicted, baseline, gain, removed and added (op names in order), inputs and outputs (the maps
 * of graph:splice) */
static int batch_child(lua_State *L) {
  int index;
  const ag_child *c = check_child(L, &index);
  const ag_graph *parent = check_batch(L, 1)->parent[c->parent];
  lua_createtable(L, 0, 16);
  set_integer(L, "parent", c->parent + 1);
  set_integer(L, "first", c->first);
  set_integer(L, "last", c->last);
  set_integer(L, "entry", c->entry + 1);
  set_integer(L, "variant", c->variant + 1);
  set_integer(L, "flops", c->flops);
  set_number(L, "predicted", c->predicted);
  set_number(L, "baseline", c->baseline);
  set_number(L, "gain", c->predicted - c->baseline);
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

/* batch:estimate(predictor, family [, threads]) -> sequence of a GNN's predictions in the unit of
 * that family's labels | nil, message */
static int batch_estimate(lua_State *L) {
  const ag_batch *b = check_batch(L, 1);
  const ag_predictor *p = ag_lua_check(L, 2, AG_LUA_PREDICTOR);
  const char *family = luaL_checkstring(L, 3);
  int threads = lua_isnoneornil(L, 4) ? 1 : (int)ag_lua_check_range(L, 4, 1, 256);
  double *values = ag_lua_scratch(L, (size_t)b->size + 1, sizeof *values);
  ag_error err;
  if (ag_batch_estimate(b, p, threads, values, &err)) return ag_lua_fail(L, &err);
  lua_createtable(L, b->size, 0);
  for (int i = 0; i < b->size; i++) {
    lua_pushnumber(L, ag_predictor_label(p, family, values[i]));
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static const luaL_Reg batch_methods[] = {{"column", batch_column},
                                         {"child", batch_child},
                                         {"graph", batch_graph},
                                         {"estimate", batch_estimate},
                                         {NULL, NULL}};
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

/* --- Prices ---------------------------------------------------------------------------------- */

static ag_prices *check_prices(lua_State *L) {
  return ag_lua_check(L, 1, AG_LUA_PRICES);
}

static void release_prices(void *object) {
  ag_prices_free(object);
}

static void describe_prices(lua_State *L, void *object) {
  (void)object;
  lua_pushliteral(L, AG_LUA_PRICES);
}

static int prices_new(lua_State *L) {
  void **box = ag_lua_box(L, AG_LUA_PRICES);
  *box = ag_prices_new();
  return 1;
}

/* Ask the function at 3 for one price: a number, or nil for "cannot be measured". */
static double ask_price(lua_State *L, const ag_unpriced *u) {
  lua_pushvalue(L, 3);
  ag_lua_push_node(L, &u->node, u->predecessors);
  lua_call(L, 1, 1);
  double price = NAN;
  if (!lua_isnil(L, -1)) {
    if (lua_type(L, -1) != LUA_TNUMBER)
      luaL_error(L, "returned a %s for a %s node, expected a number or nil", luaL_typename(L, -1),
                 ag_op_get(u->node.op)->name);
    price = lua_tonumber(L, -1);
  }
  lua_pop(L, 1);
  return price;
}

/* prices:learn(graph or batch, function(node) -> number or nil): calls the function once for
 * every node signature without a price; returns how many there were. */
static int prices_learn(lua_State *L) {
  ag_prices *prices = ag_lua_pin(L, 1, AG_LUA_PRICES); /* whatever the function closes */
  luaL_checktype(L, 3, LUA_TFUNCTION);
  void **batch = luaL_testudata(L, 2, AG_LUA_BATCH);
  const ag_graph *graph = batch ? NULL : ag_lua_check_graph(L, 2);
  void **nodes = ag_lua_anchor(L, free); /* the function may raise */
  ag_unpriced *missing;
  int count = graph ? ag_prices_missing_graph(prices, graph, &missing)
                    : ag_prices_missing_batch(prices, check_batch(L, 2), &missing);
  *nodes = missing;
  for (int i = 0; i < count; i++)
    ag_prices_set(prices, &missing[i].node, missing[i].predecessors, ask_price(L, &missing[i]));
  lua_pushinteger(L, count);
  return 1;
}

/* prices:cost(graph) -> number, or nil if it cannot be measured */
static int prices_cost(lua_State *L) {
  double cost = ag_graph_cost(check_prices(L), ag_lua_check_graph(L, 2));
  if (isnan(cost))
    lua_pushnil(L);
  else
    lua_pushnumber(L, cost);
  return 1;
}

/* prices:column(batch) -> sequence of costs, NaN where one cannot be measured */
static int prices_column(lua_State *L) {
  const ag_batch *batch = check_batch(L, 2);
  double *costs = ag_lua_scratch(L, (size_t)batch->size, sizeof *costs);
  ag_batch_cost(check_prices(L), batch, costs);
  lua_createtable(L, batch->size, 0);
  for (int i = 0; i < batch->size; i++) {
    lua_pushnumber(L, costs[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static const luaL_Reg prices_methods[] = {
    {"learn", prices_learn}, {"cost", prices_cost}, {"column", prices_column}, {NULL, NULL}};

static const ag_lua_class prices_class = {AG_LUA_PRICES,  release_prices, describe_prices,
                                          prices_methods, NULL,           NULL};

/* --- fronts -------------------------------------------------------------------------------- */

/* A table of rows in memory that Lua owns. */
struct table {
  double *values;
  bool *maximise;
  int count, objectives;
};

static void read_column(lua_State *L, struct table *t, int m) {
  if (lua_rawgeti(L, 1, m + 1) != LUA_TTABLE || (int)lua_rawlen(L, -1) != t->count)
    luaL_argerror(L, 1, "columns of equal length expected");
  for (int i = 0; i < t->count; i++) {
    int is_number;
    lua_rawgeti(L, -1, i + 1);
    double value = lua_tonumberx(L, -1, &is_number);
    if (!is_number) luaL_argerror(L, 1, "columns of numbers expected");
    t->values[(size_t)i * (size_t)t->objectives + (size_t)m] = value;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static bool read_sense(lua_State *L, int m) {
  static const char *const senses[] = {"min", "max", NULL};
  lua_rawgeti(L, 2, m + 1);
  const char *sense = lua_tostring(L, -1);
  for (int i = 0; sense && senses[i]; i++)
    if (strcmp(sense, senses[i]) == 0) {
      lua_pop(L, 1);
      return i == 1;
    }
  return luaL_argerror(L, 2, "one \"min\" or \"max\" per column expected");
}

/* Arguments 1 and 2: {column, ...}, {"max" or "min", ...}. */
static struct table check_table(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  struct table t = {.objectives = (int)lua_rawlen(L, 1)};
  if (t.objectives < 1) luaL_argerror(L, 1, "at least one column expected");
  if (lua_rawgeti(L, 1, 1) == LUA_TTABLE) t.count = (int)lua_rawlen(L, -1);
  lua_pop(L, 1);
  t.values = ag_lua_scratch(L, (size_t)t.count * (size_t)t.objectives, sizeof *t.values);
  t.maximise = ag_lua_scratch(L, (size_t)t.objectives, sizeof *t.maximise);
  for (int m = 0; m < t.objectives; m++) {
    read_column(L, &t, m);
    t.maximise[m] = read_sense(L, m);
  }
  return t;
}

/* core.pareto_front({columns}, {senses}) -> sequence of row numbers, ascending */
static int pareto_front(lua_State *L) {
  lua_settop(L, 2);
  struct table t = check_table(L);
  bool *front = ag_lua_scratch(L, (size_t)t.count, sizeof *front);
  ag_pareto_front(t.values, t.count, t.objectives, t.maximise, front);
  lua_newtable(L);
  for (int i = 0, n = 0; i < t.count; i++) {
    if (!front[i]) continue;
    lua_pushinteger(L, i + 1);
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

/* core.hypervolume({columns}, {senses}, {reference}) -> number */
static int hypervolume(lua_State *L) {
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 3);
  struct table t = check_table(L);
  double *reference = ag_lua_scratch(L, (size_t)t.objectives, sizeof *reference);
  for (int m = 0; m < t.objectives; m++) {
    lua_rawgeti(L, 3, m + 1);
    if (lua_type(L, -1) != LUA_TNUMBER)
      return luaL_argerror(L, 3, "one number per column expected");
    reference[m] = lua_tonumber(L, -1);
    lua_pop(L, 1);
  }
  lua_pushnumber(L, ag_hypervolume(t.values, t.count, t.objectives, t.maximise, reference));
  return 1;
}

/* core.rank_sums({columns}, {senses}) -> sequence */
static int rank_sums(lua_State *L) {
  lua_settop(L, 2);
  struct table t = check_table(L);
  int32_t *sums = ag_lua_scratch(L, (size_t)t.count, sizeof *sums);
  ag_rank_sums(t.values, t.count, t.objectives, t.maximise, sums);
  ag_lua_push_integers(L, sums, t.count);
  return 1;
}

static const luaL_Reg functions[] = {{"space", space_new},           {"prices", prices_new},
                                     {"pareto_front", pareto_front}, {"hypervolume", hypervolume},
                                     {"rank_sums", rank_sums},       {NULL, NULL}};

void ag_lua_open_search(lua_State *L) {
  ag_lua_register(L, &space_class);
  ag_lua_register(L, &batch_class);
  ag_lua_register(L, &prices_class);
  luaL_setfuncs(L, functions, 0);
}
