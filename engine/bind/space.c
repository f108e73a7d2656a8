/* Class Space: what mutation draws on, and the children it makes. A Space keeps its tokenizer,
 * database and predictor alive through its user value; rows of a batch are numbered from 1. */
#include <limits.h>
#include <stdlib.h>

#include "autogo/search.h"
#include "engine/bind/bind.h"

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
  uint64_t ops = ag_lua_option_ops(L, 1, "ops", UINT64_MAX);
  for (int op = 0; op < AG_OP_COUNT; op++)
    options.permitted[op] = (ops & ag_op_bit((ag_op)op)) != 0;
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

/* space:make(batch, {rows}) -> sequence of {graph =, order =, score =}: the children as graphs in
 * canonical order, scored; order as of g:canonical(), in bytes (core.follow) */
static int space_make(lua_State *L) {
  const ag_space *space = check_space(L);
  const ag_batch *batch = ag_lua_check(L, 2, AG_LUA_BATCH);
  int count;
  lua_settop(L, 3);
  luaL_checktype(L, 3, LUA_TTABLE);
  int32_t *rows = ag_lua_check_rows(L, 3, batch->size, &count);
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
    lua_pushlstring(L, (const char *)made[i].order,
                    (size_t)made[i].graph->size * sizeof *made[i].order);
    lua_setfield(L, -2, "order");
    lua_pushnumber(L, made[i].score);
    lua_setfield(L, -2, "score");
    lua_pop(L, 1);
  }
  return 1;
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

static const luaL_Reg functions[] = {{"space", space_new}, {NULL, NULL}};

void ag_lua_open_space(lua_State *L) {
  ag_lua_register(L, &space_class);
  luaL_setfuncs(L, functions, 0);
}
