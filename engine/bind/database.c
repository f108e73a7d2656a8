/* Class Database: mined segments. Entries and their variants count from 1, as
 * sequences do in Lua. Class Miner mines graph by graph. */
#include <limits.h>
#include <string.h>

#include "autogo/mining.h"
#include "engine/bind/bind.h"

#define AG_LUA_MINER "autogo.Miner"

static ag_database *check_database(lua_State *L, int arg) {
  return ag_lua_check(L, arg, AG_LUA_DATABASE);
}

/* --- mining, files ------------------------------------------------------------------------- */

/* mine({graphs}, tokenizer) -> Database | nil, message */
static int mine(lua_State *L) {
  int count;
  ag_error err;
  const ag_tokenizer *t = ag_lua_check(L, 2, AG_LUA_TOKENIZER);
  const ag_graph **graphs = ag_lua_check_graphs(L, 1, &count);
  void **box = ag_lua_box(L, AG_LUA_DATABASE);
  ag_database *db;
  if (ag_database_mine(t, graphs, count, &db, &err)) return ag_lua_fail(L, &err);
  *box = db;
  return 1;
}

/* miner(tokenizer) -> Miner */
static int new_miner(lua_State *L) {
  const ag_tokenizer *t = ag_lua_pin(L, 1, AG_LUA_TOKENIZER);
  void **box = ag_lua_box(L, AG_LUA_MINER);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  *box = ag_miner_new(t);
  return 1;
}

static int miner_add(lua_State *L) {
  ag_error err;
  ag_miner *miner = ag_lua_check(L, 1, AG_LUA_MINER);
  return ag_lua_result(L, ag_miner_add(miner, ag_lua_check_graph(L, 2), &err), &err);
}

/* miner:finish() -> Database | nil, message; the miner is closed whatever comes
 * of it */
static int miner_finish(lua_State *L) {
  ag_error err;
  ag_miner *miner = ag_lua_check(L, 1, AG_LUA_MINER);
  void **old = lua_touserdata(L, 1), **box = ag_lua_box(L, AG_LUA_DATABASE);
  ag_database *db;
  *old = NULL;
  if (ag_miner_finish(miner, &db, &err)) return ag_lua_fail(L, &err);
  *box = db;
  return 1;
}

static int load_database(lua_State *L) {
  ag_error err;
  const char *path = luaL_checkstring(L, 1);
  void **box = ag_lua_box(L, AG_LUA_DATABASE);
  ag_database *db;
  if (ag_database_load(path, &db, &err)) return ag_lua_fail(L, &err);
  *box = db;
  return 1;
}

static int database_save(lua_State *L) {
  ag_error err;
  const ag_database *db = check_database(L, 1);
  return ag_lua_result(L, ag_database_save(db, luaL_checkstring(L, 2), &err), &err);
}

/* --- entries ------------------------------------------------------------------------------- */

static const ag_entry *check_entry(lua_State *L) {
  const ag_database *db = check_database(L, 1);
  return ag_database_get(db, (int)ag_lua_check_range(L, 2, 1, ag_database_size(db)) - 1);
}

static void push_families(lua_State *L, const ag_database *db, uint32_t families) {
  lua_newtable(L);
  for (int i = 0, n = 0; i < ag_database_families(db); i++) {
    if (!(families & (UINT32_C(1) << i))) continue;
    lua_pushstring(L, ag_database_family(db, i));
    lua_rawseti(L, -2, ++n);
  }
}

/* {op = number of nodes} */
static void push_ops(lua_State *L, const ag_segment *segment) {
  int counts[AG_OP_COUNT] = {0};
  for (int i = 0; i < segment->size; i++) counts[segment->nodes[i].op]++;
  lua_newtable(L);
  for (int op = 0; op < AG_OP_COUNT; op++)
    if (counts[op] > 0) ag_lua_set_integer(L, ag_op_get((ag_op)op)->name, counts[op]);
}

static int edges(const ag_segment *s) {
  int count = 0;
  for (int k = 0; k < s->operand_start[s->size]; k++) count += s->operands[k] >= 0;
  return count;
}

/* db:entry(i) -> {size, edges, inputs, outputs, count, variants, families, ops,
 * hash} */
static int database_entry(lua_State *L) {
  const ag_entry *e = check_entry(L);
  lua_createtable(L, 0, 9);
  ag_lua_set_integer(L, "size", e->size);
  ag_lua_set_integer(L, "edges", edges(e->variant[0]));
  ag_lua_set_integer(L, "inputs", e->inputs);
  ag_lua_set_integer(L, "outputs", e->outputs);
  ag_lua_set_integer(L, "count", e->count);
  ag_lua_set_integer(L, "variants", e->variants);
  push_families(L, check_database(L, 1), e->families);
  lua_setfield(L, -2, "families");
  push_ops(L, e->variant[0]);
  lua_setfield(L, -2, "ops");
  ag_lua_push_hash(L, e->hash);
  lua_setfield(L, -2, "hash");
  return 1;
}

/* db:segment(i [, variant]) -> Segment, times it was seen with these shapes */
static int database_segment(lua_State *L) {
  const ag_entry *e = check_entry(L);
  int v = lua_isnoneornil(L, 3) ? 0 : (int)ag_lua_check_range(L, 3, 1, e->variants) - 1;
  void **box = ag_lua_box(L, AG_LUA_SEGMENT);
  *box = ag_lua_make_segment(ag_segment_copy(e->variant[v]), -1);
  lua_pushinteger(L, e->variant_count[v]);
  return 2;
}

/* --- selecting, merging -------------------------------------------------------------------- */

static uint32_t find_family(lua_State *L, const ag_database *db) {
  const char *name = lua_tostring(L, -1);
  for (int i = 0; name && i < ag_database_families(db); i++)
    if (strcmp(ag_database_family(db, i), name) == 0) return UINT32_C(1) << i;
  return (uint32_t)ag_lua_option_error(L, -1, "families", "names of its families");
}

/* Option "families": {name, ...}. */
static uint32_t read_families(lua_State *L, int arg, const ag_database *db) {
  uint32_t families = 0;
  int type = ag_lua_option(L, arg, "families"), at = lua_gettop(L);
  if (type != LUA_TNIL && type != LUA_TTABLE)
    ag_lua_option_error(L, at, "families", "list of names");
  for (lua_Integer i = 1; type == LUA_TTABLE && lua_rawgeti(L, at, i) != LUA_TNIL; i++) {
    families |= find_family(L, db);
    lua_pop(L, 1);
  }
  lua_settop(L, at - 1);
  return families;
}

/* db:select{ops=, families=, min_size=, max_size=, min_count=, max_variants=}
 * -> Database */
static int database_select(lua_State *L) {
  static const char *const known[] = {"ops",       "families",     "min_size", "max_size",
                                      "min_count", "max_variants", NULL};
  const ag_database *db = check_database(L, 1);
  lua_settop(L, 2);
  ag_lua_options(L, 2, known);
  ag_database_filter filter = {
      .ops = ag_lua_option_ops(L, 2, "ops", 0),
      .families = read_families(L, 2, db),
      .min_size = (int)ag_lua_option_integer(L, 2, "min_size", 0, 0, INT_MAX),
      .max_size = (int)ag_lua_option_integer(L, 2, "max_size", 0, 0, INT_MAX),
      .min_count = ag_lua_option_integer(L, 2, "min_count", 0, 0, LLONG_MAX),
      .max_variants = (int)ag_lua_option_integer(L, 2, "max_variants", 0, 0, INT_MAX)};
  void **box = ag_lua_box(L, AG_LUA_DATABASE);
  *box = ag_database_select(db, &filter);
  return 1;
}

/* db:merge(other) -> Database | nil, message */
static int database_merge(lua_State *L) {
  ag_error err;
  const ag_database *a = check_database(L, 1), *b = check_database(L, 2);
  void **box = ag_lua_box(L, AG_LUA_DATABASE);
  ag_database *merged;
  if (ag_database_merge(a, b, &merged, &err)) return ag_lua_fail(L, &err);
  *box = merged;
  return 1;
}

/* --- classes ------------------------------------------------------------------------------- */

static int field_size(lua_State *L) {
  lua_pushinteger(L, ag_database_size(check_database(L, 1)));
  return 1;
}

static int field_families(lua_State *L) {
  push_families(L, check_database(L, 1), UINT32_MAX);
  return 1;
}

static void release_database(void *object) {
  ag_database_free(object);
}

static void describe_database(lua_State *L, void *object) {
  lua_pushfstring(L, "Database (%d segments, %d families)", ag_database_size(object),
                  ag_database_families(object));
}

static void release_miner(void *object) {
  ag_miner_free(object);
}

static void describe_miner(lua_State *L, void *object) {
  (void)object;
  lua_pushliteral(L, "Miner");
}

static const luaL_Reg methods[] = {{"entry", database_entry},   {"segment", database_segment},
                                   {"select", database_select}, {"merge", database_merge},
                                   {"save", database_save},     {NULL, NULL}};

static const luaL_Reg fields[] = {{"size", field_size}, {"families", field_families}, {NULL, NULL}};

static const luaL_Reg metamethods[] = {{"__len", field_size}, {NULL, NULL}};

static const ag_lua_class database_class = {.name = AG_LUA_DATABASE,
                                            .release = release_database,
                                            .describe = describe_database,
                                            .methods = methods,
                                            .fields = fields,
                                            .metamethods = metamethods};

static const luaL_Reg miner_methods[] = {
    {"add", miner_add}, {"finish", miner_finish}, {NULL, NULL}};

static const ag_lua_class miner_class = {.name = AG_LUA_MINER,
                                         .release = release_miner,
                                         .describe = describe_miner,
                                         .methods = miner_methods};

static const luaL_Reg functions[] = {
    {"mine", mine}, {"miner", new_miner}, {"load_database", load_database}, {NULL, NULL}};

void ag_lua_open_database(lua_State *L) {
  ag_lua_register(L, &database_class);
  ag_lua_register(L, &miner_class);
  luaL_setfuncs(L, functions, 0);
}
